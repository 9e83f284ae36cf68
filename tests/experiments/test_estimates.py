"""``lobby estimates evaluate``: an observed history judged by what was known when each customer came (T9)."""

import json
from collections.abc import Sequence
from datetime import UTC, date
from pathlib import Path
from xml.etree import ElementTree

import pytest

from services.ops.cli.main import main
from services.ops.errors import UsageError
from services.ops.experiments.wait_estimates.evaluate import Judged, Play
from services.ops.experiments.wait_estimates.observed import customers_of
from services.ops.experiments.wait_estimates.picture import draw
from services.ops.experiments.wait_estimates.report import document, told
from services.ops.simulator.trace import parse_trace
from services.triage.policy import Policy
from tests.experiments.history import HEADER, history

FROM = date(2026, 3, 6)


def played(lines: Sequence[str]) -> Sequence[Judged]:
    trace = parse_trace(lines, UTC)
    assert not trace.bad
    return Play(policy=Policy(), customers=customers_of(trace.rows)).run()


def row(second: int, service: int, waited: int, outcome: str = "served", priority: int = 0) -> str:
    clock = f"{9 + second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
    return f"2026-03-02T{clock}+08:00,account_service,{priority},,{service},,{waited},{outcome},A\n"


@pytest.fixture(scope="module")
def fortnight() -> Sequence[Judged]:
    return played(history(10))


def test_who_never_queued_or_gave_up_is_not_judged() -> None:
    lines = [
        HEADER,
        row(0, 100, 0),
        row(10, 50, 90),
        row(20, 0, 30, "abandoned"),
        row(30, 5, 120),
        row(40, 0, 0, "abandoned"),
    ]
    assert [one.customer.waited_s for one in played(lines)] == [90, 120]


def test_the_baselines_are_those_of_the_literature() -> None:
    """The fourth comes while two wait, the first has been served for 30 s, one that took 100 s has ended."""
    lines = [HEADER, row(0, 100, 0), row(110, 60, 0), row(120, 40, 50), row(130, 10, 80, "abandoned"), row(140, 9, 70)]
    last = played(lines)[-1]
    assert last.baselines == {"les": 0, "hol": 20, "queue": 3 * 100 / 1, "queue_of_served": 2 * 100 / 1}


def test_a_service_of_no_length_leaves_its_server_free() -> None:
    lines = [HEADER, *(row(at, 0, 0) for at in range(5)), row(10, 0, 5), row(20, 100, 0), row(30, 1, 90)]
    assert played(lines)[-1].baselines["queue"] == 0  # six services of 0 s, one server busy


def test_what_is_said_depends_on_nothing_that_comes_later() -> None:
    """The same history cut off at some hour, or with another end, was told the same until then."""
    lines = history(3)
    cut = parse_trace(lines, UTC).rows[700].arrived_at
    until = [one for one in played(lines) if one.customer.came < cut]
    early = {one.customer: one.quote for one in played(lines[:702])}
    assert len(until) > 300
    for one in until:
        if one.customer in early:
            assert early[one.customer] == one.quote
    assert len(early) >= len(until) - 1


def test_two_evaluations_of_a_history_agree(fortnight: Sequence[Judged]) -> None:
    again = played(history(10))
    assert [(one.quote, one.later) for one in again] == [(one.quote, one.later) for one in fortnight]


def test_the_estimator_beats_the_simple_ones_and_nine_of_ten_promises_hold(fortnight: Sequence[Judged]) -> None:
    figures = document(fortnight, FROM, None)
    assert figures["n"] > 1000
    assert figures["mae_s"] < 0.9 * min(figures["baselines"][name]["mae_s"] for name in ("les", "hol", "queue"))
    assert 0.88 <= figures["p90_coverage"] <= 0.92
    assert figures["estimate_us"]["mean"] < 1000


def test_each_priority_is_told_its_own_wait(fortnight: Sequence[Judged]) -> None:
    """The better customers overtake: they're promised less, and theirs is kept as often."""
    groups = {each["group"]: each for each in document(fortnight, FROM, None)["groups"]}
    assert groups["account_service/1"]["mae_s"] < 0.5 * groups["account_service/0"]["mae_s"]
    for each in groups.values():
        assert 0.86 <= each["p90_coverage"] <= 0.94


def test_an_estimate_is_corrected_while_its_customer_waits(fortnight: Sequence[Judged]) -> None:
    later = document(fortnight, FROM, None)["after_a_minute"]
    assert later["n"] > 500
    assert later["mae_s"] < 0.95 * later["uncorrected_mae_s"]


def test_nine_of_ten_promises_hold_again_after_the_branch_has_become_slower() -> None:
    judged = played(history(12, slower_from=6))
    assert 0.87 <= document(judged, date(2026, 3, 9), None)["p90_coverage"] <= 0.93


def test_the_picture_is_one_well_formed_svg_without_anything_to_load(fortnight: Sequence[Judged]) -> None:
    picture = draw(told(fortnight, FROM, None))
    root = ElementTree.fromstring(picture)
    assert len(root.findall(".//{http://www.w3.org/2000/svg}circle")) > 300
    assert "href" not in picture


def test_the_command_prints_the_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, picture = tmp_path / "day.csv", tmp_path / "waits.svg"
    file.write_text("".join(history(2)))
    arguments = ["estimates", "evaluate", "--trace", str(file), "--from", "2026-03-03"]
    assert main([*arguments, "--json", "--picture", str(picture)]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert {"n", "mae_s", "p90_coverage", "baselines"} <= figures.keys()
    assert {each["date"] for each in figures["days"]} == {"2026-03-03"}
    assert picture.read_text().startswith("<svg")
    assert main(arguments) == 0
    assert f"{figures['mae_s']:.1f}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("picture", "words"), [("waits.png", "draws .svg"), ("waits", "draws .svg"), ("no/waits.svg", "no folder")]
)
def test_a_picture_of_another_kind_is_refused_before_anything_is_played(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], picture: str, words: str
) -> None:
    arguments = ["estimates", "evaluate", "--trace", str(tmp_path / "none.csv"), "--picture", str(tmp_path / picture)]
    assert main(arguments) == 2
    assert words in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("lines", "word"),
    [
        ([HEADER, row(0, 9, 5).replace("served", "")], "observed_outcome"),
        ([HEADER, row(0, 9, 5).replace(",5,served", ",,served")], "observed_wait_s"),
        ([HEADER, row(0, 9, 0)], "nobody who queued"),
        ([HEADER, "yesterday,a,0,,1,,1,served,\n"], "bad rows"),
        (["arrived_at\n"], "business"),
    ],
)
def test_a_history_that_cannot_be_judged_by_is_refused_with_the_reason(
    lines: list[str], word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "day.csv"
    file.write_text("".join(lines))
    assert main(["estimates", "evaluate", "--trace", str(file)]) == 2
    assert word in capsys.readouterr().err


def test_an_unobserved_row_is_told_with_its_line() -> None:
    trace = parse_trace([HEADER, row(0, 9, 5), row(1, 9, 5).replace("served", "")], UTC)
    with pytest.raises(UsageError, match="line 3"):
        customers_of(trace.rows)

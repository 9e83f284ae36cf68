"""Two policies side by side: what differs is found, what doesn't is not, and anybody can ask."""

import builtins
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from services.ops.cli.main import main
from services.ops.experiments.policy_comparison.comparison import Comparison, compared
from services.ops.experiments.policy_comparison.figures import Pair
from services.ops.experiments.policy_comparison.run import Question, compare

TRACE_HEADER = "arrived_at,business,priority,customer,service_s,patience_s,branch\n"
NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three policies and a busy hour: 120 customers, half of them with a gold card, at four counters' work for five."""
    rows = [
        f"{(NINE + timedelta(seconds=30 * n)).isoformat()},account_service,{n % 2},,{100 + n % 7 * 20},,\n"
        for n in range(120)
    ]
    (tmp_path / "trace.csv").write_text(TRACE_HEADER + "".join(rows))
    (tmp_path / "plain.yaml").write_text("priority_of_tier: {gold: 0}\n")
    (tmp_path / "same.yaml").write_text("priority_of_tier: {gold: 0, none: 0}\n")
    (tmp_path / "gold.yaml").write_text("priority_of_tier: {gold: 5}\n")
    return tmp_path


def ask(folder: Path, b: str, **given: Any) -> Comparison:
    question: dict[str, Any] = {"zone": UTC, "counters": 5, "seeds": 4, "processes": 1, "trace": folder / "trace.csv"}
    return compare(Question(policies=(folder / "plain.yaml", folder / b), **{**question, **given}), lambda: None)


def test_the_same_policy_twice_differs_in_nothing(folder: Path) -> None:
    """The customers are the same, whatever the seed: paired, so that chance is no difference."""
    found = ask(folder, "same.yaml")
    assert {each.evidence for each in found.compared} == {"none"}
    for each in found.compared:
        assert each.difference is not None
        assert (each.difference.low, each.difference.high) == (0, 0)
    mean = found.of("all", "mean")
    assert mean is not None
    assert mean.a is not None
    assert mean.a.mean > 60
    assert mean.a.low < mean.a.mean < mean.a.high, "seeds differ"


def test_a_priority_shortens_the_waits_of_who_has_it_and_lengthens_the_others(folder: Path) -> None:
    found = ask(folder, "gold.yaml", seeds=12)
    gold, plain = found.of("priority:gold", "mean"), found.of("priority:none", "mean")
    assert gold is not None
    assert plain is not None
    assert gold.difference is not None
    assert plain.difference is not None
    assert gold.difference.high < 0 < plain.difference.low
    assert {gold.evidence, plain.evidence} == {"strong"}
    overtakings = found.of("all", "overtakings")
    assert overtakings is not None
    assert overtakings.difference is not None
    assert overtakings.difference.low > 0
    assert overtakings.evidence == "strong"
    capped = found.of("all", "most_overtaken")
    assert capped is not None
    assert capped.b is not None
    assert capped.b.high <= 10


def test_processes_and_seeds_do_not_change_what_a_seed_gives(folder: Path) -> None:
    """Two processes say the same as one; the command may be repeated."""
    assert ask(folder, "gold.yaml").compared == ask(folder, "gold.yaml", processes=2).compared
    assert ask(folder, "gold.yaml").compared != ask(folder, "gold.yaml", seed=50).compared


def test_a_figure_that_only_some_seeds_have_is_compared_where_both_have_it() -> None:
    pairs = [
        Pair(a={("g", "mean"): 1.0}, b={("g", "mean"): 3.0}, events=1),
        Pair(a={}, b={("g", "mean"): 9.0}, events=1),
        Pair(a={("g", "mean"): 2.0}, b={("g", "mean"): 5.0}, events=1),
    ]
    (found,) = compared(pairs)
    assert found.a is not None
    assert found.b is not None
    assert found.difference is not None
    assert (found.a.mean, round(found.b.mean, 3), found.difference.mean) == (1.5, 5.667, 2.5)


def test_one_of_a_hundred_figures_that_differs_by_chance_is_no_strong_evidence() -> None:
    """Differences of pure chance, seed by seed: some intervals exclude zero, none with the others in mind."""
    from random import Random

    random = Random(4)
    keys = [(f"g{n}", "mean") for n in range(100)]
    pairs = [Pair(a=dict.fromkeys(keys, 0.0), b={key: random.gauss(0, 1) for key in keys}, events=1) for _ in range(12)]
    evidence = [each.evidence for each in compared(pairs)]
    assert 1 <= evidence.count("some") <= 12
    assert "strong" not in evidence


def lobby(folder: Path, *more: str, b: str = "gold.yaml") -> int:
    files = ("--compare", str(folder / "plain.yaml"), str(folder / b), "--trace", str(folder / "trace.csv"))
    return main(["simulate", *files, "--counters", "5", "--seeds", "2", *more])


def test_the_command_prints_tables(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lobby(folder) == 0
    out = capsys.readouterr().out.replace("\n", "")  # a long path goes on in the next line
    for text in ("金卡", "gold card", "p99", "被超越次数", "忙碌率", "plain.yaml", "120 位客户"):
        assert text in out


def test_the_command_prints_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lobby(folder, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["customers"], found["seeds"], found["level"]) == (120, 2, 0.95)
    assert found["dates"] == ["2026-01-05"]
    assert found["groups"]["priority:gold"]["p90"]["difference"]["mean"] < 0
    assert set(found["groups"]["counter:5"]) == {"utilisation", "served"}


def test_the_picture_is_svg_or_png(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lobby(folder, "--json", "--picture", str(folder / "new.svg")) == 0
    assert ElementTree.parse(folder / "new.svg").getroot().tag == "{http://www.w3.org/2000/svg}svg"
    assert lobby(folder, "--json", "--picture", str(folder / "new.png")) == 0
    assert (folder / "new.png").read_bytes().startswith(b"\x89PNG")
    capsys.readouterr()
    assert lobby(folder, "--picture", str(folder / "new.doc")) == 2
    assert ".svg or .png" in capsys.readouterr().err


@pytest.mark.filterwarnings("error")
def test_the_picture_of_a_day_on_which_nobody_is_let_in_is_drawn(folder: Path) -> None:
    hours = "opening_hours: {mon: [], tue: [], wed: [], thu: [], fri: []}\noutside_hours: refuse\n"
    (folder / "plain.yaml").write_text(hours)
    picture = folder / "new.svg"
    assert lobby(folder, "--json", "--picture", str(picture), b="plain.yaml") == 0
    assert ElementTree.parse(picture).getroot().tag == "{http://www.w3.org/2000/svg}svg"


@pytest.mark.parametrize("library", ["matplotlib", "scipy"])
def test_without_the_extra_s_libraries_the_command_says_how_to_get_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], library: str
) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.startswith(library):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    assert lobby(folder, "--picture", str(folder / "new.svg")) == 2
    assert "lobby[experiments]" in capsys.readouterr().err


def test_a_mistake_in_a_policy_is_told_with_file_line_and_field(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "bad.yaml").write_text("green_age: 65\nmax_overtakes: no\n")
    assert lobby(folder, b="bad.yaml") == 2
    assert "bad.yaml:2: max_overtakes" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--staffing", "x.yaml"], "--counters and --staffing"),
        (["--speed", "60"], "--compare needs none"),
        (["--picture", "/no/such/folder/x.svg"], "no folder"),
        (["--date", "2026-01-06"], "nobody comes"),
        (["--branch", "a", "--branch", "b"], "one --branch"),
        (["--from", "2026-01-06", "--to", "2026-01-05"], "is after --to"),
    ],
)
def test_what_does_not_go_together_is_refused(
    folder: Path, capsys: pytest.CaptureFixture[str], more: list[str], words: str
) -> None:
    assert lobby(folder, *more) == 2
    assert words in capsys.readouterr().err


def test_a_trace_of_several_branches_needs_one_to_be_chosen(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"{NINE.isoformat()},account_service,0,,60,,{branch}\n" for branch in ("north", "south", "south")]
    (folder / "trace.csv").write_text(TRACE_HEADER + "".join(rows))
    assert lobby(folder) == 2
    assert "--branch north|south" in capsys.readouterr().err
    assert lobby(folder, "--branch", "south", "--json") == 0
    assert json.loads(capsys.readouterr().out)["customers"] == 2


def test_staffing_and_picture_belong_to_a_comparison(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", "--picture", "x.svg"]) == 2
    assert "--compare" in capsys.readouterr().err


def test_all_days_and_one_day(folder: Path) -> None:
    rows = [f"{(NINE + timedelta(days=day)).isoformat()},account_service,0,,60,,\n" for day in range(3)]
    (folder / "trace.csv").write_text(TRACE_HEADER + "".join(rows))
    assert ask(folder, "same.yaml").dates == ("2026-01-05", "2026-01-06", "2026-01-07")
    assert ask(folder, "same.yaml", first=date(2026, 1, 6), last=date(2026, 1, 6)).customers == 1


def test_without_a_trace_a_day_is_made_up(folder: Path) -> None:
    found = ask(folder, "same.yaml", trace=None, seeds=2)
    assert found.customers == 300
    assert found.of("channel:self_service", "customers") is not None


def test_a_day_on_which_nobody_is_let_in_is_no_mistake(folder: Path) -> None:
    (folder / "night.yaml").write_text('shifts: {"22:00": {1: [counter]}}\ndevices: {}\n')
    found = ask(folder, "same.yaml", counters=None, staffing=folder / "night.yaml")
    refused = found.of("all", "refused")
    assert refused is not None
    assert refused.a is not None
    assert refused.a.mean == 120

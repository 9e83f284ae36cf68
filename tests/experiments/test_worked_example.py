"""docs/triage.md tells the truth: its example is what triage does, and its files are read."""

import re
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path

from docs.pictures import GUESTS, OPENS, calling_order, draw_calling_order
from services.ops.experiments.policy_comparison.run import Question, compare
from services.triage.policy_file import default

DOCS = Path(__file__).parents[2] / "docs"
ROW = re.compile(r"^\| ([AG]\d+) \| ([a-z0-9 ]+) \| ([\d:]+) \| ([\d:]+) \| (\d+) min \| (\d+) \|$", re.MULTILINE)


def test_the_table_of_the_example_is_what_happens() -> None:
    told = ROW.findall((DOCS / "triage.md").read_text("utf-8"))
    fates = calling_order(default().of().policy)
    assert told == [
        (
            fate.number,
            guest.en,
            f"{OPENS + timedelta(minutes=guest.minute):%H:%M}",
            f"{OPENS + timedelta(minutes=guest.minute, seconds=fate.waited_s):%H:%M}",
            f"{fate.waited_s / 60:.0f}",
            str(fate.overtaken),
        )
        for guest, fate in zip(GUESTS, fates, strict=True)
    ]


def test_with_a_cap_of_one_the_third_customer_is_called_before_the_gold_card() -> None:
    capped = calling_order(replace(default().of().policy, max_overtakes=1))
    assert [(OPENS + timedelta(minutes=2, seconds=capped[2].waited_s)).minute, capped[2].overtaken] == [12, 1]
    assert max(fate.overtaken for fate in capped) == 1


def test_the_picture_of_the_example_can_be_drawn(tmp_path: Path) -> None:
    draw_calling_order(tmp_path / "order.svg")
    assert "<svg" in (tmp_path / "order.svg").read_text("utf-8")


def test_the_example_files_are_read() -> None:
    names = ("policy-today", "policy-trial", "staffing")
    today, trial, staffing = (DOCS / "examples" / f"{name}.yaml" for name in names)
    found = compare(Question(policies=(today, trial), zone=UTC, staffing=staffing, seeds=2, processes=1), lambda: None)
    assert found.counters == ("1", "2", "3", "4")
    assert found.of("channel:vip", "customers") is not None

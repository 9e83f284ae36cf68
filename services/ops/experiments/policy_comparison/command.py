"""``lobby simulate --compare``, from the question to what the user sees."""

import json
import sys
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from services.ops.errors import UsageError
from services.ops.experiments.policy_comparison.comparison import Comparison
from services.ops.experiments.policy_comparison.report import show
from services.ops.experiments.policy_comparison.run import Question, compare


def answer(question: Question, picture: Path | None, *, as_json: bool) -> None:
    """Compare, and print tables or JSON; draw the picture where one is wanted."""
    _require_libraries()
    if picture is not None:
        from services.ops.experiments.policy_comparison.picture import draw, require_kind

        require_kind(picture)
    found = _compared(question, quiet=as_json or not sys.stderr.isatty())
    if picture is not None:
        draw(found, picture)
    if as_json:
        sys.stdout.write(json.dumps(found.document(), ensure_ascii=False) + "\n")
    else:
        show(found, Console())


def _require_libraries() -> None:
    try:
        import matplotlib as _matplotlib  # noqa: F401 - only whether it's there
        import scipy as _scipy  # noqa: F401 - as above
    except ImportError:
        raise UsageError("--compare needs scipy and matplotlib: pip install 'lobby[experiments]'") from None


def _compared(question: Question, *, quiet: bool) -> Comparison:
    text = TextColumn("{task.description}")
    columns = (text, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=quiet) as progress:
        task = progress.add_task("抽样 seeds", total=question.seeds)
        return compare(question, lambda: progress.advance(task))

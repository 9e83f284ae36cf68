"""A picture of an evaluation: quoted against waited, and the error over the day. One SVG, nothing to load."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean

WIDTH, HEIGHT = 960, 420
SIDE, LEFT, TOP = 320, 70, 50
DAY_LEFT, DAY_WIDTH = 500, 420
DOTS_LIMIT = 2000
OURS, COVERED, THEIRS = "#0b6e4f", "#c77d0a", "#8a94a6"
STYLE = "text{font:12px system-ui,'Noto Sans CJK SC',sans-serif;fill:#1d2733} .t{font-size:15px;font-weight:600}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What a customer was told, and waited; ``hol_s``: what the wait of the head of the line would have told them."""

    came: datetime
    waited_s: float
    p50_s: float
    p90_s: float
    hol_s: float | None = None


def draw(found: Sequence[Told]) -> str:
    """Return the picture of these customers, of whom there is at least one."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"><style>{STYLE}</style>'
    parts = (head, f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>', *_dots(found), *_hours(found), "</svg>\n")
    return "\n".join(parts)


def _dots(found: Sequence[Told]) -> Iterable[str]:
    """The left half: a dot for each customer; on the line, promise and wait are the same."""
    most = max(60.0, sorted(max(one.waited_s, one.p50_s) for one in found)[int(0.99 * len(found))])
    yield _text(LEFT, 26, "预计与实际等候 · quoted and waited", "t")
    yield f'<path d="M{LEFT} {TOP + SIDE}L{LEFT + SIDE} {TOP}" stroke="{THEIRS}" stroke-dasharray="4 4" fill="none"/>'
    yield from _frame(LEFT, SIDE)
    for one in found[:: max(1, len(found) // DOTS_LIMIT)]:
        x, y = one.p50_s / most, one.waited_s / most
        if max(x, y) <= 1:
            yield f'<circle cx="{LEFT + SIDE * x:.1f}" cy="{_up(y):.1f}" r="2" fill="{OURS}" fill-opacity=".35"/>'
    for part in (0.0, 0.5, 1.0):
        yield _text(LEFT + SIDE * part, TOP + SIDE + 18, f"{most * part:.0f}", anchor="middle")
        yield _text(LEFT - 8, _up(part) + 4, f"{most * part:.0f}", anchor="end")
    yield _text(LEFT + SIDE / 2, TOP + SIDE + 38, "预计中位数 秒 · quoted median, s", anchor="middle")
    yield f'<g transform="rotate(-90 18 {TOP + SIDE / 2:.0f})">'
    yield _text(18, TOP + SIDE / 2, "实际等候 秒 · waited, s", anchor="middle") + "</g>"


def _hours(found: Sequence[Told]) -> Iterable[str]:
    """The right half: the mean absolute error of each hour, ours and the best-known simple one's; and p90."""
    hours = sorted({one.came.hour for one in found})
    by_hour = {hour: [one for one in found if one.came.hour == hour] for hour in hours}
    ours = {hour: fmean(abs(one.p50_s - one.waited_s) for one in by_hour[hour]) for hour in hours}
    theirs = {hour: _error_of_hol(by_hour[hour]) for hour in hours}
    covered = {hour: fmean(one.waited_s <= one.p90_s for one in by_hour[hour]) for hour in hours}
    most = max(1.0, *ours.values(), *theirs.values()) * 1.15
    step = DAY_WIDTH / len(hours)
    yield _text(DAY_LEFT, 26, "一天中的误差 · error over the day", "t")
    yield from _frame(DAY_LEFT, DAY_WIDTH)
    for place, hour in enumerate(hours):
        x = DAY_LEFT + step * place
        yield _bar(x + step * 0.15, step * 0.34, ours[hour] / most, OURS)
        yield _bar(x + step * 0.51, step * 0.34, theirs[hour] / most, THEIRS)
        yield f'<circle cx="{x + step / 2:.1f}" cy="{_up(covered[hour]):.1f}" r="4" fill="{COVERED}"/>'
        yield _text(x + step / 2, TOP + SIDE + 18, str(hour), anchor="middle")
    yield f'<path d="M{DAY_LEFT} {_up(0.9):.1f}h{DAY_WIDTH}" stroke="{COVERED}" stroke-dasharray="4 4"/>'
    for part in (0.0, 0.5, 1.0):
        yield _text(DAY_LEFT - 8, _up(part) + 4, f"{most * part:.0f} s", anchor="end")
    yield from _legend([OURS, THEIRS, COVERED] if any(theirs.values()) else [OURS, COVERED])


def _error_of_hol(found: Sequence[Told]) -> float:
    errors = [abs(one.hol_s - one.waited_s) for one in found if one.hol_s is not None]
    return fmean(errors) if errors else 0.0


def _legend(colours: Sequence[str]) -> Iterable[str]:
    words = {OURS: "本系统 · ours", THEIRS: "队首已等 · HOL", COVERED: "p90 覆盖 · covered (90 %)"}
    for place, colour in enumerate(colours):
        x = DAY_LEFT + 120 * place
        yield f'<rect x="{x}" y="{TOP + SIDE + 29}" width="10" height="10" fill="{colour}"/>'
        yield _text(x + 15, TOP + SIDE + 38, words[colour])


def _frame(x: float, width: float) -> Iterable[str]:
    yield f'<rect x="{x}" y="{TOP}" width="{width}" height="{SIDE}" fill="none" stroke="#d5dae2"/>'


def _bar(x: float, width: float, height: float, colour: str) -> str:
    return f'<rect x="{x:.1f}" y="{_up(height):.1f}" width="{width:.1f}" height="{SIDE * height:.1f}" fill="{colour}"/>'


def _up(part: float) -> float:
    return TOP + SIDE * (1 - part)


def _text(x: float, y: float, words: str, style: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{style}" text-anchor="{anchor}">{words}</text>'

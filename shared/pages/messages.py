"""The languages of the pages, and their words: a JSON file a language, which the templates and the browser read."""

import json
import re
from collections.abc import Mapping
from datetime import date, datetime, tzinfo
from functools import cache
from importlib.resources import files
from typing import Literal, TypeGuard, get_args

from babel import Locale, negotiate_locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal

Language = Literal["zh-CN", "en"]

LANGUAGES: tuple[Language, ...] = get_args(Language)
DEFAULT: Language = "zh-CN"


def is_language(tag: str | None) -> TypeGuard[Language]:
    """Say whether the pages speak the language of this tag."""
    return tag in LANGUAGES


def choose(asked: str | None, remembered: str | None, accepted: list[str]) -> Language:
    """Return the language to answer in: what was asked for, else what was chosen before, else what the browser likes.

    ``accepted`` are the tags of Accept-Language, the best first.
    """
    for tag in (asked, remembered):
        if is_language(tag):
            return tag
    best = negotiate_locale([_family(tag) for tag in accepted], ["zh", "en"])
    return "en" if best == "en" else DEFAULT


def locale_of(lang: Language) -> Locale:
    """Return how the language writes numbers and dates."""
    return Locale.parse(lang, sep="-")


def _family(tag: str) -> str:
    return tag.replace("_", "-").split("-")[0].lower()


_HOLE = re.compile(r"{(\w+)}")


@cache
def catalogue(lang: Language) -> Mapping[str, str]:
    """Return a language's messages by their keys."""
    text = files("shared.pages").joinpath("messages", f"{lang}.json").read_text("utf-8")
    messages: dict[str, str] = json.loads(text)
    return messages


class Translator:
    """Says things in one language. A key that does not exist is a KeyError: a page never shows one."""

    def __init__(self, lang: Language) -> None:
        """Read the language's messages."""
        self.lang = lang
        self._locale = locale_of(lang)
        self._messages = catalogue(lang)

    def __call__(self, key: str, **values: object) -> str:
        """Return a message with its holes filled."""
        return _HOLE.sub(lambda hole: str(values[hole[1]]), self._messages[key])

    def name(self, group: str, code: str) -> str:
        """Return a code's name; one that only the bank's policy knows is shown as it is."""
        return self._messages.get(f"{group}.{code}", code)

    def number(self, value: float) -> str:
        """Write a number with the language's separators."""
        return format_decimal(value, locale=self._locale)

    def percent(self, part: int, whole: int) -> str:
        """Write a share with one decimal; a dash where there is nothing to be a share of."""
        return self("unit.percent", n=f"{100 * part / whole:.1f}") if whole else "—"

    def duration(self, seconds: float) -> str:
        """Write a duration given in seconds, to the second below an hour, to the minute above."""
        whole = round(seconds)
        if whole < 60:
            return self("unit.seconds", s=whole)
        if whole < 3600:
            return self("unit.minutes_seconds", m=whole // 60, s=whole % 60)
        return self("unit.hours_minutes", h=whole // 3600, m=whole % 3600 // 60)

    def day(self, day: date) -> str:
        """Write a day in full, with its weekday."""
        return format_date(day, "full", locale=self._locale)

    def time(self, instant: datetime, zone: tzinfo) -> str:
        """Write an instant as the branch's clock shows it, to the minute."""
        return format_datetime(instant, "yyyy-MM-dd HH:mm", tzinfo=zone, locale=self._locale)

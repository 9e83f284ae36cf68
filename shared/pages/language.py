"""The languages of the pages: Chinese first, English second."""

from typing import Literal, TypeGuard, get_args

from babel import Locale, negotiate_locale

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

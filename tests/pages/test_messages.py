"""Every word of the pages exists in both languages, and every word that a page asks for exists."""

import re
from collections.abc import Iterator
from importlib.resources import files
from typing import get_args

import pytest

from shared.contracts.catalog import registry
from shared.contracts.events.incidents import IncidentKind, StepKind
from shared.contracts.events.triage import Channel
from shared.contracts.events.vip import ManagerKind
from shared.contracts.events.worklog import CheckItem, CheckKind, NoteKind
from shared.pages.messages import LANGUAGES, Translator, catalogue

CHINESE, ENGLISH = catalogue("zh-CN"), catalogue("en")
HAN = re.compile("[\u4e00-\u9fff]")
LATIN_WORD = re.compile(r"\b[A-Za-z]{2,}\b")
SAME_ON_PURPOSE = {"language.zh-CN", "language.en"}
TOOLS_OWN_NAMES = {"API", "JavaScript", "Cookie", "ATM", "CRS", "VTM", "VIP", "lobby", "up", "demo"}


def holes(message: str) -> set[str]:
    return set(re.findall(r"{(\w+)}", message))


def test_both_languages_have_the_same_keys() -> None:
    """What is said in one language is said in the other."""
    assert set(CHINESE) == set(ENGLISH)


def test_nothing_is_untranslated() -> None:
    """English holds no Chinese; Chinese holds no English words but names of tools and devices."""
    assert [key for key, text in ENGLISH.items() if HAN.search(text) and key not in SAME_ON_PURPOSE] == []
    strangers = {
        key: words
        for key, text in CHINESE.items()
        if (words := set(LATIN_WORD.findall(re.sub(r"{\w+}", "", text))) - TOOLS_OWN_NAMES)
    }
    strangers.pop("language.en")
    assert strangers == {}


@pytest.mark.parametrize("key", sorted(CHINESE))
def test_a_translation_has_the_same_holes(key: str) -> None:
    """A figure that is told in one language isn't lost in the other."""
    assert holes(CHINESE[key]) == holes(ENGLISH[key])


def test_chinese_is_written_with_chinese_punctuation() -> None:
    """No half-width comma, colon, question mark or bracket beside Chinese words."""
    assert {key: text for key, text in CHINESE.items() if re.search(r"[,;:?()]", text)} == {}


def test_every_event_has_a_sentence() -> None:
    """The feed leaves out nothing because nobody found words for it."""
    assert {type_ for type_ in registry.all_types() if f"event.{type_}" not in CHINESE} == set()


@pytest.mark.parametrize(
    ("group", "codes"),
    [
        ("channel", get_args(Channel)), ("incident", get_args(IncidentKind)), ("step", get_args(StepKind)),
        ("manager", get_args(ManagerKind)), ("item", get_args(CheckItem)), ("check", get_args(CheckKind)),
        ("note", get_args(NoteKind)),
    ],
)  # fmt: skip
def test_every_code_of_the_contracts_has_a_name(group: str, codes: tuple[str, ...]) -> None:
    """A code that is added to a contract needs its word before it reaches a page."""
    assert {code for code in codes if f"{group}.{code}" not in CHINESE} == set()


def asked_for() -> Iterator[tuple[str, str]]:
    """Yield every key that a template or a script asks for by its whole name, with where."""
    for package, folder, ends in (
        ("services.gateway", "templates", ".html"), ("shared.pages", "templates", ".html"),
        ("shared.pages", "static", ".js"),
    ):  # fmt: skip
        pattern = r"""\bt\("([\w.-]+)"[,)]""" if ends == ".html" else r"""\bsay\("([\w.-]+)"[,)]"""
        for entry in files(package).joinpath(folder).iterdir():
            if entry.name.endswith(ends):
                yield from ((entry.name, key) for key in re.findall(pattern, entry.read_text("utf-8")))


def test_every_word_that_is_asked_for_exists() -> None:
    """A script or template that asks for a word that nobody wrote is found here, not by a visitor."""
    asked = list(asked_for())
    assert len(asked) > 50
    assert [(where, key) for where, key in asked if key not in CHINESE] == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_durations_shares_and_numbers(lang: str) -> None:
    """Seconds are shown to the second below an hour; a share of nothing is a dash."""
    say = Translator("zh-CN" if lang == "zh-CN" else "en")
    assert "40" in say.duration(39.6)
    assert {"6", "5"} <= set(re.findall(r"\d+", say.duration(365)))
    assert {"2", "3"} <= set(re.findall(r"\d+", say.duration(2 * 3600 + 3 * 60 + 4)))
    assert say.percent(1, 3) == "33.3%"
    assert say.percent(0, 0) == "—"
    assert say.number(12345) == "12,345"


def test_a_missing_word_is_an_error() -> None:
    """A key is never shown in place of a word."""
    with pytest.raises(KeyError):
        Translator("en")("no.such.key")

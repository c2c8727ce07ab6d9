"""Languages: chosen by hand or by the environment, English where a sentence has no translation."""

from __future__ import annotations

import string

import pytest

from workbench import words
from workbench.errors import DescriptionError, unknown


@pytest.fixture(autouse=True)
def _back_to_english():
    yield
    words.use("en")


def fields_of(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_chinese_is_there_and_english_is_the_fallback(monkeypatch):
    assert words.languages() == ("en", "zh-CN")
    assert words.use("zh") == "zh-CN"
    assert words.tr("No sentence like this one, {n}.", n=3) == "No sentence like this one, 3."
    with pytest.raises(DescriptionError, match="Unknown|未知"):
        words.use("klingon")


def test_the_environment_chooses(monkeypatch):
    monkeypatch.setattr(words, "_chosen", None)
    monkeypatch.setenv("WORKBENCH_LANG", "zh_CN.UTF-8")
    assert words.language() == "zh-CN"
    monkeypatch.setenv("WORKBENCH_LANG", "xx")
    assert words.language() == "en"


@pytest.mark.parametrize("language", [tag for tag in words.languages() if tag != "en"])
def test_a_translation_fills_in_the_same_values(language):
    for english, translated in words.catalogue(language).items():
        assert translated.strip(), english
        assert fields_of(translated) <= fields_of(english), english


def test_an_error_reads_in_chinese():
    words.use("zh-CN")
    assert "network-states" in str(unknown("study", "network-state", ["network-states"]))

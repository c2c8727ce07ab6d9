"""Every sentence a learner can read, in every language we have.

`tr("English sentence with {values}", values=...)` looks the English text up in the catalogue of the current language
(`locale/<language>.json`, English to translation) and fills the values in; a sentence without translation stays English.
The language comes from `use()`, else from the environment variable WORKBENCH_LANG, else it is English.
Translations belong where a sentence is drawn; values, digests and files stay in English.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

__all__ = ["catalogue", "language", "languages", "speaking", "tr", "use"]

_HERE = Path(__file__).parent / "locale"
_chosen: str | None = None
_speaking: ContextVar[str | None] = ContextVar("workbench_language", default=None)


@cache
def languages() -> tuple[str, ...]:
    """The languages we have, English first: ("en", "zh-CN")."""
    found = sorted(p.stem.replace("_", "-") for p in _HERE.glob("*.json")) if _HERE.is_dir() else []
    return ("en", *found)


@cache
def catalogue(language: str) -> dict[str, str]:
    """The sentences of `language`, from English to translation; empty for English."""
    if language == "en":
        return {}
    return json.loads((_HERE / f"{language.replace('-', '_')}.json").read_text(encoding="utf-8"))


def language() -> str:
    """The language sentences are drawn in now."""
    return _speaking.get() or _chosen or _known(os.environ.get("WORKBENCH_LANG", "en")) or "en"


def use(language: str) -> str:
    """Draw sentences in `language` from now on ("en", "zh-CN"); raises DescriptionError for one we do not have."""
    global _chosen
    from workbench.errors import unknown  # noqa: PLC0415  errors asks us for its words

    chosen = _known(language)
    if chosen is None:
        raise unknown("language", language, languages())
    _chosen = chosen
    return chosen


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Draw sentences in `language` inside a `with` block only."""
    token = _speaking.set(language)
    try:
        yield
    finally:
        _speaking.reset(token)


def tr(text: str, /, **values: object) -> str:
    """The sentence `text` in the current language, with `values` filled in."""
    drawn = catalogue(language()).get(text, text)
    return drawn.format(**values) if values else drawn


def _known(wanted: str) -> str | None:
    """The language we have for a tag such as zh_CN.UTF-8, zh-CN or zh; None when there is none."""
    tag = wanted.split(".")[0].replace("_", "-").lower()
    for have in languages():
        if have.lower() == tag or have.lower().split("-")[0] == tag:
            return have
    return None

"""Which font can draw Chinese here: pictures fall back to English labels when none can, never to boxes."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import cache

__all__ = ["chinese", "families"]

# The usual ones on Linux, Windows and macOS, the better-looking first.
_KNOWN = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "Noto Sans CJK JP",
    "PingFang SC",
    "Microsoft YaHei",
    "Hiragino Sans GB",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Heiti SC",
    "SimHei",
    "Arial Unicode MS",
    "Droid Sans Fallback",
)
_FILES = re.compile(
    r"cjk|wqy|sourcehan|yahei|msyh|simhei|pingfang|hiragino|notosanssc|droidsansfallback", re.IGNORECASE
)
_PROBE = "神经元率态网络"


@cache
def chinese() -> str | None:
    """The family name of an installed font that has our Chinese characters, or None; looked for once a process."""
    from matplotlib import font_manager as fm  # noqa: PLC0415  half a second that only a drawn picture needs

    found = _listed(fm)
    if found is None:
        # matplotlib keeps a list of fonts from an earlier day: one installed since is on the disk but not in the list.
        for path in fm.findSystemFonts():
            if _FILES.search(path):
                with suppress(Exception):
                    fm.fontManager.addfont(path)
        found = _listed(fm)
    return found


def families(language: str) -> list[str]:
    """The fonts to draw `language` with, in order of trial for each character."""
    extra = chinese() if language.startswith("zh") else None
    return ["DejaVu Sans", extra] if extra else ["DejaVu Sans"]


def _listed(fm: object) -> str | None:
    paths = {entry.name: entry.fname for entry in fm.fontManager.ttflist}  # type: ignore[attr-defined]
    for name in _KNOWN:
        if name in paths and _draws(fm, paths[name]):
            return name
    return None


def _draws(fm: object, path: str) -> bool:
    with suppress(Exception):
        font = fm.get_font(path)  # type: ignore[attr-defined]
        return all(font.get_char_index(ord(c)) for c in _PROBE)
    return False

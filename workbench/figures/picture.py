"""A picture on demand: a HoloViews element with a title, a text for who cannot see it, and the source of its numbers.

In a notebook it shows itself as a PNG and as text, so that it can be read without a kernel, without trust and without
JavaScript. Saved twice it gives the same bytes.
"""

from __future__ import annotations

import base64
import functools
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec

from workbench import words
from workbench.errors import unknown
from workbench.figures.layers import Panel, Sketch
from workbench.recordings import files

__all__ = ["Picture", "picture"]

P = ParamSpec("P")
DPI = 110
FORMATS = ("png", "svg", "pdf")


class Picture:
    """A picture that draws itself when someone looks: `element` for HoloViews, `panels` as plain arrays, `save`, and its text.

    Labels are in the language of the moment. A file or a PNG needs a font for that language; without one its labels
    are English, while `panels` and `alt`, which a browser draws, keep the language.
    """

    def __init__(self, sketch: Callable[[], Sketch]) -> None:
        self._make = sketch
        self._sketches: dict[str, Sketch] = {}
        self._png: dict[str, bytes] = {}

    @property
    def sketch(self) -> Sketch:
        """Everything drawn, as plain arrays and sentences in the language of the moment."""
        spoken = words.language()
        if spoken not in self._sketches:
            self._sketches[spoken] = self._make()
        return self._sketches[spoken]

    @property
    def panels(self) -> tuple[Panel, ...]:
        """The panels from top to bottom: what a canvas draws and a test reads."""
        return self.sketch.panels

    @property
    def title(self) -> str:
        """One line: what is shown."""
        return self.sketch.title

    @property
    def alt(self) -> str:
        """One to three sentences with the numbers that a reader who cannot see the picture needs."""
        return self.sketch.alt

    @property
    def source(self) -> str:
        """Where the numbers that are not ours come from."""
        return self.sketch.source

    @property
    def element(self) -> Any:
        """The HoloViews element: an Overlay, or a Layout when there are several panels."""
        from workbench.figures import draw  # noqa: PLC0415  HoloViews takes seconds to import; a canvas does without

        return draw.element(self.sketch)

    @property
    def text(self) -> str:
        """Title, description and source, for a terminal or a screen reader."""
        return "\n".join(part for part in (self.title, self.alt, self.source) if part)

    def png(self) -> bytes:
        """The picture as PNG."""
        language = self._drawable()
        if language not in self._png:
            self._png[language] = self._file("png", DPI)
        return self._png[language]

    def save(self, path: str | Path, *, dpi: float = 2 * DPI) -> Path:
        """Write the picture as .png, .svg or .pdf, by the ending of `path`; the same picture gives the same bytes.

        Raises DescriptionError for another ending, StoreError where the file cannot be written.
        """
        target = Path(path)
        kind = target.suffix.lower().lstrip(".")
        if kind not in FORMATS:
            raise unknown("picture format", kind or target.name, FORMATS)
        return files.write(target, self._file(kind, dpi))

    def _drawable(self) -> str:
        """The language of the moment if a font here can draw it, else English."""
        from workbench.figures import fonts  # noqa: PLC0415

        spoken = words.language()
        return "en" if spoken.startswith("zh") and fonts.chinese() is None else spoken

    def _file(self, kind: str, dpi: float) -> bytes:
        from workbench.figures import draw  # noqa: PLC0415

        language = self._drawable()
        out = io.BytesIO()
        with words.speaking(language):
            draw.file(self.sketch, out, kind=kind, dpi=dpi, language=language)
        return out.getvalue()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        return (
            {"image/png": base64.b64encode(self.png()).decode("ascii"), "text/plain": self.text},
            {"image/png": {"alt": f"{self.title}. {self.alt}"}},
        )

    def __repr__(self) -> str:
        return self.text


def picture(draw: Callable[P, Sketch]) -> Callable[P, Picture]:
    """Turn a function that sketches into one that gives a Picture, which sketches when it is first looked at."""

    @functools.wraps(draw)
    def make(*args: P.args, **kwargs: P.kwargs) -> Picture:
        return Picture(functools.partial(draw, *args, **kwargs))

    return make

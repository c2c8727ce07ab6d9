"""A picture on demand: what is drawn, a title, a text for who cannot see it, and the source of its numbers.

In a notebook it shows itself as a PNG and as text, so that it can be read without a kernel, without trust and without
JavaScript. Saved twice it gives the same bytes.
"""

from __future__ import annotations

import base64
import functools
import io
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, ParamSpec, final

from workbench import words
from workbench.errors import unknown
from workbench.figures.layers import Panel, Sketch
from workbench.recordings import files

__all__ = ["OwnPicture", "Picture", "Shown", "as_picture", "picture"]

P = ParamSpec("P")
DPI = 110
FORMATS = ("png", "svg", "pdf")


class Shown:
    """Abstract: something that shows itself in a notebook as a PNG and as text, and can be saved."""

    title: str
    """One line: what is shown."""
    alt: str
    """One to three sentences with the numbers that a reader who cannot see the picture needs."""
    source: str
    """Where the numbers that are not ours come from."""
    element: Any
    """The picture as a HoloViews element."""

    def _draw(self, out: IO[bytes], *, kind: str, dpi: float, language: str) -> None:
        raise NotImplementedError

    @property
    def text(self) -> str:
        """Title, description and source, for a terminal or a screen reader."""
        return "\n".join(part for part in (self.title, self.alt, self.source) if part)

    def png(self) -> bytes:
        """The picture as PNG; drawn once a language, and kept."""
        language = self._drawable()
        kept: dict[str, bytes] = self.__dict__.setdefault("_png", {})
        if language not in kept:
            kept[language] = self._file("png", DPI)
        return kept[language]

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
        language = self._drawable()
        out = io.BytesIO()
        with words.speaking(language):
            self._draw(out, kind=kind, dpi=dpi, language=language)
        return out.getvalue()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
        return (
            {"image/png": base64.b64encode(self.png()).decode("ascii"), "text/plain": self.text},
            {"image/png": {"alt": f"{self.title}. {self.alt}"}},
        )

    def __repr__(self) -> str:
        return self.text


@final
class Picture(Shown):
    """A picture that sketches itself when someone looks: `panels` as plain arrays, `element` for HoloViews, `save`, its text.

    Labels are in the language of the moment. A file or a PNG needs a font for that language; without one its labels
    are English, while `panels` and `alt`, which a browser draws, keep the language.
    """

    def __init__(self, sketch: Callable[[], Sketch]) -> None:
        self._make = sketch
        self._sketches: dict[str, Sketch] = {}

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
    def title(self) -> str:  # type: ignore[override]
        """One line: what is shown."""
        return self.sketch.title

    @property
    def alt(self) -> str:  # type: ignore[override]
        """One to three sentences with the numbers that a reader who cannot see the picture needs."""
        return self.sketch.alt

    @property
    def source(self) -> str:  # type: ignore[override]
        """Where the numbers that are not ours come from."""
        return self.sketch.source

    @property
    def element(self) -> Any:  # type: ignore[override]
        """The HoloViews element: an Overlay, or a Layout when there are several panels."""
        from workbench.figures import elements  # noqa: PLC0415  HoloViews takes seconds to import; a lesson does without

        return elements.element(self.sketch)

    def _draw(self, out: IO[bytes], *, kind: str, dpi: float, language: str) -> None:
        from workbench.figures import draw  # noqa: PLC0415  nor is matplotlib needed to make a picture that nobody looks at

        draw.file(self.sketch, out, kind=kind, dpi=dpi, language=language)


@final
class OwnPicture(Shown):
    """A HoloViews element somebody made by hand, shown and saved like our own pictures."""

    def __init__(self, element: Any, *, title: str = "", alt: str = "", source: str = "") -> None:
        self.element = element
        self.title = title or str(
            getattr(element, "label", "") or getattr(element, "group", "") or type(element).__name__
        )
        self.alt = alt
        self.source = source

    def _draw(self, out: IO[bytes], *, kind: str, dpi: float, language: str) -> None:
        from workbench.figures import elements  # noqa: PLC0415

        elements.file(self.element, out, kind=kind, dpi=dpi, language=language)


def as_picture(made: Any) -> Shown:
    """A picture as it is, and a HoloViews element as a picture."""
    return made if isinstance(made, Shown) else OwnPicture(made)


def picture(draw: Callable[P, Sketch]) -> Callable[P, Picture]:
    """Turn a function that sketches into one that gives a Picture, which sketches when it is first looked at."""

    @functools.wraps(draw)
    def make(*args: P.args, **kwargs: P.kwargs) -> Picture:
        return Picture(functools.partial(draw, *args, **kwargs))

    return make

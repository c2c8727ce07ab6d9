"""A YAML document as nodes that know their place: read by PyYAML's safe parser, bounded in size, depth and expansion."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, final

from workbench.errors import DescriptionError, UnsupportedError, unknown
from workbench.words import tr

__all__ = ["LARGEST", "Node", "RANGE", "load", "span"]

LARGEST = 64 * 2**20
"""A file over this many bytes is refused before it is read."""
MOST = 4_000_000
"""A document over this many nodes, aliases expanded, is refused while it is read."""
DEEPEST = 40
RANGE = 10_000_000
"""The most that one range a..b may stand for."""


@final
class Node:
    """A scalar (`text`), a list (`items`) or a mapping (`pairs`), with its file, line, column and path."""

    __slots__ = ("column", "file", "items", "key", "kind", "line", "pairs", "parent", "size", "text")

    def __init__(self, kind: str, file: str, mark: Any, parent: Node | None, key: str) -> None:
        self.kind, self.file, self.parent, self.key = kind, file, parent, key
        self.line, self.column = mark.line + 1, mark.column + 1
        self.text = ""
        self.items: list[Node] = []
        self.pairs: dict[str, Node] = {}
        self.size = 1

    @property
    def path(self) -> str:
        """Where it stands in the document: architecture.tile[0].core[0]."""
        if self.parent is None:
            return self.key
        return (
            f"{self.parent.path}{self.key}"
            if self.key.startswith("[")
            else f"{self.parent.path}.{self.key}".lstrip(".")
        )

    @property
    def place(self) -> str:
        """File, line, column and path, for an error."""
        return tr(
            "{file}, line {line}, column {column} ({path})",
            file=self.file,
            line=self.line,
            column=self.column,
            path=self.path or "top",
        )

    def wrong(self, sentence: str) -> DescriptionError:
        """The error that says `sentence` of this place."""
        return DescriptionError(f"{self.place}: {sentence}")

    def refused(self, sentence: str) -> UnsupportedError:
        """The error for what the file may say and we cannot hold."""
        return UnsupportedError(f"{self.place}: {sentence}")

    def unknown(self, kind: str, name: str, known: Any) -> DescriptionError:
        """The error for a name nobody has, at this place."""
        return DescriptionError(f"{self.place}: {unknown(kind, name, known)}")

    # --- reading ------------------------------------------------------------------------------------------------------

    def mapping(self) -> dict[str, Node]:
        """The pairs of a mapping; a list of mappings counts as one mapping, as the format allows for attributes."""
        if self.kind == "list":
            merged: dict[str, Node] = {}
            for item in self.items:
                for name, node in item.mapping().items():
                    if name in merged:
                        raise node.wrong(tr("'{name}' stands twice.", name=name))
                    merged[name] = node
            return merged
        if self.kind == "scalar" and self.text in ("", "~", "null"):
            return {}
        if self.kind != "map":
            raise self.wrong(tr("a mapping (name: value) is wanted here, not '{text}'.", text=self.text[:40]))
        return self.pairs

    def listed(self) -> list[Node]:
        """The items of a list."""
        if self.kind != "list":
            raise self.wrong(tr("a list is wanted here."))
        return self.items

    def many(self) -> list[Node]:
        """The items of a list, or the one thing that stands in its place."""
        return self.items if self.kind == "list" else [self]

    def child(self, name: str) -> Node:
        """The value of `name`, which must be there."""
        pairs = self.mapping()
        if name not in pairs:
            raise self.wrong(tr("'{name}' is missing; there are {known}.", name=name, known=", ".join(pairs) or "-"))
        return pairs[name]

    def word(self) -> str:
        """The text of a scalar."""
        if self.kind != "scalar":
            raise self.wrong(tr("one word or number is wanted here, not a list or mapping."))
        return self.text

    def number(self, *, low: float = -math.inf, high: float = math.inf) -> float:
        """A finite number between `low` and `high`."""
        text = self.word()
        try:
            value = float(text) if "_" not in text else math.nan
        except ValueError:
            value = {"true": 1.0, "false": 0.0}.get(text.lower(), math.nan)
        if not math.isfinite(value) or not low <= value <= high:
            raise self.wrong(
                tr("'{text}' is wanted to be a number from {low:g} to {high:g}.", text=text[:40], low=low, high=high)
            )
        return value

    def whole(self, *, low: int, high: int) -> int:
        """A whole number between `low` and `high`."""
        value = self.number()
        if value != int(value) or not low <= value <= high:
            raise self.wrong(
                tr("'{text}' is wanted to be a whole number from {low} to {high}.", text=self.text, low=low, high=high)
            )
        return int(value)

    def flag(self) -> bool:
        """True or false."""
        text = self.word().lower()
        if text in ("true", "yes", "on", "1", "1.0"):
            return True
        if text in ("false", "no", "off", "0", "0.0"):
            return False
        raise self.wrong(tr("'{text}' is wanted to be true or false.", text=self.text[:40]))


def span(node: Node, text: str) -> tuple[int, int]:
    """The first and last number of a range "a..b" (or of a single "a")."""
    found = re.fullmatch(r"(\d{1,9})(?:\.\.(\d{1,9}))?", text.strip())
    if not found:
        raise node.wrong(tr("'{text}' is no number and no range such as 0..7.", text=text[:40]))
    first = int(found[1])
    last = int(found[2]) if found[2] else first
    if last < first or last - first >= RANGE:
        raise node.wrong(tr("the range {text} must ascend and hold at most {most} numbers.", text=text, most=RANGE))
    return first, last


def load(path: str | Path) -> Node:
    """The top mapping of a YAML file; raises DescriptionError with line and column for whatever is wrong with it."""
    path = Path(path)
    try:
        size = path.stat().st_size
        if size > LARGEST:
            raise DescriptionError(
                tr(
                    "{file} has {size:.0f} MB; at most {limit:.0f} MB are read.",
                    file=path.name,
                    size=size / 2**20,
                    limit=LARGEST / 2**20,
                )
            )
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise DescriptionError(
            tr("{file} cannot be read: {why}.", file=path.name, why=error.strerror or str(error))
        ) from None
    except UnicodeDecodeError as error:
        raise DescriptionError(
            tr("{file} is no text: byte {at} is not UTF-8.", file=path.name, at=error.start)
        ) from None
    return _tree(path.name, text)


def _tree(file: str, text: str) -> Node:
    import yaml  # noqa: PLC0415  only when a file is read

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return _build(file, yaml.parse(text, Loader=loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise DescriptionError(
            tr(
                "{file}, line {line}, column {column}: this is no YAML, or it is cut short ({why}).",
                file=file,
                line=mark.line + 1 if mark else 1,
                column=mark.column + 1 if mark else 1,
                why=error.problem or error.context or "",
            )
        ) from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        raise DescriptionError(
            tr(
                "{file}, line {line}, column {column}: this is no YAML, or it is cut short ({why}).",
                file=file,
                line=before.count("\n") + 1,
                column=len(before) - before.rfind("\n"),
                why=error.reason,
            )
        ) from None


def _build(file: str, events: Iterator[Any]) -> Node:
    top: Node | None = None
    stack: list[Node] = []
    waiting: list[str | None] = []  # for each open mapping, the key whose value comes next
    anchors: dict[str, Node] = {}
    total = 0
    for event in events:
        name = type(event).__name__
        if name in ("SequenceEndEvent", "MappingEndEvent"):
            done = stack.pop()
            waiting.pop()
            if stack:
                stack[-1].size += done.size
            continue
        if name not in ("ScalarEvent", "SequenceStartEvent", "MappingStartEvent", "AliasEvent"):
            continue
        parent = stack[-1] if stack else None
        if parent is None and top is not None:
            raise top.wrong(tr("the file holds more than one document; one is wanted."))
        if parent is not None and parent.kind == "map" and waiting[-1] is None:
            waiting[-1] = _key(file, event, name, parent)
            continue
        key = "" if parent is None else str(waiting[-1]) if parent.kind == "map" else f"[{len(parent.items)}]"
        if name == "AliasEvent":
            node = anchors.get(event.anchor)
            if node is None or node in stack:
                raise _at(file, event, key, parent).wrong(
                    tr("the alias *{name} names nothing complete.", name=event.anchor)
                )
        else:
            kinds = {"ScalarEvent": "scalar", "SequenceStartEvent": "list", "MappingStartEvent": "map"}
            node = Node(kinds[name], file, event.start_mark, parent, key)
            if event.anchor:
                anchors[event.anchor] = node
            if name == "ScalarEvent":
                node.text = event.value
        total += node.size if name == "AliasEvent" else 1
        if total > MOST:
            raise _at(file, event, key, parent).wrong(
                tr("the document holds over {most} values, aliases expanded; it is not read further.", most=MOST)
            )
        if len(stack) >= DEEPEST:
            raise _at(file, event, key, parent).wrong(
                tr("lists and mappings are nested over {most} deep.", most=DEEPEST)
            )
        if parent is None:
            top = node
        elif parent.kind == "map":
            parent.pairs[key] = node
            waiting[-1] = None
        else:
            parent.items.append(node)
        if node.kind != "scalar" and name != "AliasEvent":
            stack.append(node)
            waiting.append(None)
        elif parent is not None:
            parent.size += node.size
    if top is None:
        raise DescriptionError(tr("{file} is empty.", file=file))
    return top


def _key(file: str, event: Any, name: str, parent: Node) -> str:
    if name != "ScalarEvent":
        raise _at(file, event, "?", parent).wrong(tr("a name is wanted before the colon."))
    if event.value in parent.pairs:
        raise _at(file, event, event.value, parent).wrong(tr("'{name}' stands twice.", name=event.value))
    return event.value


def _at(file: str, event: Any, key: str, parent: Node | None) -> Node:
    return Node("scalar", file, event.start_mark, parent, key)

"""What a mark draws: a header (labels, ranges, series) and its arrays, and the one block of bytes they travel in."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np

from workbench.words import tr

__all__ = ["KINDS", "TRACE_LIMIT", "axis", "decimate", "frame", "pack", "tight", "unpack"]

KINDS = ("points", "lines", "image", "bars")
TRACE_LIMIT = 2000
"""The most points a trace is sent with: a screen has no more columns, and the extremes are kept."""

_TYPES = {"f4": np.float32, "f8": np.float64, "u2": np.uint16, "u1": np.uint8, "i4": np.int32}


def frame(kind: str, title: str, alt: str, height: float = 1.0) -> dict[str, Any]:
    """The part of a header every mark has."""
    words = {"play": tr("Play through model time"), "pause": tr("Pause")}
    if kind == "image":
        words["paint"] = tr("Click a cell or drag over several to paint them")
    return {"kind": kind, "title": title, "alt": alt, "height": round(70 + 150 * height), "words": words}


def tight(values: np.ndarray) -> np.ndarray:
    """The values in the smallest type that shows them: whole numbers as uint16, all else as float32."""
    values = np.asarray(values)
    if values.dtype.kind in "iu" and values.size and values.min() >= 0 and values.max() < 2**16:
        return np.ascontiguousarray(values, np.uint16)
    return np.ascontiguousarray(values, np.float32)


def decimate(x: np.ndarray, y: np.ndarray, limit: int = TRACE_LIMIT) -> tuple[np.ndarray, np.ndarray]:
    """A trace with at most `limit` points that keeps the lowest and highest value of every stretch, and both ends."""
    x, y = np.asarray(x), np.asarray(y)
    if len(x) <= limit:
        return x, y
    stretches = limit // 2 - 1
    size = math.ceil((len(x) - 2) / stretches)
    padded = np.full(size * stretches, len(x) - 2)
    padded[: len(x) - 2] = np.arange(1, len(x) - 1)
    blocks = padded.reshape(stretches, size)
    values = y[blocks].astype(float)
    holes = np.isnan(values)
    low = blocks[np.arange(stretches), np.where(holes, np.inf, values).argmin(axis=1)]
    high = blocks[np.arange(stretches), np.where(holes, -np.inf, values).argmax(axis=1)]
    keep = np.unique(np.concatenate(([0, len(x) - 1], low, high)))
    return x[keep], y[keep]


def axis(
    label: str,
    values: list[np.ndarray],
    *,
    limits: Any = None,
    log: bool = False,
    margin: float = 0.0,
    linked: str = "",
    ticks: Any = None,
) -> dict[str, Any]:
    """One axis: its label, and the range that holds `values` with a margin, unless `limits` says otherwise."""
    seen = np.concatenate([np.asarray(v, float).ravel() for v in values]) if values else np.zeros(0)
    seen = seen[np.isfinite(seen) & ((seen > 0) | (not log))]
    low, high = (float(seen.min()), float(seen.max())) if seen.size else ((0.1, 1.0) if log else (0.0, 1.0))
    if log:
        low, high = (low / 1.2, high * 1.2) if high > low else (low / 3, high * 3)
    else:
        spare = (high - low) * margin if high > low else max(abs(high) * 0.1, 0.5)
        low, high = low - spare, high + spare
    if limits is not None:
        low, high = _number(limits[0], low), _number(limits[1], high)
    made = {"label": label, "lo": low, "hi": high, "log": bool(log), "linked": linked}
    return {**made, "ticks": [[float(at), str(text)] for at, text in ticks]} if ticks else made


def _number(value: Any, otherwise: float) -> float:
    return float(value) if value is not None and math.isfinite(float(value)) else otherwise


def clock(name: str, unit: str) -> str:
    """The clock that an axis called `name` follows, shared by marks with equal answers; empty for one that is not time."""
    is_time = unit in ("s", "ms") or name.lower() in ("time", "t", tr("time"))
    return f"{name} {unit}".strip() if is_time else ""


def bars(
    names: list[str], rows: dict[str, np.ndarray], value_axis: dict[str, Any], *, stacked: bool, colours: list[Any]
) -> dict[str, Any]:
    """The header of lying bars: one row a name, one series a group; the value axis starts at zero unless logarithmic."""
    if not value_axis["log"]:
        value_axis["lo"] = min(0.0, value_axis["lo"])
        value_axis["hi"] += 0.14 * (value_axis["hi"] - value_axis["lo"])  # room for the number at the end
    several = len(rows) > 1
    return {
        "x": {**value_axis, "linked": ""},
        "y": {"label": "", "lo": 0, "hi": len(names), "categories": names, "linked": ""},
        "series": [
            {
                "label": group if several else "",
                "style": "bar",
                "colour": colour,
                "x": np.ascontiguousarray(values, np.float32),
            }
            for colour, (group, values) in zip(colours, rows.items(), strict=True)
        ],
        "stacked": stacked,
        "height": max(150, 70 + len(names) * (24 if stacked or not several else 14 * len(rows) + 6)),
    }


def grid(
    values: np.ndarray, extent: tuple[float, float, float, float], label: str, limits: Any = None
) -> dict[str, Any]:
    """The colour scale and the cells of an image; `values` has row 0 at the lower edge, `extent` is left, bottom, right, top."""
    values = np.asarray(values, np.float32)[::-1]
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if limits is not None:
        low, high = _number(limits[0], low), _number(limits[1], high)
    elif low < 0 < high:
        low, high = -max(-low, high), max(-low, high)
    ramp = "signed" if low < 0 < high else "even"
    left, bottom, right, top = extent
    return {
        "series": [],
        "bar": {"label": label, "lo": low, "hi": high, "ramp": ramp},
        "grid": {
            "left": left,
            "right": right,
            "bottom": bottom,
            "top": top,
            "width": values.shape[1],
            "height": values.shape[0],
            "values": np.ascontiguousarray(values).ravel(),
        },
    }


def pack(header: dict[str, Any]) -> bytes:
    """The header and its arrays as one block of bytes, so that a mark's picture changes at once or not at all."""
    arrays: list[bytes] = []
    at = 0

    def place(value: Any) -> Any:
        nonlocal at
        if isinstance(value, np.ndarray):
            kind = next(k for k, t in _TYPES.items() if value.dtype == t)
            block = value.tobytes()
            where = {"type": kind, "at": at, "length": int(value.size)}
            block += b"\0" * (-len(block) % 8)
            arrays.append(block)
            at += len(block)
            return where
        if isinstance(value, dict):
            return {k: place(v) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [place(v) for v in value]
        return value

    text = json.dumps(place(header), ensure_ascii=False, allow_nan=False).encode()
    text += b" " * (-(4 + len(text)) % 8)
    return len(text).to_bytes(4, "little") + text + b"".join(arrays)


def unpack(block: bytes) -> dict[str, Any]:
    """The header that `pack` wrote, its arrays as NumPy arrays again; what the marks do in JavaScript."""
    size = int.from_bytes(block[:4], "little")

    def fetch(value: Any) -> Any:
        if isinstance(value, dict) and set(value) == {"type", "at", "length"}:
            return np.frombuffer(block, _TYPES[value["type"]], value["length"], 4 + size + value["at"])
        if isinstance(value, dict):
            return {k: fetch(v) for k, v in value.items()}
        if isinstance(value, list):
            return [fetch(v) for v in value]
        return value

    return fetch(json.loads(block[4 : 4 + size]))

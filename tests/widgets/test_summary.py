"""The table of numbers is read by people: names in their language, units as written."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from widgets.summary import written
from workbench.words import catalogue, use

ROOT = Path(__file__).parents[2]


def claimed() -> set[str]:
    """Every number that the course says something about, and every one that a lesson's notebook keeps."""
    found: set[str] = set()

    def walk(entry: object) -> None:
        if isinstance(entry, dict):
            for key, value in entry.items():
                if key in ("number", "numbers"):
                    found.update(value if isinstance(value, (dict, list)) else [value])
                else:
                    walk(value)
        elif isinstance(entry, list):
            for value in entry:
                walk(value)

    for file in (ROOT / "curricula").glob("*.toml"):
        walk(tomllib.loads(file.read_text(encoding="utf-8")))
    for file in (ROOT / "notebooks").rglob("*.ipynb"):
        walk(json.loads(file.read_text(encoding="utf-8"))["metadata"])
    return found


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("rate_hz", "rate (Hz)"),
        ("longest_way_us", "longest way (µs)"),
        ("hottest_c", "hottest (°C)"),
        ("flux_w_per_cm2", "flux (W/cm²)"),
        ("flow_l_per_min", "flow (L/min)"),
        ("resistance_k_per_kw", "resistance (K/kW)"),
        ("events_per_s", "events (1/s)"),
        ("pj_per_event", "pJ per event"),
        ("rate_l23e_hz", "rate L2/3E (Hz)"),
        ("isi_cv", "ISI CV"),
        ("hops", "hops"),
    ],
)
def test_the_ending_of_a_number_is_its_unit(key: str, said: str) -> None:
    assert written(key) == said


def test_every_number_of_the_course_has_a_chinese_name() -> None:
    numbers = claimed()
    assert len(numbers) > 50
    use("zh-CN")
    try:
        known = catalogue("zh-CN")
        silent = {key: written(key) for key in numbers if written(key).split(" (")[0] not in known.values()}
    finally:
        use("en")
    assert not silent

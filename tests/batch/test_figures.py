"""All figures of a study: the same bytes each time, with a sidecar that says what they were made from, and why not now."""

from __future__ import annotations

import json
from pathlib import Path

from workbench.batch.figures import draw_study, why_study
from workbench.studies import STUDIES

FORMATS = ("svg", "pdf")


def test_figures_are_the_same_bytes_and_know_their_origin(tmp_path: Path) -> None:
    study = STUDIES["network-states"]().quick().changed({"chip": "loihi-davies", "duration_ms": 300.0})
    assert why_study(study, tmp_path / "a", FORMATS) == ["it was never made"]
    names = draw_study(study, tmp_path / "a", FORMATS)
    assert {"raster", "rate", "energy"} <= set(names)
    assert why_study(study, tmp_path / "a", FORMATS) == []

    draw_study(study, tmp_path / "b", FORMATS)
    for first in sorted((tmp_path / "a").iterdir()):
        assert first.read_bytes() == (tmp_path / "b" / first.name).read_bytes(), first.name

    record = json.loads((tmp_path / "a" / "figures.json").read_text())
    assert record["study"] == "network-states"
    assert record["parameters"]["chip"] == "loihi-davies"
    assert record["parameters"]["seed"] == 0
    assert "numpy" in record["versions"]
    assert "workbench/kernels/event/run.py" in record["code"]
    assert record["figures"]["raster"]["text"]

    assert why_study(study.changed({"seed": 1}), tmp_path / "a", FORMATS)[0] == "seed was 0 and is 1"
    assert why_study(study, tmp_path / "a", ("svg",)) == ["the formats changed"]
    (tmp_path / "a" / "raster.svg").unlink()
    assert why_study(study, tmp_path / "a", FORMATS) == ["raster.svg is missing"]

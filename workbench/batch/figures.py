"""Every picture of a study as files, each with a sidecar that says what it was made from."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.batch import fingerprint
from workbench.errors import WorkbenchError
from workbench.fields import to_json
from workbench.studies import reference
from workbench.words import tr

if TYPE_CHECKING:
    from workbench.studies.study import Study

__all__ = ["draw_study", "why_study"]


def why_study(study: Study, into: Path, formats: tuple[str, ...]) -> list[str]:
    """Why the pictures of a study have to be made (again); empty when they stand there."""
    try:
        kept = json.loads((into / "figures.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        kept = None
    reasons = fingerprint.stale(kept, _made_from(study, formats))
    if kept is not None:
        lost = [f"{name}.{ending}" for name in kept["figures"] for ending in formats]
        reasons += [tr("{file} is missing", file=name) for name in lost if not (into / name).is_file()][:3]
    return reasons


def draw_study(
    study: Study, into: Path, formats: tuple[str, ...], progress: Callable[[float, str], None] | None = None
) -> list[str]:
    """Run a study and save all its pictures; gives their names. The same study gives the same bytes."""
    # matplotlib writes the date into a PDF unless it is told one
    os.environ.setdefault("SOURCE_DATE_EPOCH", "0")
    result = study.run(progress)
    made: dict[str, dict[str, Any]] = {}
    for name, picture in result.figures().items():
        into.mkdir(parents=True, exist_ok=True)
        for ending in formats:
            picture.save(into / f"{name}.{ending}")
        made[name] = {"text": picture.text}
    record = {
        **_made_from(study, formats),
        "figures": made,
        "numbers": {name: float(value) for name, value in result.numbers.items()},
        "code": fingerprint.code_of(fingerprint.loaded_code()),
    }
    fingerprint.put(into / "figures.json", json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    return list(made)


def _made_from(study: Study, formats: tuple[str, ...]) -> dict[str, Any]:
    try:
        name = reference(study)
    except WorkbenchError:
        name = type(study).__qualname__
    return {
        "study": name,
        "parameters": study.to_border(),
        "digest": fingerprint.digest(to_json(study)),
        "formats": list(formats),
        "versions": fingerprint.versions(),
    }

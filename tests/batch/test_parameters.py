"""The parameters cell is read as a declaration, and what does not fit it is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from workbench.batch.parameters import checked, read_cell
from workbench.errors import DescriptionError, NotebookError

CELL = """
g: float = 5.0  # relative inhibitory weight
seed: int = 0
chip: str = "ideal"  # any name of `workbench chips`
quick = True
sizes: list[int] = [1, 2]
print("not a parameter")
"""


def test_names_types_defaults_and_comments_are_read() -> None:
    found = read_cell(CELL)
    assert list(found) == ["g", "seed", "chip", "quick", "sizes"]
    assert found["g"].type == "float"
    assert found["g"].default == 5.0
    assert found["g"].doc == "relative inhibitory weight"
    assert found["chip"].doc == "any name of `workbench chips`"
    assert found["quick"].type == "bool"


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("g", "4.5", 4.5),
        ("g", 4, 4.0),
        ("g", np.float32(4.5), 4.5),
        ("seed", "7", 7),
        ("seed", np.int64(7), 7),
        ("seed", 7.0, 7),
        ("chip", "loihi-davies", "loihi-davies"),
        ("chip", "007", "007"),
        ("quick", "false", False),
        ("sizes", "[3, 4]", [3, 4]),
    ],
)
def test_what_fits_is_kept_as_the_notebooks_type(name: str, given: Any, kept: Any) -> None:
    value = checked(read_cell(CELL), {name: given})[name]
    assert value == kept
    assert type(value) is type(kept)


@pytest.mark.parametrize(
    ("name", "given"),
    [("g", "much"), ("g", math.nan), ("g", "inf"), ("g", True), ("seed", "1.5"), ("quick", "1"), ("sizes", "3")],
)
def test_what_does_not_fit_is_refused_with_the_type(name: str, given: Any) -> None:
    with pytest.raises(NotebookError, match=f"'{name}' is of type"):
        checked(read_cell(CELL), {name: given})


def test_a_misspelt_name_is_refused_with_what_was_meant() -> None:
    with pytest.raises(DescriptionError, match="did you mean 'chip'"):
        checked(read_cell(CELL), {"chpi": "ideal"})

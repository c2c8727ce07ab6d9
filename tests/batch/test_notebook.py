"""A notebook run with parameters: checked, stripped, kept as long as nothing changed, and why not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from workbench.batch import notebook as runner
from workbench.batch.harvest import shown
from workbench.batch.notebook import Order, execute, store, why
from workbench.errors import DescriptionError, NotebookError
from workbench.figures.layers import Sketch
from workbench.figures.picture import Picture

TOY = Path(__file__).parent / "toy_study.py"
v4 = nbformat.v4


def write(path: Path, *cells: Any) -> Path:
    made = v4.new_notebook(cells=list(cells), metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    for k, cell in enumerate(made.cells):
        cell["id"] = f"cell-{k}"
    nbformat.write(made, path)
    return path


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    return write(
        tmp_path / "toy.ipynb",
        v4.new_code_cell("height: float = 1.5  # how high\nseed: int = 0  # seed", metadata={"tags": ["parameters"]}),
        v4.new_code_cell(
            "from workbench.studies import load_study\nfrom workbench.course import check\n"
            f"result = load_study({str(TOY) + ':Toy'!r}).from_border(dict(height=height, seed=seed)).run()\nresult"
        ),
        v4.new_code_cell("check(result)", metadata={"tags": ["nbval-check-output"]}),
    )


def order(path: Path, **parameters: Any) -> Order:
    out = path.parent / "out"
    return Order(notebook=path, into=out / path.name, figures=out / "figures", parameters=parameters)


def test_a_run_is_kept_until_something_changes_and_says_what(toy: Path) -> None:
    first = execute(order(toy, height=2.0))
    assert first.fresh
    assert first.checks[0]["numbers"] == {"area": 4.0}
    assert why(order(toy, height=2.0)) == []
    assert not execute(order(toy, height=2.0)).fresh

    assert why(order(toy, height=3.0)) == ["height was 2.0 and is 3.0"]
    sidecar = order(toy).sidecar
    record = json.loads(sidecar.read_text())
    assert "workbench/studies/study.py" in record["code"]
    assert not any(name.startswith(("workbench/batch", "workbench/cli")) for name in record["code"])
    sidecar.write_text(json.dumps({**record, "versions": {**record["versions"], "numpy": "1.0"}}))
    assert any("numpy was 1.0" in reason for reason in why(order(toy, height=2.0)))
    sidecar.write_text(json.dumps({**record, "code": {**record["code"], "workbench/units.py": "0"}}))
    assert why(order(toy, height=2.0)) == ["workbench/units.py changed"]
    sidecar.write_text(json.dumps(record))
    order(toy).into.unlink()
    assert "is missing" in why(order(toy, height=2.0))[0]
    toy.write_text(toy.read_text().replace("how high", "how very high"))
    assert "the source changed" in why(order(toy, height=2.0))


def test_two_runs_give_the_same_bytes(toy: Path) -> None:
    execute(order(toy, height=2.0))
    first = order(toy).into.read_bytes()
    execute(order(toy, height=2.0), again=True)
    assert order(toy).into.read_bytes() == first
    assert b"papermill" not in first
    assert b"_harvest" not in first


def test_a_misspelt_parameter_never_runs_the_default(toy: Path) -> None:
    with pytest.raises(DescriptionError, match="did you mean 'height'"):
        execute(order(toy, hight=2.0))
    with pytest.raises(NotebookError, match="'seed' is of type int"):
        execute(order(toy, seed=1.5))
    assert not order(toy).into.exists()


def test_a_cell_that_raises_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "bad.ipynb", v4.new_code_cell("1 + 1"), v4.new_code_cell("raise ValueError('not today')"))
    with pytest.raises(NotebookError, match=r"bad.ipynb, cell 2: ValueError: not today"):
        execute(order(path))
    assert not list((tmp_path / "out").rglob("*")) if (tmp_path / "out").exists() else True


def test_a_file_that_is_no_notebook_is_said(tmp_path: Path) -> None:
    (tmp_path / "x.ipynb").write_text("{}")
    with pytest.raises(NotebookError, match="is not a notebook"):
        execute(order(tmp_path / "x.ipynb"))
    with pytest.raises(NotebookError, match="cannot be read"):
        execute(order(tmp_path / "y.ipynb"))


def test_a_notebook_is_stored_with_outputs_in_check_cells_only(toy: Path) -> None:
    store(toy)
    cells = json.loads(toy.read_text())["cells"]
    assert [bool(c["outputs"]) for c in cells] == [False, False, True]
    assert [c["execution_count"] for c in cells] == [None, None, 3]
    assert [c["id"] for c in cells] == ["cell-0", "cell-1", "cell-2"]
    before = toy.read_bytes()
    store(toy)
    assert toy.read_bytes() == before


def test_what_differs_between_equal_runs_is_stripped() -> None:
    html = {"text/html": "<div class='bk-root'>Bokeh</div>", "text/plain": "a plot"}
    view = {"application/vnd.jupyter.widget-view+json": {"model_id": "af2"}, "image/png": "x"}
    cell = v4.new_code_cell(
        "x",
        outputs=[
            v4.new_output("display_data", {"application/javascript": "alert()"}),
            v4.new_output("display_data", dict(html)),
            v4.new_output("display_data", dict(view)),
            v4.new_output("stream", text="kept"),
        ],
        metadata={"papermill": {"duration": 1}, "execution": {}},
    )
    made = v4.new_notebook(cells=[cell], metadata={"widgets": {}, "papermill": {}})
    runner.strip(made)
    assert [o.get("data") for o in made.cells[0].outputs] == [{"text/plain": "a plot"}, {"image/png": "x"}, None]
    assert made.cells[0].metadata == {}
    assert made.metadata == {}


def test_shown_pictures_are_named_after_what_the_cell_says() -> None:
    def picture() -> Picture:
        return Picture(lambda: Sketch(panels=(), title="Two, one over the other", alt=""))

    sources = [
        "",
        'result.figures()["raster"]',
        'x = 1\nstorm.figures()["raster"]',
        'storm.figures()["energy use"]',
        'study.changed(dict(g=4)).run().figures()["theory"]',
        "figures.stack(states)",
        "figures.stack(states)",
    ]
    outputs = {k: picture() for k in range(1, len(sources))}
    names = ["raster", "storm-raster", "energy-use", "theory", "two-one-over-the-other", "two-one-over-the-other-2"]
    assert list(shown(sources, outputs)) == names

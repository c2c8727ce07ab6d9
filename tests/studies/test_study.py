"""A study is found by name or in a file of one's own, and says what is wrong with a file that is broken."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from workbench.errors import DescriptionError, NotebookError
from workbench.studies import STUDIES, load_study, reference
from workbench.studies.study import Album, Result, Study

GOOD = """
from typing import final
from workbench.fields import described, quantity
from workbench.studies.study import Result, Study
from workbench.units import mV


@final
@described
class Louder(Study):
    '''How loud.'''

    title = "Louder"
    presets = {"high": {"level_mv": 20.0}}
    main_knobs = ("level_mv",)
    level: float = quantity(10 * mV, "mV", low=0 * mV, high=100 * mV, doc="level")

    def run(self, progress=None):
        return Result(study=self, numbers={"level_mv": 1e3 * self.level})
"""


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "my_file.py"
    path.write_text(GOOD)
    return path


def test_a_study_in_a_file_has_knobs_presets_and_a_run(good: Path) -> None:
    louder = load_study(f"{good}:Louder")
    assert issubclass(louder, Study)
    study = louder.from_border({"level_mv": 30.0})
    assert study.to_border() == {"level_mv": 30.0}
    assert study.run().numbers == {"level_mv": pytest.approx(30.0)}
    assert louder.preset("high") == study.changed({"level_mv": 20.0})
    assert list(study.knobs()) == ["level_mv"]
    assert study.quick() == study


def test_a_file_with_one_study_needs_no_name(good: Path) -> None:
    assert load_study(str(good)) is load_study(f"{good}:Louder")


def test_reference_leads_back_to_the_class(good: Path) -> None:
    louder = load_study(f"{good}:Louder")
    assert load_study(reference(louder)) is louder
    assert reference(louder()) == f"{good.resolve()}:Louder"


def test_an_edited_file_is_read_anew(good: Path) -> None:
    before = load_study(f"{good}:Louder")
    good.write_text(GOOD.replace("10 * mV", "11 * mV"))
    assert load_study(f"{good}:Louder")().to_border() == {"level_mv": 11.0}
    assert before().to_border() == {"level_mv": 10.0}


def test_a_file_may_import_its_neighbour(good: Path) -> None:
    (good.parent / "wb_test_neighbour.py").write_text("LEVEL = 0.05\n")
    good.write_text(GOOD.replace("10 * mV", "LEVEL") + "")
    good.write_text("from wb_test_neighbour import LEVEL\n" + good.read_text())
    assert load_study(str(good))().to_border() == {"level_mv": 50.0}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("network-state", "did you mean 'network-states'"),
        ("nowhere.py:MyStudy", "There is no file nowhere.py"),
        ("no_such_module_of_ours:MyStudy", "There is no module no_such_module_of_ours"),
    ],
)
def test_an_unknown_study_is_named(name: str, said: str) -> None:
    with pytest.raises((DescriptionError, NotebookError), match=said.replace(".", r"\.")):
        load_study(name)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\ny = 1 / 0\n", r"my_file\.py cannot be loaded, line 2: ZeroDivisionError: division by zero"),
        ("def f(:\n", r"my_file\.py cannot be loaded, line 1: SyntaxError"),
        ("import no_such_package_here\n", r"line 1: ModuleNotFoundError"),
        ("x = 1\n", "holds no study"),
        (GOOD.replace("@described\n", ""), "lacks @described"),
        (GOOD + GOOD.replace("Louder", "Softer"), "holds several studies"),
    ],
)
def test_a_broken_file_is_named_with_its_line(good: Path, text: str, said: str) -> None:
    good.write_text(text)
    with pytest.raises(NotebookError, match=said):
        load_study(str(good))


def test_a_misspelt_class_knob_or_preset_is_guessed(good: Path) -> None:
    with pytest.raises(DescriptionError, match="did you mean 'Louder'"):
        load_study(f"{good}:Loudr")
    louder = load_study(f"{good}:Louder")
    with pytest.raises(DescriptionError, match="did you mean 'level_mv'"):
        louder.from_border({"levl_mv": 1.0})
    with pytest.raises(DescriptionError, match="did you mean 'level_mv'"):
        louder.from_border({"level": 1.0})
    with pytest.raises(DescriptionError, match="did you mean 'high'"):
        louder.preset("hihg")


def test_equal_studies_have_equal_digests(good: Path) -> None:
    louder = load_study(str(good))
    assert louder().digest == louder.from_border({"level_mv": 10.0}).digest
    assert louder().digest != louder.preset("high").digest


def test_an_album_makes_a_picture_once_and_only_when_asked() -> None:
    made: list[str] = []

    def make() -> object:
        made.append("raster")
        return object()

    album = Album({"raster": make})
    assert list(album) == ["raster"] and made == []
    assert album["raster"] is album["raster"] and made == ["raster"]
    with pytest.raises(DescriptionError, match="did you mean 'raster'"):
        album["rastr"]


def test_a_result_reads_as_its_numbers() -> None:
    result = Result(study=Study(), numbers={"rate_hz": 37.0, "isi_cv": 0.5})
    assert repr(result).splitlines()[1:] == ["rate_hz  37", "isi_cv   0.5"]


def test_the_table_names_the_lessons() -> None:
    from workbench.course import courses, load_course

    assert {lesson.study for name in courses() for lesson in load_course(name).lesson if lesson.study} <= set(STUDIES)
    assert pickle.loads(pickle.dumps(Study())) == Study()

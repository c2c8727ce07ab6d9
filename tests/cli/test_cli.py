"""The command line: help with an example everywhere, one sentence for what is wrong, light to start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from workbench.cli import COMMANDS, main

TOY = Path(__file__).parents[1] / "batch" / "toy_study.py"
EVERY = [[name] for name in COMMANDS] + [["course", name] for name in ("run", "check", "list", "seal", "store")]


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(words)
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_every_command_has_help_with_an_example(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    status, out, _ = run(capsys, *words, "--help")
    assert status == 0
    assert "Example:" in out
    assert f"workbench {words[0]}" in out


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "--help")
    assert status == 0
    assert all(f"  {name} " in out for name in COMMANDS)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["figuers"], "Did you mean 'figures'?"),
        (["run", "network-stats"], "did you mean 'network-states'"),
        (["run", "none.ipynb"], "There is no notebook none.ipynb"),
        (["run", "none.py:X"], "There is no file none.py"),
        (["run", f"{TOY}:Toys"], "did you mean 'Toy'"),
        (["run", f"{TOY}:Toy", "-p", "hieght", "1"], "did you mean 'height'"),
        (["run", f"{TOY}:Toy", "-p", "height", "high"], "height wants a number, not 'high'"),
        (["run", f"{TOY}:Toy", "-p", "height", "9"], "allowed: -5 … 5"),
        (["run", f"{TOY}:Toy", "--format", "jpg"], "Unknown picture format 'jpg'"),
        (["sweep", f"{TOY}:Toy", "--grid", "height", "--into", "x"], "write NAME=VALUES"),
        (["sweep", f"{TOY}:Toy", "--grid", "height=1:2", "--into", "x"], "is no axis"),
        (["circuits", "balancd"], "did you mean 'balanced'"),
        (["chips", "loihi"], "Unknown chip 'loihi'"),
        (["studies", "nope"], "Unknown study 'nope'"),
        (["--lang", "xx", "chips"], "Unknown language 'xx'"),
        (["course", "check", "--course", "brain"], "Unknown course 'brain'"),
        (["bench", "cubas"], "Unknown benchmark 'cubas'"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_status_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = run(capsys, *words)
    assert status == 2
    assert said in err
    assert "Traceback" not in out + err
    assert not list(tmp_path.rglob("*.json"))


def test_a_study_of_ones_own_runs_and_leaves_its_numbers(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, out, _ = run(capsys, "run", f"{TOY}:Toy", "-p", "height", "2", "--into", str(tmp_path))
    assert status == 0
    assert "area  4" in out
    assert (tmp_path / "figures.json").is_file()


def test_a_study_that_raises_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    broken = tmp_path / "broken.py"
    broken.write_text("import numpy\nraise RuntimeError('not today')\n")
    status, _, err = run(capsys, "run", f"{broken}:X")
    assert status == 2
    assert "line 2" in err
    assert "not today" in err


def test_parameters_may_come_from_yaml(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("height: 3.0\nseed: 1\n")
    status, out, _ = run(capsys, "run", f"{TOY}:Toy", "-f", str(tmp_path / "p.yaml"), "--into", str(tmp_path))
    assert status == 0
    assert "area  9.001" in out
    (tmp_path / "p.yaml").write_text("- 3\n")
    status, _, err = run(capsys, "run", f"{TOY}:Toy", "-f", str(tmp_path / "p.yaml"))
    assert status == 2
    assert "holds no parameters" in err


def test_lists_name_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert "loihi-davies" in run(capsys, "chips")[1]
    assert "balanced" in run(capsys, "circuits")[1]
    assert "relative inhibitory weight" in run(capsys, "circuits", "balanced")[1]
    assert "published: Davies" in run(capsys, "chips", "loihi-davies")[1]


def test_doctor_finds_this_machine_fit(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "doctor")
    assert status == 0, out
    assert "numpy" in out


def test_start_up_is_light() -> None:
    code = (
        "import sys\n"
        "from workbench.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'numpy', 'brian2', 'numba', 'holoviews', 'panel', 'xarray', 'papermill', 'matplotlib'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or 0)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize(
    "command", ["run network-states", "sweep network-states --grid g=3,4", "figures network-states"]
)
def test_a_place_that_cannot_be_written_is_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str
) -> None:
    (tmp_path / "taken").write_text("a file where a folder should go")
    with pytest.raises(SystemExit) as stopped:
        main([*command.split(), "--into", str(tmp_path / "taken" / "out")])
    assert stopped.value.code == 2
    said = capsys.readouterr().err
    assert "taken" in said
    assert "Traceback" not in said

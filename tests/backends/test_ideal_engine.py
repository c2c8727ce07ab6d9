"""Brian2 kept quiet, portable and honest: no traces left behind, no code block lost, the same numbers from both targets."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from workbench import streams
from workbench.backends.base import compile
from workbench.backends.ideal import engine
from workbench.backends.ideal.rule import poisson_counts
from workbench.chips import Ideal
from workbench.circuits import CIRCUITS
from workbench.circuits.drive import draw
from workbench.circuits.network import Network, Population, Projection, Source
from workbench.circuits.neurons.lif import Lif
from workbench.circuits.spread import Uniform
from workbench.circuits.stimuli import NoisyCurrent, Poisson
from workbench.circuits.unfold import unfold
from workbench.circuits.wiring import FixedInDegree, OneToOne
from workbench.errors import UnsupportedError
from workbench.experiment import Experiment
from workbench.units import ms, mV, nA, pA

DT = 0.1 * ms

# One network with everything the Lif rule knows: jumps, both currents, a noisy current, spread delays, weights and constants.
EVERYTHING = Network(
    {
        "A": Population(20, Lif(tau=Uniform(10 * ms, 20 * ms)), {"v": Uniform(0, 19 * mV)}),
        "B": Population(10, Lif(refractory=1 * ms)),
    },
    {
        "world A": Source(20, Poisson(3000, 5 * ms, 80 * ms)),
        "world B": Source(10, Poisson(500)),
        "noise": Source(20, NoisyCurrent(0.2 * nA, 0.2 * nA)),
    },
    {
        "wA": Projection("world A", "A", OneToOne(), weight=1.0 * mV, delay=0.7 * ms),
        "wB": Projection("world B", "B", OneToOne(), weight=200 * pA, receptor="exc"),
        "nA": Projection("noise", "A", OneToOne(), weight=1.0, receptor="current"),
        "AB": Projection(
            "A",
            "B",
            FixedInDegree(degree=5),
            weight=Uniform(20 * pA, 90 * pA),
            delay=Uniform(0.1 * ms, 3 * ms),
            receptor="exc",
        ),
        "BA": Projection("B", "A", FixedInDegree(degree=4), weight=-90 * pA, delay=1 * ms, receptor="inh"),
        "AA": Projection("A", "A", FixedInDegree(degree=3), weight=0.5 * mV, delay=1.5 * ms),
    },
)


def run(code: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )


def test_importing_the_backends_loads_no_brian2():
    done = run("import sys, workbench.backends.ideal; sys.exit('brian2' in sys.modules or 'numba' in sys.modules)")
    assert done.returncode == 0, done.stderr


def test_a_worker_can_get_ready_before_it_is_asked():
    done = run(
        "import sys, workbench.backends.ideal.ready; sys.exit('brian2' not in sys.modules or 'xarray' in sys.modules)"
    )
    assert done.returncode == 0, done.stderr


def test_brian2_leaves_no_files_words_or_hooks(tmp_path):
    done = run(
        """
import os, sys, tempfile, warnings
before = sys.excepthook, warnings.showwarning
from workbench.chips import Ideal
from workbench.circuits import CIRCUITS
from workbench.experiment import Experiment
Experiment(CIRCUITS["balanced"].quick(), Ideal(), duration=0.005, dt=1e-4).run()
assert (sys.excepthook, warnings.showwarning) == before
assert os.listdir(tempfile.gettempdir()) == [], os.listdir(tempfile.gettempdir())
import brian2
assert brian2.prefs.codegen.target == "auto" and brian2.prefs.codegen.loop_invariant_optimisations
""",
        TMPDIR=str(tmp_path),
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


def test_a_run_may_start_in_a_thread():
    done = run("""
import threading
from workbench.circuits import CIRCUITS
from workbench.experiment import Experiment
found = []
work = threading.Thread(target=lambda: found.append(Experiment(CIRCUITS["balanced"].quick(), duration=0.005, dt=1e-4).run()))
work.start(); work.join()
assert found and found[0].counts["E"] >= 0
""")
    assert done.returncode == 0, done.stderr


def test_a_brian2_that_cannot_be_loaded_is_said():
    done = run("""
import sys, types
sys.modules["sympy"] = types.ModuleType("sympy")  # what Brian2 needs of it is not there
from workbench.circuits import CIRCUITS
from workbench.errors import UnsupportedError
from workbench.experiment import Experiment
try:
    Experiment(CIRCUITS["balanced"].quick(), duration=0.005, dt=1e-4).run()
except UnsupportedError as error:
    assert "Brian2 cannot be loaded" in str(error) and "sympy" in str(error), error
else:
    raise SystemExit(1)
""")
    assert done.returncode == 0, done.stderr


def test_somebody_elses_settings_come_back_even_after_an_error():
    brian2 = engine.brian()
    from brian2.codegen.runtime.cython_rt.cython_rt import CythonCodeObject

    before = brian2.prefs.as_file, CythonCodeObject.compile_block

    def fails():
        with engine.held("cython"):
            assert brian2.prefs["codegen.target"] == "cython"
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert (brian2.prefs.as_file, CythonCodeObject.compile_block) == before


def test_another_brian2_device_is_refused():
    done = run("""
import warnings
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import brian2
brian2.set_device("cpp_standalone")
from workbench.circuits import CIRCUITS
from workbench.errors import UnsupportedError
from workbench.experiment import Experiment
try:
    Experiment(CIRCUITS["balanced"].quick(), duration=0.005, dt=1e-4).run()
except UnsupportedError as error:
    assert "set_device('runtime')" in str(error)
else:
    raise SystemExit(1)
""")
    assert done.returncode == 0, done.stderr


def test_flags_are_portable_and_have_a_cache_of_their_own(monkeypatch, tmp_path):
    flags = engine.compile_flags()
    assert not {"-ffast-math", "-march=native", "-O3"} & set(flags)
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path))
    assert engine.cache_folder().parent == tmp_path
    mine = engine.cache_folder()
    monkeypatch.setattr(engine, "compile_flags", lambda: ["-O3"])
    assert engine.cache_folder() != mine


def test_a_cache_folder_that_cannot_be_made_is_replaced(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "file" / "cache"))
    monkeypatch.setattr(engine.tempfile, "gettempdir", lambda: str(tmp_path))
    with engine.held("cython") as b:
        assert b.prefs["codegen.runtime.cython.cache_dir"].startswith(str(tmp_path / "neuromorphic-workbench"))


@pytest.mark.parametrize("target", engine.TARGETS)
def test_the_rule_has_one_meaning_in_brian2(target):
    """Counts of the Brian2 function, delayed, against the NumPy twin: rates that need no, few and many thresholds."""
    cases = {"quiet": 0.0, "few": 800.0, "many": 90_000.0}
    sources = {name: Source(50, Poisson(rate, 0.3 * ms, 2 * ms)) for name, rate in cases.items()}
    drive = draw(unfold(Network({"P": Population(1, Lif())}, sources, {}), seed=11), 3 * ms, dt=DT, seed=11)
    with engine.held(target) as b:
        functions = {f"count_{name}": poisson_counts(f"count_{name}", drive.rule(name), 4) for name in cases}
        clock = b.Clock(DT * b.second, name="rule_clock")
        group = b.NeuronGroup(
            50, "\n".join(f"{name} : 1" for name in cases), clock=clock, name="rule_group", namespace=functions
        )
        code = "\n".join(f"{name} = count_{name}(i, t_in_timesteps)" for name in cases)
        group.run_regularly(code, clock=clock, when="start", name="rule_code")
        network = b.Network(group)
        for step in range(30):
            network.run(DT * b.second, namespace={})
            for name in cases:
                sent = drive.counts(name, step - 4, step - 3)[0] if step >= 4 else np.zeros(50)
                assert np.array_equal(group.variables[name].get_value(), sent), (name, step)
    word1, word2 = streams.step_words(drive.key("few"), 7, 8)[0]
    bits = streams.bits(word1, word2, np.arange(50, dtype=np.uint32))
    assert np.array_equal(streams.counts_from_bits(bits, drive.rule("few")[1]), drive.counts("few", 7, 8)[0])


def test_both_targets_give_the_same_bits():
    netlist = unfold(EVERYTHING, seed=4)
    drive = draw(netlist, 100 * ms, dt=DT, seed=4)
    runs = {}
    for target in engine.TARGETS:
        runs[target] = compile(netlist, Ideal(target=target), dt=DT, seed=4).start(drive)
        runs[target].advance(100 * ms)
    a, b = runs.values()
    assert min(a.recording().counts.values()) > 20
    assert all(a.recording().spikes[n] == b.recording().spikes[n] for n in ("A", "B"))
    for one, other in zip(a.groups, b.groups):
        assert [
            n
            for n in ("v", "current_exc", "current_inh")
            if n in one.brian.variables and not np.array_equal(one.array(n), other.array(n))
        ] == []
    assert sum(len(g.functions) for g in b.groups) == 2, "compiled groups draw their Poisson input themselves"


def test_a_block_that_cython_cannot_translate_is_never_left_out(monkeypatch, tmp_path):
    """Brian2 returns no module when Cython raises, and would run on without that code."""
    from brian2.codegen.runtime.cython_rt.extension_manager import CythonExtensionManager

    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path))
    monkeypatch.setattr(CythonExtensionManager, "_load_module", lambda self, *args, **kwargs: None)
    with pytest.raises(UnsupportedError, match="silently leave it out"):
        Experiment(
            Network({"P": Population(2, Lif(tau=17 * ms))}), Ideal(target="cython"), duration=1 * ms, dt=DT
        ).run()


def test_a_missing_compiler_is_said(monkeypatch, tmp_path):
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path))
    monkeypatch.setenv("CC", "/nowhere/cc")
    monkeypatch.setenv("CXX", "/nowhere/c++")
    with pytest.raises(UnsupportedError, match=r"needs a working C\+\+ compiler.*numpy"):
        Experiment(
            Network({"P": Population(2, Lif(tau=17 * ms))}), Ideal(target="cython"), duration=1 * ms, dt=DT
        ).run()


def test_the_compiled_run_of_a_library_circuit_resumes(tmp_path):
    experiment = Experiment(CIRCUITS["balanced"].quick(), Ideal(target="cython"), duration=30 * ms, dt=DT, seed=1)
    program = experiment.compile()
    drive = draw(program.netlist, experiment.duration, dt=DT, seed=1)
    half = program.start(drive)
    half.advance(10 * ms)
    rest = program.resume(half.save(tmp_path / "a.run"))
    rest.advance(20 * ms)
    plain = experiment.on(Ideal()).run()
    assert all(rest.recording().spikes[n] == plain.spikes[n] for n in plain.spikes)

"""The worm's table against the published counts, and the circuit against the table."""

from __future__ import annotations

import hashlib
import os
import runpy
import subprocess
import sys
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from workbench.circuits import CIRCUITS
from workbench.circuits.library.worm import BACKWARD, FORWARD, ROLES, TOUCHED, Worm, connectome
from workbench.circuits.unfold import unfold
from workbench.errors import DescriptionError
from workbench.fields import from_border, from_json, knobs, to_json
from workbench.units import mV

DATA = resources.files("workbench.circuits.library") / "data"


def test_table_is_the_one_its_script_made():
    table = (DATA / "worm.csv").read_bytes()
    assert hashlib.sha256(table).hexdigest() == "fa6d93f0b0fd654ce87695452fc9a70e4eb909748f9f765aec1ad39821ce1666"
    assert len(table) < 500_000


def test_script_makes_the_table_again_byte_for_byte(tmp_path: Path):
    """The wheel is the one WORKBENCH_CECT_WHEEL names, or it is fetched; offline, the digest above has to do."""
    wheel = os.environ.get("WORKBENCH_CECT_WHEEL")
    if not wheel:
        fetch = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(tmp_path), "cect==0.3.5"]
        if subprocess.run(fetch, capture_output=True, check=False).returncode:
            pytest.skip("the wheel of cect 0.3.5 cannot be fetched, and WORKBENCH_CECT_WHEEL does not name it")
        wheel = str(next(tmp_path.glob("cect*.whl")))
    script = runpy.run_path(str(DATA / "make_worm.py"))
    script["main"](Path(wheel), tmp_path / "worm.csv")
    assert (tmp_path / "worm.csv").read_bytes() == (DATA / "worm.csv").read_bytes()


def test_counts_are_those_of_cook_2019():
    """Of 4,879 chemical entries (28,113 sections), 3,709 (20,965) join neurons, 956 (5,515) reach body-wall muscles."""
    worm = connectome()
    assert {role: len(names) for role, names in worm.cells.items()} == {
        "sensory": 83,
        "inter": 89,
        "motor": 123,
        "other": 7,
        "muscle": 95,
    }
    entries, sections = {}, {}
    for (_, target), contacts in worm.chemical.items():
        end = "muscle" if target == "muscle" else "neuron"
        entries[end] = entries.get(end, 0) + contacts.weights.size
        sections[end] = sections.get(end, 0) + contacts.weights.sum()
    assert entries == {"neuron": 3709, "muscle": 956}
    assert sections == {"neuron": 20965, "muscle": 5515}
    # the other ends (pharynx, glands, ...) hold the rest of the published counts
    assert sum(entries.values()) + 214 == 4879
    assert sum(sections.values()) + 1633 == 28113


def test_muscles_only_listen():
    assert not any(source == "muscle" for source, _ in connectome().chemical)


def test_gap_junctions_conduct_equally_both_ways():
    gap = connectome().gap
    for (a, b), contacts in gap.items():
        i, j, weight, _ = contacts.matrix
        back_i, back_j, back_weight, _ = gap[b, a].matrix
        there = set(zip(i.tolist(), j.tolist(), weight.tolist()))
        assert there == set(zip(back_j.tolist(), back_i.tolist(), back_weight.tolist()))
    assert sum(contacts.weights.size for contacts in gap.values()) == 2 * 1192


def test_avb_speaks_to_the_forward_motor_neurons_by_gap_junctions():
    """As the lesson tells: AVB to DB and VB 3 chemical sections and 156 of gap; AVA to DA and VA 282 and 194."""
    worm = connectome()

    def sections(contacts, senders: tuple[str, ...], classes: tuple[str, ...]) -> float:
        i, j, weight, _ = contacts["inter", "motor"].matrix
        inside = np.isin(i, worm.places("inter", senders)) & np.isin(j, worm.places("motor", classes))
        return weight[inside].sum()

    told = ((("AVBL", "AVBR"), FORWARD, 3, 156), (("AVAL", "AVAR"), BACKWARD, 282, 194))
    for senders, classes, chemical, gap in told:
        assert sections(worm.chemical, senders, classes) == chemical
        assert sections(worm.gap, senders, classes) == gap


def test_signs_follow_the_transmitters():
    worm = connectome()
    neurons = [name for role in ROLES[:-1] for name in worm.cells[role]]
    inhibiting = {name for name in neurons if worm.sign(name) < 0}
    assert len(neurons) == 302
    assert len(inhibiting) == 31
    assert {f"VD{n}" for n in range(1, 14)} | {f"DD{n}" for n in range(1, 7)} <= inhibiting
    assert worm.sign("SMDDL") == 1, "acetylcholine and GABA: not GABA alone"
    assert worm.sign("ALML") == 1
    assert worm.sign("ALML", glutamate=-1) == -1
    assert worm.sign("VA1", glutamate=-1) == 1


def test_touched_cells_are_sensory_neurons():
    sensory = connectome().cells["sensory"]
    assert all(name in sensory for names in TOUCHED.values() for name in names)


def test_a_jump_is_sections_times_weight_with_the_senders_sign():
    worm, circuit = connectome(), Worm(weight=2 * mV, inhibition=3.0)
    block = unfold(circuit.network(), seed=1).projections["motor to muscle"]
    i, j = block.edges()
    weights = np.broadcast_to(block.weight, i.shape)
    names = worm.cells["motor"], worm.cells["muscle"]
    made = {(names[0][a], names[1][b]): w for a, b, w in zip(i, j, weights)}
    sections = {(names[0][a], names[1][b]): s for a, b, s in zip(*worm.chemical["motor", "muscle"].matrix[:3])}
    assert made.keys() == sections.keys()
    for (sender, muscle), s in sections.items():
        expected = s * 2 * mV * (1.0 if worm.sign(sender) > 0 else -3.0)
        assert made[sender, muscle] == pytest.approx(expected, abs=2**-44)


def test_options_add_only_what_they_say():
    plain = Worm().network()
    assert {p.receptor for p in plain.projections.values()} == {"input"}
    with_gaps = Worm(gap_junctions=True).network()
    added = with_gaps.projections.keys() - plain.projections.keys()
    assert all(with_gaps.projections[name].receptor == "gap" for name in added)
    assert added
    noisy = Worm(background=1.0).network()
    assert noisy.sources.keys() - plain.sources.keys() == {f"background {role}" for role in ROLES[:-1]}


def test_the_description_crosses_the_border():
    circuit = CIRCUITS["worm"]
    assert circuit == Worm()
    assert from_json(to_json(circuit)) == circuit
    assert knobs(circuit)["weight_mv"].default == 1.0
    assert from_border(circuit, {"touch": "nose", "weight_mv": 0.5}).touched == TOUCHED["nose"]
    with pytest.raises(DescriptionError, match="did you mean 'posterior'"):
        from_border(circuit, {"touch": "posterio"})
    assert circuit.quick() == circuit


def test_the_same_seed_gives_the_same_netlist():
    one, other = (unfold(Worm(background=5.0).network(), seed=3) for _ in range(2))
    assert one.digest == other.digest
    assert one.digest != unfold(Worm(background=5.0, weight=2 * mV).network(), seed=3).digest

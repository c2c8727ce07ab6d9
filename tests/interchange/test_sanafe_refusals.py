"""SANA-FE's files that make no sense, that are dangerous, or that our chip cannot hold: refused by name, with the place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.interchange.sanafe_files import group, loihi_architecture, network_file
from workbench.errors import DescriptionError, PlacementError, UnsupportedError, WorkbenchError
from workbench.interchange import sanafe
from workbench.interchange.sanafe import document

ARCH = loihi_architecture()
NET = network_file(
    group("a", "[0..3: {}]", threshold=1),
    "  - a.0 -> a.1: {weight: 1}",
    "  - a.0..1: {core: 0.0}\n  - a.2..3: {core: 7.3}",
)


def architecture(tmp_path: Path, text: str) -> Any:
    (tmp_path / "arch.yaml").write_text(text)
    return sanafe.read_architecture(tmp_path / "arch.yaml")


def network(tmp_path: Path, text: str) -> Any:
    (tmp_path / "net.yaml").write_text(text)
    return sanafe.read_network(tmp_path / "net.yaml", architecture(tmp_path, ARCH))


def test_the_plain_files_are_read(tmp_path: Path) -> None:
    assert network(tmp_path, NET)[0].populations["a"].size == 4


# --- dangerous --------------------------------------------------------------------------------------------------------


def test_a_file_cut_anywhere_is_refused_with_a_place(tmp_path: Path) -> None:
    """At every eighth byte: either no YAML, or something that has to be there is missing."""
    for text, read in ((ARCH, architecture), (NET, network)):
        for end in range(0, len(text) - 12, 8):
            with pytest.raises(WorkbenchError) as error:
                read(tmp_path, text[:end])
            said = str(error.value)
            assert ("line" in said and "column" in said) or "is empty" in said, (end, said)


def test_a_cut_flow_list_says_line_and_column(tmp_path: Path) -> None:
    with pytest.raises(DescriptionError, match=r"net.yaml, line \d+, column \d+: this is no YAML, or it is cut short"):
        network(tmp_path, NET[: NET.index("threshold")])


def test_an_enormous_file_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(path: Path) -> bytes:
        raise AssertionError(f"{path} was read")

    monkeypatch.setattr(Path, "read_bytes", read)
    with (tmp_path / "arch.yaml").open("wb") as file:
        file.seek(document.LARGEST)  # a hole: nothing is written
        file.write(b"x")
    with pytest.raises(DescriptionError, match="arch.yaml has 64 MB; at most 64 MB are read"):
        sanafe.read_architecture(tmp_path / "arch.yaml")


def test_an_alias_bomb_is_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{k}: &a{k} [{', '.join(f'*a{k - 1}' for _ in range(9))}]" for k in range(1, 12)]
    with pytest.raises(DescriptionError, match="over 4000000 values, aliases expanded"):
        architecture(tmp_path, "\n".join(lines))


def test_an_alias_to_itself_or_to_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DescriptionError, match=r"line 1, column \d+ .*alias \*a names nothing complete"):
        architecture(tmp_path, "architecture: &a [*a]")
    with pytest.raises(DescriptionError, match="line 1, column 15"):
        architecture(tmp_path, "architecture: *b")


def test_depth_bytes_and_documents_are_bounded(tmp_path: Path) -> None:
    with pytest.raises(DescriptionError, match="nested over 40 deep"):
        architecture(tmp_path, "a: " + "[" * 60 + "]" * 60)
    with pytest.raises(DescriptionError, match="no YAML, or it is cut short|nested over"):
        architecture(tmp_path, "[" * 200_000)
    with pytest.raises(DescriptionError, match="more than one document"):
        architecture(tmp_path, "a: 1\n---\nb: 2\n")
    (tmp_path / "arch.yaml").write_bytes(b"architecture: \xff\xfe")
    with pytest.raises(DescriptionError, match="byte 14 is not UTF-8"):
        sanafe.read_architecture(tmp_path / "arch.yaml")
    with pytest.raises(DescriptionError, match="arch.yaml, line 2, column 4"):
        architecture(tmp_path, "a: 1\nb: \x01\n")
    with pytest.raises(DescriptionError, match="arch.yaml is empty"):
        architecture(tmp_path, "")
    with pytest.raises(DescriptionError, match="gone.yaml cannot be read"):
        sanafe.read_architecture(tmp_path / "gone.yaml")


def test_nothing_in_a_file_is_made_or_run(tmp_path: Path) -> None:
    """Tags of other loaders are plain text here."""
    with pytest.raises(DescriptionError, match="a mapping"):
        architecture(
            tmp_path, "architecture: !!python/object/apply:os.system ['touch owned']\n".replace("['touch owned']", "x")
        )
    assert not (tmp_path / "owned").exists()


# --- architectures ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "error", "says"),
    [
        ("architecture:\n", "chip:\n", DescriptionError, "'architecture' is missing; there are chip"),
        ("leaky_integrate_fire", "leaky_integrate_fires", DescriptionError, r"arch.yaml, line \d+, column \d+ \(architecture.tile\[0\].core\[0\].soma\[0\].attributes.model\): Unknown model 'leaky_integrate_fires': did you mean 'leaky_integrate_fire'"),
        ("model: current_based", "model: memristor", DescriptionError, r"synapse\[0\].attributes.model.*Unknown model 'memristor'. Known: current_based"),
        ("model: leaky_integrate_fire", "model: truenorth", UnsupportedError, "no soma unit has the model leaky_integrate_fire"),
        ("model: accumulator", "model: taps", UnsupportedError, "no dendrite unit has the model accumulator"),
        ("topology: mesh", "topology: torus", UnsupportedError, "topology 'torus'"),
        ("topology: mesh", "topologie: mesh", DescriptionError, "Unknown attribute 'topologie': did you mean 'topology'"),
        ("width: 8", "width: 2", DescriptionError, "32 tiles do not fit on a mesh of 2 × 4"),
        ("width: 8", "width: 0", DescriptionError, "'0' is wanted to be a whole number from 1 to 4096"),
        ("width: 8", "width: eight", DescriptionError, "'eight' is wanted to be a number"),
        ("link_buffer_size: 16", "link_buffer_size: -1", DescriptionError, "'-1' is wanted to be a whole number from 1"),
        ("sync_model: table", "sync_model: magic", DescriptionError, "Unknown attribute 'magic'. Known: fixed, table"),
        ("energy_west_hop: 3e-12", "energy_west_hop: 1e-12", UnsupportedError, "a hop to the west costs other than one to the east"),
        ("energy_west_hop: 3e-12", "energy_west_hop: -1e-12", DescriptionError, "'-1e-12' is wanted to be a number from 0"),
        ("buffer_position: soma", "buffer_position: axon_out", UnsupportedError, "a buffer before the dendrite or the soma"),
        ("buffer_inside_unit: false", "buffer_inside_unit: true", UnsupportedError, "not inside a unit"),
        ("buffer_position: soma", "buffer_position: moon", DescriptionError, "Unknown attribute 'moon'"),
        ("model: input\n", "model: input\n                plugin: ./evil.so\n", UnsupportedError, "a plug-in is a program"),
        ("latency_spike_out: 30.0e-9\n", "latency_spike_out: 30.0e-9\n                noise: n.txt\n", UnsupportedError, "noise on the potential"),
        ("name: tile[0..31]", "name: tile[0..99999999999]", DescriptionError, "no number and no range"),
        ("name: tile[0..31]", "name: tile[9..3]", DescriptionError, "must ascend"),
        ("name: tile[0..31]", "name: tile[0..31", DescriptionError, "is no name such as core"),
        ("name: sparse_synapse", "name: dense_synapse_2", UnsupportedError, "'dense_synapse' and 'dense_synapse_2' have different costs"),
        ("name: sparse_synapse", "name: dense_synapse", DescriptionError, "two units have the same name"),
        ("latency_message_in:", "latency_message_inn:", DescriptionError, "Unknown attribute 'latency_message_inn': did you mean 'latency_message_in'"),
    ],
)  # fmt: skip
def test_an_architecture_we_cannot_hold_is_refused_by_name(
    tmp_path: Path, old: str, new: str, error: type[Exception], says: str
) -> None:
    assert old in ARCH
    with pytest.raises(error, match=says):
        architecture(tmp_path, ARCH.replace(old, new, 1))


def test_tiles_that_differ_are_refused(tmp_path: Path) -> None:
    first, _, tile = ARCH.partition("  tile:\n")
    few, more = tile.replace("tile[0..31]", "tile[0..3]"), tile.replace("tile[0..31]", "more[0..3]")
    assert architecture(tmp_path, f"{first}  tile:\n{few}{more}").tiles == 8
    slow = more.replace("latency_access_neuron: 6.0e-9", "latency_access_neuron: 7.0e-9")
    with pytest.raises(UnsupportedError, match=r"latency_access_neuron\): this tile differs from the first one"):
        architecture(tmp_path, f"{first}  tile:\n{few}{slow}")


# --- networks ---------------------------------------------------------------------------------------------------------


def net(
    groups: str = group("a", "[0..3: {}]", threshold=1), edges: str = "    []", mappings: str = "  - a: {core: 0.0}"
) -> str:
    return network_file(groups, edges, mappings)


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        (net().replace("mappings:\n  - a: {core: 0.0}\n", ""), DescriptionError, "'mappings' is missing; there are network"),
        (net(mappings="  - a.0..2: {core: 0.0}"), DescriptionError, r"mappings\): neuron a.3 is not mapped to a core \(1 of this group"),
        (net(mappings="  - a: {core: 0.0}\n  - a.2: {core: 0.1}"), DescriptionError, r"line \d+, column \d+ \(mappings\[1\].a.2\): neuron a.2 is mapped twice"),
        (net(mappings="  - a: {core: 40.0}"), DescriptionError, "there is no core 40.0: our_loihi has 32 tiles of 4 cores, numbered from 0"),
        (net(mappings="  - a: {core: 0.4}"), DescriptionError, "there is no core 0.4"),
        (net(mappings="  - a: {core: zero}"), DescriptionError, "'zero' is no core: write tile.core, such as 3.0"),
        (net(mappings="  - a.0..9: {core: 0.0}"), DescriptionError, "'a' has 4 neurons, numbered from 0; there is no 9"),
        (net(mappings="  - b: {core: 0.0}"), DescriptionError, "Unknown group 'b'. Known: a"),
        (net(mappings="  - a: {core: 0.0, soma: lift}"), DescriptionError, "Unknown unit 'lift': did you mean 'lif'"),
        (net(mappings="  - a: {tile: 0.0}"), DescriptionError, "Unknown attribute 'tile'. Known: core, soma"),
        (net(mappings="  - {a.0..1: {core: 0.0}, a.2..3: {core: 0.0}}"), DescriptionError, "a mapping has one entry, such as g.0..7"),
        (net(group("a", "[0..1024: {}]", threshold=1)), PlacementError, "core 0.0 of our_loihi is full: neurons used 1025, limit 1024"),
        (net(group("a", "[0..3: {}]", treshold=1)), DescriptionError, "Unknown attribute 'treshold': did you mean 'threshold'"),
        (net(group("a", "[0..3: {}]", threshold="high")), DescriptionError, "'high' is wanted to be a number"),
        (net(group("a", "[0..1: {}, 5: {}]")), DescriptionError, "neuron 5 lies beyond the 3 neurons listed"),
        (net(group("a", "[0..1: {}, 1: {}]")), DescriptionError, "neuron 1 of 'a' stands twice"),
        (net(group("a", "[]")), DescriptionError, "no group is empty"),
        (net(group("a", "[0..999999999: {}]")), DescriptionError, "must ascend and hold at most"),
        (net(group("a", "[0: {}]") + "\n" + group("a", "[0: {}]")), DescriptionError, "'a' stands twice"),
        (net(group("a", "[0..3: {}]", reset_mode="none")), UnsupportedError, "reset_mode 'none' is nothing our neuron does"),
        (net(group("a", "[0..3: {}]", reverse_reset_mode="hard")), UnsupportedError, "reverse_reset_mode 'hard'"),
        (net(group("a", "[0..3: {}]", leak_decay=1.5)), DescriptionError, "leak_decay lies between 0 and 1"),
        (net(group("a", "[0..3: {}]", leak_decay=0.9)), UnsupportedError, "leak_decay 0.9 is no whole number of 1/4096.*approximate=True"),
        (net(group("a", "[0..3: {}]", bias=0.3)), UnsupportedError, "bias of 'a' is no whole number of 1/64.*approximate=True"),
        (net(group("a", "[0..3: {}]", input_decay=0.5)), UnsupportedError, "input_decay leaves fractions"),
        (net(group("a", "[0..3: {}]", leak_decay=0.5, potential=2)), UnsupportedError, "does not leak in its first step"),
        (net(group("a", "[0..3: {}]", leak_decay=0.5, reset=-1, refractory_delay=2)), UnsupportedError, "leaks while refractory"),
        (net(group("a", "[0..3: {}]", force_update="true")), UnsupportedError, "force_update counts silent neurons"),
        (net(group("a", "[0..3: {}]", threshold=1, reset=2)), DescriptionError, "the reset must not lie above the threshold"),
        (net(group("a", "[0..3: {}]", spikes="[1, 0]")), DescriptionError, "'spikes' belongs to input units"),
        (net(group("a", "[0: {reset_mode: soft}, 1: {}]")), UnsupportedError, "the neurons of group 'a' differ in reset_mode"),
        (net(group("a", "[0: {}]"), mappings='  - a: {core: 0.0, soma: "door[0]"}'), UnsupportedError, "no neuron but inputs"),
        (net(edges="  - a.0 - a.1: {weight: 1}"), DescriptionError, "is no edge: write a.0 -> b.1"),
        (net(edges="  - a.0 -> a: {weight: 1}"), DescriptionError, "joins a neuron and a group"),
        (net(edges="  - a.0 -> a.4: {weight: 1}"), DescriptionError, "'a' has 4 neurons, numbered from 0; there is no 4"),
        (net(edges="  - a.0 -> b.1: {weight: 1}"), DescriptionError, "Unknown group 'b'"),
        (net(edges="  - a.0 -> a.1: {}"), DescriptionError, "'weight' is missing"),
        (net(edges="  - a.0 -> a.1: {weight: 0.7}"), UnsupportedError, "weights onto 'a' are no whole numbers of 1/64"),
        (net(edges="  - a.0 -> a.1: {weight: .inf}"), DescriptionError, "'.inf' is wanted to be a number"),
        (net(edges="  - a.0 -> a.1: {weight: 1, delay: 3}"), UnsupportedError, "a delay needs the dendrite model accumulator_with_delay"),
        (net(edges="  - a.0 -> a.1: {weight: 1, tap: 2}"), DescriptionError, "Unknown attribute 'tap'. Known: weight"),
        (net(edges="  - a -> a: {type: ring, weight: [1]}"), DescriptionError, "Unknown type of edge 'ring'. Known: dense, sparse, conv2d"),
        (net(edges="  - a -> a: {type: dense, weight: [1, 2]}"), DescriptionError, "2 weights are given where 16 are needed"),
        (net(edges="  - a -> a: {type: dense, weight: w.npz}"), DescriptionError, "a list is wanted here"),
        (net(edges="  - a -> a: {type: sparse, weight: [1], source_target_pairs: [[0, 9]]}"), DescriptionError, r"each pair is \[source, target\]"),
        (net(edges="  - a -> a: {type: conv2d, weight: [1], input_height: 2, input_width: 2, input_channels: 1, kernel_height: 3, kernel_width: 1, kernel_count: 1}"), DescriptionError, "kernel of 3 × 1 does not fit into images of 2 × 2"),
        (net(edges="  - a -> a: {type: conv2d, weight: [1], input_height: 2, input_width: 3, input_channels: 1, kernel_height: 1, kernel_width: 1, kernel_count: 1}"), DescriptionError, "joins 6 to 6 neurons; the populations have 4 and 4"),
    ],
)  # fmt: skip
def test_a_network_we_cannot_hold_is_refused_by_name(
    tmp_path: Path, text: str, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        network(tmp_path, text)


@pytest.mark.parametrize(
    ("edges", "given", "says"),
    [
        ("  - b.0 -> a.0: {weight: 1}", {}, "'a' is an input; nothing can be sent to it"),
        ("    []", {"poisson": 0.5}, "'poisson' inputs are drawn by SANA-FE's own generator"),
        ("    []", {"rate": 0.5, "spikes": "[1]"}, "either one rate"),
    ],
)
def test_inputs_that_cannot_be_sources_are_refused(
    tmp_path: Path, edges: str, given: dict[str, Any], says: str
) -> None:
    groups = group("a", "[0: {}]", **given) + "\n" + group("b", "[0: {}]")
    with pytest.raises(WorkbenchError, match=says):
        network(tmp_path, net(groups, edges, '  - a: {core: 0.0, soma: "door[0]"}\n  - b: {core: 0.0}'))


def test_two_inputs_on_one_unit_are_refused(tmp_path: Path) -> None:
    groups = group("a", "[0..1: {}]") + "\n" + group("b", "[0: {}]")
    with pytest.raises(UnsupportedError, match="two neurons of 'a' share one input unit"):
        network(tmp_path, net(groups, "    []", '  - a: {core: 0.0, soma: "door[0]"}\n  - b: {core: 0.0}'))

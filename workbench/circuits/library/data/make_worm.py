"""Make ``worm.csv``, the slim table of the C. elegans hermaphrodite, from the package cect 0.3.5.

Run by hand, never by the workbench; it needs the standard library only and does not import cect::

    pip download cect==0.3.5 --no-deps
    python make_worm.py cect-0.3.5-py3-none-any.whl

The same wheel gives the same bytes.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

WHEEL_SHA256 = "ea47f7a6b0d69a8d0bd3b0ade4037b7cc32d31ad0449f823d7ec153d6fd25057"

# Cell types of cect's all_cell_info.csv, gathered into roles. The groups are those of Cook et al. 2019.
ROLES = {
    "sensory": ("Amphid", "Cephalic", "Mechanosensory", "O2, CO2, social signals", "Phasmid", "Touch"),
    "inter": ("Layer ", "Category 4 interneuron", "Linker to pharynx", "Pharyngeal interneuron"),
    "motor": ("Head motor", "Hermaphrodite specific", "Pharyngeal motor", "Sublateral motor", "Ventral cord motor"),
    "other": ("Canal neuron", "Pharyngeal polymodal neuron"),
    "muscle": ("Head muscle", "Main body muscle"),
}

HEADER = """\
# The nervous system and the body-wall muscles of the adult hermaphrodite of Caenorhabditis elegans.
# Wiring: Cook et al. 2019, Nature 571:63-71, doi:10.1038/s41586-019-1352-7, SI 5 as corrected in July 2020.
# Transmitters: Wang et al. 2024, eLife 13:RP95402, doi:10.7554/eLife.95402.
# Both read from cect 0.3.5 (C. elegans Connectome Toolbox, OpenWorm contributors, MIT licence):
#   cache/Cook2019HermReader.json, cache/Wang2024HermReader.json, data/all_cell_info.csv. Made by make_worm.py.
# cell rows: name, role, transmitters joined by + (empty: none known, or no neuron).
# chemical rows: from, to, weight in sections of electron micrographs in which the synapse is seen.
# gap rows: a pair of cells once, weight in sections; the source lists both directions with equal weight.
# Left out: 76 other cells (pharynx, glands, glia, other muscles) with their contacts; gap junctions within one cell.
"""


def role_of(kind: str) -> str | None:
    """The role of a cell type, None for a cell that is neither neuron nor body-wall muscle."""
    return next((role for role, starts in ROLES.items() if kind.startswith(starts)), None)


def natural(name: str) -> tuple[str, int]:
    """A sorting key that puts VA2 before VA10."""
    letters, digits = re.fullmatch(r"(.*?)(\d*)", name).groups()  # type: ignore[union-attr]
    return letters, int(digits or 0)


def transmitters(atlas: dict) -> dict[str, str]:
    """Which transmitters each cell releases, in the order of the atlas, joined by a plus sign."""
    found: dict[str, list[str]] = {}
    for transmitter, matrix in atlas["connections"].items():
        for name, row in zip(atlas["nodes"], matrix, strict=True):
            if any(row):
                found.setdefault(name, []).append(transmitter.lower())
    return {name: "+".join(words) for name, words in found.items()}


def rows(wheel: ZipFile) -> Iterator[tuple[str, str, str, str]]:
    """The rows of the table, in order: cells by role and name, then chemical synapses, then gap junctions."""
    wiring = json.loads(wheel.read("cect/cache/Cook2019HermReader.json"))
    released = transmitters(json.loads(wheel.read("cect/cache/Wang2024HermReader.json")))
    info = csv.DictReader(wheel.read("cect/data/all_cell_info.csv").decode("utf-8").splitlines())
    kinds = {row["Cell name"]: row["Type"] for row in info}

    place = {name: index for index, name in enumerate(wiring["nodes"])}
    roles = {name: role for name in place if (role := role_of(kinds[name]))}
    order = list(ROLES)
    cells = sorted(roles, key=lambda name: (order.index(roles[name]), natural(name)))
    for name in cells:
        yield "cell", name, roles[name], released.get(name, "")

    chemical, gap = wiring["connections"]["Generic_CS"], wiring["connections"]["Generic_GJ"]
    for source in cells:
        for target in cells:
            if weight := chemical[place[source]][place[target]]:
                yield "chemical", source, target, str(int(weight))
    for index, one in enumerate(cells):
        for other in cells[index + 1 :]:
            weight, back = gap[place[one]][place[other]], gap[place[other]][place[one]]
            if weight != back:
                raise SystemExit(f"the gap junction {one}-{other} differs by direction: {weight} and {back}")
            if weight:
                yield "gap", one, other, str(int(weight))


def main(wheel: Path, table: Path) -> None:
    """Write the table beside this script and say what is in it."""
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if digest != WHEEL_SHA256:
        raise SystemExit(f"{wheel.name} is not the wheel of cect 0.3.5 this table is made from: sha256 {digest}")
    with ZipFile(wheel) as archive:
        lines = list(rows(archive))
    text = HEADER + "kind,name,partner,value\n" + "".join(",".join(line) + "\n" for line in lines)
    table.write_bytes(text.encode("ascii"))
    print(*(f"{kind}: {number}" for kind, number in Counter(line[0] for line in lines).items()), sep="\n")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        raise SystemExit("usage: python make_worm.py cect-0.3.5-py3-none-any.whl [worm.csv]")
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else Path(__file__).with_name("worm.csv"))

"""Install the simulators that `workbench bench` compares with, each in an environment of its own; the workbench needs none of them.

    python scripts/peers.py FOLDER [NAME ...]

Standard library only; packages come from the index that pip is configured with. One that cannot be installed is named, and the
others go on. The last line printed is the variable that `workbench bench` reads. Brian2 is part of the workbench's own environment.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import venv
from pathlib import Path

# environment, then the packages that are asked for together: what one peer cannot do must not keep another from being there
PEERS = {
    "nest": ("peers", ("nest-simulator==3.10.0",)),
    "sanafe": ("peers", ("sanafe==2.2.9",)),
    # the event kernels on a CPU fail until Numba stands beside them
    "brainevent": ("peers", ("brainevent==0.2.1", "brainpy", "jax", "numba", "numpy<2.4")),
    "snntorch": ("peers", ("snntorch", "torch")),
    # its drawings need pycairo, and that a compiler and Cairo: solving does without
    "badcrossbar": ("badcrossbar", ("--no-deps", "badcrossbar==1.1.0", "numpy<2.4", "scipy", "pathvalidate")),
    # this wheel ran on this PyTorch and on no other that was tried; its environment takes 7 GB
    "aihwkit": ("aihwkit", ("aihwkit==1.1.0", "torch==2.10.0")),
    # unmaintained since 2022: it needs the Nengo and the NumPy of its time
    "nengoloihi": ("nengo", ("nengo-loihi==1.1.0", "nengo==3.2.0", "numpy<2")),
}


def interpreter(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def install(folder: Path, packages: tuple[str, ...]) -> str:
    """Install packages into an environment, made if it is not there; returns what went wrong, or nothing."""
    if not interpreter(folder).exists():
        venv.create(folder, with_pip=True)
    done = subprocess.run(
        [str(interpreter(folder)), "-m", "pip", "install", "-q", "--no-input", *packages],
        capture_output=True,
        text=True,
        check=False,
    )
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["pip failed"])[-1]


def main() -> int:
    ask = argparse.ArgumentParser(description="Install the simulators that `workbench bench` compares with.")
    ask.add_argument("folder", type=Path, help="where their environments go")
    ask.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(PEERS)}; all by default")
    a = ask.parse_args()
    for name in a.names:
        if name not in PEERS:
            print(f"peers: there is no '{name}'; there are {', '.join(PEERS)}.", file=sys.stderr)
            return 2
    failed = 0
    made: dict[str, Path] = {}
    for name in a.names or PEERS:
        environment, packages = PEERS[name]
        folder = (a.folder / environment).resolve()
        print(f"  {name} ...", file=sys.stderr, flush=True)
        wrong = install(folder, packages)
        if wrong:
            failed += 1
            print(f"peers: {name} was not installed: {wrong}", file=sys.stderr)
        else:
            made[environment] = interpreter(folder)
    print("WORKBENCH_PEERS=" + os.pathsep.join(map(str, made.values())))
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())

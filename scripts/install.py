"""Create the environment from the lock and install the workbench in it; do nothing when that is done.

Standard library only: this is the one program that runs before anything is installed. What the machine says about pip
(mirrors, certificates, proxies) holds for uv too: the answers of `pip config` are handed on.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
OLDEST, NEWEST = (3, 11), (3, 13)

# pip's settings and what uv calls them; a list in pip is parted by blanks, in uv by the mark on the right
SETTINGS = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "cert": ("SSL_CERT_FILE", " "),
    "no-index": ("UV_NO_INDEX", " "),
    "proxy": ("ALL_PROXY", " "),
}


def stop(sentence: str) -> SystemExit:
    print(f"install: {sentence}", file=sys.stderr)
    return SystemExit(2)


def lock(extras: Sequence[str]) -> str:
    """The digest of all that decides what is installed."""
    digest = hashlib.sha256(",".join(sorted(extras)).encode())
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((HOME / name).read_bytes())
    digest.update(f"{sys.version_info[:2]} {HOME}".encode())
    return digest.hexdigest()


def fits(stamp: Path, extras: Sequence[str]) -> bool:
    """Whether an environment made for these extras, or for more, stands ready."""
    if not stamp.is_file():
        return False
    made, _, names = stamp.read_text(encoding="utf-8").strip().partition(" ")
    have = names.split(",")
    return set(extras) <= set(have) and made == lock(have)


def interpreter(venv: Path) -> Path:
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def create(venv: Path) -> None:
    """Make the environment; on a Debian without `ensurepip`, say which package brings it, or install it when root."""
    whole = any(venv.glob("[lL]ib*/**/site-packages/pip"))  # one that was interrupted has a Python and no pip
    if interpreter(venv).exists() and whole:
        return
    if shutil.which("uv"):
        subprocess.run(
            ["uv", "venv", "--quiet", "--seed", "--clear", "--python", sys.executable, str(venv)], check=True
        )
        return
    try:
        import ensurepip  # noqa: F401  only asked whether it is there
    except ImportError:
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        root = hasattr(os, "geteuid") and os.geteuid() == 0
        if not (root and shutil.which("apt-get")):
            raise stop(
                f"this Python cannot make environments; `sudo apt-get install {package}`, then run make again."
            ) from None
        print(f"install: this Python cannot make environments, installing {package} ...", flush=True)
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        subprocess.run(["apt-get", "install", "-qq", "-y", "--no-install-recommends", package], check=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)], check=True)


def told(python: Path) -> dict[str, list[str]]:
    """What pip was told on this machine; the environment rules over the files, and `pip config` lists it first."""
    listed = subprocess.run([python, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False).stdout
    values: dict[str, list[str]] = {}
    for line in listed.splitlines():
        key, _, value = line.partition("=")
        values.setdefault(key.rpartition(".")[2], value.strip("'\"").replace("\\n", " ").split())
    return values


def in_uv_words(values: dict[str, list[str]]) -> dict[str, str]:
    """Pip's settings as variables for uv; what uv was told itself stays as it is."""
    environment = {
        word: mark.join(values[name])
        for name, (word, mark) in SETTINGS.items()
        if values.get(name) and word not in os.environ
    }
    if "UV_INDEX" in environment:
        # pip takes the best version of all indexes; uv would stop at the first that knows the name
        environment.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    return environment


def install(venv: Path, extras: Sequence[str]) -> None:
    """Install the locked releases with uv; with pip, more slowly, where there is no uv."""
    python = interpreter(venv)
    target = f"{HOME}[{','.join(extras)}]"
    locked = ["--editable", target, "--constraint", str(HOME / "constraints.txt")]
    uv = shutil.which("uv") or shutil.which("uv", path=str(python.parent))
    if uv is None:
        subprocess.run([python, "-m", "pip", "install", "--quiet", "uv"], check=False)
        uv = shutil.which("uv", path=str(python.parent))
    if uv is None:
        subprocess.run([python, "-m", "pip", "install", "--quiet", *locked], check=True)
        return
    machine = told(python)
    caps = [word for path in machine.get("constraint", []) for word in ("--constraint", path)]
    command = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python), *locked, *caps]
    subprocess.run(command, check=True, env=os.environ | in_uv_words(machine))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--venv", type=Path, default=HOME / ".venv", help="where the environment is, or is made")
    parser.add_argument("--extras", default="lab,studio,batch", help="which extras of pyproject.toml it needs")
    asked = parser.parse_args(arguments)
    extras = [name for name in asked.extras.split(",") if name]
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        found = ".".join(map(str, sys.version_info[:3]))
        raise stop(f"Python 3.11 to 3.13 is needed and this is {found}; try `make PYTHON=python3.11 run`.")

    stamp = asked.venv / "workbench.lock"
    if fits(stamp, extras):
        return 0
    if stamp.is_file() and interpreter(asked.venv).exists():
        # an environment may only grow: `make run` after `make test` must not throw the test tools away
        extras = sorted(set(extras) | set(stamp.read_text(encoding="utf-8").strip().partition(" ")[2].split(",")))
    print(f"Installing the workbench ({', '.join(extras)}) in {asked.venv} ...", flush=True)
    try:
        create(asked.venv)
        install(asked.venv, extras)
    except subprocess.CalledProcessError as failure:
        raise stop(f"`{failure.cmd[0]}` failed (exit status {failure.returncode}); its message is above.") from None
    except KeyboardInterrupt:
        raise stop("interrupted; run make again to go on.") from None
    stamp.write_text(f"{lock(extras)} {','.join(extras)}\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

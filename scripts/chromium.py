"""Find Chromium for the browser tests, or install it from the distribution; print where it is.

No browser is downloaded from anywhere but the machine's own package source.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome")
PACKAGES = ("chromium", "fonts-dejavu-core")


def find() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def main() -> int:
    """Return 0 when a browser stands ready."""
    path = find()
    if path is None and shutil.which("apt-get"):
        root = hasattr(os, "geteuid") and os.geteuid() == 0
        # -n: a password prompt in the middle of a test run would look like a hang
        prefix = [] if root else ["sudo", "-n"]
        if root or shutil.which("sudo"):
            print("chromium: installing it from the distribution ...", flush=True)
            subprocess.run([*prefix, "apt-get", "update", "-qq"], check=False)
            wanted = ["-qq", "-y", "--no-install-recommends", *PACKAGES]
            subprocess.run([*prefix, "apt-get", "install", *wanted], check=False)
            path = find()
    if path is None:
        print(
            "chromium: not found, and this user cannot install it; the browser tests need it: "
            f"`sudo apt-get install {' '.join(PACKAGES)}`, then run make again.",
            file=sys.stderr,
        )
        return 1
    print(f"chromium: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

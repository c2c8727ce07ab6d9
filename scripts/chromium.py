"""Find Chromium for the browser tests and a Chinese font for the figures, or install them from the distribution.

No browser is downloaded from anywhere but the machine's own package source.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome")
PACKAGES = ("chromium", "fonts-dejavu-core", "fontconfig", "fonts-wqy-zenhei")


def find() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def has_chinese() -> bool:
    """Whether some font here has Chinese letters."""
    if not shutil.which("fc-list"):
        return False
    listed = subprocess.run(["fc-list", ":lang=zh", "family"], capture_output=True, text=True, check=False)
    return bool(listed.stdout.strip())


def main() -> int:
    """Return 0 when a browser stands ready; without a Chinese font the tests of Chinese labels are skipped."""
    path = find()
    if (path is None or not has_chinese()) and shutil.which("apt-get"):
        root = hasattr(os, "geteuid") and os.geteuid() == 0
        # -n: a password prompt in the middle of a test run would look like a hang
        prefix = [] if root else ["sudo", "-n"]
        if root or shutil.which("sudo"):
            print(f"chromium: installing {', '.join(PACKAGES)} from the distribution ...", flush=True)
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

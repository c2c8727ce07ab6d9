"""Servers and pages for the browser tests: JupyterLab or the Studio on a free port, and a Chromium that notes what it is asked."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--no-first-run",
    "--disable-extensions",
]


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answer(url: str) -> Any:
    """What a server says at `url`, as JSON where it is JSON, or None while it does not answer."""
    try:
        with urllib.request.urlopen(url, timeout=2) as reply:
            body = reply.read()
    except OSError:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")


def wait_for(happened: Any, seconds: float, what: str) -> Any:
    """The first true answer of `happened()`; fails with `what` when none comes."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = happened()
        if found:
            return found
        time.sleep(0.1)
    raise TimeoutError(f"{what} did not happen within {seconds:g} s")


@contextmanager
def server(
    command: list[str], url: str, *, cwd: Path, log: Path, env: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends; it is up when `url` answers."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=cwd, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, **(env or {})}
        )
        try:

            def up() -> bool:
                if process.poll() is not None:
                    raise RuntimeError(f"the server ended: {log.read_text()[-2000:]}")
                return answer(url) is not None

            wait_for(up, 90, "the server's first answer")
            yield process
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def lab(folder: Path, scratch: Path) -> Iterator[str]:
    """JupyterLab on `folder`; gives its address. Settings and workspaces live in `scratch`, so nothing of the user's is touched."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "jupyter",
        "lab",
        "--no-browser",
        f"--port={port}",
        "--ServerApp.ip=127.0.0.1",
        "--IdentityProvider.token=",
        "--ServerApp.password=",
        "--ServerApp.disable_check_xsrf=True",
        f"--ServerApp.root_dir={folder}",
        "--allow-root",
        "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--ServerApp.port_retries=0",
    ]
    env = {
        "JUPYTER_DATA_DIR": str(scratch / "data"),
        "JUPYTER_RUNTIME_DIR": str(scratch / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(scratch / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(scratch / "workspaces"),
    }
    # The news question would cover the page on a first start; a cell out of sight would not be in the page at all.
    for name, said in {
        "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
        "notebook-extension/tracker": {"windowingMode": "none"},
        "docmanager-extension/plugin": {"autosave": False},
    }.items():
        note = scratch / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(json.dumps(said))
    with server(command, f"http://127.0.0.1:{port}/api/status", cwd=folder, log=scratch / "lab.log", env=env):
        yield f"http://127.0.0.1:{port}"


class Watch:
    """What went wrong in a page: console errors, uncaught exceptions, and requests to foreign hosts."""

    def __init__(self, page: Any) -> None:
        self.errors: list[str] = []
        self.foreign: list[str] = []
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self._note(request.url))

    def _note(self, url: str) -> None:
        host = urlparse(url).hostname
        if host not in (None, "127.0.0.1", "localhost"):
            self.foreign.append(url)


@contextmanager
def browser(**how: Any) -> Iterator[tuple[Any, Watch]]:
    """One page of a fresh Chromium, and what it complains about."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            page = chromium.new_page(**{"viewport": {"width": 1500, "height": 1100}, **how})
            yield page, Watch(page)
        finally:
            chromium.close()


def run_notebook(page: Any, address: str, path: str, *, seconds: float = 180) -> None:
    """Open a notebook in JupyterLab and run all its cells; returns when the kernel is idle again."""
    page.goto(f"{address}/lab/tree/{path}?reset")
    page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=60_000)

    def idle() -> bool:
        kernels = answer(f"{address}/api/kernels")
        return bool(kernels) and all(k["execution_state"] == "idle" for k in kernels)

    # On a fresh server the page says "idle" before the kernel is up, and "Run All" then does nothing.
    wait_for(idle, 60, "an idle kernel")
    page.wait_for_timeout(1500)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    cells = page.locator(".jp-CodeCell .jp-InputPrompt")

    def finished() -> bool:
        prompts = [text.strip() for text in cells.all_inner_texts()]
        return bool(prompts) and all(p.startswith("[") and p not in ("[ ]:", "[*]:") for p in prompts) and idle()

    wait_for(finished, seconds, "the end of Run All")

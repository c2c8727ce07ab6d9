"""A worker's side: a fresh Python that does what comes in over its pipe, one thing after the other, until it ends."""

from __future__ import annotations

import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Generator
from functools import partial
from queue import SimpleQueue
from typing import BinaryIO, cast

from workbench.errors import Cancelled
from workbench.jobs.freight import packed, packed_error, receive, send
from workbench.words import tr

__all__ = ["serve"]


def serve() -> None:
    """Be a worker: do what comes in on standard input, until it ends."""
    incoming = cast(BinaryIO, os.fdopen(os.dup(0), "rb"))
    outgoing = cast(BinaryIO, os.fdopen(os.dup(1), "wb"))
    os.dup2(2, 1)  # what a study prints must not be taken for an answer
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    # Ctrl-C reaches the whole group; only the calling process decides what it means. A function, not SIG_IGN, which
    # would pass on to kernels and compilers started from here
    signal.signal(signal.SIGINT, lambda *_: None)
    if hasattr(os, "nice"):
        os.nice(int(os.environ.get("WORKBENCH_NICE", "0")))
    stopped: set[int] = set()
    todo: SimpleQueue[tuple[int, bytes, str]] = SimpleQueue()

    def listen() -> None:
        while True:
            try:
                verb, number, *rest = pickle.loads(receive(incoming))  # noqa: S301  from the process that started us
            except EOFError:
                os._exit(0)
            if verb == "cancel":
                stopped.add(number)
            else:
                todo.put((number, *rest))

    threading.Thread(target=listen, daemon=True).start()
    while True:
        number, asked, wanted = todo.get()
        send(outgoing, pickle.dumps(_answer(asked, wanted, partial(stopped.__contains__, number), outgoing)))
        stopped.clear()


def _answer(asked: bytes, wanted: str, stopped: Callable[[], bool], outgoing: BinaryIO) -> tuple[str, bytes]:
    from workbench import words

    last = 0.0

    def progress(fraction: float, text: str = "") -> None:
        nonlocal last
        if stopped():
            raise Cancelled(tr("The job was cancelled."))
        now = time.monotonic()
        if now - last > 0.05 or fraction >= 1:
            last = now
            send(outgoing, pickle.dumps(("progress", (float(fraction), str(text)))))

    try:
        words.use(wanted)
        function, arguments = pickle.loads(asked)  # noqa: S301  from the process that started us
        made = function(*arguments, progress)
        if isinstance(made, Generator):  # what it gives on the way is shown, what it returns is the result
            try:
                while True:
                    send(outgoing, pickle.dumps(("stage", packed(next(made)))))
            except StopIteration as end:
                made = end.value
        return "done", packed(made)
    except BaseException as error:  # noqa: BLE001  SystemExit in a study is an error like others
        return "error", packed_error(error)

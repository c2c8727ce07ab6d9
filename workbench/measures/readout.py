"""What a network of value neurons answered: the largest output at the end of each frame, and how often it is the label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.errors import DescriptionError
from workbench.words import tr

if TYPE_CHECKING:
    from workbench.recordings.recording import Recording

__all__ = ["accuracy", "answers", "outputs"]


def outputs(recording: Recording, frame: float, *, of: str = "output") -> NDArray[np.float64]:
    """What each output emits in the last step of each frame of `frame` seconds that the recording holds whole: (frames, outputs).

    Raises DescriptionError where Probe(of, "y") is missing, does not keep the last steps of frames, or a frame is no whole number of steps.
    """
    name = f"{of}.y"
    if name not in recording.traces:
        raise DescriptionError(
            tr("There is no trace '{name}' to read answers from; ask for it with Probe('{of}', 'y').", name=name, of=of)
        )
    trace = recording.traces[name]
    hold = round(frame / recording.dt)
    if hold < 1 or abs(hold * recording.dt - frame) > 1e-6 * recording.dt:
        raise DescriptionError(
            tr(
                "A frame of {frame:g} ms is not a whole number of steps of {dt:g} ms, one or more.",
                frame=frame * 1e3,
                dt=recording.dt * 1e3,
            )
        )
    steps = np.rint(trace["time"].values / recording.dt).astype(np.int64)
    ends = np.arange(-(-int(steps[0]) // hold), (int(steps[-1]) + 1) // hold) * hold + hold - 1
    places = np.searchsorted(steps, ends)
    if not ends.size or not np.array_equal(steps[np.minimum(places, len(steps) - 1)], ends):
        raise DescriptionError(
            tr("The trace '{name}' does not hold the last step of each frame; probe every step.", name=name)
        )
    return np.asarray(trace.transpose("time", ...).values, np.float64)[places]


def answers(recording: Recording, frame: float, *, of: str = "output") -> NDArray[np.int64]:
    """The number of the largest output at the end of each frame; see `outputs`."""
    return outputs(recording, frame, of=of).argmax(axis=1)


def accuracy(recording: Recording, labels: ArrayLike, frame: float, *, of: str = "output") -> float:
    """The share of frames whose largest output is the label, over the frames that were recorded."""
    said = answers(recording, frame, of=of)
    return float(np.mean(said == np.asarray(labels)[: len(said)]))

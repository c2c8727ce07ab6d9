"""A neuron's rule written down as NumPy operations in preallocated arrays, in the rule's own order.

The rule (`kernels.event.rules`) is called once on `Lane`s, which note what it does with them; then each operation gets an array for
its result, one that nobody needs any more where there is one. Playing the tape is the rule on all lanes at once, operation by operation
as the compiled kernel does them, and so the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Lane", "Tape"]

Play = Callable[[], Any]


@final
class Lane:
    """An array under way: given from outside, or the result of an operation on the tape."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, tape: Tape, array: NDArray[Any] | None = None, kind: Any = None) -> None:
        self.tape = tape
        self.array: Any = array
        self.kind: np.dtype[Any] = array.dtype if array is not None else np.dtype(kind)
        self.last = -1
        """The last operation that reads it."""

    def _with(self, made: Any, other: Any, kind: Any = None) -> Lane:
        if not isinstance(other, Lane):
            other = np.asarray(other, self.kind)  # converted once, not at every call
        return self.tape.note(made, (self, other), kind or self.kind)

    def __add__(self, other: Any) -> Lane:
        return self._with(np.add, other)

    def __sub__(self, other: Any) -> Lane:
        return self._with(np.subtract, other)

    def __mul__(self, other: Any) -> Lane:
        return self._with(np.multiply, other)

    def __truediv__(self, other: Any) -> Lane:
        return self._with(np.divide, other)

    def __rshift__(self, other: Any) -> Lane:
        return self._with(np.right_shift, other)

    def __and__(self, other: Any) -> Lane:
        return self._with(np.bitwise_and, other)

    def __or__(self, other: Any) -> Lane:
        return self._with(np.bitwise_or, other)

    def __gt__(self, other: Any) -> Lane:
        return self._with(np.greater, other, bool)

    def __lt__(self, other: Any) -> Lane:
        return self._with(np.less, other, bool)

    def __eq__(self, other: object) -> Lane:  # type: ignore[override]
        return self._with(np.equal, other, bool)

    def __ne__(self, other: object) -> Lane:  # type: ignore[override]
        return self._with(np.not_equal, other, bool)

    # The choices of `kernels.choices`.

    def pick(self, yes: Lane, no: Lane) -> Lane:
        """`yes` where this is true, `no` elsewhere."""
        return self.tape.note(None, (self, yes, no), no.kind)

    def at_least(self, least: Any) -> Lane:
        """The greater of each lane and `least`."""
        return self._with(np.maximum, least)

    def magnitude(self) -> Lane:
        """Each lane without its sign."""
        return self.tape.note(np.abs, (self,), self.kind)


@final
class Tape:
    """Operations on arrays of `size`, noted while a rule runs on `given` lanes.

    `spare` are the arrays for results; tapes that share them may be played one after the other, not into each other.
    """

    def __init__(self, size: int, spare: list[NDArray[Any]]) -> None:
        self.size, self.spare = size, spare
        self._noted: list[tuple[Any, tuple[Any, ...], Lane]] = []

    def given(self, array: NDArray[Any]) -> Lane:
        """A lane for each entry of `array`, whatever it holds when the tape is played."""
        return Lane(self, array)

    def note(self, made: Any, operands: tuple[Any, ...], kind: Any) -> Lane:
        """The result of an operation on lanes and numbers; of constants (arrays without an axis) it is made at once."""
        arrays = [x.array if isinstance(x, Lane) else x for x in operands]
        if made is not None and all(x is not None and np.ndim(x) == 0 for x in arrays):
            return Lane(self, np.asarray(made(*arrays), kind))
        for x in operands:
            if isinstance(x, Lane):
                x.last = len(self._noted)
        out = Lane(self, None, kind)
        self._noted.append((made, operands, out))
        return out

    def cut(
        self, states: Sequence[tuple[Lane, Lane]], results: Mapping[str, Lane]
    ) -> tuple[list[Play], dict[str, NDArray[Any]]]:
        """(the operations to call in order, the arrays of the results).

        `states` are pairs of lanes: what was given, and what its array shall hold in the end. `results` are kept apart.
        """
        end = len(self._noted)
        for lane in (*(new for _, new in states), *results.values()):
            lane.last = end
        owned = {id(old) for old, _ in states}  # arrays that may be written when their old values are done with
        free: list[NDArray[Any]] = []
        spare = list(self.spare)
        play: list[Play] = []

        def done(lane: Any, number: int) -> None:
            if isinstance(lane, Lane) and lane.last == number and (id(lane) in owned or id(lane) in mine):
                free.append(lane.array)
                lane.last = -2  # once, though it may be an operand twice

        mine: set[int] = set()

        def room(kind: np.dtype[Any]) -> NDArray[Any]:
            for found in (free, spare):
                for k in range(len(found) - 1, -1, -1):
                    if found[k].dtype == kind:
                        return found.pop(k)
            self.spare.append(np.empty(self.size, kind))
            return self.spare[-1]

        for number, (made, operands, out) in enumerate(self._noted):
            mine.add(id(out))
            if made is None:
                test, yes, no = operands
                if no.last == number and (id(no) in owned or id(no) in mine):
                    out.array, no.last = (no.array, -2)  # the choice is made where `no` lies
                else:
                    out.array = room(out.kind)
                    play.append(partial(np.copyto, out.array, no.array))
                play.append(partial(np.copyto, out.array, yes.array, where=test.array))
                for lane in operands:
                    done(lane, number)
                continue
            for lane in operands:
                done(lane, number)
            out.array = room(out.kind)
            play.append(partial(made, *(x.array if isinstance(x, Lane) else x for x in operands), out.array))
        moved = [(old.array, new.array) for old, new in states if new.array is not old.array]
        apart = [np.empty(self.size, came.dtype) for _, came in moved]
        # All are put by before any is overwritten: one may lie in the place of another.
        play += [partial(np.copyto, by, came) for by, (_, came) in zip(apart, moved, strict=True)]
        play += [partial(np.copyto, to, by) for by, (to, _) in zip(apart, moved, strict=True)]
        return play, {name: lane.array for name, lane in results.items()}

"""A rule applied to one block of lanes in memory, as a single instruction to the kernels."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic as _intrinsic

from workbench.kernels.event import rules
from workbench.kernels.lanes import WIDTH, load, mask, splat, store, zeros

intrinsic: Any = _intrinsic  # its functions are called without the typing context they are written with

__all__ = ["apply", "apply_without_arrivals"]


def _read_constants(builder: Any, data: Any, at: Any, names: tuple[str, ...], *, spread: bool) -> SimpleNamespace:
    made: dict[str, Any] = {"current_scale": [], "conductance_scale": [], "conductance_pull": [], "decay": []}
    for number, name in enumerate(names):
        place = builder.add(at, ir.Constant(at.type, number * WIDTH))
        lanes = load(builder, data, place) if spread else splat(builder, data, place)
        group, dot, _ = name.partition(".")
        if dot:
            made[group].append(lanes)
        else:
            made[group] = lanes
    return SimpleNamespace(**made)


def _apply(*, dense: bool) -> Callable[..., Any]:
    def make(
        typingctx: Any,
        shape: Any,
        state: Any,
        state_at: Any,
        hold: Any,
        hold_at: Any,
        constants: Any,
        constants_at: Any,
        holds: Any,
        holds_at: Any,
        arrivals: Any,
        arrivals_at: Any,
        stride: Any,
        given: Any,
        given_at: Any,
    ) -> Any:
        """(fired, touched) of one block, 32 bits each, after its states in memory went one step on."""
        counted = dict(zip(shape.fields, (len(t) for t in shape.types), strict=True))
        rule = "discrete" if counted["discrete"] else "lif"
        kinds, open_kinds = counted["currents"], counted["conductances"]
        names = rules.constants_of(rule, kinds, open_kinds)
        place = types.uint64

        def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            def data(number: int) -> Any:
                return context.make_array(signature.args[number])(context, builder, args[number]).data

            word = ir.IntType(64)
            v_data, hold_data, c_data, h_data, in_data, given_data = (data(n) for n in (1, 3, 5, 7, 9, 12))
            state_place, hold_place, c_place, h_place = args[2], args[4], args[6], args[8]
            in_place, step, given_place = args[10], args[11], args[13]

            def field(number: int) -> Any:
                return builder.add(state_place, ir.Constant(word, number * WIDTH))

            def row(number: int) -> Any:
                return builder.add(in_place, builder.mul(step, ir.Constant(word, number)))

            rows = counted["delta"] + kinds + open_kinds
            # A neuron in whole steps needs its arrivals before it moves; the kernel never asks otherwise, but compiles both.
            reads = dense or rule == "discrete"
            arrived = tuple(load(builder, in_data, row(r)) for r in range(rows)) if reads else None
            k = _read_constants(builder, c_data, c_place, names, spread=bool(counted["spread"]))
            k.hold = (load if counted["spread"] else splat)(builder, h_data, h_place)
            block = SimpleNamespace(
                v=load(builder, v_data, state_place),
                currents=tuple(load(builder, v_data, field(1 + e)) for e in range(kinds)),
                conductances=tuple(load(builder, v_data, field(1 + kinds + e)) for e in range(open_kinds)),
                hold=load(builder, hold_data, hold_place),
                constants=k,
                arrivals=arrived,
                given=load(builder, given_data, given_place) if counted["given"] else None,
                delta=bool(counted["delta"]),
                nonzero=bool(counted["nonzero"]),
                whole=not isinstance(v_data.type.pointee, (ir.FloatType, ir.DoubleType)),
            )
            if rows == 0:
                block.arrivals = ()
            fired, touched = getattr(rules, rule)(block)
            store(builder, block.v, v_data, state_place)
            for e, lanes in enumerate((*block.currents, *block.conductances)):
                store(builder, lanes, v_data, field(1 + e))
            store(builder, block.hold, hold_data, hold_place)
            for r, lanes in enumerate(arrived or ()):
                store(builder, zeros(lanes), in_data, row(r))
            return cgutils.pack_array(builder, [mask(fired), mask(touched)])

        result = types.UniTuple(types.uint32, 2)
        return (
            result(
                shape, state, place, hold, place, constants, place, holds, place, arrivals, place, place, given, place
            ),
            code,
        )

    return make


apply = intrinsic(_apply(dense=True))
"""One step of a block that reads and clears its arrivals."""
apply_without_arrivals = intrinsic(_apply(dense=False))
"""One step of a block whose arrivals are delivered afterwards, one by one, because there are few."""

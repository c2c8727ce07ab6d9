"""`workbench studies`, `circuits` and `chips`: what there is, with what can be turned."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from typing import Any

import click

from workbench.cli import say
from workbench.words import tr

__all__ = ["chips", "circuits", "studies"]


@click.command(
    help=tr("List the studies, or one with its knobs and presets; also my_file.py:MyStudy."),
    epilog=say.example("workbench studies", "workbench studies network-states"),
)
@click.argument("name", required=False)
def studies(name: str | None) -> None:
    from workbench.studies import STUDIES, load_study

    if name is None:
        say.table([(n, _title(cls)) for n, cls in STUDIES.items()], tr("study"), tr("what it asks"))
        return
    cls = load_study(name)
    click.echo(_title(cls) + "\n")
    _knobs(cls().knobs())
    if cls.presets:
        click.echo()
        rows = [(n, ", ".join(f"{k}={v}" for k, v in values.items())) for n, values in cls.presets.items()]
        say.table(rows, tr("preset"), tr("settings"))


@click.command(
    help=tr("List the circuits, or one with its knobs."),
    epilog=say.example("workbench circuits", "workbench circuits balanced"),
)
@click.argument("name", required=False)
def circuits(name: str | None) -> None:
    from workbench.circuits import CIRCUITS

    _list(CIRCUITS, name, tr("circuit"))


@click.command(
    help=tr("List the chips, or one with its numbers."),
    epilog=say.example("workbench chips", "workbench chips loihi-davies"),
)
@click.argument("name", required=False)
def chips(name: str | None) -> None:
    from workbench.chips import CHIPS

    if name is None:
        say.table(
            [_chip_row(n, chip) for n, chip in CHIPS.items()],
            *(tr(t) for t in ("chip", "kind", "size", "holds", "energy of a synaptic operation", "its numbers")),
        )
        return
    _list(CHIPS, name, tr("chip"))


def _chip_row(name: str, chip: Any) -> tuple[str, ...]:
    """A chip on one line: how large it is, what it holds, what a synaptic operation costs, and where its numbers come from."""
    if not getattr(chip, "prices", None):
        return name, tr(chip.kind), "", "", "", _title(type(chip))
    kinds = [c.kind for c in (*chip.sources.values(), *(price.citation for price in chip.prices.values()))]
    marks = ", ".join(f"{kinds.count(k)} {tr(k)}" for k in ("published", "computed", "assumed") if k in kinds)
    joules = _operation(chip)
    return name, tr(chip.kind), chip.size, chip.holds, f"{joules * 1e12:.4g} pJ" if joules else "", marks


def _operation(chip: Any) -> float:
    """What one synaptic operation costs, J: its price, or a share of the product of a full tile."""
    if chip.kind == "crossbar":
        from workbench.measures.crossbar_energy import product

        return product(chip, chip.rows, chip.outputs).per_mac
    return chip.prices["MAC" if chip.kind == "digital" else "synaptic operation"].joules


def _list(table: Mapping[str, Any], name: str | None, kind: str) -> None:
    from workbench.fields import knobs

    if name is None:
        rows = [(n, _title(type(value)), _unusual(value)) for n, value in table.items()]
        say.table(rows, kind, tr("what it is"), tr("set apart by"))
        return
    value = table[name]
    click.echo(_title(type(value)) + "\n")
    found = knobs(value)
    if found:
        _knobs(found)
    sources = getattr(value, "sources", None)
    if sources:
        click.echo()
        say.table([(n, str(citation)) for n, citation in sources.items()], tr("knob"), tr("source"))
    prices = getattr(value, "prices", None)
    if prices:
        click.echo()
        rows = [
            (event, f"{price.joules:.4g} J", f"{price.seconds:.4g} s", f"{price.citation.kind}: {price.citation.where}")
            for event, price in dict(prices).items()
        ]
        say.table(rows, tr("event"), tr("energy"), tr("time"), tr("source"))


def _unusual(value: Any) -> str:
    """The knobs in which one entry of a table differs from its kind's defaults."""
    from workbench.fields import knobs

    usual = {f.name: f.default for f in dataclasses.fields(value)}
    found = {name: knob for name, knob in knobs(value).items() if "." not in knob.path}
    different = [name for name, knob in found.items() if getattr(value, knob.path) != usual[knob.path]]
    return ", ".join(f"{name}={_shown(found[name].default)}" for name in different)


def _title(cls: type) -> str:
    title = getattr(cls, "title", "")
    if isinstance(title, str) and title:
        return tr(title)
    return (inspect.getdoc(cls) or cls.__name__).partition("\n")[0].replace("`", "")


def _knobs(knobs: Mapping[str, Any]) -> None:
    rows = [(name, _shown(knob.default), _range(knob), tr(knob.doc)) for name, knob in knobs.items()]
    say.table(rows, tr("knob"), tr("default"), tr("range"), tr("meaning"))


def _range(knob: Any) -> str:
    if knob.options:
        return ", ".join(knob.options)
    if knob.low is None or knob.high is None:
        return ""
    return f"{_shown(knob.low)} … {_shown(knob.high)} {knob.unit}".strip()


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)

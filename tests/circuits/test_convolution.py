"""Convolutions as wiring: every synapse where the sum over the kernel says, every weight the kernel's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.circuits.convolution import Convolution, Kernel, Stored
from workbench.circuits.network import Network, Population, Projection
from workbench.circuits.neurons.discrete_lif import DiscreteLif
from workbench.circuits.unfold import unfold
from workbench.circuits.wiring import AllToAll
from workbench.errors import DescriptionError


@st.composite
def convolutions(draw: Any) -> Convolution:
    height, width = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    return Convolution(
        height=height,
        width=width,
        channels=draw(st.integers(1, 3)),
        kernel_height=draw(st.integers(1, height)),
        kernel_width=draw(st.integers(1, width)),
        kernels=draw(st.integers(1, 3)),
        stride_y=draw(st.integers(1, 3)),
        stride_x=draw(st.integers(1, 3)),
    )


@settings(max_examples=60, deadline=None)
@given(convolutions(), st.integers(0, 2**32 - 1))
def test_it_computes_the_convolution(c: Convolution, seed: int) -> None:
    """What arrives when some sources fire is the sum over the kernel, written as four loops."""
    rng = np.random.default_rng(seed)
    grid = rng.integers(-9, 10, (c.kernel_height, c.kernel_width, c.channels, c.kernels)).astype(float)
    image = rng.integers(0, 2, (c.channels, c.height, c.width))
    expected = np.zeros((c.kernels, c.rows_out, c.columns_out))
    for y in range(c.rows_out):
        for x in range(c.columns_out):
            for ky in range(c.kernel_height):
                for kx in range(c.kernel_width):
                    expected[:, y, x] += image[:, y * c.stride_y + ky, x * c.stride_x + kx] @ grid[ky, kx]
    i, j = c.edges(c.sources, c.targets, 0)
    weights = Kernel(c, tuple(grid.reshape(-1))).from_uniform(np.zeros(i.size))
    found = np.zeros(c.targets)
    np.add.at(found, j, weights * image.reshape(-1)[i])
    assert np.array_equal(found, expected.reshape(-1))
    assert i.size == c.count(c.sources, c.targets, 0)


@settings(max_examples=30, deadline=None)
@given(convolutions())
def test_the_order_is_the_canonical_one(c: Convolution) -> None:
    i, j = c.edges(c.sources, c.targets, 0)
    assert np.array_equal(np.lexsort((i, j)), np.arange(i.size))
    rows = c.rows(c.sources, c.targets, 0, numbered=True)
    assert rows.edge is not None
    assert np.array_equal(j[rows.edge], rows.targets)
    assert np.array_equal(np.diff(rows.start), np.bincount(i, minlength=c.sources))


def test_it_is_stored_as_shared_weights_and_other_rules_as_one_says() -> None:
    c = Convolution(height=4, width=4, channels=1, kernel_height=3, kernel_width=3, kernels=2)
    assert c.storage == "shared operation"
    dense = Stored(rule=c, storage="dense operation")
    assert dense.storage == "dense operation"
    assert all(np.array_equal(a, b) for a, b in zip(dense.edges(16, 8, 0), c.edges(16, 8, 0)))
    assert Stored(rule=AllToAll()).storage == "synaptic operation" and AllToAll.storage == "dense operation"
    assert Stored(rule=AllToAll()).count(3, 5, 0) == 15


def test_a_network_takes_its_weights_from_the_kernel() -> None:
    c = Convolution(height=3, width=3, channels=1, kernel_height=2, kernel_width=2, kernels=1)
    network = Network(
        populations={"image": Population(9, DiscreteLif()), "map": Population(4, DiscreteLif())},
        projections={"see": Projection("image", "map", c, Kernel(c, (1, 2, 3, 4)), delay=1e-3)},
    )
    block = unfold(network, seed=0).projections["see"]
    i, j = block.edges()
    assert i[j == 3].tolist() == [4, 5, 7, 8]
    assert np.asarray(block.weight)[j == 3].tolist() == [1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"kernel_height": 9}, "kernel of 9 × 3 does not fit into images of 8 × 8"),
        ({"stride_x": 0}, "Convolution.stride_x is 0"),
        ({"kernels": 1.5}, "Convolution.kernels is 1.5"),
    ],
)
def test_what_makes_no_sense_is_said(change: dict[str, Any], says: str) -> None:
    sizes: dict[str, Any] = dict(height=8, width=8, channels=1, kernel_height=3, kernel_width=3, kernels=4) | change
    with pytest.raises(DescriptionError, match=says):
        Convolution(**sizes)


def test_sizes_that_do_not_fit_are_said() -> None:
    c = Convolution(height=8, width=8, channels=1, kernel_height=3, kernel_width=3, kernels=4)
    with pytest.raises(DescriptionError, match="joins 64 to 144 neurons; the populations have 64 and 100"):
        c.count(64, 100, 0)
    with pytest.raises(DescriptionError, match="2 weights are given for a kernel of 36"):
        Kernel(c, (1.0, 2.0))

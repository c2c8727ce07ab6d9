"""The choices a rule makes, on whatever its lanes are: vectors under compilation, arrays, or operations being written down.

Numba is not needed to read a rule, only to compile one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["absolute", "largest", "seldom", "where"]


def where(condition: Any, yes: Any, no: Any) -> Any:
    """`yes` where the condition holds, `no` elsewhere."""
    return condition.pick(yes, no) if hasattr(condition, "pick") else np.where(condition, yes, no)


def seldom(condition: Any, yes: Any, no: Any) -> Any:
    """The same where the condition hardly ever holds: vectors under compilation look whether it does anywhere before they choose."""
    return condition.seldom(yes, no) if hasattr(condition, "seldom") else where(condition, yes, no)


def largest(x: Any, least: Any) -> Any:
    """x, but at least `least`, a number."""
    return x.at_least(least) if hasattr(x, "at_least") else np.maximum(x, least)


def absolute(x: Any) -> Any:
    """The absolute value of whole numbers."""
    return x.magnitude() if hasattr(x, "magnitude") else np.abs(x)

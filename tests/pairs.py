"""Combinations of three parameters of which the default suite has each pair of values."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest


def pairs(first: Sequence[Any], second: Sequence[Any], third: Sequence[Any]) -> list[Any]:
    """Every combination of three lists of one length; all that repeat a pair are `long`."""
    size = len(first)
    assert size == len(second) == len(third)
    return [
        pytest.param(
            *(values[at] for values, at in zip((first, second, third), places, strict=True)),
            marks=pytest.mark.long if sum(places) % size else (),
        )
        for places in product(range(size), repeat=3)
    ]

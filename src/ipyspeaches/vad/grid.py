"""Which settings a sweep tries: all combinations of a grid, or some drawn at random."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypeAlias

import numpy as np

from ipyspeaches.checks import check_seed, checked, shown
from ipyspeaches.errors import InputError
from ipyspeaches.vad.detectors import Detector

MAX_SETTINGS = 1_000_000


@checked
@dataclass(frozen=True, slots=True)
class Between:
    """Any number from ``low`` to ``high``, for a random search.

    It is an `InputError` if ``low`` is not below ``high``, or not above 0 with ``log``.

    Parameters
    ----------
    low, high
        The ends, finite.
    log
        Whether to draw evenly on a logarithmic scale, as befits energies.
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        if not -math.inf < self.low < self.high < math.inf:
            raise InputError(f"Between {self.low} and {self.high} there is nothing to draw: give low < high.")
        if self.log and self.low <= 0:
            raise InputError(f"low is {self.low}: on a logarithmic scale give a number greater than 0.")

    def draw(self, rng: np.random.Generator) -> float:
        """Return a number."""
        if self.log:
            return float(np.exp(rng.uniform(math.log(self.low), math.log(self.high))))
        return float(rng.uniform(self.low, self.high))


Values: TypeAlias = "Iterable[Any] | Between"
Choices: TypeAlias = dict[str, list[Any] | Between]


@checked
def detectors_to_try(vad: Detector, grid: Mapping[str, Values], random: int | None, seed: int) -> list[Detector]:
    """Return the detectors of a sweep: values by parameter's name in ``grid``, all else as in ``vad``.

    It is an `InputError` if the grid is empty, a parameter has no such name or no values, or a value is not allowed.

    Combinations in which ``neg_threshold`` would be above ``threshold`` are left out where both are swept. ``random``
    of them are drawn from ``seed``, all different; None for all of the grid.
    """
    check_seed("seed", seed)
    choices = _choices(vad, grid)
    size = math.prod(math.inf if isinstance(values, Between) else len(values) for values in choices.values())
    if random is None:
        if math.isinf(size):
            raise InputError("Between(low, high) has endless values: say how many settings to draw, as in random=200.")
        if size > MAX_SETTINGS:
            raise InputError(f"The grid has {size:,.0f} settings: draw some of them with random=1000.")
    elif random < 1:
        raise InputError(f"random is {random}: draw at least 1 setting.")
    lists = {name: values for name, values in choices.items() if not isinstance(values, Between)}
    if len(lists) == len(choices) and size <= MAX_SETTINGS:
        combinations = [dict(zip(lists, values, strict=True)) for values in itertools.product(*lists.values())]
        if random is not None and random < size:
            kept = np.random.default_rng(seed).choice(len(combinations), random, replace=False)
            combinations = [combinations[at] for at in sorted(kept.tolist())]
    else:
        combinations = _drawn(choices, random or 0, seed)
    both = {"threshold", "neg_threshold"} <= set(choices)
    tried = [replace(vad, **one) for one in combinations if not (both and _crossed(one))]
    if not tried:
        raise InputError("In all settings neg_threshold is above threshold: give lower values for neg_threshold.")
    return tried


def _choices(vad: Detector, grid: Mapping[str, Values]) -> Choices:
    names = [one.name for one in fields(vad) if one.init]
    if not grid:
        raise InputError(f"The grid is empty: give values to try, such as threshold=[…], of {', '.join(names)}.")
    choices: Choices = {}
    for name, values in grid.items():
        if name not in names:
            raise InputError(f"{type(vad).__name__} has no parameter {name!r}: choose from {', '.join(names)}.")
        if isinstance(values, Between):
            choices[name] = values
            continue
        if isinstance(values, str) or not isinstance(values, Iterable):
            raise InputError(f"{name} is {shown(values)}: give the values to try in a list.")
        # Equal values would be tried twice; numpy's numbers do not go into files and code.
        listed = [value.item() if isinstance(value, np.generic) else value for value in values]
        choices[name] = list(dict.fromkeys(listed))
        if not listed:
            raise InputError(f"{name} has no values: give at least one to try.")
    return choices


def _drawn(choices: Choices, count: int, seed: int) -> list[dict[str, Any]]:
    """Return different combinations, each as likely as any other."""
    rng = np.random.default_rng(seed)
    found: dict[tuple[Any, ...], None] = {}
    while len(found) < count:
        values = tuple(
            one.draw(rng) if isinstance(one, Between) else one[int(rng.integers(len(one)))] for one in choices.values()
        )
        found[values] = None
    return [dict(zip(choices, values, strict=True)) for values in found]


def _crossed(setting: Mapping[str, Any]) -> bool:
    return setting["neg_threshold"] is not None and setting["neg_threshold"] > setting["threshold"]

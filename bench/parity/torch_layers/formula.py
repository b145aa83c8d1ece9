"""How a layer is written with PyTorch: a function of one case, registered for the layer's types by `formula`."""

from dataclasses import dataclass, field
from typing import Callable

FORMULAS = {}


class Drawn(Exception):
    """The output does not show what was drawn: there is nothing to compare with."""


@dataclass(frozen=True)
class Formula:
    against: str
    function: Callable
    draws: bool


@dataclass
class Case:
    """One run of a layer. Fields that neither the sample nor a default gives are None."""

    type: str
    mode: str
    fields: dict
    weights: dict
    found: list  # dlc's own outputs: random layers are compared under the draws that these show
    after: dict = field(default_factory=dict)  # what buffers hold after the step, where the formula says so

    def __getitem__(self, name):
        return self.fields.get(name)

    @property
    def rank(self):
        return int(self.type[-2])  # of conv2d and its like

    @property
    def trains(self):
        return self.mode == "train"


def formula(*types, against, draws=False):
    """Registers `function(case, weights, *inputs)`, which gives the outputs, one or a tuple. `draws`: also where numbers are drawn."""

    def register(function):
        for type_ in types:
            assert type_ not in FORMULAS, f"{type_} has two formulas"
            FORMULAS[type_] = Formula(against, function, draws)
        return function

    return register


def each(value, count):
    """One value for every axis."""
    return list(value) if isinstance(value, list) else [value] * count


def axis_of(axis, x):
    return axis % x.dim()


def folded(function, inputs):
    y, *rest = inputs
    for x in rest:
        y = function(y, x)
    return y

"""Activations, those with weights too."""

import math

import torch
import torch.nn.functional as F

from .formula import axis_of, formula

SIMPLE = {
    "relu": F.relu, "sigmoid": F.sigmoid, "tanh": F.tanh, "silu": F.silu, "relu6": F.relu6, "selu": F.selu, "mish": F.mish,
    "hard_swish": F.hardswish, "tanh_shrink": F.tanhshrink, "log_sigmoid": F.logsigmoid, "softsign": F.softsign,
    "softplus": F.softplus, "gelu": F.gelu, "elu": F.elu, "exp": torch.exp, "hard_sigmoid": F.hardsigmoid,
    "leaky_relu": F.leaky_relu, "linear": lambda x: x, "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
}  # fmt: skip


def activation(value):
    """What a field that holds the name of an activation stands for, or its name with fields."""
    if isinstance(value, str) or value is None:
        return SIMPLE[value or "linear"]
    fields = {"slope": 1 / 6, "offset": 0.5, **value}
    assert value["type"] == "hard_sigmoid", f"no formula for activation {value}"
    return lambda x: (fields["slope"] * x + fields["offset"]).clamp(0, 1)


def elementwise(name, against, function):
    formula(name, against=against)(function)


for simple in ("relu", "sigmoid", "tanh", "silu", "relu6", "selu", "mish", "hard_swish", "tanh_shrink", "log_sigmoid", "softsign"):
    elementwise(simple, f"F.{SIMPLE[simple].__name__}", lambda c, _, x, f=SIMPLE[simple]: f(x))
elementwise("leaky_relu", "F.leaky_relu", lambda c, _, x: F.leaky_relu(x, c["slope"]))
elementwise("gelu", "F.gelu", lambda c, _, x: F.gelu(x, approximate=c["approximate"]))
elementwise("elu", "F.elu", lambda c, _, x: F.elu(x, c["alpha"]))
elementwise("celu", "F.celu", lambda c, _, x: F.celu(x, c["alpha"]))
elementwise("softplus", "F.softplus", lambda c, _, x: F.softplus(x, c["beta"]))
elementwise("bnll", "F.softplus (Caffe's BNLL)", lambda c, _, x: F.softplus(x))
elementwise("softmax", "F.softmax", lambda c, _, x: F.softmax(x, c["axis"]))
elementwise("log_softmax", "F.log_softmax", lambda c, _, x: F.log_softmax(x, c["axis"]))
elementwise("crelu", "torch.cat of F.relu", lambda c, _, x: torch.cat([x.relu(), (-x).relu()], c["axis"]))
elementwise("hard_tanh", "F.hardtanh", lambda c, _, x: F.hardtanh(x, c["min"], c["max"]))
elementwise("hard_shrink", "F.hardshrink", lambda c, _, x: F.hardshrink(x, c["threshold"]))
elementwise("soft_shrink", "F.softshrink", lambda c, _, x: F.softshrink(x, c["threshold"]))
elementwise("sparse_sigmoid", "((x + 1) / 2).clamp(0, 1) (Keras)", lambda c, _, x: ((x + 1) / 2).clamp(0, 1))
elementwise("squareplus", "(x + √(x² + b)) / 2 (Keras)", lambda c, _, x: (x + (x * x + c["b"]).sqrt()) / 2)
elementwise("exponential", "torch.exp", lambda c, _, x: x.exp())
elementwise("swish", "x · F.sigmoid(beta · x)", lambda c, w, x: x * F.sigmoid(w.get("beta", c["beta"]) * x))


@formula("hard_sigmoid", against="F.hardsigmoid; Keras 2's slope by clamp")
def hard_sigmoid(c, _, x):
    if math.isclose(c["slope"], 1 / 6) and c["offset"] == 0.5:
        return F.hardsigmoid(x)
    return (c["slope"] * x + c["offset"]).clamp(0, 1)


@formula("sparse_plus", against="its three pieces (Keras)")
def sparse_plus(c, _, x):
    return torch.where(x <= -1, 0, torch.where(x < 1, (x + 1) ** 2 / 4, x))


@formula("threshold", against="F.threshold")
def threshold(c, _, x):
    if c["above"] is not None:
        return torch.where(x > c["threshold"], float(c["above"]), float(c["value"]))
    return F.threshold(x, c["threshold"], c["value"])


@formula("rrelu", against="F.rrelu; F.leaky_relu under the slopes drawn", draws=True)
def rrelu(c, _, x):
    if not c.trains:
        return F.rrelu(x, c["lower"], c["upper"], training=False)
    if c["lower"] == c["upper"]:
        return F.leaky_relu(x, c["lower"])
    slopes = (c.found[0] / x).detach()
    assert ((x >= 0) | ((slopes >= c["lower"] - 1e-6) & (slopes <= c["upper"] + 1e-6))).all()
    return torch.where(x >= 0, x, x * slopes)


@formula("glu", against="F.glu; other gates by their functions")
def glu(c, _, x):
    if c["activation"] == "sigmoid" and c["gate"] == "second":
        return F.glu(x, c["axis"])
    a, gate = x.chunk(2, c["axis"])
    if c["gate"] == "first":
        a, gate = gate, a
    return a * activation(c["activation"])(gate)


@formula("maxout", against="torch.amax of unflatten")
def maxout(c, _, x):
    axis = axis_of(c["axis"], x)
    pieces = c["pieces"] or x.shape[axis] // c["units"]
    return x.unflatten(axis, (-1, pieces)).amax(axis + 1)


@formula("sparsemax", against="the threshold of sorted scores (Keras)")
def sparsemax(c, _, x):
    x = x.movedim(c["axis"], -1)
    ordered = x.sort(descending=True).values
    counts = torch.arange(1, x.shape[-1] + 1, dtype=x.dtype)
    sums = ordered.cumsum(-1)
    support = (1 + counts * ordered > sums).sum(-1, keepdim=True)
    return (x - (sums.gather(-1, support - 1) - 1) / support).relu().movedim(-1, c["axis"])


@formula("prelu", against="F.prelu")
def prelu(c, w, x):
    slope = w["slope"]
    if c["slopes"] == "element":
        return torch.where(x > 0, x, slope * x)
    if c["slopes"] == "one":
        return F.prelu(x, slope)
    axis = axis_of(1 if c["axis"] is None else c["axis"], x)
    return F.prelu(x.movedim(axis, 1), slope.reshape(-1)).movedim(1, axis)

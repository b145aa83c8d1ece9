"""Layers that drop and add noise: compared under the draws that dlc's own output shows, so that scales and gradients count."""

import math

import torch
import torch.nn.functional as F

from .formula import Drawn, formula

UNDER = "under dlc's own draws"


def active(c):
    return c.trains or c["always"]


@formula(
    "dropout", "spatial_dropout1d", "spatial_dropout2d", "spatial_dropout3d", "drop_path", against=f"F.dropout {UNDER}", draws=True
)
def dropout(c, _, x):
    if not active(c):
        return F.dropout(x, c["rate"], False)
    kept = (c.found[0] != 0).double()
    shared = {"drop_path": range(0 if c["per"] == "batch" else 1, x.dim())}.get(c.type)
    if c.type.startswith("spatial"):
        shared = [axis for axis in range(1, x.dim()) if axis != c["axis"] % x.dim()] if c["axis"] else range(2, x.dim())
    if shared is None:
        fields = c["shared_axes"]
        shared = [axis % x.dim() for axis in (fields if isinstance(fields, list) else [fields])]
    for axis in shared:
        assert (kept == kept.narrow(axis, 0, 1)).all(), f"draws differ along axis {axis}"
    return x * kept / (1 - c["rate"])


@formula("alpha_dropout", against=f"F.alpha_dropout's formula {UNDER}", draws=True)
def alpha_dropout(c, _, x):
    if not active(c):
        return F.alpha_dropout(x, c["rate"], False)
    rate, low = c["rate"], -1.7580993408473766
    a = ((1 - rate) * (1 + rate * low**2)) ** -0.5
    b = -a * rate * low
    dropped = (c.found[0] - (a * low + b)).abs() < 1e-5
    return a * torch.where(dropped, low, x) + b


@formula("gaussian_dropout", against=f"x · noise {UNDER} (Keras)", draws=True)
def gaussian_dropout(c, _, x):
    if not active(c):
        return x * 1
    noise = (c.found[0] / x).detach()
    assert noise.std() < 10 * math.sqrt(c["rate"] / (1 - c["rate"])) + 1e-6
    return x * noise


@formula("gaussian_noise", against=f"x + noise {UNDER} (Keras)", draws=True)
def gaussian_noise(c, _, x):
    if not active(c):
        return x * 1
    noise = (c.found[0] - x).detach()
    assert noise.abs().max() < 6 * c["std"] + 1e-6
    return x + noise


@formula("drop_block", against=f"ops.drop_block2d's formula {UNDER}", draws=True)
def drop_block(c, _, x):
    if not active(c):
        return x * 1
    kept = (c.found[0] != 0).double()
    return x * kept * (kept.numel() / kept.sum().clamp(min=1))


@formula("bernoulli", against="the straight-through gradient, under dlc's own draws", draws=True)
def bernoulli(c, _, probability=None):
    draw = c.found[0]
    assert ((draw == 0) | (draw == 1)).all()
    return draw + probability - probability.detach() if c["straight_through"] else draw


@formula("gumbel_softmax", against="F.softmax of logits and noise, under dlc's own draws", draws=True)
def gumbel_softmax(c, _, logits):
    if c["hard"]:
        raise Drawn
    scores = c["temperature"] * c.found[0].log()
    return F.softmax((logits + (scores - logits).detach()) / c["temperature"], c["axis"])


@formula("activity_regularization", against="identity, and its price in the loss")
def activity_regularization(c, _, x):
    return x * 1


@formula("stop_gradient", against="Tensor.detach")
def stop_gradient(c, _, x):
    return x.detach()


class Backward(torch.autograd.Function):
    """The identity, whose gradient goes through a function."""

    @staticmethod
    def forward(context, x, change):
        context.change = change
        return x.clone()

    @staticmethod
    def backward(context, gradient):
        return context.change(gradient), None


@formula("gradient_scale", against="an autograd.Function")
def gradient_scale(c, _, x):
    return Backward.apply(x, lambda gradient: gradient * c["factor"])


@formula("gradient_reverse", against="an autograd.Function")
def gradient_reverse(c, _, x):
    return Backward.apply(x, lambda gradient: gradient * -c["factor"])


@formula("gradient_clip", against="an autograd.Function")
def gradient_clip(c, _, x):
    return Backward.apply(x, lambda gradient: gradient.clamp(-c["value"], c["value"]))

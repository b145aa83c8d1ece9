"""Dense layers, products over named axes, learned tensors by themselves."""

import math

import torch
import torch.nn.functional as F

from .formula import axis_of, formula
from .windows import normalized_weight


@formula("dense", against="F.linear")
def dense(c, w, x):
    weight = normalized_weight(c, w, 1 if c["transpose"] else 0)
    return F.linear(x.flatten(axis_of(c["axis"], x)), weight.T if c["transpose"] else weight, w.get("bias"))


@formula("einsum_dense", against="torch.einsum")
def einsum_dense(c, w, x):
    y = torch.einsum(c["equation"], x, w["weight"])
    if "bias" not in w:
        return y
    output = c["equation"].split("->")[1].replace("...", "." * (y.dim() - len(c["equation"].split("->")[1]) + 3))
    extents = dict(zip(c["bias_axes"], w["bias"].shape))
    return y + w["bias"].reshape([extents.get(letter, 1) for letter in output])


@formula("einsum", against="torch.einsum")
def einsum(c, _, *inputs):
    return torch.einsum(c["equation"].replace(" ", ""), *inputs)


@formula("bilinear", against="F.bilinear")
def bilinear(c, w, left, right):
    return F.bilinear(left, right, w["weight"], w.get("bias"))


@formula("matmul", against="torch.matmul")
def matmul(c, _, a, b):
    return torch.matmul(a.mT if c["transpose_a"] else a, b.mT if c["transpose_b"] else b)


@formula("dot", against="torch.einsum of F.normalize (Keras' Dot)")
def dot(c, _, a, b):
    axes = c["axes"] if isinstance(c["axes"], list) else [c["axes"]] * 2
    i, j = axis_of(axes[0], a), axis_of(axes[1], b)
    if c["normalize"]:
        a, b = F.normalize(a, dim=i, eps=1e-6), F.normalize(b, dim=j, eps=1e-6)
    a, b = a.movedim(i, -1), b.movedim(j, -1)
    n, k = a.shape[0], a.shape[-1]
    y = torch.einsum("nak,nbk->nab", a.reshape(n, -1, k), b.reshape(n, -1, k)).reshape(n, *a.shape[1:-1], *b.shape[1:-1])
    return y.reshape(n, 1) if y.dim() == 1 else y


@formula("cosine_similarity", against="F.cosine_similarity")
def cosine_similarity(c, _, a, b):
    return F.cosine_similarity(a, b, c["axis"], c["epsilon"])


@formula("embedding", against="F.embedding")
def embedding(c, w, index):
    weight, skipped = w["weight"], c["padding_index"]
    y = F.embedding(index, weight, skipped)
    if skipped is not None:
        y = torch.where((index == skipped).unsqueeze(-1), torch.zeros_like(y), y)
    y = y * (math.sqrt(weight.shape[1]) if c["scale"] == "sqrt_units" else c["scale"])
    return y + w["bias"] if "bias" in w else y


@formula("parameter", against="torch.nn.Parameter")
def parameter(c, w):
    return w["weight"]


@formula("buffer", against="a registered buffer")
def buffer(c, w):
    return w["value"]


def along(c, x, value):
    """A tensor with the axes of x from `axis` on, ready to meet x."""
    first = axis_of(c["axis"], x)
    return value.reshape(*[1] * first, *value.shape, *[1] * (x.dim() - first - value.dim()))


@formula("scale", against="torch.mul, torch.add")
def scale(c, w, x, other=None):
    y = x * along(c, x, w["weight"] if other is None else other)
    return y + along(c, x, w["bias"]) if "bias" in w else y


@formula("bias", against="torch.add")
def bias(c, w, x, other=None):
    return x + along(c, x, w["bias"] if other is None else other)


@formula("rescale", against="scale · x + offset")
def rescale(c, _, x):
    return x.double() * c["scale"] + c["offset"]

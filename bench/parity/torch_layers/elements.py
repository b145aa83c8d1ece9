"""Mathematics: functions of elements, comparisons, reductions, indices, sorting."""

import math

import torch
import torch.nn.functional as F

from .formula import axis_of, folded, formula

UNARY = [
    "abs", "neg", "sign", "square", "sqrt", "rsqrt", "reciprocal", "expm1", "log1p", "erf", "floor", "ceil", "round", "sin", "cos",
    "tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh",
]  # fmt: skip
for name in UNARY:
    formula(name, against=f"torch.{name}")(lambda c, _, x, f=getattr(torch, name): f(x))
BINARY = {
    "equal": torch.eq, "not_equal": torch.ne, "less": torch.lt, "less_equal": torch.le, "greater": torch.gt, "greater_equal": torch.ge,
}  # fmt: skip
for name, compared in BINARY.items():
    formula(name, against=f"torch.{compared.__name__}")(
        lambda c, _, a, b=None, f=compared: f(a, c["value"] if b is None else b)
    )


@formula("is_nan", against="torch.isnan")
def is_nan(c, _, x):
    return x.isnan()


@formula("is_finite", against="torch.isfinite")
def is_finite(c, _, x):
    return x.isfinite()


@formula("exp", against="torch.pow, torch.exp (Caffe's Exp)")
def exp(c, _, x):
    return (math.e if c["base"] is None else c["base"]) ** (c["scale"] * x + c["shift"])


@formula("log", against="torch.log (Caffe's Log)")
def log(c, _, x):
    y = (c["scale"] * x + c["shift"]).log()
    return y if c["base"] is None else y / math.log(c["base"])


@formula("pow", against="torch.pow (Caffe's Power)")
def pow_(c, _, x, power=None):
    if power is not None:
        return x**power
    scale, shift = (1 if c["scale"] is None else c["scale"]), c["shift"] or 0
    return (scale * x + shift) ** (1 if c["power"] is None else c["power"])


@formula("atan2", against="torch.atan2")
def atan2(c, _, a, b):
    return torch.atan2(a, b)


@formula("mod", against="torch.remainder")
def mod(c, _, a, b):
    return torch.remainder(a, b)


@formula("clip", against="torch.clamp")
def clip(c, _, x):
    return x.clamp(c["min"], c["max"])


@formula("logical_and", against="torch.logical_and")
def logical_and(c, _, *inputs):
    return folded(torch.logical_and, inputs)


@formula("logical_or", against="torch.logical_or")
def logical_or(c, _, *inputs):
    return folded(torch.logical_or, inputs)


@formula("logical_xor", against="torch.logical_xor")
def logical_xor(c, _, a, b):
    return a ^ b


@formula("logical_not", against="torch.logical_not")
def logical_not(c, _, x):
    return ~x


@formula("where", against="torch.where")
def where(c, _, condition, a, b=None):
    return torch.where(condition, a, c["otherwise"] if b is None else b)


@formula("cast", against="Tensor.to")
def cast(c, _, x):
    if c["dtype"] == "bool":
        return x != 0
    if c["dtype"] == "float32":
        return x.double()
    limits = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1), "uint8": (0, 255)}
    return x.clamp(*limits[c["dtype"]]).to(torch.int64)


REDUCTIONS = {
    "reduce_sum": ("torch.sum", lambda c, x, **how: x.sum(**how)),
    "reduce_mean": ("torch.mean", lambda c, x, **how: x.mean(**how)),
    "reduce_max": ("torch.amax", lambda c, x, **how: x.amax(**how)),
    "reduce_min": ("torch.amin", lambda c, x, **how: x.amin(**how)),
    "reduce_l1_norm": ("torch.linalg.vector_norm", lambda c, x, **how: torch.linalg.vector_norm(x, 1, **how)),
    "reduce_l2_norm": ("torch.linalg.vector_norm", lambda c, x, **how: torch.linalg.vector_norm(x, 2, **how)),
    "reduce_sum_squares": ("torch.sum of squares", lambda c, x, **how: x.square().sum(**how)),
    "reduce_log_sum_exp": ("torch.logsumexp", lambda c, x, **how: x.logsumexp(**how)),
    "reduce_variance": ("torch.var", lambda c, x, **how: x.var(correction=c["correction"], **how)),
    "reduce_std": ("torch.std", lambda c, x, **how: x.std(correction=c["correction"], **how)),
    "reduce_any": ("torch.any", lambda c, x, **how: x.any(**how)),
    "reduce_all": ("torch.all", lambda c, x, **how: x.all(**how)),
}


def axes_of(c, x):
    axes = c["axes"]
    axes = list(range(1, x.dim())) if axes is None else axes if isinstance(axes, list) else [axes]
    return tuple(axis_of(axis, x) for axis in axes)


for name, (theirs, reduced) in REDUCTIONS.items():
    formula(name, against=theirs)(lambda c, _, x, f=reduced: f(c, x, dim=axes_of(c, x), keepdim=c["keepdims"]))


@formula("reduce_prod", against="torch.prod")
def reduce_prod(c, _, x):
    for axis in sorted(axes_of(c, x), reverse=True):
        x = x.prod(axis, keepdim=c["keepdims"])
    return x


def first_best(x, axis, keepdims, best):
    """The first of equals, of which PyTorch may give any."""
    places = torch.arange(x.shape[axis]).reshape(-1, *[1] * (x.dim() - 1 - axis))
    return torch.where(x == best, places, x.shape[axis]).amin(axis, keepdim=keepdims)


@formula("argmax", against="torch.argmax, the first of equals")
def argmax(c, _, x):
    axis = axis_of(c["axis"], x)
    return first_best(x, axis, c["keepdims"], x.amax(axis, keepdim=True))


@formula("argmin", against="torch.argmin, the first of equals")
def argmin(c, _, x):
    axis = axis_of(c["axis"], x)
    return first_best(x, axis, c["keepdims"], x.amin(axis, keepdim=True))


def dtype_of(name):
    return {"float32": torch.float64, "bool": torch.bool}.get(name, torch.int64)


@formula("constant", against="torch.full, torch.tensor")
def constant(c, _):
    dtype = dtype_of(c["dtype"])
    shape = None if c["shape"] is None else [3 if extent == "N" else extent for extent in c["shape"]]
    if c["values"] is None:
        return torch.full(shape, c["value"], dtype=torch.float64).to(dtype)
    values = torch.tensor(c["values"], dtype=torch.float64).to(dtype)
    return values if shape is None else values.reshape(shape)


@formula("arange", against="torch.arange")
def arange(c, _):
    return torch.arange(c["start"], c["stop"], c["step"], dtype=dtype_of(c["dtype"]))


@formula("one_hot", against="F.one_hot")
def one_hot(c, _, index):
    inside = (index >= 0) & (index < c["classes"])
    y = F.one_hot(index * inside, c["classes"]) * inside.unsqueeze(-1)
    return y.double().movedim(-1, c["axis"])


@formula("gather", against="torch.index_select, sample by sample")
def gather(c, _, x, index=None):
    axis = axis_of(c["axis"], x)
    if index is None:
        return x.index_select(axis, torch.tensor(c["indices"]))
    if c["batch_dims"] == 0:
        return x.index_select(axis, index.flatten()).unflatten(axis, index.shape)
    samples = [one.index_select(axis - 1, own.flatten()).unflatten(axis - 1, own.shape) for one, own in zip(x, index)]
    return torch.stack(samples)


@formula("gather_elements", against="torch.gather")
def gather_elements(c, _, x, index):
    return x.gather(c["axis"], index)


@formula("scatter", against="torch.index_add, sample by sample")
def scatter(c, _, x, index):
    batch = c["batch_dims"]
    axis = axis_of(c["axis"], x)
    if batch == 0:
        zeros = x.new_zeros(*x.shape[:axis], c["size"], *x.shape[axis + index.dim() :])
        return zeros.index_add(axis, index.flatten(), x.flatten(axis, axis + index.dim() - 1))
    inner = type(c)(c.type, c.mode, {**c.fields, "batch_dims": batch - 1, "axis": axis - 1}, {}, [])
    return torch.stack([scatter(inner, _, one, own) for one, own in zip(x, index)])


@formula("scatter_elements", against="torch.scatter_add")
def scatter_elements(c, _, x, index):
    axis = axis_of(c["axis"], x)
    zeros = x.new_zeros(*x.shape[:axis], c["size"], *x.shape[axis + 1 :])
    return zeros.scatter_add(axis, index, x)


@formula("sort", against="torch.sort, stable")
def sort(c, _, x):
    return tuple(x.sort(dim=c["axis"], descending=c["descending"], stable=True))


@formula("argsort", against="torch.argsort, stable")
def argsort(c, _, x):
    return x.argsort(dim=c["axis"], descending=c["descending"], stable=True)


@formula("top_k", against="torch.topk, stable")
def top_k(c, _, x):
    values, index = x.sort(dim=c["axis"], descending=c["largest"], stable=True)
    return values.narrow(c["axis"], 0, c["k"]), index.narrow(c["axis"], 0, c["k"])


def running(c, x, function, neutral):
    axis = axis_of(c["axis"], x)
    x = x.flip(axis) if c["reverse"] else x
    if c["exclusive"]:
        x = torch.cat([torch.full_like(x.narrow(axis, 0, 1), neutral), x.narrow(axis, 0, x.shape[axis] - 1)], axis)
    y = function(x, axis)
    return y.flip(axis) if c["reverse"] else y


@formula("cumsum", against="torch.cumsum")
def cumsum(c, _, x):
    return running(c, x, torch.cumsum, 0)


@formula("cumprod", against="torch.cumprod")
def cumprod(c, _, x):
    return running(c, x, torch.cumprod, 1)

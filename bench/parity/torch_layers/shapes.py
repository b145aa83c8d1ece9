"""Layers that move elements: shapes, joins, cuts, borders, resizing."""

import math

import torch
import torch.nn.functional as F

from .formula import axis_of, each, folded, formula
from .windows import around


@formula("add", against="torch.add")
def add(c, _, *inputs):
    return sum(x * k for x, k in zip(inputs, c["coefficients"] or [1] * len(inputs)))


@formula("mul", against="torch.mul")
def mul(c, _, *inputs):
    return math.prod(inputs)


@formula("sub", against="torch.sub")
def sub(c, _, a, b):
    return a - b


@formula("div", against="torch.div")
def div(c, _, a, b):
    return a / b


@formula("average", against="the mean of torch.add")
def average(c, _, *inputs):
    return sum(inputs) / len(inputs)


@formula("maximum", against="torch.maximum")
def maximum(c, _, *inputs):
    return folded(torch.maximum, inputs)


@formula("minimum", against="torch.minimum")
def minimum(c, _, *inputs):
    return folded(torch.minimum, inputs)


@formula("concat", against="torch.cat")
def concat(c, _, *inputs):
    return torch.cat(inputs, c["axis"])


@formula("stack", against="torch.stack")
def stack(c, _, *inputs):
    return torch.stack(inputs, c["axis"])


@formula("unstack", against="torch.unbind")
def unstack(c, _, x):
    return x.unbind(c["axis"])


@formula("flatten", against="torch.flatten")
def flatten(c, _, x):
    return x.flatten(c["axis"], c["end_axis"])


def extents_of(c):
    return [3 if extent == "N" else extent for extent in c["shape"]]


@formula("reshape", against="torch.reshape")
def reshape(c, _, x):
    start = c["axis"] % x.dim() if c["axis"] < 0 else c["axis"]
    end = x.dim() if c["num_axes"] == -1 else start + c["num_axes"]
    wanted = [x.shape[start + i] if extent == 0 else extent for i, extent in enumerate(extents_of(c))]
    return x.reshape(*x.shape[:start], *wanted, *x.shape[end:])


@formula("permute", against="torch.permute")
def permute(c, _, x):
    return x.permute(c["axes"])


@formula("squeeze", against="torch.squeeze")
def squeeze(c, _, x):
    return x.squeeze(tuple(c["axes"]) if isinstance(c["axes"], list) else c["axes"])


@formula("expand_dims", against="torch.unsqueeze")
def expand_dims(c, _, x):
    return x.unsqueeze(c["axis"])


@formula("split", against="torch.split, torch.tensor_split")
def split(c, _, x):
    if c["sizes"]:
        return x.split(c["sizes"], c["axis"])
    return x.tensor_split(c["points"] or c["sections"], c["axis"])


@formula("slice", against="torch.index_select of a Python slice")
def slice_(c, _, x):
    places = list(range(x.shape[c["axis"]]))[slice(c["start"], c["stop"], c["step"])]
    return x.index_select(c["axis"], torch.tensor(places))


@formula("select", against="torch.select")
def select(c, _, x):
    return x.select(c["axis"], c["index"])


@formula("pad", against="F.pad; symmetric by flips")
def pad(c, _, x):
    axes = c["axes"]
    axes = list(range(2, x.dim())) if axes is None else [axis_of(a, x) for a in (axes if isinstance(axes, list) else [axes])]
    given = c["padding"]
    if len(axes) == 1 and isinstance(given, list) and len(given) == 2 and not isinstance(given[0], list):
        given = [given]
    for axis, entry in zip(axes, each(given, len(axes))):
        low, high = entry if isinstance(entry, list) else (entry, entry)
        moved = x.movedim(axis, -1)
        # Its modes but the constant want three axes and numbers.
        flat = moved.reshape(1, -1, moved.shape[-1]).double()
        value = 0.0 if c["value"] is None else float(c["value"])
        y = around(flat, [(low, high)], value, c["mode"])
        x = y.reshape(*moved.shape[:-1], -1).movedim(-1, axis).to(x.dtype)
    return x


TORCH_METHODS = {1: ("linear", None), 2: ("bilinear", "bicubic"), 3: ("trilinear", None)}


def place(c, n, size, step, corners, i):
    if corners == "asymmetric":
        return i * step
    return (i + 0.5) * step - 0.5 if corners == "half_pixel" else i * (n - 1) / max(size - 1, 1)


def map_of(c, n, size, step, method, corners):
    """The linear map of one axis, for what F.interpolate has not."""
    rows = torch.zeros(size, n, dtype=torch.float64)
    for i in range(size):
        if method == "nearest":
            at = place(c, n, size, step, corners, i)
            rows[i, min(n - 1, math.floor(at + (0 if corners == "asymmetric" else 0.5)))] = 1
            continue
        reach = 2 if method == "cubic" else 1
        shrink = max(1.0, step) if c["antialias"] else 1.0
        at = place(c, n, size, step, corners, i)
        a = (-0.5 if c["antialias"] else -0.75) if c["cubic"] is None else c["cubic"]
        for j in range(math.floor(at - reach * shrink) - 1, math.ceil(at + reach * shrink) + 2):
            d = abs(j - at) / shrink
            near, far = ((a + 2) * d - (a + 3)) * d * d + 1, ((a * d - 5 * a) * d + 8 * a) * d - 4 * a
            weight = max(0.0, 1 - d) if reach == 1 else near if d <= 1 else far if d < 2 else 0.0
            if 0 <= j < n or not (c["edges"] == "renormalize" or c["antialias"]):
                rows[i, min(n - 1, max(0, j))] += weight
        if c["edges"] == "renormalize" or c["antialias"]:
            rows[i] /= rows[i].sum()
    return rows


@formula("resize", "upsample1d", "upsample2d", "upsample3d", against="F.interpolate; what it has not as a matrix for each axis")
def resize(c, _, x):
    rank = x.dim() - 2
    scale = None if c["scale"] is None else [float(s) for s in each(c["scale"], rank)]
    size = each(c["size"], rank) if scale is None else [math.floor(n * s) for n, s in zip(x.shape[2:], scale)]
    method = {"bilinear": "linear", "trilinear": "linear", "bicubic": "cubic"}.get(c["method"], c["method"])
    corners = c["corners"] or "half_pixel"
    if method == "area":
        return getattr(F, f"adaptive_avg_pool{rank}d")(x, size)
    asked = {"size": size} if scale is None else {"scale_factor": scale}
    linear, cubic = TORCH_METHODS[rank]
    if method == "nearest" and corners in ("asymmetric", "half_pixel") and (scale is None or all(s == int(s) for s in scale)):
        mode = "nearest" if corners == "asymmetric" else "nearest-exact"
        return F.interpolate(x.double(), **asked, mode=mode).to(x.dtype)
    theirs = linear if method == "linear" else cubic
    usual = c["cubic"] is None and c["edges"] != "renormalize" and (rank == 2 or not c["antialias"])
    if method != "nearest" and theirs and usual and corners != "asymmetric" and not (corners == "align" and scale):
        options = {"antialias": True} if c["antialias"] else {}
        return F.interpolate(x, **asked, mode=theirs, align_corners=corners == "align", **options)
    y = x.double()
    for axis, (n, m) in enumerate(zip(x.shape[2:], size), 2):
        step = n / m if scale is None else 1 / scale[axis - 2]
        rows = map_of(c, n, m, step, method, corners)
        y = torch.einsum("...i,ji->...j", y.movedim(axis, -1), rows).movedim(-1, axis)
    return y.to(x.dtype)


@formula("crop1d", "crop2d", "crop3d", against="F.pad with negative borders")
def crop(c, _, x):
    rank, given = c.rank, c["cropping"]
    if rank == 1 and isinstance(given, list) and not isinstance(given[0], list):
        given = [given]
    for axis, entry in enumerate(each(given, rank), axis_of(c["axis"] if c["axis"] is not None else 2, x)):
        low, high = entry if isinstance(entry, list) else (entry, entry)
        x = x.narrow(axis, low, x.shape[axis] - low - high)
    return x


@formula("crop_like", against="torch.narrow (Caffe's Crop)")
def crop_like(c, _, x, other):
    first = axis_of(c["axis"], x)
    for axis, offset in zip(range(first, x.dim()), each(c["offset"], x.dim() - first)):
        x = x.narrow(axis, offset, other.shape[axis])
    return x


@formula("center_crop", against="torch.narrow (Keras' CenterCrop)")
def center_crop(c, _, x):
    for axis, size in enumerate(each(c["size"], 2), axis_of(c["axis"], x)):
        x = x.narrow(axis, (x.shape[axis] - size) // 2, size)
    return x


@formula("tile", against="torch.tile")
def tile(c, _, x):
    return x.tile(c["repeats"])


@formula("repeat_elements", against="torch.repeat_interleave")
def repeat_elements(c, _, x):
    return x.repeat_interleave(c["repeats"], c["axis"])


@formula("repeat_vector", against="torch.expand (Keras)")
def repeat_vector(c, _, x):
    return x.unsqueeze(1).expand(-1, c["repeats"], -1)


@formula("broadcast_to", against="torch.expand")
def broadcast_to(c, _, x):
    return x.expand(extents_of(c))


@formula("flip", against="torch.flip")
def flip(c, _, x):
    return x.flip(c["axes"])


@formula("roll", against="torch.roll")
def roll(c, _, x):
    axes = c["axes"] if isinstance(c["axes"], list) else [c["axes"]]
    return x.roll(each(c["shift"], len(axes)), axes)


@formula("space_to_depth", against="F.pixel_unshuffle")
def space_to_depth(c, _, x):
    y = F.pixel_unshuffle(x, c["block"])
    if c["order"] == "column_row_depth":
        return y
    return y.unflatten(1, (x.shape[1], -1)).transpose(1, 2).flatten(1, 2)


@formula("depth_to_space", against="F.pixel_shuffle")
def depth_to_space(c, _, x):
    if c["order"] == "depth_column_row":
        x = x.unflatten(1, (c["block"] ** 2, -1)).transpose(1, 2).flatten(1, 2)
    return F.pixel_shuffle(x, c["block"])


@formula("channel_shuffle", against="F.channel_shuffle")
def channel_shuffle(c, _, x):
    if x.dim() == 2:
        return F.channel_shuffle(x[:, :, None, None], c["groups"]).flatten(1)
    return F.channel_shuffle(x, c["groups"])


@formula("batch_reindex", against="torch.index_select (Caffe)")
def batch_reindex(c, _, x, index):
    return x.index_select(0, index)


@formula("identity", against="nn.Identity")
def identity(c, _, x):
    return x * 1

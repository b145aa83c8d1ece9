"""Windows that slide: convolutions, poolings, unfold, with the paddings that PyTorch does not have written out."""

import math

import torch
import torch.nn.functional as F

from .formula import each, formula

TORCH_MODES = {"reflect": "reflect", "edge": "replicate", "wrap": "circular"}


def of_rank(name, rank):
    return getattr(F, f"{name}{rank}d")


def around(x, pads, value=0.0, mode="constant"):
    """`pads` of the last axes, the first of them first; F.pad begins with the last."""
    flat = [n for pair in reversed(pads) for n in pair]
    if mode == "constant":
        return F.pad(x, flat, value=value)
    if mode == "symmetric":
        for axis, (low, high) in zip(range(x.dim() - len(pads), x.dim()), pads):
            n = x.shape[axis]
            ends = [x.narrow(axis, 0, low).flip(axis), x, x.narrow(axis, n - high, high).flip(axis)]
            x = torch.cat(ends, axis)
        return x
    return F.pad(x, flat, mode=TORCH_MODES[mode])


def kernel_of(c, rank):
    return each(c["kernel"], rank)


def stride_of(c, rank):
    return kernel_of(c, rank) if c["stride"] is None else each(c["stride"], rank)


def pads_of(c, extents):
    """(before, after) of every axis."""
    rank = len(extents)
    kernel, stride, dilation = kernel_of(c, rank), stride_of(c, rank), each(c["dilation"] or 1, rank)
    if c["padding"] == "valid":
        return [(0, 0)] * rank
    if c["padding"] == "causal":
        return [(dilation[0] * (kernel[0] - 1), 0)]
    if c["padding"] == "same":
        pads = []
        for n, k, s, d in zip(extents, kernel, stride, dilation):
            total = max((math.ceil(n / s) - 1) * s + d * (k - 1) + 1 - n, 0)
            pads.append((total // 2, total - total // 2))
        return pads
    return [tuple(p) if isinstance(p, list) else (p, p) for p in each(c["padding"], rank)]


def normalized_weight(c, w, outputs=0):
    weight, way = w["weight"], c["normalize_weight"]
    options = way if isinstance(way, dict) else {"type": way}
    if options["type"] is None:
        return weight
    matrix = weight.movedim(outputs, 0).flatten(1)
    if options["type"] == "weight":
        shape = [-1 if axis == outputs else 1 for axis in range(weight.dim())]
        return weight * (w["weight_gain"] / matrix.norm(dim=1)).reshape(shape)
    u, v = w["u"], w["v"]
    if c.trains:
        with torch.no_grad():
            for _ in range(options.get("iterations", 1)):
                u = F.normalize(matrix @ v, dim=0, eps=1e-12)
                v = F.normalize(matrix.T @ u, dim=0, eps=1e-12)
            c.after.update(u=u, v=v)
    return weight / (u @ matrix @ v)


def convolve(c, x, weight, bias, groups):
    rank = x.dim() - 2
    pads = pads_of(c, x.shape[2:])
    mode = "constant" if c["padding_mode"] in ("zeros", None) else c["padding_mode"]
    conv, options = of_rank("conv", rank), {"stride": each(c["stride"], rank), "dilation": each(c["dilation"], rank), "groups": groups}
    if mode == "constant" and all(low == high for low, high in pads):
        return conv(x, weight, bias, padding=[low for low, _ in pads], **options)
    return conv(around(x, pads, mode=mode), weight, bias, **options)


@formula("conv1d", "conv2d", "conv3d", against="F.convNd")
def conv(c, w, x):
    return convolve(c, x, normalized_weight(c, w), w.get("bias"), c["groups"])


@formula("depthwise_conv1d", "depthwise_conv2d", against="F.convNd of C groups")
def depthwise_conv(c, w, x):
    return convolve(c, x, normalized_weight(c, w), w.get("bias"), x.shape[1])


@formula("separable_conv1d", "separable_conv2d", against="F.convNd twice")
def separable_conv(c, w, x):
    alone = convolve(c, x, w["depthwise_weight"], None, x.shape[1])
    return of_rank("conv", c.rank)(alone, w["pointwise_weight"], w.get("bias"))


@formula("conv_transpose1d", "conv_transpose2d", "conv_transpose3d", against="F.conv_transposeNd")
def conv_transpose(c, w, x):
    weight, turned = normalized_weight(c, w, 1), of_rank("conv_transpose", c.rank)
    bias, rank = w.get("bias"), c.rank
    stride, dilation = each(c["stride"], rank), each(c["dilation"], rank)
    if c["padding"] != "same":
        padding = 0 if c["padding"] == "valid" else c["padding"]
        return turned(x, weight, bias, stride, padding, c["output_padding"], c["groups"], dilation)
    y = turned(x, weight, None, stride, 0, 0, c["groups"], dilation)
    cuts = [full - n * s for full, n, s in zip(y.shape[2:], x.shape[2:], stride)]
    y = around(y, [(-(cut // 2), cut // 2 - cut) if cut > 0 else (0, -cut) for cut in cuts])
    return y if bias is None else y + bias.reshape(-1, *[1] * rank)


@formula("locally_connected1d", "locally_connected2d", against="F.unfold and torch.einsum")
def locally_connected(c, w, x):
    rank = c.rank
    kernel, stride, dilation = kernel_of(c, rank), each(c["stride"], rank), each(c["dilation"], rank)
    x = around(x, pads_of(c, x.shape[2:]))
    if rank == 1:
        x, kernel, stride, dilation = x.unsqueeze(2), [1, *kernel], [1, *stride], [1, *dilation]
    columns = F.unfold(x, kernel, dilation, 0, stride)
    places = w["weight"].shape[:rank]
    filters = w["weight"].shape[rank]
    y = torch.einsum("nkl,lfk->nfl", columns, w["weight"].reshape(columns.shape[2], filters, -1))
    y = y.reshape(x.shape[0], filters, *places)
    return y + w["bias"] if "bias" in w else y


@formula("unfold", against="F.unfold")
def unfold(c, _, x):
    return F.unfold(x, c["kernel"], c["dilation"], c["padding"], c["stride"])


def pooled_extents(c, x, pads):
    """Windows on every axis: rounded up with `ceil_mode`, but none that would begin in the padding at the end."""
    extents = []
    for n, k, s, (low, high) in zip(x.shape[2:], kernel_of(c, x.dim() - 2), stride_of(c, x.dim() - 2), pads):
        count = (math.ceil if c["ceil_mode"] else math.floor)((n + low + high - k) / s) + 1
        extents.append(count - 1 if (count - 1) * s >= n + low else count)
    return extents


def window_sums(c, x):
    """Sums of windows over x and zeros around it."""
    rank = x.dim() - 2
    kernel, stride, pads = kernel_of(c, rank), stride_of(c, rank), pads_of(c, x.shape[2:])
    ends = [
        (low, (count - 1) * s + k - n - low)
        for (low, _), count, s, k, n in zip(pads, pooled_extents(c, x, pads), stride, kernel, x.shape[2:])
    ]
    return of_rank("avg_pool", rank)(around(x, ends), kernel, stride) * math.prod(kernel)


@formula("max_pool1d", "max_pool2d", "max_pool3d", against="F.max_poolNd, return_indices")
def max_pool(c, _, x):
    rank, pads = c.rank, pads_of(c, x.shape[2:])
    kernel, stride = kernel_of(c, rank), stride_of(c, rank)
    pool = of_rank("max_pool", rank)
    if all(low == high for low, high in pads):
        return pool(x, kernel, stride, [low for low, _ in pads], ceil_mode=c["ceil_mode"], return_indices=True)
    y, index = pool(around(x, pads, -math.inf), kernel, stride, return_indices=True)
    wide = [n + low + high for n, (low, high) in zip(x.shape[2:], pads)]
    places = [place - low for place, (low, _) in zip(torch.unravel_index(index, wide), pads)]
    own = torch.zeros_like(index)
    for place, n in zip(places, x.shape[2:]):
        own = own * n + place
    return y, own


@formula("max_unpool1d", "max_unpool2d", "max_unpool3d", against="F.max_unpoolNd; torch.scatter_add where maxima meet")
def max_unpool(c, _, x, index):
    rank = c.rank
    flat = index.flatten(2)
    alone = all(len(set(row.tolist())) == flat.shape[2] for row in flat.flatten(0, 1))
    if c["size"] is None:
        kernel, stride, pads = kernel_of(c, rank), stride_of(c, rank), each(c["padding"] or 0, rank)
        if alone:
            return of_rank("max_unpool", rank)(x, index, kernel, stride, pads)
        size = [(n - 1) * s + k - 2 * p for n, s, k, p in zip(x.shape[2:], stride, kernel, pads)]
    else:
        size = each(c["size"], rank)
    zeros = torch.zeros(*x.shape[:2], math.prod(size), dtype=x.dtype)
    return zeros.scatter_add(2, flat, x.flatten(2)).reshape(*x.shape[:2], *size)


@formula("avg_pool1d", "avg_pool2d", "avg_pool3d", against="F.avg_poolNd")
def avg_pool(c, _, x):
    rank, pads = c.rank, pads_of(c, x.shape[2:])
    kernel, stride, pool = kernel_of(c, rank), stride_of(c, rank), of_rank("avg_pool", rank)
    if any(low != high for low, high in pads):
        assert c["count_include_pad"] is False
        return window_sums(c, x) / window_sums(c, torch.ones_like(x))
    include = c["count_include_pad"] is not False
    y = pool(x, kernel, stride, [low for low, _ in pads], c["ceil_mode"], include)
    return y if c["divisor"] is None else y * math.prod(kernel) / c["divisor"]


@formula("lp_pool1d", "lp_pool2d", "lp_pool3d", against="F.lp_poolNd of magnitudes")
def lp_pool(c, _, x):
    p = c["norm"]
    if p % 2 == 0 and not c["ceil_mode"] and c["padding"] == 0:
        kernel, stride = kernel_of(c, c.rank), stride_of(c, c.rank)
        return F.lp_pool1d(x, p, kernel[0], stride[0]) if c.rank == 1 else of_rank("lp_pool", c.rank)(x, p, kernel, stride)
    return window_sums(c, x.abs() ** p) ** (1 / p)


@formula("stochastic_pool2d", against="Σx² / Σx of windows (training draws)")
def stochastic_pool(c, _, x):
    x = x.relu()
    total = window_sums(c, x)
    return torch.where(total > 0, window_sums(c, x * x) / total.where(total > 0, torch.ones_like(total)), 0)


@formula("global_avg_pool1d", "global_avg_pool2d", "global_avg_pool3d", against="F.adaptive_avg_poolNd to 1")
def global_avg_pool(c, _, x):
    y = of_rank("adaptive_avg_pool", c.rank)(x, 1)
    return y if c["keepdims"] else y.flatten(1)


@formula("global_max_pool1d", "global_max_pool2d", "global_max_pool3d", against="F.adaptive_max_poolNd to 1")
def global_max_pool(c, _, x):
    y = of_rank("adaptive_max_pool", c.rank)(x, 1)
    return y if c["keepdims"] else y.flatten(1)


@formula("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", against="F.adaptive_avg_poolNd")
def adaptive_avg_pool(c, _, x):
    return of_rank("adaptive_avg_pool", c.rank)(x, c["size"])


@formula("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d", against="F.adaptive_max_poolNd")
def adaptive_max_pool(c, _, x):
    return of_rank("adaptive_max_pool", c.rank)(x, c["size"])


@formula("spatial_pyramid_pool", against="F.adaptive_max/avg_pool2d; Caffe's windows by F.max/avg_pool2d")
def spatial_pyramid_pool(c, _, x):
    name, levels = ("max_pool", []) if c["method"] == "max" else ("avg_pool", [])
    for level in range(c["height"]):
        n = 2**level
        if c["windows"] == "even":
            y = of_rank(f"adaptive_{name}", 2)(x, n)
        else:
            kernel = [math.ceil(extent / n) for extent in x.shape[2:]]
            totals = [k * n - extent for k, extent in zip(kernel, x.shape[2:])]
            border = [((total + 1) // 2, total // 2) for total in totals]
            y = of_rank(name, 2)(around(x, border, -math.inf if name == "max_pool" else 0.0), kernel)
        levels.append(y.flatten(1))
    return torch.cat(levels, 1)

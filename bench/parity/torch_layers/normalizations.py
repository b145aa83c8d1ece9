"""Normalizations, in the modes of training and prediction."""

import torch
import torch.nn.functional as F

from .formula import axis_of, formula


def axes_of(c, x):
    return sorted(axis_of(axis, x) for axis in (c["axis"] if isinstance(c["axis"], list) else [c["axis"]]))


@formula("batch_norm", against="F.batch_norm")
def batch_norm(c, w, x):
    axis = axis_of(c["axis"], x)
    mean, variance, x = w["mean"].clone(), w["variance"].clone(), x.movedim(axis, 1)
    trains, momentum = c.trains and not c["use_running"], 0.1 if c["momentum"] is None else c["momentum"]
    if c["average"] == "corrected" and trains:
        total = w["total_weight"] * (1 - momentum) + 1
        momentum = 1 / total.item()
        c.after["total_weight"] = total
    y = F.batch_norm(x, mean, variance, w.get("gamma"), w.get("beta"), trains, momentum, c["epsilon"])
    if c["running_variance"] == "biased" and trains:
        own = x.detach().transpose(0, 1).flatten(1).var(1, correction=0)
        variance = w["variance"] + momentum * (own - w["variance"])
    c.after.update(mean=mean, variance=variance)
    return y.movedim(1, axis)


@formula("layer_norm", against="F.layer_norm")
def layer_norm(c, w, x):
    axes = axes_of(c, x)
    ends = list(range(-len(axes), 0))
    gamma, beta = w.get("gamma"), w.get("beta")
    y = F.layer_norm(x.movedim(axes, ends), [x.shape[axis] for axis in axes], gamma, beta, c["epsilon"])
    return y.movedim(ends, axes)


@formula("rms_norm", against="F.rms_norm")
def rms_norm(c, w, x):
    axes = axes_of(c, x)
    ends = list(range(-len(axes), 0))
    y = F.rms_norm(x.movedim(axes, ends), [x.shape[axis] for axis in axes], w.get("gamma"), c["epsilon"])
    return y.movedim(ends, axes)


@formula("group_norm", against="F.group_norm")
def group_norm(c, w, x):
    # PyTorch fails on a shift without a scale.
    gamma = w.get("gamma", torch.ones(x.shape[1]))
    return F.group_norm(x, c["groups"], gamma, w.get("beta"), c["epsilon"])


@formula("instance_norm", against="F.instance_norm")
def instance_norm(c, w, x):
    own, momentum = c.trains or not c["running"], 0.1 if c["momentum"] is None else c["momentum"]
    statistics = {name: w[name].clone() for name in ("mean", "variance") if c["running"]}
    mean, variance = statistics.get("mean"), statistics.get("variance")
    y = F.instance_norm(x, mean, variance, w.get("gamma"), w.get("beta"), own, momentum, c["epsilon"])
    c.after.update(statistics)
    return y


@formula("lrn", against="F.local_response_norm; within channels by F.avg_pool2d")
def lrn(c, _, x):
    size, alpha, beta, k = c["size"], c["alpha"], c["beta"], c["k"]
    if c["region"] == "across_channels":
        return F.local_response_norm(x, size, alpha, beta, k)
    return x / (k + alpha * F.avg_pool2d(x * x, size, 1, size // 2)) ** beta


@formula("local_contrast", against="F.conv2d with a Gaussian (Torch 7)")
def local_contrast(c, _, x):
    size = c["size"]
    sigma = size / 4 if c["sigma"] is None else c["sigma"]
    bell = torch.exp(-((torch.arange(size).double() - size // 2) ** 2) / (2 * sigma**2))
    kernel = torch.outer(bell, bell).expand(1, x.shape[1], size, size)
    inside = F.conv2d(torch.ones_like(x), kernel, padding=size // 2)

    def mean(values):
        return F.conv2d(values, kernel, padding=size // 2) / inside

    centred = x - mean(x)
    deviation = mean(centred**2).sqrt()
    least = deviation.mean((1, 2, 3), keepdim=True).clamp(min=c["epsilon"])
    return centred / torch.maximum(deviation, least)


@formula("mvn", against="torch.var_mean (Caffe's MVN)")
def mvn(c, _, x):
    axes = list(range(1 if c["across_channels"] else 2, x.dim()))
    variance, mean = torch.var_mean(x, axes, correction=0, keepdim=True)
    if not c["normalize_variance"]:
        return x - mean
    return (x - mean) / (variance.sqrt() + (1e-9 if c["epsilon"] is None else c["epsilon"]))


@formula("l2_normalize", against="F.normalize")
def l2_normalize(c, w, x):
    axes = axes_of(c, x)
    if c["epsilon_rule"] == "add":
        y = x / (x.square().sum(axes, keepdim=True) + c["epsilon"]).sqrt()
    else:
        y = F.normalize(x, dim=tuple(axes), eps=c["epsilon"])
    return y * w["gamma"].reshape(1, -1, *[1] * (x.dim() - 2)) if "gamma" in w else y


@formula("unit_norm", against="F.normalize")
def unit_norm(c, _, x):
    return F.normalize(x, dim=tuple(axes_of(c, x)), eps=c["epsilon"])


@formula("standardize", against="(x − mean) / deviation, gathered by torch.var_mean")
def standardize(c, w, x):
    x, shape = x.double(), [-1 if axis == axis_of(c["axis"], x) else 1 for axis in range(x.dim())]
    if c["mean"] is not None:
        spread = c["variance"] if c["std"] is None else c["std"]
        mean, spread = (torch.tensor(value, dtype=torch.float64).reshape(-1) for value in (c["mean"], spread))
        deviation = spread.sqrt() if c["std"] is None else spread
    else:
        mean, variance = w["mean"], w["variance"]
        if c.trains and not c["frozen"] and not c["adapt"] and not c["invert"]:
            axes = [axis for axis in range(x.dim()) if axis != axis_of(c["axis"], x)]
            new_variance, new_mean = torch.var_mean(x.detach(), axes, correction=0)
            count = x.numel() / mean.numel()
            share = count / (w["count"] + count)
            distance = new_mean - mean
            mean = mean + share * distance
            variance = (1 - share) * variance + share * new_variance + share * (1 - share) * distance**2
            c.after.update(mean=mean, variance=variance, count=w["count"] + count)
        deviation = variance.sqrt()
    mean, deviation = mean.reshape(shape), deviation.reshape(shape).clamp(min=c["epsilon"])
    return x * deviation + mean if c["invert"] else (x - mean) / deviation

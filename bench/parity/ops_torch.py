"""Compares the float64 references of the neural-network ops with PyTorch, on every sample in their definitions.

    python3 bench/parity/ops_torch.py

Says so and ends well where PyTorch is not installed. Values must agree within 1e-11 of the largest magnitude; the
samples come from op-samples.ts, bundled on the fly, so that nothing has to be kept in step by hand.
"""

import json
import math
import pathlib
import subprocess
import sys
import tempfile

try:
    import torch
    import torch.nn.functional as F
except ImportError:
    print("skipped: PyTorch is not installed")
    sys.exit(0)

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOLERANCE = 1e-11
DTYPES = {"f32": torch.float64, "i32": torch.int64, "i64": torch.int64, "u8": torch.int64, "bool": torch.bool}


def load_samples():
    with tempfile.TemporaryDirectory() as folder:
        script = pathlib.Path(folder) / "op-samples.js"
        bundle = ["npx", "esbuild", "bench/parity/op-samples.ts", "--bundle", "--platform=node", "--log-level=error"]
        subprocess.run([*bundle, f"--outfile={script}"], cwd=ROOT, check=True)
        return json.loads(subprocess.run(["node", script], check=True, capture_output=True, text=True).stdout)


def tensor(given):
    return torch.tensor(given["values"], dtype=DTYPES[given["dtype"]]).reshape(given["shape"])


def pads(low, high):
    """PyTorch lists paddings from the last axis on."""
    return [p for pair in zip(reversed(low), reversed(high)) for p in pair]


def conv(attrs, x, w, bias=None):
    rank = x.dim() - 2
    function = (F.conv1d, F.conv2d, F.conv3d)[rank - 1]
    padded = F.pad(x, pads(attrs["padding_low"], attrs["padding_high"]))
    y = function(padded, w, bias, stride=attrs["stride"], dilation=attrs["dilation"], groups=attrs["groups"])
    return [F.relu(y) if attrs.get("activation") == "relu" else y]


def gradient(function, argument, upstream):
    argument = argument.clone().requires_grad_(True)
    function(argument).backward(upstream)
    return [argument.grad]


def conv_grad_input(attrs, dy, w):
    return gradient(lambda x: conv(attrs, x, w)[0], torch.zeros(attrs["input_shape"], dtype=dy.dtype), dy)


def conv_grad_weight(attrs, x, dy):
    return gradient(lambda w: conv(attrs, x, w)[0], torch.zeros(attrs["weight_shape"], dtype=dy.dtype), dy)


def max_pool(attrs, x):
    rank = x.dim() - 2
    low, high = attrs["padding_low"], attrs["padding_high"]
    padded = F.pad(x, pads(low, high), value=-math.inf)
    function = (F.max_pool1d, F.max_pool2d, F.max_pool3d)[rank - 1]
    y, index = function(padded, attrs["kernel"], attrs["stride"], return_indices=True)
    # From flat positions in the padded plane to positions in the plane itself.
    place, rest, scale = torch.zeros_like(index), index, 1
    for axis in reversed(range(rank)):
        extent = padded.shape[2 + axis]
        place = place + (rest % extent - low[axis]) * scale
        rest, scale = rest // extent, scale * x.shape[2 + axis]
    return [y, place]


def max_pool_grad(attrs, dy, index):
    n, c, *plane = attrs["input_shape"]
    dx = torch.zeros([n, c, math.prod(plane)], dtype=dy.dtype)
    return [dx.scatter_add(2, index.reshape(n, c, -1), dy.reshape(n, c, -1)).reshape(attrs["input_shape"])]


def avg_pool(attrs, x):
    rank = x.dim() - 2
    function = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)[rank - 1]
    low, high, overhang = attrs["padding_low"], attrs["padding_high"], attrs["overhang"]
    declared = [h - o for h, o in zip(high, overhang)]
    kernel, stride, count = attrs["kernel"], attrs["stride"], attrs["count_include_pad"]
    if "divisor" in attrs:
        # PyTorch's divisor is a whole number.
        y = function(x, kernel, stride, padding=low, ceil_mode=any(overhang), divisor_override=1) / attrs["divisor"]
    elif declared == low:
        y = function(x, kernel, stride, padding=low, ceil_mode=any(overhang), count_include_pad=count)
    else:
        assert count and not any(overhang), "PyTorch has no one-sided padding that does not count"
        y = function(F.pad(x, pads(low, high)), kernel, stride)
    return [y]


def avg_pool_grad(attrs, dy):
    return gradient(lambda x: avg_pool(attrs, x)[0], torch.zeros(attrs["input_shape"], dtype=dy.dtype), dy)


def batch_norm_train(attrs, x, gamma, beta):
    axes = [axis for axis in range(x.dim()) if axis != 1]
    y = F.batch_norm(x, None, None, gamma, beta, training=True, eps=attrs["epsilon"])
    return [y, x.mean(axes), x.var(axes, unbiased=False)]


def batch_norm_grad(attrs, dy, x, gamma, mean, variance):
    inverse = torch.rsqrt(variance + attrs["epsilon"])
    wanted = [True, True, True]
    backward = torch.ops.aten.native_batch_norm_backward
    return list(backward(dy, x, gamma, None, None, mean, inverse, True, attrs["epsilon"], wanted))


def layer_norm(attrs, x, gamma=None, beta=None):
    outer, row = x.shape[: attrs["axis"]], x.shape[attrs["axis"] :]
    if attrs["center"]:
        y, mean, rstd = torch.native_layer_norm(x, row, gamma, beta, attrs["epsilon"])
        return [y, mean.reshape(outer), rstd.reshape(outer)]
    rows = x.reshape(*outer, -1)
    rstd = torch.rsqrt(rows.square().mean(-1) + attrs["epsilon"])
    return [F.rms_norm(x, row, gamma, attrs["epsilon"]), torch.zeros(outer, dtype=x.dtype), rstd]


def layer_norm_grad(attrs, dy, x, mean, rstd, gamma=None):
    row = x.shape[attrs["axis"] :]
    wide = [*mean.shape, *[1] * len(row)]
    mean, rstd = mean.reshape(wide), rstd.reshape(wide)
    if attrs["center"]:
        beta = None if gamma is None else torch.zeros_like(gamma)
        wanted = [True, gamma is not None, gamma is not None]
        made = torch.ops.aten.native_layer_norm_backward(dy, x, row, mean, rstd, gamma, beta, wanted)
        return [gradient for gradient in made if gradient is not None]
    normalized, scaled = (x - mean) * rstd, dy if gamma is None else dy * gamma
    axes = list(range(attrs["axis"], x.dim()))
    dx = rstd * (scaled - normalized * (scaled * normalized).mean(axes, keepdim=True))
    over = list(range(attrs["axis"]))
    return [dx] if gamma is None else [dx, (dy * normalized).sum(over), dy.sum(over)]


def lrn(attrs, x):
    # PyTorch wants at least three axes.
    wide = x.reshape(*x.shape, *[1] * max(0, 3 - x.dim()))
    y = F.local_response_norm(wide, attrs["size"], alpha=attrs["alpha"], beta=attrs["beta"], k=attrs["k"])
    return [y.reshape(x.shape)]


def lrn_grad(attrs, dy, x):
    return gradient(lambda argument: lrn(attrs, argument)[0], x, dy)


def cross_entropy(attrs, logits, labels, weights=None):
    ignore = attrs.get("ignore_index", -(10**9))
    return F.cross_entropy(
        logits.movedim(attrs["axis"], 1) if logits.dim() > 1 else logits,
        labels,
        weight=weights,
        ignore_index=ignore,
        reduction="none",
        label_smoothing=attrs["label_smoothing"],
    )


def softmax_cross_entropy(attrs, logits, labels, weights=None):
    counted = labels != attrs.get("ignore_index", -(10**9))
    each = weights if weights is not None else torch.ones(logits.shape[attrs["axis"]], dtype=logits.dtype)
    weight = torch.where(counted, each[torch.where(counted, labels, 0)], 0.0)
    return [cross_entropy(attrs, logits, labels, weights), weight]


def softmax_cross_entropy_grad(attrs, logits, labels, dloss, weights=None):
    return gradient(lambda argument: cross_entropy(attrs, argument, labels, weights), logits, dloss)


def ctc_loss(attrs, logits, labels, input_lengths, label_lengths):
    frames = torch.log_softmax(logits, 2).transpose(0, 1)
    bound = 0.0 if attrs["zero_infinity"] else math.inf
    losses = []
    for n, (frame_count, count) in enumerate(zip(input_lengths.tolist(), label_lengths.tolist())):
        if frame_count == 0:
            losses.append(logits.sum() * 0 + (0.0 if count == 0 else bound))
            continue
        one = frames[:, n : n + 1], labels[n : n + 1], input_lengths[n : n + 1], label_lengths[n : n + 1]
        losses.append(F.ctc_loss(*one, attrs["blank"], "sum", attrs["zero_infinity"]))
    return [torch.stack(losses)]


def ctc_loss_grad(attrs, logits, labels, input_lengths, label_lengths, dloss):
    return gradient(lambda argument: ctc_loss(attrs, argument, labels, input_lengths, label_lengths)[0], logits, dloss)


def in_top_k(attrs, logits, labels):
    axis = attrs["axis"]
    order = torch.sort(logits, dim=axis, descending=True, stable=True).indices
    best = order.narrow(axis, 0, min(attrs["k"], logits.shape[axis]))
    return [(best == labels.unsqueeze(axis)).any(axis)]


def gather(attrs, x, indices):
    axis, batch_dims = attrs["axis"], attrs["batch_dims"]
    batch = x.shape[:batch_dims]
    rows = x.reshape(-1, *x.shape[batch_dims:])
    lists = indices.reshape(rows.shape[0], -1)
    picked = [row.index_select(axis - batch_dims, own) for row, own in zip(rows, lists)]
    shape = [*x.shape[:axis], *indices.shape[batch_dims:], *x.shape[axis + 1 :]]
    return [torch.stack(picked).reshape(shape)]


def scatter_add(attrs, indices, updates):
    axis, batch_dims = attrs["axis"], attrs["batch_dims"]
    own = indices.dim() - batch_dims
    shape = [*updates.shape[:axis], attrs["size"], *updates.shape[axis + own :]]
    return gradient(lambda x: gather(attrs, x, indices)[0], torch.zeros(shape, dtype=updates.dtype), updates)


def scatter_elements_add(attrs, indices, updates):
    shape = list(updates.shape)
    shape[attrs["axis"]] = attrs["size"]
    return [torch.zeros(shape, dtype=updates.dtype).scatter_add(attrs["axis"], indices, updates)]


def resample(attrs, x):
    axis, size, taps = attrs["axis"], attrs["size"], attrs["taps"]
    matrix = torch.zeros(size, x.shape[axis], dtype=x.dtype)
    for at, (index, weight) in enumerate(zip(attrs["indices"], attrs["weights"])):
        matrix[at // taps, index] += weight
    return [torch.tensordot(x, matrix, dims=([axis], [1])).movedim(-1, axis)]


def sort(attrs, x):
    return list(torch.sort(x, dim=attrs["axis"], descending=attrs["descending"], stable=True))


def running(function, start):
    """As dlc has it, of a cumulative function that is inclusive and runs forward."""

    def run(attrs, x):
        axis = attrs["axis"]
        turn = (lambda t: t.flip(axis)) if attrs["reverse"] else (lambda t: t)
        y = function(turn(x), axis)
        if attrs["exclusive"]:
            first = torch.full_like(y.narrow(axis, 0, min(1, y.shape[axis])), start)
            y = torch.cat([first, y.narrow(axis, 0, max(0, y.shape[axis] - 1))], axis)
        return [turn(y)]

    return run


def linear_recurrence(attrs, a, b):
    axis = attrs["axis"]
    pairs = list(zip(a.unbind(axis), b.unbind(axis)))
    results, carried = [], torch.zeros_like(pairs[0][1])
    for factor, term in reversed(pairs) if attrs["reverse"] else pairs:
        carried = factor * carried + term
        results.append(carried)
    return [torch.stack(results[::-1] if attrs["reverse"] else results, axis)]


def reduce_prod(attrs, x):
    for axis in sorted(attrs["axes"], reverse=True):
        x = x.prod(axis, keepdim=attrs["keepdims"])
    return [x]


UNARY = ("tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh")

OPS = {
    **{name: lambda attrs, x, function=getattr(torch, name): [function(x)] for name in UNARY},
    "is_nan": lambda attrs, x: [torch.isnan(x)],
    "is_finite": lambda attrs, x: [torch.isfinite(x)],
    "mod": lambda attrs, a, b: [torch.remainder(a, b)],
    "atan2": lambda attrs, a, b: [torch.atan2(a, b)],
    "gather_elements": lambda attrs, x, indices: [torch.gather(x, attrs["axis"], indices)],
    "cumsum": running(torch.cumsum, 0),
    "cumprod": running(torch.cumprod, 1),
    "softmax": lambda attrs, x: [torch.softmax(x, attrs["axis"])],
    "log_softmax": lambda attrs, x: [torch.log_softmax(x, attrs["axis"])],
    **{
        function.__name__: function
        for function in (
            conv, conv_grad_input, conv_grad_weight, max_pool, max_pool_grad, avg_pool, avg_pool_grad,
            batch_norm_train, batch_norm_grad, layer_norm, layer_norm_grad, lrn, lrn_grad,
            softmax_cross_entropy, softmax_cross_entropy_grad,
            ctc_loss, ctc_loss_grad, in_top_k, gather, scatter_add, scatter_elements_add, resample, sort, linear_recurrence, reduce_prod,
        )
    },
}  # fmt: skip


def difference(found, expected):
    if found.shape != expected.shape:
        return math.inf
    found, expected = found.to(torch.float64), expected.to(torch.float64)
    largest = max(1.0, expected.abs().max().item()) if expected.numel() else 1.0
    return (found - expected).abs().max().item() / largest if expected.numel() else 0.0


def main():
    worst, failures, samples = {}, [], load_samples()
    for case in samples:
        op = case["op"]
        expected = OPS[op](case["attrs"], *map(tensor, case["inputs"]))
        found = [tensor(output) for output in case["outputs"]]
        assert len(found) == len(expected), op
        apart = max(difference(a, b) for a, b in zip(found, expected))
        worst[op] = max(worst.get(op, 0.0), apart)
        if not apart <= TOLERANCE:
            failures.append(f"{op}, {case['sample']}: {apart:.3g}")
    print(f"PyTorch {torch.__version__}, {len(samples)} samples, largest difference by op:")
    for op, apart in worst.items():
        print(f"  {op:28} {apart:.1e}")
    for failure in failures:
        print("differs:", failure)
    return 1 if failures else 0


sys.exit(main())

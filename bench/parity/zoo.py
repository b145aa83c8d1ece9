"""Compares models of the zoo with PyTorch: the same weights and statistics, drawn at random, the same images, float32.

    python3 bench/parity/zoo.py [densenet121] [mobilenet_v2] [mobilenet_v3_small] [shufflenet_v2_x1_0]
                                [efficientnet_b0] [convnext_tiny] [swin_tiny] [--size 96]

The networks are written here from their papers, by the functions of PyTorch, so that what a spec says is computed a second
time. Needs torch, numpy and h5py; prints a skip and ends with 0 where they are missing. Ends with 1 where logits differ by
more than 1e-5 of the largest.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import h5py
    import numpy as np
    import torch
    import torch.nn.functional as F
except ImportError as error:
    print(f"SKIPPED: parity of the zoo needs torch, numpy and h5py ({error})")
    sys.exit(0)

ROOT = Path(__file__).resolve().parents[2]
TOLERANCE = 1e-5
CLASSES = 10


def dlc(*args):
    done = subprocess.run(["node", str(ROOT / "dist/dlc.js"), *map(str, args)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"dlc {args[0]} failed:\n{done.stdout}{done.stderr}")


class Net:
    """Layers by the names that their weights have in the file; what the file has and no layer reads is an error."""

    def __init__(self, weights, draw=None):
        self.weights, self.epsilon, self.read, self.draw = weights, 1e-5, set(), draw

    def double(self, draw=None):
        return Net({name: tensor.double() for name, tensor in self.weights.items()}, draw)

    def weight(self, name):
        self.read.add(name)
        return self.weights.get(name)

    def conv(self, name, x, stride=1, padding=0, groups=1):
        bias = self.weight(f"{name}/bias") if f"{name}/bias" in self.weights else None
        return F.conv2d(x, self.weight(f"{name}/weight"), bias, stride, padding, groups=groups)

    def norm(self, name, x):
        if self.draw:  # statistics near those of the images, as training would leave them
            mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), unbiased=False)
            self.weights[f"{name}/mean"] = mean + variance.sqrt() * self.draw(-0.1, 0.1, mean)
            self.weights[f"{name}/variance"] = variance * self.draw(0.8, 1.25, variance) + 1e-3
        mean, variance, gamma, beta = (self.weight(f"{name}/{part}") for part in ("mean", "variance", "gamma", "beta"))
        return F.batch_norm(x, mean, variance, gamma, beta, eps=self.epsilon)

    def layer_norm(self, name, x, epsilon=1e-6):
        return F.layer_norm(x, x.shape[-1:], self.weight(f"{name}/gamma"), self.weight(f"{name}/beta"), epsilon)

    def channel_norm(self, name, x):
        return self.layer_norm(name, x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

    def dense(self, name, x, weight="weight", bias="bias"):
        return F.linear(x, self.weight(f"{name}/{weight}"), self.weight(f"{name}/{bias}"))

    def attend(self, name, x, act, gate):
        """Squeeze and excitation."""
        scale = gate(self.dense(f"{name}/fc2", act(self.dense(f"{name}/fc1", x.mean((2, 3))))))
        return x * scale[:, :, None, None]


def densenet121(net, x):
    x = F.relu(net.norm("stem_bn", net.conv("stem", x, 2, 3)))
    x = F.max_pool2d(x, 3, 2, 1)
    for stage, units in enumerate((6, 12, 24, 16), 1):
        for i in range(units):
            name = f"dense{stage}/{i}"
            y = net.conv(f"{name}/conv1", F.relu(net.norm(f"{name}/bn1", x)))
            y = net.conv(f"{name}/conv2", F.relu(net.norm(f"{name}/bn2", y)), padding=1)
            x = torch.cat([x, y], 1)
        if stage < 4:
            x = net.conv(f"transition{stage}/conv", F.relu(net.norm(f"transition{stage}/bn", x)))
            x = F.avg_pool2d(x, 2)
    return net.dense("logits", F.relu(net.norm("bn", x)).mean((2, 3)))


def conv_norm(net, name, x, stride=1, padding=0, groups=1):
    return net.norm(f"{name}/bn", net.conv(f"{name}/conv", x, stride, padding, groups))


def mobilenet_v2(net, x):
    x = F.relu6(conv_norm(net, "stem", x, 2, 1))
    rows = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
    for stage, (expand, filters, units, stride) in enumerate(rows, 1):
        for i in range(units):
            name, step = f"stage{stage}/unit/{i}", stride if i == 0 else 1
            y = x if expand == 1 else F.relu6(conv_norm(net, f"{name}/expand", x))
            y = F.relu6(conv_norm(net, f"{name}/depthwise", y, step, 1, y.shape[1]))
            y = conv_norm(net, f"{name}/project", y)
            x = x + y if step == 1 and x.shape[1] == filters else y
    x = F.relu6(conv_norm(net, "last", x))
    return net.dense("logits", x.mean((2, 3)))


V3_SMALL = (  # kernel, expanded, out, attention, activation, stride
    (3, 16, 16, True, F.relu, 2), (3, 72, 24, False, F.relu, 2), (3, 88, 24, False, F.relu, 1),
    (5, 96, 40, True, F.hardswish, 2), (5, 240, 40, True, F.hardswish, 1), (5, 240, 40, True, F.hardswish, 1),
    (5, 120, 48, True, F.hardswish, 1), (5, 144, 48, True, F.hardswish, 1), (5, 288, 96, True, F.hardswish, 2),
    (5, 576, 96, True, F.hardswish, 1), (5, 576, 96, True, F.hardswish, 1),
)  # fmt: skip


def mobilenet_v3_small(net, x):
    net.epsilon = 1e-3
    x = F.hardswish(conv_norm(net, "stem", x, 2, 1))
    for i, (kernel, wide, out, attention, act, stride) in enumerate(V3_SMALL, 1):
        y = x if wide == x.shape[1] else act(conv_norm(net, f"unit{i}/expand", x))
        y = act(conv_norm(net, f"unit{i}/depthwise", y, stride, kernel // 2, wide))
        if attention:
            y = net.attend(f"unit{i}/attend", y, F.relu, F.hardsigmoid)
        y = conv_norm(net, f"unit{i}/project", y)
        x = x + y if stride == 1 and x.shape[1] == out else y
    x = F.hardswish(conv_norm(net, "last", x)).mean((2, 3))
    return net.dense("logits", F.hardswish(net.dense("fc", x)))


def shuffle(x):
    batch, channels, height, width = x.shape
    return x.view(batch, 2, channels // 2, height, width).transpose(1, 2).reshape(batch, channels, height, width)


def shufflenet_v2_x1_0(net, x):
    x = F.max_pool2d(F.relu(conv_norm(net, "stem", x, 2, 1)), 3, 2, 1)
    for stage, units in ((2, 4), (3, 8), (4, 4)):
        name = f"stage{stage}"
        left = conv_norm(net, f"{name}/left1", x, 2, 1, x.shape[1])
        left = F.relu(conv_norm(net, f"{name}/left2", left))
        right = F.relu(conv_norm(net, f"{name}/right1", x))
        right = conv_norm(net, f"{name}/right2", right, 2, 1, right.shape[1])
        x = shuffle(torch.cat([left, F.relu(conv_norm(net, f"{name}/right3", right))], 1))
        for i in range(units - 1):
            unit = f"{name}/unit/{i}"
            left, right = x.chunk(2, 1)
            right = F.relu(conv_norm(net, f"{unit}/conv1", right))
            right = conv_norm(net, f"{unit}/conv2", right, 1, 1, right.shape[1])
            x = shuffle(torch.cat([left, F.relu(conv_norm(net, f"{unit}/conv3", right))], 1))
    return net.dense("logits", F.relu(conv_norm(net, "conv5", x)).mean((2, 3)))


def efficientnet_b0(net, x):
    x = F.silu(conv_norm(net, "stem", x, 2, 1))
    rows = ((1, 16, 1, 3, 1), (6, 24, 2, 3, 2), (6, 40, 2, 5, 2), (6, 80, 3, 3, 2), (6, 112, 3, 5, 1), (6, 192, 4, 5, 2), (6, 320, 1, 3, 1))
    for stage, (expand, filters, units, kernel, stride) in enumerate(rows, 1):
        for i in range(units):
            name, step = f"stage{stage}/unit/{i}", stride if i == 0 else 1
            y = x if expand == 1 else F.silu(conv_norm(net, f"{name}/expand", x))
            y = F.silu(conv_norm(net, f"{name}/depthwise", y, step, kernel // 2, y.shape[1]))
            y = conv_norm(net, f"{name}/project", net.attend(f"{name}/attend", y, F.silu, torch.sigmoid))
            x = x + y if step == 1 and x.shape[1] == filters else y
    return net.dense("logits", F.silu(conv_norm(net, "last", x)).mean((2, 3)))


def convnext_tiny(net, x):
    x = net.channel_norm("stem_norm", net.conv("stem", x, 4))
    for stage, units in enumerate((3, 3, 9, 3), 1):
        if stage > 1:
            x = net.conv(f"stage{stage}/down", net.channel_norm(f"stage{stage}/norm", x), 2)
        for i in range(units):
            name = f"stage{stage}/{i}" if stage == 1 else f"stage{stage}/unit/{i}"
            y = net.channel_norm(f"{name}/norm", net.conv(f"{name}/spatial", x, 1, 3, x.shape[1]))
            y = net.conv(f"{name}/project", F.gelu(net.conv(f"{name}/expand", y)))
            x = x + y * net.weight(f"{name}/scale/weight")[None, :, None, None]
    return net.dense("logits", net.layer_norm("norm", x.mean((2, 3))))


def swin_windows(x):
    batch, side, _, units = x.shape
    return x.view(batch, side // 7, 7, side // 7, 7, units).transpose(2, 3).reshape(-1, 49, units)


def swin_attention(net, name, x, heads, shift):
    """As torchvision's shifted_window_attention: nine regions, of which only those that were one before see each other."""
    batch, side, _, units = x.shape
    windows = swin_windows(torch.roll(x, (-shift, -shift), (1, 2)) if shift else x)
    attention = f"{name}/attention"
    parts = (net.dense(attention, windows, part, f"{part}_bias") for part in ("query", "key", "value"))
    q, k, v = (part.view(-1, 49, heads, units // heads).transpose(1, 2) for part in parts)
    places = torch.stack(torch.meshgrid(torch.arange(7), torch.arange(7), indexing="ij")).flatten(1)
    distances = (places[:, :, None] - places[:, None, :] + 6).permute(1, 2, 0)
    index = distances[..., 0] * 13 + distances[..., 1]
    scores = q @ k.transpose(2, 3) * (units // heads) ** -0.5
    scores = scores + net.weight(f"{name}/offsets/weight")[index].permute(2, 0, 1)
    if shift:
        regions = torch.zeros((1, side, side, 1), dtype=x.dtype)
        cuts = (slice(0, -7), slice(-7, -shift), slice(-shift, None))
        for i, (rows, columns) in enumerate((rows, columns) for rows in cuts for columns in cuts):
            regions[:, rows, columns] = i
        regions = swin_windows(regions).squeeze(2)
        mask = (regions[:, None, :] != regions[:, :, None]) * -100.0
        scores = scores + mask.to(x.dtype).repeat(batch, 1, 1)[:, None]
    y = (scores.softmax(-1) @ v).transpose(1, 2).reshape(-1, 49, units)
    y = net.dense(attention, y, "output", "output_bias")
    y = y.view(batch, side // 7, side // 7, 7, 7, units).transpose(2, 3).reshape(x.shape)
    return torch.roll(y, (shift, shift), (1, 2)) if shift else y


def swin_tiny(net, x):
    x = net.layer_norm("patch_norm", net.conv("patches", x, 4).permute(0, 2, 3, 1), 1e-5)
    for stage, (units, heads) in enumerate(((2, 3), (2, 6), (6, 12), (2, 24)), 1):
        if stage > 1:
            corners = (x[:, h::2, w::2] for w in (0, 1) for h in (0, 1))
            merged = net.layer_norm(f"stage{stage}/merge/norm", torch.cat(tuple(corners), -1), 1e-5)
            x = F.linear(merged, net.weight(f"stage{stage}/merge/two/weight"))
        for i in range(units):
            name = f"stage{stage}/unit/{i}"
            shift = 3 if i % 2 == 1 and stage < 4 else 0
            x = x + swin_attention(net, f"{name}/attend", net.layer_norm(f"{name}/norm1", x, 1e-5), heads, shift)
            y = F.gelu(net.dense(f"{name}/fc1", net.layer_norm(f"{name}/norm2", x, 1e-5)))
            x = x + net.dense(f"{name}/fc2", y)
    return net.dense("logits", net.layer_norm("norm", x, 1e-5).mean((1, 2)))


MODELS = {
    model.__name__: model
    for model in (densenet121, mobilenet_v2, mobilenet_v3_small, shufflenet_v2_x1_0, efficientnet_b0, convnext_tiny, swin_tiny)
}
# Of those that take no other.
SIZES = {"swin_tiny": 224}


def stir(name, tensor, draw):
    """Scales and shifts away from the zeros and ones that they start as."""
    part = name.rsplit("/", 1)[1]
    if part == "gamma" or name.endswith("scale/weight"):
        return draw(0.5, 1.5, tensor)
    if name.endswith("offsets/weight"):
        return draw(-2, 2, tensor)
    return draw(-0.2, 0.2, tensor) if part == "beta" or part.endswith("bias") else tensor


def stirred(file, model, images):
    """Weights and statistics at random, in the file and as tensors."""
    rng = np.random.default_rng(0)

    def draw(low, high, like):
        return torch.from_numpy(rng.uniform(low, high, like.shape)).to(like.dtype)

    weights = {}
    with h5py.File(file, "r+") as f, torch.no_grad():

        def read(name, item):
            if isinstance(item, h5py.Dataset):
                weights[name] = stir(name, torch.from_numpy(item[...]), draw)

        f["weights"].visititems(read)
        net = Net(weights).double(draw)
        model(net, images.double())
        del f.attrs["weights_sha256"]  # the weights are changed on purpose
        for name, tensor in net.weights.items():
            weights[name] = tensor.float()
            f[f"weights/{name}"][...] = weights[name].numpy()
    return weights


def compare(name, size):
    # What is done to images before is no part of the comparison.
    overrides = [f"inputs.image.shape=[N,3,{size},{size}]", "layers.view={name: view, type: identity, inputs: image}"]
    overrides += [f"layers.logits.units={CLASSES}", "outputs=[logits, probs]"]
    overrides += [f"layers.mix.classes={CLASSES}"] if name in ("convnext_tiny", "swin_tiny") else []
    images = torch.randn((2, 3, size, size), generator=torch.Generator().manual_seed(1))
    with tempfile.TemporaryDirectory() as tmp:
        folder = Path(tmp)
        os.environ["DLC_CACHE_DIR"] = str(folder / "cache")
        np.save(folder / "image.npy", images.numpy())
        data = [f"data.train={{type: synthetic, size: 2, classes: {CLASSES}}}", "data.eval="]
        model = ROOT / f"models/{name}.yaml"
        dlc("train", model, *overrides, *data, "train.steps=0", "train.batch_size=2", "train.accumulate=1", "--run-dir", folder / "run")
        file = folder / "run/weights.h5"
        net = Net(stirred(file, MODELS[name], images))
        dlc("predict", model, *overrides, "--weights", file, "--input", f"image={folder / 'image.npy'}", "--out", folder / "out")
        ours = np.load(folder / "out/logits.npy")
    with torch.no_grad():
        theirs = MODELS[name](net, images).numpy()
        exact = MODELS[name](net.double(), images.double()).numpy()
    left = sorted(set(net.weights) - net.read)
    largest = np.abs(exact).max()
    difference, own, rounding = (np.abs(a - b).max() / largest for a, b in ((ours, theirs), (ours, exact), (theirs, exact)))
    good = not left and (difference <= TOLERANCE or own <= 2 * rounding)
    note = f", weights that PyTorch did not read: {', '.join(left)}" if left else ""
    print(
        f"{name}: difference {difference:.1e} of the largest logit {largest:.3g} {'ok' if good else 'TOO LARGE'}"
        f" (from float64: ours {own:.1e}, PyTorch {rounding:.1e}){note}"
    )
    return good


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="*", default=list(MODELS))
    parser.add_argument("--size", type=int, default=96)
    options = parser.parse_args()
    unknown = [name for name in options.models if name not in MODELS]
    if unknown:
        parser.error(f"no such models here: {', '.join(unknown)}")
    results = [compare(name, SIZES.get(name, options.size)) for name in options.models]
    sys.exit(0 if all(results) else 1)


main()

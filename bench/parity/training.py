"""Follows PyTorch's losses: same initial weights, same batches, 100 steps of mlp, lenet and resnet20.

    python3 bench/parity/training.py [mlp] [lenet] [resnet20] [--steps 100] [--control] [--precision bfloat16]

Needs torch, numpy and h5py; prints a skip and ends with 0 where they are missing. Ends with 1 where a loss differs by
more than 1e-4 relative. With `--precision bfloat16` dlc trains in it and PyTorch under torch.autocast: two ways to round, which
are compared by how far each of them gets from PyTorch's float32. Ours may get twice as far, and 0.001.
"""

import argparse
import json
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
    print(f"skipped: training parity needs torch, numpy and h5py ({error})")
    sys.exit(0)

ROOT = Path(__file__).resolve().parents[2]
TOLERANCE = 1e-4
# In bfloat16, of the distance that PyTorch's autocast gets from float32, and at least.
AUTOCAST, LEAST = 2, 1e-3


def dlc(*args):
    subprocess.run(["node", str(ROOT / "dist/dlc.js"), *map(str, args)], check=True, capture_output=True)


def patterns(shape, samples):
    """Ten classes of coarse patterns with a little noise, from a fixed seed: smooth, like pictures."""
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 10, samples)
    channels, height, width = shape
    grid = rng.random((10, channels, height // 4, width // 4))
    centres = grid.repeat(4, axis=2).repeat(4, axis=3)
    return centres[labels] * 0.8 + 0.2 * rng.random((samples, *shape)), labels


def digits(samples):
    """The built-in digits, from the cache that reading them once fills."""
    folder = Path(os.environ["DLC_CACHE_DIR"])
    dlc("train", ROOT / "models/lenet.yaml", "train.steps=0", "--run-dir", folder / "warm")
    images = next(folder.rglob("*train-images*")).read_bytes()
    labels = next(folder.rglob("*train-labels*")).read_bytes()
    pixels = np.frombuffer(images, np.uint8, offset=16).reshape(-1, 1, 28, 28)[:samples]
    return pixels / 256, np.frombuffer(labels, np.uint8, offset=8)[:samples]


def save(folder, images, labels):
    images, labels = images.astype(np.float32), labels.astype(np.int32)
    np.save(folder / "images.npy", images)
    np.save(folder / "labels.npy", labels)
    return torch.from_numpy(images), torch.from_numpy(labels).long()


def read_weights(file):
    tensors = {}
    with h5py.File(file) as f:
        f["weights"].visititems(
            lambda name, item: tensors.__setitem__(name, torch.from_numpy(item[...])) if isinstance(item, h5py.Dataset) else None
        )
    return tensors


class Mlp:
    lr, weight_decay = 0.01, 0

    def forward(self, w, x):
        x = F.relu(F.linear(x.flatten(1), w["fc1/weight"], w["fc1/bias"]))
        return F.linear(F.relu(F.linear(x, w["fc2/weight"], w["fc2/bias"])), w["logits/weight"], w["logits/bias"])

    def rate(self, step, steps):
        return self.lr


class Lenet:
    lr, weight_decay = 0.01, 5e-4

    def forward(self, w, x):
        x = F.max_pool2d(F.conv2d(x, w["conv1/weight"], w["conv1/bias"]), 2)
        x = F.max_pool2d(F.conv2d(x, w["conv2/weight"], w["conv2/bias"]), 2).flatten(1)
        return F.linear(F.relu(F.linear(x, w["fc1/weight"], w["fc1/bias"])), w["logits/weight"], w["logits/bias"])

    def rate(self, step, steps):
        return self.lr * (1 + 1e-4 * step) ** -0.75


class Resnet20:
    # With a larger rate PyTorch's float32 leaves its own float64 faster than the tolerance.
    lr, weight_decay = 1e-5, 5e-4

    def norm(self, w, name, x):
        return F.batch_norm(x, w[f"{name}/mean"], w[f"{name}/variance"], w[f"{name}/gamma"], w[f"{name}/beta"], training=True)

    def unit(self, w, name, x, stride):
        y = F.relu(self.norm(w, f"{name}/bn1", F.conv2d(x, w[f"{name}/conv1/weight"], stride=stride, padding=1)))
        y = self.norm(w, f"{name}/bn2", F.conv2d(y, w[f"{name}/conv2/weight"], padding=1))
        if stride != 1:
            x = self.norm(w, f"{name}/skip_bn", F.conv2d(x, w[f"{name}/skip/weight"], stride=stride))
        return F.relu(y + x)

    def forward(self, w, x):
        x = F.relu(self.norm(w, "stem_bn", F.conv2d(x, w["stem/weight"], padding=1)))
        units = [("stage1/0", 1), ("stage1/1", 1), ("stage1/2", 1), ("down2", 2), ("stage2/0", 1), ("stage2/1", 1)]
        for name, stride in [*units, ("down3", 2), ("stage3/0", 1), ("stage3/1", 1)]:
            x = self.unit(w, name, x, stride)
        return F.linear(x.mean((2, 3)), w["logits/weight"], w["logits/bias"])

    def rate(self, step, steps):
        return self.lr


def train(net, weights, images, labels, steps, batch, autocast=False):
    """PyTorch's losses from these weights, in the dtype of the weights or under autocast."""
    weights = {name: tensor.clone() for name, tensor in weights.items()}
    trained = [t.requires_grad_() for name, t in weights.items() if not name.endswith(("/mean", "/variance"))]
    optimizer = torch.optim.SGD(trained, lr=net.lr, momentum=0.9, weight_decay=net.weight_decay)
    losses = []
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = net.rate(step, steps)
        part = slice(step * batch, (step + 1) * batch)
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            loss = F.cross_entropy(net.forward(weights, images[part]), labels[part])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses)


def compare(name, net, make, batch, overrides, options):
    steps, narrow = options.steps, options.precision == "bfloat16"
    with tempfile.TemporaryDirectory() as tmp:
        folder = Path(tmp)
        os.environ["DLC_CACHE_DIR"] = str(folder / "cache")
        images, labels = save(folder, *make(steps * batch))
        arrays = "{image: %s, label: %s}" % (folder / "images.npy", folder / "labels.npy")
        common = [
            "train", ROOT / f"models/{name}.yaml", f"data.train={{type: npy, arrays: {arrays}, shuffle: false}}",
            f"data.eval={{type: npy, arrays: {arrays}}}", f"train.batch_size={batch}", *overrides, "--allow-outside",
        ]
        dlc(*common, "train.steps=0", "--run-dir", folder / "initial")
        dlc(*common, "train.epochs=1", "--run-dir", folder / "run", "--precision", options.precision)
        lines = [json.loads(line) for line in (folder / "run/metrics.jsonl").read_text().splitlines()]
        ours = [line["loss"] for line in lines if line["split"] == "train"]
        weights = read_weights(folder / "initial/weights.h5")
    theirs = train(net, weights, images, labels, steps, batch)
    ours = np.array(ours)
    away = lambda losses: np.max(np.abs(losses - theirs) / np.abs(theirs))
    bound, note = TOLERANCE, ""
    if narrow:
        autocast = away(train(net, weights, images, labels, steps, batch, autocast=True))
        bound, note = max(LEAST, AUTOCAST * autocast), f" from float32, PyTorch under autocast {autocast:.2e}"
    if options.control:
        exact = train(net, {k: v.double() for k, v in weights.items()}, images.double(), labels, steps, batch)
        note += f" (PyTorch in float64: {np.max(np.abs(exact - theirs) / theirs):.2e}, from it to ours {np.max(np.abs(ours - exact) / exact):.2e})"
    good = len(ours) == steps and away(ours) <= bound
    print(
        f"{name}: {len(ours)} steps, loss {ours[0]:.4f} -> {ours[-1]:.4f}, largest relative difference "
        f"{away(ours):.2e}{note} {'ok' if good else 'TOO LARGE'}"
    )
    return good


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="*", default=["mlp", "lenet", "resnet20"])
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--control", action="store_true", help="also PyTorch in float64 (slow)")
    parser.add_argument("--precision", choices=["float32", "bfloat16"], default="float32")
    options = parser.parse_args()
    sgd = "train.optimizer={type: sgd, lr: 0.01, momentum: 0.9}"
    constant = "train.schedule={type: constant}"
    cases = {
        "mlp": lambda: compare("mlp", Mlp(), digits, 64, [sgd, constant], options),
        "lenet": lambda: compare("lenet", Lenet(), digits, 64, [], options),
        "resnet20": lambda: compare(
            "resnet20", Resnet20(), lambda samples: patterns((3, 32, 32), samples), 32, [constant, "train.optimizer.lr=0.00001"], options
        ),
    }
    results = [cases[name]() for name in options.models]
    sys.exit(0 if all(results) else 1)


main()

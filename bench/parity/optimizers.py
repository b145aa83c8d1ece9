"""Follows PyTorch's optimizers: a small net, the same weights and batches, ten steps, in float32.

    python3 bench/parity/optimizers.py [name ...] [--keep FOLDER]

Every case is one run of `dlc train`. Its learning rates, its losses and the weights in the end are compared with those of
torch.optim, or of the formulas of papers and other frameworks written in torch; and of some of its schedulers, so that
their way to the weights is seen (schedules.py compares all of them). The largest relative difference is printed, and the
script ends with 1 where one is above 1e-5 or an optimizer has no case. Needs torch, numpy and h5py; prints a skip and
ends with 0 where they are missing.
"""

import argparse
import json
import math
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
    print(f"skipped: optimizer parity needs torch, numpy and h5py ({error})")
    sys.exit(0)

from compiled import ROOT, compiled

TOLERANCE = 1e-5
STEPS, BATCH = 10, 8
O, L = torch.optim, torch.optim.lr_scheduler

MODEL = """inputs: {x: {shape: [N, 6]}, t: {shape: [N, 3]}}
layers:
  - {name: a, type: dense, units: 7, activation: tanh, inputs: x}
  - {name: b, type: dense, units: 3}
losses: [{type: mse, inputs: [b, t]}]
data:
  train: {type: npy, arrays: {x: x.npy, t: t.npy}, shuffle: false}
  eval: {type: npy, arrays: {x: x.npy, t: t.npy}}
train: {batch_size: %d, epochs: 1, seed: 1, optimizer: {type: sgd, lr: 0.1}}
""" % BATCH


class Written(O.Optimizer):
    """What PyTorch does not have: `update(p, g, state, t, lr)` is the parameter's next value. States start as zeros."""

    def __init__(self, params, lr, update):
        super().__init__(params, {"lr": lr})
        self.update, self.steps = update, 0

    @torch.no_grad()
    def step(self):
        self.steps += 1
        for group in self.param_groups:
            for p in group["params"]:
                state = self.state[p]
                for name in ("m", "v", "mean", "row", "column"):
                    state.setdefault(name, torch.zeros_like(p))
                p.copy_(self.update(p, p.grad, state, self.steps, group["lr"]))


def kept(state, name, share, fresh):
    """The running mean of this name, with what is new."""
    state[name] = share * state[name] + (1 - share) * fresh
    return state[name]


def lion(p, g, s, t, lr):
    """Chen et al. 2023, algorithm 2, with l1 beside the decay."""
    direction = torch.sign(0.8 * s["m"] + (1 - 0.8) * g)
    kept(s, "m", 0.95, g)
    return p - lr * (direction + 0.1 * p + 0.02 * torch.sign(p))


def lamb(vectors):
    def update(p, g, s, t, lr):
        """You et al. 2020, algorithm 2."""
        m, v = kept(s, "m", 0.8, g) / (1 - 0.8**t), kept(s, "v", 0.95, g * g) / (1 - 0.95**t)
        r = m / (v.sqrt() + 1e-4) + 0.1 * p
        trust = p.norm() / r.norm() if (vectors or p.dim() > 1) and p.norm() > 0 else 1
        return p - lr * trust * r

    return update


def lars(vectors):
    def update(p, g, s, t, lr):
        """You et al. 2017, algorithm 1."""
        local = 0.02 * p.norm() / (g.norm() + 0.1 * p.norm() + 1e-3) if (vectors or p.dim() > 1) and p.norm() > 0 else 1
        s["m"] = 0.8 * s["m"] + lr * local * (g + 0.1 * p)
        return p - s["m"]

    return update


def ftrl(initial=0.1, power=0.5, beta=0.0, shrinkage=0.0, l1=0.0, l2=0.0):
    def update(p, g, s, t, lr):
        """McMahan et al. 2013, algorithm 1; shrinkage and power as in Keras."""
        n = s["n"] if t > 1 else torch.full_like(p, initial)
        s["n"] = n + g * g
        s["m"] = s["m"] + g + shrinkage * p - (s["n"] ** power - n**power) / lr * p
        return -torch.sign(s["m"]) * (s["m"].abs() - l1).clamp(min=0) / ((beta + s["n"] ** power) / lr + l2)

    return update


def caffe_momentum(p, g, s, t, lr):
    s["m"] = 0.9 * s["m"] + lr * g
    return p - s["m"]


def caffe_nesterov(p, g, s, t, lr):
    before = s["m"]
    s["m"] = 0.9 * before + lr * (g + 0.01 * p)
    return p - (1.9 * s["m"] - 0.9 * before)


def keras_adagrad(p, g, s, t, lr):
    s["v"] = s["v"] + g * g
    return p - lr * g / (0.1 + s["v"] + 1e-3).sqrt()


def keras_rmsprop(p, g, s, t, lr):
    mean = kept(s, "mean", 0.9, g)
    s["m"] = 0.7 * s["m"] + lr * g / (kept(s, "v", 0.9, g * g) - mean * mean + 1e-3).sqrt()
    return p - s["m"]


def adam_hat(p, g, s, t, lr):
    """Kingma and Ba 2015, the last lines of section 2."""
    return p - lr * math.sqrt(1 - 0.999**t) / (1 - 0.9**t) * kept(s, "m", 0.9, g) / (kept(s, "v", 0.999, g * g).sqrt() + 1e-3)


def adafactor_plain(p, g, s, t, lr):
    """Shazeer and Stern 2018, algorithms 4 and 5, without the scale of the parameter and the relative step."""
    beta = 1 - t**-0.5
    squares = g * g
    if p.dim() > 1:
        row = kept(s, "row", beta, squares.mean(1, keepdim=True))
        v = row * kept(s, "column", beta, squares.mean(0, keepdim=True)) / row.mean(0)
    else:
        v = kept(s, "v", beta, squares)
    u = g / v.sqrt()
    return p - lr * u / max(1, (u.square().mean().sqrt() / 0.5).item())


def optimizer(name, ours, make, only=None, make_schedule=None, rate=None):
    """`only`: which parameters the optimizer takes; the rest is AdamW's, as in `muon`."""
    return name, [f"train.optimizer={ours}", *([f"train.schedule={rate}"] if rate else [])], make, make_schedule, only


def written(name, fields, update, lr, **more):
    type_ = name.split(",")[0]
    return optimizer(name, f"{{type: {type_}, lr: {lr}, {fields}}}", lambda p: Written(p, lr, update), **more)


def is_matrix(tensor):
    return tensor.dim() == 2


OPTIMIZERS = [
    optimizer("sgd", "{type: sgd, lr: 0.1}", lambda p: O.SGD(p, lr=0.1)),
    optimizer("sgd, momentum", "{type: sgd, lr: 0.1, momentum: 0.9, weight_decay: 0.01}", lambda p: O.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01)),
    optimizer("sgd, dampening", "{type: sgd, lr: 0.1, momentum: 0.9, dampening: 0.3}", lambda p: O.SGD(p, lr=0.1, momentum=0.9, dampening=0.3)),
    optimizer("nesterov", "{type: nesterov, lr: 0.1, weight_decay: 0.01}", lambda p: O.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01)),
    optimizer("adagrad", "{type: adagrad, lr: 0.1}", lambda p: O.Adagrad(p, lr=0.1)),
    optimizer("adagrad, all fields", "{type: adagrad, lr: 0.1, lr_decay: 0.1, initial: 0.2, weight_decay: 0.01, epsilon: 1.0e-4}", lambda p: O.Adagrad(p, lr=0.1, lr_decay=0.1, initial_accumulator_value=0.2, weight_decay=0.01, eps=1e-4)),
    optimizer("rmsprop", "{type: rmsprop}", lambda p: O.RMSprop(p)),
    optimizer("rmsprop, all fields", "{type: rmsprop, rho: 0.9, momentum: 0.8, centered: true, epsilon: 1.0e-2, weight_decay: 0.01}", lambda p: O.RMSprop(p, alpha=0.9, momentum=0.8, centered=True, eps=1e-2, weight_decay=0.01)),
    optimizer("adadelta", "{type: adadelta}", lambda p: O.Adadelta(p)),
    optimizer("adadelta, all fields", "{type: adadelta, lr: 0.5, rho: 0.8, epsilon: 1.0e-3, weight_decay: 0.01}", lambda p: O.Adadelta(p, lr=0.5, rho=0.8, eps=1e-3, weight_decay=0.01)),
    optimizer("adam", "{type: adam}", lambda p: O.Adam(p)),
    optimizer("adam, all fields", "{type: adam, lr: 0.01, beta1: 0.8, beta2: 0.95, epsilon: 1.0e-4, weight_decay: 0.01, amsgrad: true}", lambda p: O.Adam(p, lr=0.01, betas=(0.8, 0.95), eps=1e-4, weight_decay=0.01, amsgrad=True)),
    optimizer("adamw", "{type: adamw, lr: 0.01, weight_decay: 0.1}", lambda p: O.AdamW(p, lr=0.01, weight_decay=0.1)),
    optimizer("adamax", "{type: adamax, lr: 0.01, weight_decay: 0.01}", lambda p: O.Adamax(p, lr=0.01, weight_decay=0.01)),
    optimizer("adamw, all fields", "{type: adamw, lr: 0.01, beta1: 0.8, beta2: 0.95, epsilon: 1.0e-4, weight_decay: 0.3, amsgrad: true}", lambda p: O.AdamW(p, lr=0.01, betas=(0.8, 0.95), eps=1e-4, weight_decay=0.3, amsgrad=True)),
    optimizer("adamax, all fields", "{type: adamax, lr: 0.01, beta1: 0.8, beta2: 0.7, epsilon: 1.0e-3}", lambda p: O.Adamax(p, lr=0.01, betas=(0.8, 0.7), eps=1e-3)),
    optimizer("nadam", "{type: nadam, lr: 0.01, weight_decay: 0.01}", lambda p: O.NAdam(p, lr=0.01, weight_decay=0.01)),
    optimizer("nadam, decoupled", "{type: nadam, lr: 0.01, weight_decay: 0.1, decoupled: true}", lambda p: O.NAdam(p, lr=0.01, weight_decay=0.1, decoupled_weight_decay=True)),
    optimizer("nadam, all fields", "{type: nadam, lr: 0.01, beta1: 0.8, beta2: 0.95, epsilon: 1.0e-4, momentum_decay: 0.1}", lambda p: O.NAdam(p, lr=0.01, betas=(0.8, 0.95), eps=1e-4, momentum_decay=0.1)),
    optimizer("radam", "{type: radam, lr: 0.01, weight_decay: 0.01}", lambda p: O.RAdam(p, lr=0.01, weight_decay=0.01)),
    optimizer("radam, decoupled", "{type: radam, lr: 0.01, beta2: 0.9, weight_decay: 0.1, decoupled: true}", lambda p: O.RAdam(p, lr=0.01, betas=(0.9, 0.9), weight_decay=0.1, decoupled_weight_decay=True)),
    optimizer("adafactor", "{type: adafactor, lr: 0.05, weight_decay: 0.01}", lambda p: O.Adafactor(p, lr=0.05, weight_decay=0.01)),
    optimizer("adafactor, all fields", "{type: adafactor, lr: 0.4, beta2_decay: -0.5, epsilon1: 1.0e-4, epsilon2: 0.5, clip: 1.05, weight_decay: 0.1}", lambda p: O.Adafactor(p, lr=0.4, beta2_decay=-0.5, eps=(1e-4, 0.5), d=1.05, weight_decay=0.1)),
    optimizer("asgd", "{type: asgd, lr: 0.1, lambda: 0.01}", lambda p: O.ASGD(p, lr=0.1, lambd=0.01)),
    optimizer("asgd, all fields", "{type: asgd, lr: 0.1, lambda: 0.3, alpha: 0.5, weight_decay: 0.05}", lambda p: O.ASGD(p, lr=0.1, lambd=0.3, alpha=0.5, weight_decay=0.05)),
    optimizer("rprop", "{type: rprop}", lambda p: O.Rprop(p)),
    optimizer("rprop, all fields", "{type: rprop, lr: 0.02, shrink: 0.4, grow: 1.3, least: 0.011, most: 0.03}", lambda p: O.Rprop(p, lr=0.02, etas=(0.4, 1.3), step_sizes=(0.011, 0.03))),
    optimizer("muon", "{type: muon, lr: 0.05, adamw_lr: 0.01}", lambda p: O.Muon(p, lr=0.05), only=is_matrix),
    optimizer("muon, match_rms_adamw", "{type: muon, lr: 0.01, nesterov: false, adjust_lr: match_rms_adamw}", lambda p: O.Muon(p, lr=0.01, nesterov=False, adjust_lr_fn="match_rms_adamw"), only=is_matrix),
    optimizer("muon, all fields", "{type: muon, lr: 0.05, momentum: 0.8, ns_steps: 3, ns_coefficients: [3, -4, 2], epsilon: 0.3, adamw_lr: 0.01}", lambda p: O.Muon(p, lr=0.05, momentum=0.8, ns_steps=3, ns_coefficients=(3, -4, 2), eps=0.3), only=is_matrix),
    written("sgd, lr_in_buffer", "momentum: 0.9, lr_in_buffer: true", caffe_momentum, 0.1, rate="{type: step, step_size: 3}", make_schedule=lambda o: L.StepLR(o, 3)),
    written("nesterov, lr_in_buffer", "weight_decay: 0.01, lr_in_buffer: true", caffe_nesterov, 0.1, rate="{type: step, step_size: 3}", make_schedule=lambda o: L.StepLR(o, 3)),
    written("sgd, l1", "l1: 0.05", lambda p, g, s, t, lr: p - lr * (g + 0.05 * torch.sign(p)), 0.1),
    written("adagrad, epsilon_inside", "initial: 0.1, epsilon: 1.0e-3, epsilon_inside: true", keras_adagrad, 0.1),
    written("rmsprop, epsilon_inside", "rho: 0.9, momentum: 0.7, centered: true, epsilon: 1.0e-3, epsilon_inside: true, lr_in_buffer: true", keras_rmsprop, 0.01, rate="{type: step, step_size: 3}", make_schedule=lambda o: L.StepLR(o, 3)),
    written("adam, epsilon_hat", "epsilon: 1.0e-3, epsilon_hat: true", adam_hat, 0.01),
    written("adafactor, plain", "beta2_decay: -0.5, clip: 0.5, relative_step: false, scale_parameter: false", adafactor_plain, 0.02),
    written("lion", "beta1: 0.8, beta2: 0.95, weight_decay: 0.1, l1: 0.02", lion, 0.01),
    written("lamb", "beta1: 0.8, beta2: 0.95, epsilon: 1.0e-4, weight_decay: 0.1", lamb(False), 0.01),
    written("lamb, scale_vectors", "beta1: 0.8, beta2: 0.95, epsilon: 1.0e-4, weight_decay: 0.1, scale_vectors: true", lamb(True), 0.01),
    written("lars", "momentum: 0.8, trust: 0.02, epsilon: 1.0e-3, weight_decay: 0.1", lars(False), 0.5),
    written("lars, scale_vectors", "momentum: 0.8, trust: 0.02, epsilon: 1.0e-3, weight_decay: 0.1, scale_vectors: true", lars(True), 0.5),
    written("ftrl", "l1: 0", ftrl(), 0.1),
    written("ftrl, all fields", "l1: 0.03, weight_decay: 0.1, beta: 0.5, shrinkage: 0.02, power: -0.7, initial: 0.2", ftrl(0.2, 0.7, 0.5, 0.02, 0.03, 0.1), 0.2),
]  # fmt: skip

CYCLED = "{type: one_cycle, pct_start: 0.4, momentum: [0.85, 0.95]}"


def schedule(name, ours, make, base="{type: sgd, lr: 0.1, momentum: 0.9}", torch_base=lambda p: O.SGD(p, lr=0.1, momentum=0.9)):
    return optimizer(name, base, torch_base, make_schedule=make, rate=ours)


SCHEDULES = [
    schedule("one_cycle", CYCLED, lambda o: L.OneCycleLR(o, 0.1, total_steps=STEPS, pct_start=0.4)),
    schedule("one_cycle with adam", CYCLED, lambda o: L.OneCycleLR(o, 0.01, total_steps=STEPS, pct_start=0.4), "{type: adam, lr: 0.01}", lambda p: O.Adam(p, lr=0.01)),
    schedule("one_cycle with adamw", CYCLED, lambda o: L.OneCycleLR(o, 0.01, total_steps=STEPS, pct_start=0.4), "{type: adamw, lr: 0.01}", lambda p: O.AdamW(p, lr=0.01)),
    schedule("cyclic", "{type: cyclic, low: 0.2, up: 2, momentum: [0.8, 0.9]}", lambda o: L.CyclicLR(o, 0.02, 0.1, 2)),
    schedule("chain", "{type: chain, parts: [{type: linear, from: 0.1, to: 1, over: 3, length: 3}, {type: cosine}]}", lambda o: L.SequentialLR(o, [L.LinearLR(o, 0.1, 1, 3), L.CosineAnnealingLR(o, STEPS - 3)], [3])),
    schedule("plateau", "{type: plateau, factor: 0.5, patience: 1, threshold: 0.2, cooldown: 1}", lambda o: L.ReduceLROnPlateau(o, factor=0.5, patience=1, threshold=0.2, cooldown=1)),
]  # fmt: skip

NOT_OFFERED = [
    ("LBFGS", "needs several passes over the batch in a step"),
    ("SparseAdam", "there are no sparse gradients"),
]


def dlc(*args):
    done = subprocess.run(["node", str(ROOT / "dist/dlc.js"), *map(str, args)], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip() or done.stdout.strip())


def read_weights(file):
    with h5py.File(file) as f:
        return {f"{layer}/{name}": torch.from_numpy(f[f"weights/{layer}/{name}"][...]) for layer in "ab" for name in ("weight", "bias")}


def loss_of(w, x, t):
    return F.mse_loss(F.linear(torch.tanh(F.linear(x, w["a/weight"], w["a/bias"])), w["b/weight"], w["b/bias"]), t)


class InFloat32:
    """Muon's iteration in float32 instead of bfloat16."""

    def __enter__(self):
        self.before, torch.Tensor.bfloat16 = torch.Tensor.bfloat16, lambda tensor: tensor.clone()

    def __exit__(self, *_):
        torch.Tensor.bfloat16 = self.before


def follow(weights, x, t, make, make_schedule, only):
    w = {name: tensor.clone().requires_grad_() for name, tensor in weights.items()}
    chosen = [tensor for tensor in w.values() if only is None or only(tensor)]
    rest = [tensor for tensor in w.values() if not any(tensor is one for one in chosen)]
    main = make(chosen)
    beside = O.AdamW(rest, lr=0.01, weight_decay=0.1) if rest else None
    rates = make_schedule(main) if make_schedule else None
    lrs, losses = [], []
    for step in range(STEPS):
        lrs.append(main.param_groups[0]["lr"])
        part = slice(step * BATCH, (step + 1) * BATCH)
        loss = loss_of(w, x[part], t[part])
        losses.append(loss.item())
        for one in filter(None, (main, beside)):
            one.zero_grad()
        loss.backward()
        with InFloat32():
            for one in filter(None, (main, beside)):
                one.step()
        if isinstance(rates, L.ReduceLROnPlateau):
            rates.step(loss_of(w, x, t).item())
        elif rates and step + 1 < STEPS:
            rates.step()
    return lrs, losses, {name: tensor.detach() for name, tensor in w.items()}


def relative(ours, theirs):
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    return float(np.max(np.abs(ours - theirs)) / max(np.max(np.abs(theirs)), 1e-12))


def compare(folder, number, case, x, t, initial):
    name, settings, make, make_schedule, only = case
    run = folder / f"run{number}"
    dlc("train", folder / "net.yaml", *settings, "train.evaluate.every=1", f"--run-dir={run}")
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    steps = [line for line in lines if line["split"] == "train"]
    lrs, losses, weights = follow(initial, x, t, make, make_schedule, only)
    final = read_weights(run / "weights.h5")
    return [
        relative([line["lr"] for line in steps], lrs),
        max(relative(line["loss"], loss) for line, loss in zip(steps, losses, strict=True)),
        max(relative(final[key], weights[key]) for key in weights),
    ]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", help="cases whose name contains one of these")
    parser.add_argument("--keep", type=Path, help="leave the runs in this folder")
    options = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory() as tmp:
        folder = options.keep or Path(tmp)
        folder.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(5)
        x = rng.standard_normal((STEPS * BATCH, 6)).astype(np.float32)
        t = np.tanh(x @ rng.standard_normal((6, 3))).astype(np.float32)
        np.save(folder / "x.npy", x)
        np.save(folder / "t.npy", t)
        (folder / "net.yaml").write_text(MODEL)
        dlc("train", folder / "net.yaml", "train.steps=0", f"--run-dir={folder / 'initial'}")
        initial = read_weights(folder / "initial/weights.h5")
        x, t = torch.from_numpy(x), torch.from_numpy(t)
        print(f"{'':36}{'rate':>10}{'loss':>10}{'weights':>10}")
        for number, case in enumerate(OPTIMIZERS + SCHEDULES):
            if options.names and not any(name in case[0] for name in options.names):
                continue
            found = compare(folder, number, case, x, t, initial)
            good = max(found) <= TOLERANCE
            failed += not good
            print(f"{case[0]:36}{''.join(f'{value:10.1e}' for value in found)}  {'ok' if good else 'TOO LARGE'}")
        tested = {case[0].split(",")[0] for case in OPTIMIZERS}
        missing = [] if options.names else [name for name in compiled("words")["optimizer"] if name not in tested]
        for name in missing:
            print("no case for", name)
        for name, why in NOT_OFFERED if not options.names else []:
            print(f"{name:36}{'':30}  not offered: {why}")
    print(f"{failed} of the cases differ by more than {TOLERANCE:.0e}" if failed else "all within the tolerance")
    sys.exit(1 if failed or missing else 0)


main()

"""Follows PyTorch's optimizers and schedules: a small net, the same weights and batches, ten steps, in float32.

    python3 bench/parity/optimizers.py [name ...] [--keep FOLDER]

Every case is one run of `dlc train`. Its learning rates, its losses and the weights in the end are compared with those of
torch.optim and torch.optim.lr_scheduler; the largest relative difference is printed, and the script ends with 1 where one
is above the tolerance. Needs torch, numpy and h5py; prints a skip and ends with 0 where they are missing.
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
    print(f"SKIPPED: optimizer parity needs torch, numpy and h5py ({error})")
    sys.exit(0)

ROOT = Path(__file__).resolve().parents[2]
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


def optimizer(name, ours, make, only=None):
    """`only`: which parameters the optimizer takes; the rest is AdamW's, as in `muon`."""
    return name, [f"train.optimizer={ours}"], make, None, only


def schedule(name, ours, make, base="{type: sgd, lr: 0.1, momentum: 0.9}", torch_base=None):
    torch_base = torch_base or (lambda p: O.SGD(p, lr=0.1, momentum=0.9))
    return name, [f"train.optimizer={base}", f"train.schedule={ours}"], torch_base, make, None


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
    optimizer("nadam", "{type: nadam, lr: 0.01, weight_decay: 0.01}", lambda p: O.NAdam(p, lr=0.01, weight_decay=0.01)),
    optimizer("nadam, decoupled", "{type: nadam, lr: 0.01, weight_decay: 0.1, decoupled: true}", lambda p: O.NAdam(p, lr=0.01, weight_decay=0.1, decoupled_weight_decay=True)),
    optimizer("radam", "{type: radam, lr: 0.01, weight_decay: 0.01}", lambda p: O.RAdam(p, lr=0.01, weight_decay=0.01)),
    optimizer("radam, decoupled", "{type: radam, lr: 0.01, beta2: 0.9, weight_decay: 0.1, decoupled: true}", lambda p: O.RAdam(p, lr=0.01, betas=(0.9, 0.9), weight_decay=0.1, decoupled_weight_decay=True)),
    optimizer("adafactor", "{type: adafactor, lr: 0.05, weight_decay: 0.01}", lambda p: O.Adafactor(p, lr=0.05, weight_decay=0.01)),
    optimizer("asgd", "{type: asgd, lr: 0.1, lambda: 0.01}", lambda p: O.ASGD(p, lr=0.1, lambd=0.01)),
    optimizer("rprop", "{type: rprop}", lambda p: O.Rprop(p)),
    optimizer("muon", "{type: muon, lr: 0.05, adamw_lr: 0.01}", lambda p: O.Muon(p, lr=0.05), only=lambda t: t.dim() == 2),
    optimizer("muon, match_rms_adamw", "{type: muon, lr: 0.01, nesterov: false, adjust_lr: match_rms_adamw}", lambda p: O.Muon(p, lr=0.01, nesterov=False, adjust_lr_fn="match_rms_adamw"), only=lambda t: t.dim() == 2),
]

CYCLED = "{type: one_cycle, pct_start: 0.4, momentum: [0.85, 0.95]}"

SCHEDULES = [
    schedule("StepLR", "{type: step, step_size: 3, gamma: 0.5}", lambda o: L.StepLR(o, 3, 0.5)),
    schedule("MultiStepLR", "{type: multistep, milestones: [2, 7], gamma: 0.3}", lambda o: L.MultiStepLR(o, [2, 7], 0.3)),
    schedule("ConstantLR", "{type: constant, warmup: {steps: 4, from: 0.25, shape: constant}}", lambda o: L.ConstantLR(o, 0.25, 4)),
    schedule("LinearLR", "{type: linear, from: 0.25, to: 1, over: 6}", lambda o: L.LinearLR(o, 0.25, 1, 6)),
    schedule("ExponentialLR", "{type: exponential, gamma: 0.8}", lambda o: L.ExponentialLR(o, 0.8)),
    schedule("MultiplicativeLR", "{type: exponential, gamma: 0.9}", lambda o: L.MultiplicativeLR(o, lambda _: 0.9)),
    schedule("LambdaLR", "{type: inverse_time, rate: 0.5, every: 2}", lambda o: L.LambdaLR(o, lambda t: 1 / (1 + 0.25 * t))),
    schedule("PolynomialLR", "{type: polynomial, power: 2, over: 8}", lambda o: L.PolynomialLR(o, 8, 2)),
    schedule("CosineAnnealingLR", "{type: cosine, end: 0.1}", lambda o: L.CosineAnnealingLR(o, STEPS, 0.01)),
    schedule("CosineAnnealingWarmRestarts", "{type: cosine_restarts, t_0: 2, t_mult: 2, end: 0.1}", lambda o: L.CosineAnnealingWarmRestarts(o, 2, 2, 0.01)),
    schedule("OneCycleLR", CYCLED, lambda o: L.OneCycleLR(o, 0.1, total_steps=STEPS, pct_start=0.4)),
    schedule("OneCycleLR, linear, three phases", "{type: one_cycle, shape: linear, three_phase: true, momentum: [0.85, 0.95]}", lambda o: L.OneCycleLR(o, 0.1, total_steps=STEPS, anneal_strategy="linear", three_phase=True)),
    schedule("OneCycleLR with adam", CYCLED, lambda o: L.OneCycleLR(o, 0.01, total_steps=STEPS, pct_start=0.4), "{type: adam, lr: 0.01}", lambda p: O.Adam(p, lr=0.01)),
    schedule("OneCycleLR with adamw", CYCLED, lambda o: L.OneCycleLR(o, 0.01, total_steps=STEPS, pct_start=0.4), "{type: adamw, lr: 0.01}", lambda p: O.AdamW(p, lr=0.01)),
    schedule("CyclicLR", "{type: cyclic, low: 0.2, up: 2, momentum: [0.8, 0.9]}", lambda o: L.CyclicLR(o, 0.02, 0.1, 2)),
    schedule("CyclicLR, triangular2", "{type: cyclic, low: 0.2, up: 1, down: 2, mode: triangular2}", lambda o: L.CyclicLR(o, 0.02, 0.1, 1, 2, "triangular2", cycle_momentum=False)),
    schedule("CyclicLR, exp_range", "{type: cyclic, low: 0.2, up: 2, mode: exp_range, gamma: 0.9}", lambda o: L.CyclicLR(o, 0.02, 0.1, 2, None, "exp_range", 0.9, cycle_momentum=False)),
    schedule("SequentialLR", "{type: chain, parts: [{type: linear, from: 0.1, to: 1, over: 3, length: 3}, {type: cosine}]}", lambda o: L.SequentialLR(o, [L.LinearLR(o, 0.1, 1, 3), L.CosineAnnealingLR(o, STEPS - 3)], [3])),
    schedule("ReduceLROnPlateau", "{type: plateau, factor: 0.5, patience: 1, threshold: 0.2, cooldown: 1}", lambda o: L.ReduceLROnPlateau(o, factor=0.5, patience=1, threshold=0.2, cooldown=1)),
]

NOT_OFFERED = [
    ("LBFGS", "needs several passes over the batch in a step"),
    ("SparseAdam", "there are no sparse gradients"),
    ("ChainedScheduler", "products of schedules are for `type: expression`"),
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
        for name, why in NOT_OFFERED if not options.names else []:
            print(f"{name:36}{'':30}  not offered: {why}")
    print(f"{failed} of the cases differ by more than {TOLERANCE:.0e}" if failed else "all within the tolerance")
    sys.exit(1 if failed else 0)


main()

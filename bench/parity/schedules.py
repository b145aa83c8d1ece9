"""Compares dlc's schedules with torch.optim.lr_scheduler, and with their formulas, at each of sixty steps.

    python3 bench/parity/schedules.py

Both sides compute in float64. Prints the largest difference of the learning rate and of the momentum, each relative to
its largest value, and ends with 1 where one is above 1e-9 or a schedule has no case. That schedules reach the weights
is shown by optimizers.py. Says so and ends well where PyTorch is not installed.
"""

import math
import sys

try:
    import torch
except ImportError:
    print("skipped: PyTorch is not installed")
    sys.exit(0)

from compiled import compiled

TOLERANCE = 1e-9
STEPS, EPOCH = 60, 20
L = torch.optim.lr_scheduler

# Falls, stands still, and gets worse.
FIGURES = [round(2 / (1 + step // 4) + (0.3 if step % 7 == 5 else 0), 6) for step in range(STEPS)]


def cosine(u):
    return (1 + math.cos(math.pi * u)) / 2


def restarts(t, period, growth, decay, end):
    top = 1.0
    while t >= period:
        t, period, top = t - period, period * growth, top * decay
    return end + (1 - end) * top * cosine(t / period)


def warmed(steps, rise, factor):
    """The last step of the warm-up has the full rate."""
    return lambda t: rise((t + 1) / steps) if t < steps else factor(t - steps, STEPS - steps)


# What dlc reads, and PyTorch's scheduler.
PYTORCH = [
    ("{type: step, step_size: 7, gamma: 0.5}", lambda o: L.StepLR(o, 7, 0.5)),
    ("{type: step, step_size: 1 epochs}", lambda o: L.StepLR(o, EPOCH)),
    ("{type: multistep, milestones: [5, 1 epochs, 41], gamma: 0.3}", lambda o: L.MultiStepLR(o, [5, EPOCH, 41], 0.3)),
    ("{type: constant, warmup: {steps: 5, from: 0.25, shape: constant}}", lambda o: L.ConstantLR(o, 0.25, 5)),
    ("{type: linear, from: 0.25, to: 1, over: 33}", lambda o: L.LinearLR(o, 0.25, 1, 33)),
    ("{type: linear, to: 0.5}", lambda o: L.LinearLR(o, 1, 0.5, STEPS)),
    ("{type: exponential, gamma: 0.93}", lambda o: L.ExponentialLR(o, 0.93)),
    ("{type: exponential, gamma: 0.9}", lambda o: L.MultiplicativeLR(o, lambda _: 0.9)),
    ("{type: inverse_time, rate: 0.5, every: 2}", lambda o: L.LambdaLR(o, lambda t: 1 / (1 + 0.25 * t))),
    ('{type: expression, expr: "0.95 ** (step // 3) / (1 + epoch)"}', lambda o: L.LambdaLR(o, lambda t: 0.95 ** (t // 3) / (1 + t / EPOCH))),
    ("{type: polynomial, power: 2.5, over: 47}", lambda o: L.PolynomialLR(o, 47, 2.5)),
    ("{type: poly}", lambda o: L.PolynomialLR(o, STEPS)),
    ("{type: cosine, end: 0.1}", lambda o: L.CosineAnnealingLR(o, STEPS, 0.01)),
    ("{type: cosine_restarts, t_0: 17}", lambda o: L.CosineAnnealingWarmRestarts(o, 17)),
    ("{type: cosine_restarts, t_0: 5, t_mult: 2, end: 0.1}", lambda o: L.CosineAnnealingWarmRestarts(o, 5, 2, 0.01)),
    ("{type: one_cycle, momentum: [0.85, 0.95]}", lambda o: L.OneCycleLR(o, 0.1, STEPS)),
    ("{type: one_cycle, pct_start: 0.45, shape: linear, div: 10, div_final: 100, momentum: [0.7, 0.8]}", lambda o: L.OneCycleLR(o, 0.1, STEPS, pct_start=0.45, anneal_strategy="linear", div_factor=10, final_div_factor=100, base_momentum=0.7, max_momentum=0.8)),
    ("{type: one_cycle, three_phase: true, momentum: [0.85, 0.95]}", lambda o: L.OneCycleLR(o, 0.1, STEPS, three_phase=True)),
    ("{type: one_cycle, pct_start: 0.01}", lambda o: L.OneCycleLR(o, 0.1, STEPS, pct_start=0.01, cycle_momentum=False)),
    ("{type: cyclic, low: 0.2, up: 7, momentum: [0.8, 0.9]}", lambda o: L.CyclicLR(o, 0.02, 0.1, 7)),
    ("{type: cyclic, low: 0.2, up: 4, down: 7, mode: triangular2, momentum: [0.5, 0.9]}", lambda o: L.CyclicLR(o, 0.02, 0.1, 4, 7, "triangular2", base_momentum=0.5)),
    ("{type: cyclic, low: 0.2, up: 6, mode: exp_range, gamma: 0.97}", lambda o: L.CyclicLR(o, 0.02, 0.1, 6, None, "exp_range", 0.97, cycle_momentum=False)),
    ("{type: chain, parts: [{type: linear, from: 0.1, to: 1, over: 10, length: 10}, {type: step, step_size: 4, length: 1 epochs}, {type: cosine}]}", lambda o: L.SequentialLR(o, [L.LinearLR(o, 0.1, 1, 10), L.StepLR(o, 4), L.CosineAnnealingLR(o, STEPS - 30)], [10, 30])),
    ('{type: expression, expr: "(0.2 + 0.8 * min(step, 9) / 9) * 0.97 ** step"}', lambda o: L.ChainedScheduler([L.LinearLR(o, 0.2, 1, 9), L.ExponentialLR(o, 0.97)])),
    ("{type: plateau, factor: 0.5, patience: 1, threshold: 0.05}", lambda o: L.ReduceLROnPlateau(o, factor=0.5, patience=1, threshold=0.05)),
    ("{type: plateau, factor: 0.7, patience: 2, threshold: 0.1, threshold_mode: abs, cooldown: 3, min: 0.2}", lambda o: L.ReduceLROnPlateau(o, factor=0.7, patience=2, threshold=0.1, threshold_mode="abs", cooldown=3, min_lr=0.02)),
    ("{type: plateau, mode: max, factor: 0.9, patience: 4}", lambda o: L.ReduceLROnPlateau(o, "max", 0.9, 4)),
]  # fmt: skip

# What dlc reads, and the factor at step t, from 0: Caffe's, Keras's and those of papers.
FORMULAS = [
    ("{type: piecewise, boundaries: [7, 2 epochs], values: [1, 0.5, 0.01]}", lambda t: 1 if t < 7 else 0.5 if t < 40 else 0.01),
    ("{type: inverse, gamma: 0.1, power: 0.75}", lambda t: (1 + 0.1 * t) ** -0.75),
    ("{type: inverse_time, rate: 0.5, every: 9, staircase: true}", lambda t: 1 / (1 + 0.5 * (t // 9))),
    ("{type: inverse_sqrt, warmup: {steps: 10}}", lambda t: math.sqrt(10) * min((t + 1) ** -0.5, (t + 1) * 10**-1.5)),
    ("{type: inverse_sqrt, timescale: 12}", lambda t: 1 / math.sqrt(max(t + 1, 12) / 12)),
    ("{type: sigmoid, step_size: 30, gamma: -0.2}", lambda t: 1 / (1 + math.exp(0.2 * (t - 30)))),
    ("{type: flat_cosine, flat: 0.75, end: 0.1}", lambda t: 0.1 + 0.9 * cosine(max(0, t - 45) / 15)),
    ("{type: wsd, decay: 0.25, end: 0.1}", lambda t: 1 - 0.9 * max(0, t - 45) / 15),
    ("{type: wsd, decay: 12, shape: sqrt}", lambda t: 1 - math.sqrt(max(0, t - 48) / 12)),
    ("{type: wsd, decay: 1 epochs, shape: exponential, end: 0.01}", lambda t: 0.01 ** (max(0, t - 40) / 20)),
    ("{type: wsd, decay: 20, shape: cosine}", lambda t: cosine(max(0, t - 40) / 20)),
    ("{type: exponential, gamma: 0.7, every: 8, staircase: true}", lambda t: 0.7 ** (t // 8)),
    ("{type: polynomial, power: 2, end: 0.1, over: 14, cycle: true}", lambda t: 0.1 + 0.9 * (1 - t / (14 * max(1, math.ceil(t / 14)))) ** 2),
    ("{type: cosine_restarts, t_0: 8, t_mult: 1.5, decay: 0.8, end: 0.1}", lambda t: restarts(t, 8, 1.5, 0.8, 0.1)),
    ("{type: constant, warmup: {steps: 9, from: 0.1}}", warmed(9, lambda u: 0.1 + 0.9 * u, lambda t, n: 1)),
    ("{type: constant, warmup: {steps: 9, from: 0.1, shape: exponential}}", warmed(9, lambda u: 0.1 ** (1 - u), lambda t, n: 1)),
    ("{type: cosine, warmup: {epochs: 1, shape: cosine}}", warmed(EPOCH, lambda u: 1 - cosine(u), lambda t, n: cosine(t / n))),
    ("{type: linear, to: 0.2, warmup: {steps: 6}}", warmed(6, lambda u: u, lambda t, n: 1 - 0.8 * t / n)),
]  # fmt: skip


def followed(kind, make):
    """The name of PyTorch's scheduler, its rates and its momenta."""
    weight = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.1, momentum=0.9) if kind == "nesterov" else torch.optim.Adam([weight], lr=0.1)
    schedule = make(optimizer)
    group, lrs, momenta = optimizer.param_groups[0], [], []
    for figure in FIGURES:
        lrs.append(float(group["lr"]))
        momenta.append(group["momentum"] if kind == "nesterov" else group["betas"][0])
        optimizer.step()
        if len(lrs) < STEPS:
            schedule.step(*([figure] if isinstance(schedule, L.ReduceLROnPlateau) else []))
    return type(schedule).__name__, lrs, momenta


def apart(found, expected):
    return max(math.inf if a is None else abs(a - b) for a, b in zip(found, expected, strict=True)) / max(map(abs, expected))


def torch_cases():
    for text, make in PYTORCH:
        for kind in ("nesterov", "adam") if "momentum:" in text else ("nesterov",):
            yield text, kind, *followed(kind, make)


def formula_cases():
    for text, factor in FORMULAS:
        yield text, "nesterov", "formula", [0.1 * factor(t) for t in range(STEPS)], []


def main():
    cases, failures, seen = [*torch_cases(), *formula_cases()], 0, set()
    given = [{"steps": STEPS, "stepsPerEpoch": EPOCH, "schedule": text, "optimizer": kind, "figures": FIGURES} for text, kind, *_ in cases]
    print(f"{'schedule':27} {'rate':>9} {'momentum':>9}")
    for (text, kind, name, lrs, momenta), course in zip(cases, compiled("schedules-run", given), strict=True):
        word = text.split("type: ", 1)[1].split(",")[0].rstrip("}")
        seen.add(word)
        assert len(set(lrs)) > 1, text
        errors = [apart(course["lr"], lrs)]
        if "momentum:" in text:
            errors.append(apart(course["momentum"], momenta))
        good = max(errors) <= TOLERANCE
        failures += not good
        row = " ".join(f"{x:9.1e}" for x in errors)
        print(f"{word:27} {row:19}  {name}: {text}{', adam' if kind == 'adam' else ''}{'' if good else '  DIFFERS'}")
    missing = [word for word in compiled("words")["schedule"] if word not in seen]
    for word in missing:
        print("no case for", word)
    print(f"{len(cases)} cases of {len(seen)} schedules, {failures} differ")
    return 1 if failures or missing else 0


sys.exit(main())

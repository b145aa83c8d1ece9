"""Compares the recurrent layers with PyTorch's: outputs, last states and all gradients, in double precision.

    python3 bench/parity/recurrent.py            prints a table
    python3 bench/parity/recurrent.py --write    keeps PyTorch's numbers for test/layers/recurrent.test.ts

Says so and ends well where PyTorch is not installed. The objective is the sum of every output times a fixed wave.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

try:
    import torch
except ImportError:
    print("skipped: PyTorch is not installed")
    sys.exit(0)

ROOT = pathlib.Path(__file__).resolve().parents[2]
VALUES = ROOT / "test" / "layers" / "recurrent-values.json"
N, T, FEATURES, UNITS = 3, 5, 4, 3
LENGTHS = [3, 5, 1]

CASES = [
    ("rnn, tanh", "rnn", {}, {}),
    ("rnn, relu, two layers, both ways, initial state", "rnn", {"activation": "relu", "layers": 2, "bidirectional": True}, {"initial": True}),
    ("lstm", "lstm", {}, {}),
    ("lstm, two layers, both ways, lengths, initial states", "lstm", {"layers": 2, "bidirectional": True}, {"initial": True, "lengths": True}),
    ("lstm, projection, two layers, no bias", "lstm", {"layers": 2, "projection": 2, "bias": False}, {}),
    ("gru", "gru", {}, {"initial": True}),
    ("gru, two layers, both ways, lengths", "gru", {"layers": 2, "bidirectional": True}, {"lengths": True}),
]


def wave(shape, phase):
    count = torch.Size(shape).numel()
    return torch.cos(0.7 * torch.arange(count, dtype=torch.float64) + phase).reshape(shape)


def flat(tensor):
    return [round(x, 12) for x in tensor.detach().reshape(-1).tolist()]


def build(type_, fields):
    options = {
        "num_layers": fields.get("layers", 1),
        "bidirectional": fields.get("bidirectional", False),
        "bias": fields.get("bias", True),
        "batch_first": True,
        "dtype": torch.float64,
    }
    if type_ == "rnn":
        return torch.nn.RNN(FEATURES, UNITS, nonlinearity=fields.get("activation", "tanh"), **options)
    if type_ == "gru":
        return torch.nn.GRU(FEATURES, UNITS, **options)
    return torch.nn.LSTM(FEATURES, UNITS, proj_size=fields.get("projection", 0), **options)


def parameters(type_, module, read):
    """PyTorch's under our names; of the two biases the sum, or the gradient that both have."""
    found = {}
    for layer in range(module.num_layers):
        for direction in range(2 if module.bidirectional else 1):
            theirs = f"_l{layer}" + ("_reverse" if direction else "")
            ours = (f"_{layer}" if layer else "") + ("_reverse" if direction else "")
            get = lambda name: getattr(module, name + theirs)
            found["weight_input" + ours] = read(get("weight_ih"))
            found["weight_hidden" + ours] = read(get("weight_hh"))
            if module.bias:
                first, second = read(get("bias_ih")), read(get("bias_hh"))
                gradient = read is gradient_of
                total = first if gradient else first + second
                if type_ == "gru":
                    total = total.clone()
                    total[2 * UNITS :] = first[2 * UNITS :]
                    found["bias_hidden" + ours] = second[2 * UNITS :]
                found["bias" + ours] = total
            if getattr(module, "proj_size", 0):
                found["weight_projection" + ours] = read(get("weight_hr"))
    return {f"y.{name}": flat(value) for name, value in found.items()}


def value_of(parameter):
    return parameter.data


def gradient_of(parameter):
    return parameter.grad


def compute(name, type_, fields, also):
    torch.manual_seed(len(name))
    module = build(type_, fields)
    loops = module.num_layers * (2 if module.bidirectional else 1)
    hidden = fields.get("projection", UNITS)
    x = (2 * torch.rand(N, T, FEATURES, dtype=torch.float64) - 1).requires_grad_(True)
    sizes = {"h": hidden, "c": UNITS} if type_ == "lstm" else {"h": hidden}
    shape = lambda size: (N, loops, size) if loops > 1 else (N, size)
    initial = {}
    if also.get("initial"):
        initial = {state: (2 * torch.rand(shape(size), dtype=torch.float64) - 1).requires_grad_(True) for state, size in sizes.items()}
    theirs = [value.reshape(N, loops, -1).transpose(0, 1).contiguous() for value in initial.values()]
    state = None if not theirs else theirs[0] if len(theirs) == 1 else tuple(theirs)
    taken = x
    if also.get("lengths"):
        taken = torch.nn.utils.rnn.pack_padded_sequence(x, torch.tensor(LENGTHS), batch_first=True, enforce_sorted=False)
    y, last = module(taken, state)
    if also.get("lengths"):
        y, _ = torch.nn.utils.rnn.pad_packed_sequence(y, batch_first=True, total_length=T)
    finals = last if isinstance(last, tuple) else (last,)
    outputs = {"y": y}
    for state_name, final in zip(sizes, finals):
        outputs[f"y.{state_name}"] = final.transpose(0, 1).reshape(shape(final.shape[2]))
    sum((value * wave(value.shape, k)).sum() for k, value in enumerate(outputs.values())).backward()
    inputs = {"x": x, **initial}
    gradients = {key: flat(value.grad) for key, value in inputs.items()}
    return {
        "name": name,
        "type": type_,
        "fields": {"units": UNITS, **fields},
        "inputs": {key: {"shape": list(value.shape), "values": flat(value)} for key, value in inputs.items()},
        **({"lengths": LENGTHS} if also.get("lengths") else {}),
        "states": parameters(type_, module, value_of),
        "outputs": {key: flat(value) for key, value in outputs.items()},
        "gradients": {**gradients, **parameters(type_, module, gradient_of)},
    }


def ours(cases):
    with tempfile.TemporaryDirectory() as folder:
        script = pathlib.Path(folder) / "recurrent-run.js"
        bundle = ["npx", "esbuild", "bench/parity/recurrent-run.ts", "--bundle", "--platform=node", "--log-level=error", "--external:*.node"]
        subprocess.run([*bundle, f"--outfile={script}"], cwd=ROOT, check=True)
        run = subprocess.run(["node", script], input=json.dumps(cases), check=True, capture_output=True, text=True)
        return json.loads(run.stdout)


def furthest(expected, found):
    return max(
        (abs(a - b) for key, values in expected.items() for a, b in zip(values, found[key], strict=True)), default=0.0
    )


def main():
    cases = [compute(*case) for case in CASES]
    if "--write" in sys.argv:
        VALUES.write_text(json.dumps(cases, indent=0, separators=(",", ":")).replace("\n", "") + "\n")
    worst = 0.0
    print(f"{'case':55} {'values':>9} {'gradients':>10}")
    for case, result in zip(cases, ours(cases)):
        values = furthest(case["outputs"], result["outputs"])
        gradients = furthest(case["gradients"], result["gradients"])
        worst = max(worst, values, gradients)
        print(f"{case['name']:55} {values:9.1e} {gradients:10.1e}")
    if worst > 1e-9:
        sys.exit("they differ")


main()

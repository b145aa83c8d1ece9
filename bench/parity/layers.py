"""Compares every layer with PyTorch: outputs, and gradients of inputs and weights. A row for each type.

    python3 bench/parity/layers.py [names] [--all]      --all: a row for each case too

What is compared: every sample of the registry, in training and prediction, and `cases` of what PyTorch users write.
dlc computes natively in float32, PyTorch in double precision by the formulas of `torch_layers/`. Outputs have to agree
within 1e-5 of the largest magnitude, gradients within 1e-4. Ends with 1 where a layer differs, or has neither a formula
nor a reason in RANDOM. Says so and ends well where PyTorch is not installed.
"""

import json
import pathlib
import subprocess
import sys
from dataclasses import dataclass, field

try:
    import torch
except ImportError:
    print("skipped: PyTorch is not installed")
    sys.exit(0)

from torch_layers.cases import CASES
from torch_layers.formula import FORMULAS, Case, Drawn
from torch_layers.modules import activation

ROOT = pathlib.Path(__file__).resolve().parents[2]
FORWARD, GRADIENT = 1e-5, 1e-4

# What is nothing but a draw has no counterpart: each framework has streams of its own.
RANDOM = {
    "random_normal": "every output is a draw",
    "random_uniform": "every output is a draw",
    "categorical": "every output is a draw",
}


@dataclass
class Row:
    forward: float = 0.0
    gradients: float = 0.0
    cases: int = 0
    drawn: int = 0
    problems: list = field(default_factory=list)

    @property
    def good(self):
        return self.cases > 0 and not self.problems and self.forward <= FORWARD and self.gradients <= GRADIENT


def run(wanted):
    # Inside of the package, where the native runtime is found.
    script = ROOT / "build" / "parity" / "layers-run.cjs"
    bundle = ["npx", "esbuild", "bench/parity/layers-run.ts", "--bundle", "--platform=node", "--log-level=error", "--external:*.node"]
    subprocess.run([*bundle, f"--outfile={script}"], cwd=ROOT, check=True)
    given = json.dumps({"types": wanted, "cases": [case for case in CASES if not wanted or case["type"] in wanted]})
    done = subprocess.run(["node", script], cwd=ROOT, input=given, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def tensor(given):
    dtype = torch.float64 if given["dtype"] == "f32" else torch.bool if given["dtype"] == "bool" else torch.int64
    return torch.tensor([float(x) for x in given["values"]], dtype=torch.float64).to(dtype).reshape(given["shape"])


def apart(found, expected, least=1e-3):
    if found.shape != expected.shape:
        raise ValueError(f"the shape is {list(found.shape)}, PyTorch's {list(expected.shape)}")
    if found.numel() == 0:
        return 0.0
    found, expected = found.double(), expected.double()
    if not torch.equal(found.isnan(), expected.isnan()) or not torch.equal(found.isinf(), expected.isinf()):
        raise ValueError("NaN or infinity on one side")
    finite = expected.isfinite()
    if not torch.equal(found[expected.isinf()], expected[expected.isinf()]):
        raise ValueError("infinities of other signs")
    if not finite.any():
        return 0.0
    return ((found - expected)[finite].abs().max() / max(expected[finite].abs().max().item(), least)).item()


def inputs_of(result, leaves):
    """What the layer reads: inputs, and constants that stand before it."""
    fixed = {}
    for layer in (result.get("through") or {}).get("layers", []):
        assert layer["type"] == "constant", "only constants may stand before a layer"
        fixed[layer["name"]] = torch.tensor(layer["values"]).float().double().reshape(layer["shape"])
    names = result["through"]["inputs"] if fixed else [name for name in leaves if name.startswith("in")]
    return [fixed[name] if name in fixed else leaves[name] for name in names]


def own_name(name):
    """Of a weight y.bias or y/block.bias, without the layer's."""
    return name.removeprefix("y.").removeprefix("y/")


def compare(result):
    formula = FORMULAS[result["type"]]
    if result["draws"] and not formula.draws:
        raise Drawn
    leaves = {name: tensor(given) for name, given in {**result["inputs"], **result["states"]}.items()}
    for name in result["wrt"]:
        leaves[name].requires_grad_(True)
    weights = {own_name(name): leaves[name] for name in result["states"]}
    ours = [tensor(given) for name, given in result["results"].items() if name[0] == "y"]
    case = Case(result["type"], result["mode"], result["fields"], weights, ours)
    expected = formula.function(case, weights, *inputs_of(result, leaves))
    expected = list(expected) if isinstance(expected, (tuple, list)) else [expected]
    if result["activates"] and "activation" in result["fields"]:
        expected[0] = activation(result["fields"]["activation"])(expected[0])
    if len(expected) != len(ours):
        raise ValueError(f"{len(ours)} outputs, PyTorch's formula has {len(expected)}")
    held = {own_name(name): tensor(given) for name, given in result["after"].items()}
    pairs = [*zip(ours, expected), *((held[name], value) for name, value in case.after.items())]
    forward = max(apart(found, theirs.detach()) for found, theirs in pairs)

    objective = torch.zeros((), dtype=torch.float64)
    for k, theirs in enumerate(expected):
        weighs = torch.tensor(result["results"][f"y{k}"]["weights"], dtype=torch.float64)
        if weighs.numel() > 0:
            objective = objective + (theirs * weighs.reshape(theirs.shape)).sum()
    if objective.requires_grad:
        objective.backward()
    pairs = []
    for name in result["wrt"]:
        wanted = leaves[name].grad if leaves[name].grad is not None else torch.zeros_like(leaves[name])
        found = result["results"].get(f"d_{name}")
        pairs.append((torch.zeros_like(wanted) if found is None else tensor(found), wanted.detach()))
    # The gradient of attention's key bias is zero: what rounding leaves there is small beside the others.
    least = max((wanted.abs().max().item() for _, wanted in pairs if wanted.numel() > 0), default=0.0) / 100
    return forward, max((apart(found, wanted, max(least, 1e-3)) for found, wanted in pairs), default=0.0)


def title(result):
    shapes = " ".join(f"{given['shape']}" for name, given in result["inputs"].items() if name.startswith("in"))
    return f"{result['type']} {result['mode']} {shapes} {json.dumps(result['written'])}"


def add(row, result, every):
    """One case into the row of its type."""
    try:
        forward, gradients = compare(result)
    except Drawn:
        row.drawn += 1
        return
    except Exception as error:  # One case that PyTorch refuses must not hide the others.
        row.problems.append(f"{title(result)}: {type(error).__name__}: {error}")
        return
    row.cases += 1
    row.forward, row.gradients = max(row.forward, forward), max(row.gradients, gradients)
    good = result["ok"] and forward <= FORWARD and gradients <= GRADIENT
    if not good:
        row.problems.append(f"{title(result)}: forward {forward:.1e}, gradients {gradients:.1e}")
    if every and good:
        print(f"    {forward:8.1e} {gradients:8.1e}  {title(result)}")


def main():
    torch.set_default_dtype(torch.float64)
    wanted = [name for name in sys.argv[1:] if not name.startswith("-")]
    given = run(wanted)
    rows = {name: Row() for name in given["types"] if not wanted or name in wanted}
    for result in given["results"]:
        if result["type"] in FORMULAS:
            add(rows[result["type"]], result, "--all" in sys.argv)
    failed = 0
    print(f"{'layer':28} {'cases':>5} {'forward':>8} {'gradients':>9}  against")
    for name, row in rows.items():
        if name in RANDOM:
            print(f"{name:28} {'-':>5} {'-':>8} {'-':>9}  not compared: {RANDOM[name]}")
            continue
        failed += not row.good
        against = FORMULAS[name].against if name in FORMULAS else "NEITHER A FORMULA NOR A REASON"
        print(f"{name:28} {row.cases:5} {row.forward:8.1e} {row.gradients:9.1e}  {against}{'' if row.good else '  DIFFERS'}")
        for problem in row.problems:
            print(f"    {problem}")
    stale = sorted((set(FORMULAS) | set(RANDOM)) - set(given["types"]))
    if stale:
        print(f"no such layers: {', '.join(stale)}")
    compared = [row for name, row in rows.items() if name not in RANDOM]
    cases, drawn = (sum(getattr(row, part) for row in compared) for part in ("cases", "drawn"))
    print(f"{cases} cases of {len(compared)} layers, {failed} differ; {len(rows) - len(compared)} only draw, and {drawn} cases of others")
    return 1 if failed or stale else 0


sys.exit(main())

"""Runs every comparison with PyTorch and prints one table.

    python3 bench/parity/all.py [--long]

`--long` adds the trainings of whole networks, minutes each. Ends with 1 if any comparison misses its tolerance; the
output of those that do is printed whole.
"""

import subprocess
import sys
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parent

# What is compared, and how near: the scripts hold the tolerances.
SHORT = {
    "ops_torch.py": "float64 references of the ops, gradients included: 1e-11",
    "layers.py": "layers, native float32: outputs 1e-5, gradients 1e-4",
    "recurrent.py": "recurrent layers, references: outputs, states, gradients",
    "losses.py": "losses and their gradients, references and native",
    "metrics.py": "metrics by formulas of their own",
    "optimizers.py": "optimizers and schedules over training steps",
}
LONG = {
    "training.py": "trainings of whole networks, step by step",
    "zoo.py": "networks of the zoo with the same weights",
}


def main():
    scripts = {**SHORT, **(LONG if "--long" in sys.argv[1:] else {})}
    known = {*SHORT, *LONG, Path(__file__).name}
    forgotten = sorted(path.name for path in FOLDER.glob("*.py") if path.name not in known)
    rows, outputs = [], []
    for script, what in scripts.items():
        began = time.monotonic()
        done = subprocess.run([sys.executable, FOLDER / script], capture_output=True, text=True)
        lines = done.stdout.strip().splitlines() or [""]
        skipped = lines[-1].startswith("skipped")
        state = "skipped" if skipped else "holds" if done.returncode == 0 else "MISSED"
        rows.append((script, state, f"{time.monotonic() - began:.0f} s", what, lines[-1].strip()))
        if state == "MISSED":
            outputs.append(f"\n== {script}\n{done.stdout}{done.stderr}")
    rows.extend((script, "MISSED", "", "is not in the list of all.py", "") for script in forgotten)
    for script, state, seconds, what, last in rows:
        print(f"{script:16} {state:8} {seconds:>6}  {what:58} {last}")
    print(*outputs, sep="\n")
    return 1 if any(state == "MISSED" for _, state, *_ in rows) else 0


sys.exit(main())

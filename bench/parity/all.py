"""Runs every comparison with PyTorch and prints one table, a row for each word of the language.

    python3 bench/parity/all.py [--long]

`--long` adds the trainings of whole networks, minutes each. Ends with 1 if a comparison fails, an error is above its
bound, or a word is neither compared nor excused; the output of scripts that fail is printed whole. README.md says how
the scripts write their lines.
"""

import math
import re
import subprocess
import sys
import time
from pathlib import Path

from compiled import compiled

FOLDER = Path(__file__).resolve().parent

# For each kind of word the scripts that compare them, and the errors that they print with their bounds.
KINDS = {
    "layer": (("layers.py", "recurrent.py"), {"output": 1e-5, "gradients": 1e-4}),
    "loss": (("losses.py",), {"value": 1e-5, "gradients": 1e-4, "value in float64": 1e-9, "gradients in float64": 1e-9}),
    "metric": (("metrics.py",), {"figure": 1e-5, "in float64": 1e-9}),
    "optimizer": (("optimizers.py",), {"rate": 1e-5, "losses": 1e-5, "weights after ten steps": 1e-5}),
    "schedule": (("schedules.py",), {"rate": 1e-9, "momentum": 1e-9}),
}
OTHERS = ["ops_torch.py"]
LONG = ["training.py", "zoo.py"]
NO_COMPARISONS = ["all.py", "compiled.py"]

ERROR = r"(?:\d\.\de[-+]\d+|inf|nan)"
ROW = re.compile(rf"(\w+)(?:\s+(\d+)\s|.*?)\s*((?:\s{ERROR})(?:\s+{ERROR})*)(?:\s|$)")
EXCUSED = re.compile(r"(\w+)\s+-.*not compared: (.*)")


class Word:
    def __init__(self):
        self.cases, self.errors, self.excuse = 0, [], None

    def add(self, cases, errors):
        self.cases += cases
        pairs = zip(self.errors + [0.0] * len(errors), errors)
        # No error at all is not a number: that is the worst.
        self.errors = [max(math.inf if math.isnan(x) else x for x in pair) for pair in pairs] + self.errors[len(errors) :]

    def state(self, bounds):
        if self.cases == 0:
            return "-" if self.excuse else "MISSED"
        return "ok" if all(x <= bound for x, bound in zip(self.errors, bounds)) else "DIFFERS"


def run(script):
    began = time.monotonic()
    done = subprocess.run([sys.executable, FOLDER / script], capture_output=True, text=True)
    lines = done.stdout.strip().splitlines() or [""]
    state = "skipped" if lines[-1].lower().startswith("skipped") else "holds" if done.returncode == 0 else "FAILED"
    return lines, (script, state, f"{time.monotonic() - began:.0f} s", lines[-1]), done.stdout + done.stderr


def read(words, lines):
    for line in lines:
        if (excused := EXCUSED.match(line)) and excused[1] in words:
            words[excused[1]].excuse = excused[2]
        elif (row := ROW.match(line)) and row[1] in words:
            words[row[1]].add(int(row[2] or 1), [float(x) for x in row[3].split()])


def table(kind, words, bounds):
    print(f"\n{kind}: largest errors ({', '.join(f'{name} {bound:.0e}' for name, bound in bounds.items())})")
    failed = 0
    for name, word in words.items():
        state = word.state(bounds.values())
        failed += state not in ("ok", "-")
        errors = " ".join(f"{x:8.1e}" for x in word.errors)
        note = f"not compared: {word.excuse}" if state == "-" else f"{word.cases:3} cases {errors}"
        print(f"  {name:28} {state:8} {note}")
    return failed


def main():
    known = compiled("words")
    ran, outputs, failed = [], [], 0
    for kind, (scripts, bounds) in KINDS.items():
        words = {name: Word() for name in known[kind]}
        states = []
        for script in scripts:
            lines, summary, output = run(script)
            read(words, lines)
            ran.append(summary)
            states.append(summary[1])
            outputs.append((summary, output))
        if "skipped" not in states:
            failed += table(kind, words, bounds)
    for script in [*OTHERS, *(LONG if "--long" in sys.argv[1:] else [])]:
        _, summary, output = run(script)
        ran.append(summary)
        outputs.append((summary, output))
    listed = {*OTHERS, *LONG, *NO_COMPARISONS}.union(*(scripts for scripts, _ in KINDS.values()))
    for forgotten in sorted({path.name for path in FOLDER.glob("*.py")} - listed):
        outputs.append(((forgotten, "FAILED"), "is not in the lists of all.py"))
    print()
    for script, state, seconds, last in ran:
        print(f"{script:16} {state:8} {seconds:>6}  {last.strip()}")
    for (script, state, *_), output in outputs:
        if state == "FAILED":
            failed += 1
            print(f"\n== {script}\n{output}")
    skipped = sum(state == "skipped" for _, state, *_ in ran)
    print(f"{failed} failures" if failed else f"{skipped} scripts could not run" if skipped else "everything agrees")
    return 1 if failed else 0


sys.exit(main())

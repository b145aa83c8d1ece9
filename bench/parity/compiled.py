"""Runs a script of this folder that uses the compiler's sources, and reads the JSON that it prints."""

import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def compiled(name, given=None):
    """`name` without its `.ts`; `given` is what it reads as JSON. The bundle lies where the native runtime is found."""
    script = ROOT / "build" / "parity" / f"{name}.cjs"
    bundle = ["npx", "esbuild", f"bench/parity/{name}.ts", "--bundle", "--platform=node", "--log-level=error"]
    subprocess.run([*bundle, '--define:DLC_VERSION="0"', "--external:*.node", f"--outfile={script}"], cwd=ROOT, check=True)
    done = subprocess.run(["node", script], cwd=ROOT, input=json.dumps(given), capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return json.loads(done.stdout)

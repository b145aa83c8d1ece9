"""What the peers have in common: a line of JSON for each command, as bench/worker.ts answers them."""

import json
import resource
import sys
import time

CALL_MS = 20


def answer(**value):
    print(json.dumps(value), flush=True)


def serve(step):
    """Warms `step` up, then times it whenever told to; short steps in groups of about 20 ms."""
    began = time.perf_counter()
    for _ in range(3):
        step()
    ms = min(timed(step, 1) for _ in range(3))
    count = max(1, min(256, round(CALL_MS / ms)))
    answer(ready=True, warm=time.perf_counter() - began)
    for line in sys.stdin:
        command = json.loads(line)
        if "measure" not in command:
            break
        until, times = time.perf_counter() + command["measure"], []
        while not times or time.perf_counter() < until:
            times.append(timed(step, count))
        answer(times=times)
    answer(peak=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def timed(step, count):
    began = time.perf_counter()
    for _ in range(count):
        step()
    return (time.perf_counter() - began) * 1000 / count

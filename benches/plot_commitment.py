"""Draws commitments against accounts from the JSON of bench_commitment.py: python plot_commitment.py OUT.svg JSON...

Left: seconds, on the clock and of CPU. Right: peak memory.
"""

from __future__ import annotations

import json
import sys
from itertools import chain
from pathlib import Path

from figure import save, two_panels


def main() -> None:
    results = chain(*(json.loads(Path(path).read_text(encoding="utf-8"))["results"] for path in sys.argv[2:]))
    found = sorted(results, key=lambda row: row["accounts"])
    accounts = [row["accounts"] for row in found]
    figure, (seconds, memory) = two_panels()
    for name, label in (("wall_s", "on the clock"), ("cpu_s", "of CPU")):
        seconds.plot(accounts, [row[name] for row in found], marker=".", label=label)
    memory.plot(accounts, [row["peak_rss_mib"] for row in found], marker=".", label="peak resident")
    seconds.set(title="seconds", xscale="log", yscale="log", xlabel="accounts")
    memory.set(title="MiB", xscale="log", yscale="log", xlabel="accounts")
    save(figure, sys.argv[1])


if __name__ == "__main__":
    main()

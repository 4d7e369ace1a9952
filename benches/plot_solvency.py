"""Draws proofs of solvency against accounts from the JSON of bench_solvency.py: python plot_solvency.py OUT.svg JSON...

Left: accounts proved a second. Right: bytes of proof an account. One line for each number of processes.
"""

from __future__ import annotations

import json
import sys
from itertools import chain
from pathlib import Path

from figure import save, two_panels


def main() -> None:
    results = list(chain(*(json.loads(Path(path).read_text(encoding="utf-8"))["results"] for path in sys.argv[2:])))
    figure, (speed, size) = two_panels()
    for jobs in sorted({row["jobs"] for row in results}):
        found = sorted((row for row in results if row["jobs"] == jobs), key=lambda row: row["accounts"])
        accounts = [row["accounts"] for row in found]
        label = f"{jobs} process{'es' if jobs > 1 else ''}"
        speed.plot(accounts, [row["accounts_a_second"] for row in found], marker=".", label=label)
        size.plot(accounts, [row["bytes_an_account"] for row in found], marker=".", label=label)
    speed.set(title="accounts proved a second", xscale="log", xlabel="accounts", ylim=(0, None))
    size.set(title="bytes of proof an account", xscale="log", yscale="log", xlabel="accounts")
    save(figure, sys.argv[1])


if __name__ == "__main__":
    main()

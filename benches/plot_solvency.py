"""Draws proofs of solvency against accounts: python plot_solvency.py OUT.svg JSON...

From the JSON of bench_solvency.py and the summary.json of run_venue.py. Left: accounts proved a second. Right: bytes of
proof an account. One line for each class, system (unless transparent) and number of processes.
"""

from __future__ import annotations

import json
import sys
from itertools import chain
from pathlib import Path

from figure import save, two_panels


def rows_of(document):
    """(label, accounts, accounts a second, bytes an account) of each run in a file."""
    if "results" in document:
        found = [(row, row["accounts_a_second"], row["bytes_an_account"]) for row in document["results"]]
    else:
        found = [(document, document["result"]["proved_a_second"], document["result"]["bytes_an_account"])]
    for row, speed, size in found:
        held = f"{row['rows']} rows" if row["rows"] else "all classes"
        held += "" if row["system"] == "transparent" else f", {row['system']}"
        yield f"{held}, {row['jobs']} process{'es' if row['jobs'] > 1 else ''}", row["accounts"], speed, size


def main() -> None:
    documents = [json.loads(Path(path).read_text(encoding="utf-8")) for path in sys.argv[2:]]
    results = sorted(chain(*map(rows_of, documents)))
    figure, (speed, size) = two_panels()
    for label in dict.fromkeys(row[0] for row in results):
        _, accounts, speeds, sizes = zip(*(row for row in results if row[0] == label), strict=True)
        speed.plot(accounts, speeds, marker=".", label=label)
        size.plot(accounts, sizes, marker=".", label=label)
    speed.set(title="accounts proved a second", xscale="log", xlabel="accounts", ylim=(0, None))
    size.set(title="bytes of proof an account", xscale="log", yscale="log", xlabel="accounts")
    save(figure, sys.argv[1])


if __name__ == "__main__":
    main()

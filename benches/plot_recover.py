"""Draws recovery against accounts from the JSON of bench_recover.py: python plot_recover.py JSON OUT.svg.

Needs matplotlib. Left: seconds, median and, paler, the worst. Right: the most KiB that a recovery read.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from figure import save, two_panels

KINDS = {"folder": "a folder", "http": "one web server", "3_of_5": "3 of 5 web servers"}


def main() -> None:
    results = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["results"]
    sizes = [row["accounts"] for row in results]
    figure, (seconds, read) = two_panels()
    for color, (kind, label) in enumerate(KINDS.items()):
        found = [row[f"recover_{kind}"] for row in results]
        style = {"color": f"C{color}", "marker": "."}
        seconds.plot(sizes, [one["median_s"] for one in found], label=label, **style)
        seconds.plot(sizes, [one["worst_s"] for one in found], alpha=0.3, **style)
        read.plot(sizes, [one["most_bytes"] / 1024 for one in found], label=label, **style)
    seconds.set(title="own account, from key to bundle", xscale="log", yscale="log", ylabel="seconds")
    read.set(title="read for it", xscale="log", ylabel="KiB", ylim=(0, None))
    for panel in (seconds, read):
        panel.set_xlabel("accounts")
    save(figure, sys.argv[2])


if __name__ == "__main__":
    main()

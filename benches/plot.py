"""Draws time against size from the JSON of bench_kernels.py: python plot.py KERNELS.json OUT.svg (needs matplotlib)."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path

from figure import save, two_panels

OPERATIONS = {"ntt": "transform over Fr", "msm_g1": "sum of multiples in G1"}


def curves(lines: list[dict], name: str) -> dict[str, dict[int, float]]:
    """Microseconds by size, for each path of ours and each measured peer, one thread."""
    found: dict[str, dict[int, float]] = defaultdict(dict)
    for line in lines:
        if line["name"] == name and line["threads"] == 1:
            if line["ours_cpu_s"] is not None:
                found[f"zkstate {line['path']}"][line["size"]] = line["ours_cpu_s"] * 1e6
            if line["peer_cpu_s"] is not None:
                found[line["peer"]][line["size"]] = line["peer_cpu_s"] * 1e6
    return found


def main() -> None:
    lines = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    figure, panels = two_panels()
    for panel, (name, title) in zip(panels, OPERATIONS.items(), strict=True):
        for label, times in curves(lines, name).items():
            sizes = sorted(times)
            panel.plot(sizes, [times[n] / n for n in sizes], marker=".", label=label)
        panel.set(title=title, xscale="log", yscale="log", xlabel="size", ylabel="µs of CPU an element")
        panel.set_xscale("log", base=2)
    save(figure, sys.argv[2])


if __name__ == "__main__":
    main()

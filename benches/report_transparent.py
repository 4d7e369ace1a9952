"""Writes benches/results/<date>-transparent-peers.md from the JSON of bench_transparent_peers.py.

python benches/report_transparent.py TRANSPARENT.json [--date 2026-11-22]
"""

from __future__ import annotations

import argparse
import datetime as dt
from pathlib import Path

from bench_transparent_peers import ROWS_A_HASH
from compare import Line, scaled
from engines import peers
from machine import described
from report import RESULTS, read

HEAD = """# The transparent proof system beside its peers, {date}

{machine}.

One thread. Medians of rounds in which all engines alternate; a ratio is the peer's time divided by ours, above 1 where
zkstate is faster. CPU ratios bear a shared host better than wall ratios. What each row measures, and what it does not
say by itself: `benches/bench_transparent_peers.py` and `docs/benchmarks.md`.

| engine | security of a proof |
|---|---|
{security}
"""
COLUMNS = """| work | size | path | ours | CPU | bytes | peer | its time | CPU | bytes | ratio | CPU ratio |
|---|---:|---|---:|---:|---:|---|---:|---:|---:|---:|---:|"""


def row(line: Line) -> str:
    size = f"{line.size:,} rows" if line.name.startswith("chain") else f"{line.size} hashes"
    if line.name.startswith("hashes"):
        size += f", {line.size * ROWS_A_HASH + 1:,} rows"
    ours, cpu, peer_cpu = (scaled(x) if x else "-" for x in (line.ours_s, line.ours_cpu_s, line.peer_cpu_s))
    peer_s = scaled(line.peer_s) if line.peer_s else line.note or "-"
    ratios = (f"{x:.2f}" if x else "-" for x in (line.ratio, line.cpu_ratio))
    cells = (
        line.name, size, line.path or "-", ours, cpu, f"{line.ours_bytes:,}", line.peer or "-", peer_s, peer_cpu,
        f"{line.peer_bytes:,}" if line.peer_bytes else "-", *ratios,
    )  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the table of one run.")
    parser.add_argument("lines", type=Path)
    parser.add_argument("--date", default=dt.datetime.now(tz=dt.UTC).date().isoformat())
    args = parser.parse_args()
    lines = read(args.lines)
    stated = {"zkstate": lines[0].ours_security} | {
        line.peer: line.peer_security + (f" ({line.note})" if line.note else "") for line in lines if line.peer
    }
    security = "\n".join(f"| {name} | {words} |" for name, words in stated.items())
    absent = [engine.absent() for engine in peers() if engine.name in stated]
    text = [HEAD.format(date=args.date, machine=described(), security=security), COLUMNS, *map(row, lines)]
    text += ["", *(f"{words}." for words in sorted({words for words in absent if words}))]
    place = RESULTS / f"{args.date}-transparent-peers.md"
    place.write_text("\n".join(text).rstrip() + "\n", encoding="utf-8")
    print(place)


if __name__ == "__main__":
    main()

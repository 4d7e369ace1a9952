"""Writes benches/results/<date>-peers.md and .svg from the JSON of bench_kernels.py, bench_proof.py and bench_setup.py.

python benches/report.py KERNELS.json PROOF.json SETUP.json [--date 2026-11-21]
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import subprocess
from pathlib import Path

from compare import Line, scaled
from engines import BUILT, peers
from machine import machine

RESULTS = Path(__file__).resolve().parent / "results"
HEAD = """# zkstate beside its peers, {date}

{machine}.

Medians of rounds in which all engines alternate, on the same inputs, answers compared; ratio = peer / ours, above 1
where zkstate is faster. CPU ratios bear a shared host better than wall ratios. `docs/benchmarks.md` says what each row
measures and how to repeat it.

Peers: {peers}.
"""


def rows(lines: list[Line]) -> list[str]:
    out = [
        "| work | size | threads | path | ours | CPU | peak MiB | peer | its time | CPU | ratio | CPU ratio |",
        "|---|---:|---:|---|---:|---:|---:|---|---:|---:|---:|---:|",
    ]
    for line in lines:
        size = line.size if line.size & (line.size - 1) or line.size < 1024 else f"2^{line.size.bit_length() - 1}"
        peer_s = scaled(line.peer_s) if line.peer_s is not None else (line.note or "-").split(",")[0]
        if line.peer_s is not None and line.note:
            peer_s += " (quoted)"
        peak = f"{line.ours_peak_mib:.0f}" if line.ours_peak_mib and "prove" in line.name else ""
        ratio, cpu_ratio = (f"{x:.2f}" if x else "-" for x in (line.ratio, line.cpu_ratio))
        mine, cpu, peer_cpu = (
            scaled(x) if x is not None else "-" for x in (line.ours_s, line.ours_cpu_s, line.peer_cpu_s)
        )
        cells = [
            line.name, size, line.threads, line.path or "-", mine, cpu, peak, line.peer or "-", peer_s, peer_cpu,
            ratio, cpu_ratio,
        ]  # fmt: skip
        out.append("| " + " | ".join(map(str, cells)) + " |")
    return out


def read(path: Path) -> list[Line]:
    return [Line(**values) for values in json.loads(path.read_text(encoding="utf-8"))]


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the table and the plot of one run.")
    parser.add_argument("kernels", type=Path)
    parser.add_argument("proof", type=Path)
    parser.add_argument("setup", type=Path)
    parser.add_argument("--date", default=dt.datetime.now(tz=dt.UTC).date().isoformat())
    args = parser.parse_args()
    now = "load of the last 1, 5, 15 minutes"  # when this is written, not when it ran
    told = ", ".join(f"{name} {value}" for name, value in machine().items() if name != now)
    named = ", ".join(engine.name + (" (absent)" if engine.absent() else "") for engine in peers())
    text = [HEAD.format(date=args.date, machine=told, peers=named)]
    plot = RESULTS / f"{args.date}-peers.svg"
    drawing = [BUILT / "venv" / "bin" / "python", Path(__file__).with_name("plot.py"), args.kernels, plot]
    subprocess.run(list(map(str, drawing)), check=True)
    text += [f"![time against size]({plot.name})\n"]
    for title, path in (("Kernels", args.kernels), ("Groth16", args.proof), ("Ceremony", args.setup)):
        text += [f"## {title}\n", *rows(read(path)), ""]
    quoted = sorted({line.note for line in read(args.kernels) if line.note.startswith("quoted")})
    text += [f"{note[0].upper()}{note[1:]}." for note in quoted]
    (RESULTS / f"{args.date}-peers.md").write_text("\n".join(text).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

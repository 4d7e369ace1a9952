"""Times Poseidon of every width and its trees. Beside a peer it stands in bench_kernels.py.

    python benches/bench_hash.py            one line a measurement
    python benches/bench_hash.py --json     the same as a list of objects, seconds per item

Answers are checked before timing. A figure is the median round, its spread the other rounds' range.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

from machine import described

from zkstate.commitment.domain import tag
from zkstate.commitment.poseidon import poseidon
from zkstate.kernels import (
    FrVec,
    cpu_path,
    merkle_levels,
    poseidon_chain_many,
    poseidon_constants,
    poseidon_many,
    thread_count,
)

ROUNDS = 9


def measure(name: str, size: int, threads: int, ours: Callable[[], object]) -> dict[str, object]:
    """One line of the table: seconds per item of `ours`, which does `size` of them."""
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        ours()
        seconds.append((time.perf_counter() - start) / size)
    return {
        "name": name,
        "size": size,
        "threads": threads,
        "path": cpu_path(),
        "ours_s": statistics.median(seconds),
        "spread_s": [min(seconds), max(seconds)],
    }


def table() -> list[dict[str, object]]:
    lines = []
    every = thread_count(0)
    for width in (3, 5, 9, 17):
        arity, n = width - 1, 512
        inputs = FrVec.from_ints((i * i + 1) ** 40 for i in range(arity * n))
        row = inputs.slice(0, arity).to_ints()
        assert poseidon_many(0, inputs, arity)[0] == poseidon(0, row)

        def hashes(threads: int, inputs: FrVec = inputs, arity: int = arity) -> FrVec:
            return poseidon_many(0, inputs, arity, threads)

        lines.append(measure(f"poseidon t={width}", n, 1, lambda run=hashes: run(1)))
        if width == 3 and every > 1:
            lines.append(measure(f"poseidon t={width}", n, every, lambda run=hashes: run(every)))
    lines.append(measure("poseidon constants t=17", 1, 1, lambda: poseidon_constants(17)))

    rows = FrVec.from_ints((i * i + 1) ** 40 for i in range(64 * 32))
    lines.append(measure("chain of 32", 64, 1, lambda: poseidon_chain_many(tag("rows:16"), rows, 32, 1)))
    leaves = FrVec.from_ints((i * i + 1) ** 40 for i in range(1 << 12))
    for threads in sorted({1, every}):
        build = measure(
            "merkle build, depth 20, per leaf",
            len(leaves),
            threads,
            lambda threads=threads: merkle_levels(leaves, tag("node"), 2, 20, threads),
        )
        lines.append(build)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description="Time Poseidon and its trees.")
    parser.add_argument("--json", action="store_true", help="a list of objects instead of lines")
    args = parser.parse_args()
    lines = table()
    if args.json:
        print(json.dumps(lines, indent=1))
        return
    print(described())
    for line in lines:
        low, high = line["spread_s"]
        print(
            f"{line['name']:34} threads {line['threads']}  {line['ours_s'] * 1e6:9.2f} us "
            f"({low * 1e6:.2f} to {high * 1e6:.2f})"
        )


if __name__ == "__main__":
    main()

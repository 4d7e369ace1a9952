"""Times Poseidon and its trees, beside light-poseidon (Rust, arkworks) where its bindings are installed.

    python benches/bench_hash.py            one line a measurement
    python benches/bench_hash.py --json     the same as a list of objects, seconds per item

The peer is PyPI's light-poseidon-python, which hashes two inputs; without it, the column says absent. Its time
includes its own conversion of decimal numbers. Answers are checked before timing.
Rounds of ours and of the peer alternate; a figure is the median round, its spread the other rounds' range.
"""

from __future__ import annotations

import argparse
import importlib
import json
import statistics
import time
from collections.abc import Callable

from machine import described

from zkstate.commitment.domain import tag
from zkstate.commitment.poseidon import poseidon
from zkstate.kernels import (
    FrVec,
    merkle_levels,
    poseidon_chain_many,
    poseidon_constants,
    poseidon_many,
    thread_count,
)

PEER = "light-poseidon"
ROUNDS = 9


def peer_hash(inputs: list[int]) -> Callable[[], int] | None:
    """The peer's hash of these inputs, or None if it is not installed. It must agree with ours."""
    try:
        hasher = importlib.import_module("light_poseidon_python").Hasher(len(inputs))
    except ModuleNotFoundError:
        return None
    assert int(hasher.hash(inputs)) == poseidon(0, inputs), f"{PEER} disagrees"
    return lambda: hasher.hash(inputs)


def rounds(*runs: tuple[Callable[[], object], int]) -> list[list[float]]:
    """Seconds per item of ROUNDS alternating rounds of each (call, items in a call)."""
    found: list[list[float]] = [[] for _ in runs]
    for _ in range(ROUNDS):
        for seconds, (call, items) in zip(found, runs, strict=True):
            start = time.perf_counter()
            call()
            seconds.append((time.perf_counter() - start) / items)
    return found


def measure(
    name: str, size: int, threads: int, ours: Callable[[], object], peer: Callable[[], int] | None = None
) -> dict[str, object]:
    """One line of the table: seconds per item of `ours`, which does `size` of them, and of `peer`, which does one."""
    runs = [(ours, size)]
    if peer is not None:
        runs.append((lambda: [peer() for _ in range(50)], 50))
    seconds, *others = rounds(*runs)
    median = statistics.median(seconds)
    peer_median = statistics.median(others[0]) if others else None
    return {
        "name": name,
        "size": size,
        "threads": threads,
        "path": "portable",
        "ours_s": median,
        "spread_s": [min(seconds), max(seconds)],
        "peer": PEER if peer else None,
        "peer_s": peer_median,
        "ratio": peer_median / median if peer_median else None,
    }


def table() -> list[dict[str, object]]:
    lines = []
    every = thread_count(0)
    for width in (3, 5, 9, 17):
        arity, n = width - 1, 512
        inputs = FrVec.from_ints((i * i + 1) ** 40 for i in range(arity * n))
        row = inputs.slice(0, arity).to_ints()
        assert poseidon_many(0, inputs, arity)[0] == poseidon(0, row)
        peer = peer_hash(row) if arity == 2 else None

        def hashes(threads: int, inputs: FrVec = inputs, arity: int = arity) -> FrVec:
            return poseidon_many(0, inputs, arity, threads)

        lines.append(measure(f"poseidon t={width}", n, 1, lambda run=hashes: run(1), peer))
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
        beside = f"{PEER} {line['peer_s'] * 1e6:.1f} us, {line['ratio']:.1f}x" if line["peer"] else ""
        if line["name"] == "poseidon t=3" and line["threads"] == 1 and not beside:
            beside = f"{PEER} absent"
        print(
            f"{line['name']:34} threads {line['threads']}  {line['ours_s'] * 1e6:9.2f} us "
            f"({low * 1e6:.2f} to {high * 1e6:.2f})  {beside}"
        )


if __name__ == "__main__":
    main()

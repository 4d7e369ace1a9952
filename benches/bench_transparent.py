"""Times the transparent proof system on each CPU path: laying out a circuit, proving, verifying, bytes and proven bits.

    python benches/bench_transparent.py [--json] [--cases margin-16,2^14] [--rounds 7] [--threads 1] [--path adx]

`margin-16` is the statement with an account of a generated venue; `2^k` the chain of bench_proof.py with 2^k - 2 rows,
`2^k*2^b` 2^b blocks of it; `--wide n*2^b` 2^b blocks of n rows without public input, each from a start of its own and
made when the prover asks for it, so that clock and memory have the witness in them. Every proof is read back from its
bytes and accepted, and refused for another input, or changed, before a time counts. The circuit is laid out once,
outside the clock of proving and verifying. Each path runs in a process of its own; a figure is the median round, with
wall and CPU time.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from bench_proof import fifth_powers
from machine import described, machine

from circuits.claims import CLAIMS
from circuits.context import Context
from circuits.proving import statement_of
from lightclient.recover import recover
from lightclient.trust import PinnedHeader
from zkstate.cli.between import opening_of
from zkstate.constraint import compile_statement
from zkstate.constraint.r1cs import R1cs
from zkstate.errors import WitnessError
from zkstate.kernels import CPU_PATHS, FR_MODULUS, FrVec, best_path, cpu_path, cpu_words, rows_columns
from zkstate.proof.transparent.proof_file import Proof
from zkstate.proof.transparent.prover import prove
from zkstate.proof.transparent.system import System
from zkstate.proof.transparent.verifier import verify
from zkstate.publication.epoch import write_epoch
from zkstate.publication.mirrors import FolderMirror
from zkstate.publication.operator import Operator
from zkstate.publication.publish import publish_folder
from zkstate.state.synthetic import synthetic_ledger, synthetic_master

SEED = 1
ACCOUNTS = 400
TOGETHER = 64  # witnesses made at a time


def margin():
    """The circuit margin-16 and a witness: the first account of that class which the claim holds of."""

    ledger = synthetic_ledger(SEED, ACCOUNTS, with_keys=False)
    operator = Operator(bytes(range(32)), synthetic_master(SEED))
    with tempfile.TemporaryDirectory() as place:
        snapshot = write_epoch(ledger, operator, Path(place, "out"))
        publish_folder(snapshot.public, Path(place, "mirror"))
        for i in range(ACCOUNTS):
            if ledger.size_classes[i] != 16:
                continue
            found = recover(
                operator.account_key(ledger.names[i]),
                [FolderMirror(Path(place, "mirror"))],
                PinnedHeader(snapshot.signed),
            )
            opening, claim = opening_of(found.bundle), CLAIMS["margin"](1_000_000, initial=0)
            statement = statement_of(opening, claim)
            circuit = compile_statement(statement)
            try:
                witness = circuit.solve(opening.inputs(statement, claim.parameters, Context().digest, None))
            except WitnessError:
                continue
            return circuit.r1cs, witness.values
    raise SystemExit(f"no account of {ACCOUNTS} has a margin-16 proof")


def chain(power: int):

    return fifth_powers((1 << power) - 2)


def starts(n: int, blocks: int) -> Iterator[FrVec]:
    """Witnesses of the chain from 2, 3, ..: one after another, made some at a time."""

    seven = FrVec.from_ints([7]).repeated(TOGETHER)
    for first in range(2, blocks + 2, TOGETHER):
        wires = [FrVec.ones(TOGETHER), FrVec.from_ints(range(first, first + TOGETHER))]
        for i in range(0, n, 3):  # x, x x, x^4 and x^5 + 7
            x = wires[-1]
            wires += [square := x * x, fourth := square * square, fourth * x + seven][: n - i]
        whole = FrVec.concat(wires)
        for k in range(min(TOGETHER, blocks + 2 - first)):
            yield rows_columns(whole, TOGETHER, np.array([k]))


def wide(case: str, threads: int) -> dict[str, object]:
    """One proof of many blocks, in this process."""

    rows, _, log_blocks = case.partition("*2^")
    chained, _ = fifth_powers(int(rows))
    system = System.of(R1cs(chained.n_wires, 0, chained.a, chained.b, chained.c), int(log_blocks))
    shape, contents = system.parameters.shape, []
    assert system.transposed
    prove_times = timed(
        1, lambda: contents.append(prove(system, starts(int(rows), shape.blocks), threads=threads).encode())
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    content = contents[0]
    assert verify(system, [], Proof.decode(content))
    changed = bytearray(content)
    changed[-1] ^= 1
    assert not verify(system, [], Proof.decode(bytes(changed)))
    return {
        "case": case,
        "path": cpu_path(),
        "constraints": shape.n_constraints << shape.log_blocks,
        "bytes": len(content),
        "bits": round(system.parameters.bits, 2),
        "prove": prove_times,
        "verify": timed(3, lambda: verify(system, [], Proof.decode(content))),
        "peak_mib": round(peak / 1024, 1),
    }


def timed(rounds: int, call: Callable[[], object]) -> dict[str, float]:
    wall, cpu = [], []
    for _ in range(rounds):
        started, spent = time.perf_counter(), time.process_time()
        call()
        wall.append(time.perf_counter() - started)
        cpu.append(time.process_time() - spent)
    return {
        "s": round(statistics.median(wall), 6),
        "cpu_s": round(statistics.median(cpu), 6),
        "least_cpu_s": round(min(cpu), 6),
    }


def measure(case: str, rounds: int, threads: int, results) -> None:
    """One case in this process: its line into the queue."""

    power, _, log_blocks = case.replace("2^", "").partition("*")
    r1cs, one = margin() if case == "margin-16" else chain(int(power))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    system = System.of(r1cs, int(log_blocks or 0))
    witness = [one] * system.parameters.shape.blocks
    assert system.transposed
    public = one.slice(1, 1 + r1cs.n_public).to_ints()
    content = prove(system, witness, threads=threads).encode()
    assert verify(system, public, Proof.decode(content))
    assert not verify(system, [(public[0] + 1) % FR_MODULUS, *public[1:]], Proof.decode(content))
    results.put(
        {
            "case": case,
            "path": cpu_path(),
            "threads": threads,
            "constraints": r1cs.n_constraints << system.parameters.shape.log_blocks,
            "entries": system.matrix.nnz,
            "bytes": len(content),
            "bits": round(system.parameters.bits, 2),
            "layout": timed(1, lambda: System.of(r1cs, int(log_blocks or 0)).transposed),
            "prove": timed(rounds, lambda: prove(system, witness, threads=threads)),
            "verify": timed(rounds, lambda: verify(system, public, Proof.decode(content))),
            "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
            "peak_before_mib": round(before / 1024, 1),
        }
    )


def told(what: str, times: dict[str, float]) -> str:
    wall, cpu, least = (times[name] * 1e3 for name in ("s", "cpu_s", "least_cpu_s"))
    return f"{what} {wall:8.1f} ms (cpu {cpu:.1f}, least {least:.1f})"


def runnable() -> list[str]:

    return list(CPU_PATHS[: CPU_PATHS.index(best_path(cpu_words())) + 1])


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the transparent proof system.")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of lines")
    parser.add_argument("--cases", default="margin-16,2^14,2^16,2^12*2^5", help="what to prove, separated by commas")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--path", choices=("portable", "adx", "ifma"), help="only this CPU path")
    parser.add_argument("--wide", metavar="N*2^B", help="one proof of 2^B blocks of N rows, and nothing else")
    args = parser.parse_args()
    if args.wide:
        print(json.dumps({"machine": machine(), "threads": args.threads, **wide(args.wide, args.threads)}, indent=2))
        return
    lines = []
    if not args.json:
        print(described())
    for case in args.cases.split(","):
        for path in [args.path] if args.path else runnable():
            os.environ["ZKSTATE_CPU"] = path
            context = multiprocessing.get_context("spawn")
            results = context.SimpleQueue()
            child = context.Process(target=measure, args=(case, args.rounds, args.threads, results))
            child.start()
            child.join()
            if child.exitcode:
                raise SystemExit(f"{case} on {path}: the measuring process ended with {child.exitcode}")
            line = results.get()
            lines.append(line)
            if not args.json:
                print(
                    f"{case:10} {line['path']:9} {line['constraints']:8} rows  {told('prove', line['prove'])}  "
                    f"{told('verify', line['verify'])}  {line['bytes']} bytes  {line['bits']} bits  "
                    f"{line['peak_mib']:.0f} MiB"
                )
    if args.json:
        print(json.dumps({"bench": "transparent", "seed": SEED, "machine": machine(), "results": lines}, indent=2))


if __name__ == "__main__":
    main()

"""Times the kernels beside their peers: field, transform, sums of multiples, fixed base, pairing, Poseidon, blobs.

    python benches/bench_kernels.py                     one line for each CPU path beside each peer
    python benches/bench_kernels.py --json              the same as a list of objects, seconds per call
    python benches/bench_kernels.py --quick             one thread, three rounds, sums to 2^16
    python benches/bench_kernels.py --only msm --path adx --max-power 16 --without galois

Peers are built by `make bench-peers`. One that is not there is reported as absent; galois factors r - 1 for over a
minute before its first transform. Inputs are the same for all (inputs.py), and so must be the answers.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import inputs
from compare import Case, Field, Line, report, thread_counts

from zkstate.commitment.kzg import trusted_setup

MAX_POWER, QUICK_SUMS = 20, 16
VECTOR, HASHES, WITNESS = 1 << 12, 1 << 10, 1 << 18


def field_cases() -> Iterator[Case]:
    (_, a), (_, b) = inputs.scalars(VECTOR, 1), inputs.scalars(VECTOR, 2)
    for op in ("fr_mul", "fp_mul"):
        yield Case(op, op, VECTOR, {"a": a, "b": b}, repeat=100, rounds=9)


def transform_cases(max_power: int) -> Iterator[Case]:
    for power in range(10, max_power + 1, 2):
        _, a = inputs.scalars(1 << power, 3)
        repeat = max(1, 1 << max(0, 16 - power))
        yield Case("ntt", "ntt", 1 << power, {"a": a}, repeat, rounds=5 if power < 20 else 3)


def sum_cases(max_power: int) -> Iterator[Case]:
    for power in range(10, max_power + 1, 2):
        (_, points), (_, scalars) = inputs.points_g1(1 << power, 5), inputs.scalars(1 << power, 4)
        files, repeat = {"points": points, "scalars": scalars}, max(1, 1 << max(0, 13 - power))
        yield Case("msm_g1", "msm_g1", 1 << power, files, repeat, rounds=5 if power < 18 else 3)
    for power in range(10, min(max_power - 2, 16) + 1, 2):
        (_, points), (_, scalars) = inputs.points_g2(1 << power, 7), inputs.scalars(1 << power, 4)
        yield Case("msm_g2", "msm_g2", 1 << power, {"points": points, "scalars": scalars}, rounds=3)
    (_, points), (_, scalars) = inputs.points_g1(WITNESS, 5), inputs.witness_like(WITNESS, 6)
    yield Case("msm_g1 of a witness", "msm_g1", WITNESS, {"points": points, "scalars": scalars}, rounds=3)
    _, scalars = inputs.scalars(1 << 14, 4)
    yield Case("fixed_base_g1", "fixed_base_g1", 1 << 14, {"scalars": scalars}, rounds=3)


def pairing_cases() -> Iterator[Case]:
    for pairs in (1, 4):
        for op in ("pairing_check", "pairing_check_fixed"):
            yield Case(op, op, pairs, repeat=10, rounds=9)


def hash_cases() -> Iterator[Case]:
    _, a = inputs.scalars(2 * HASHES, 8)
    yield Case("poseidon_t3", "poseidon_t3", HASHES, {"a": a})


def bls_cases() -> Iterator[Case]:
    """The other curve, and commitments over it."""
    _, scalars = inputs.scalars(1 << 14, 4)
    files = {"scalars": scalars, "trusted_setup": Path(str(trusted_setup.source()))}
    for power in (10, 14):
        yield Case("bls12_381_msm_g1", "bls12_381_msm_g1", 1 << power, {"scalars": scalars}, rounds=3)
    yield Case("bls12_381_pairing_check", "bls12_381_pairing_check", 1, repeat=10, rounds=9)
    yield Case("bls12_381_hash_to_g2", "bls12_381_hash_to_g2", 1, repeat=10, rounds=9)
    for op in ("kzg_commit", "kzg_cell_proofs", "kzg_cell_verification"):
        yield Case(op, op, 4096, files, rounds=3)
    name = "bls12_381_fast_aggregate_verify"
    yield Case(name, name, 512, {"scalars": scalars}, repeat=20, rounds=9)


def cases(max_power: int, quick: bool) -> Iterator[Case]:
    yield from field_cases()
    yield from transform_cases(max_power)
    yield from sum_cases(min(max_power, QUICK_SUMS) if quick else max_power)
    yield from pairing_cases()
    yield from hash_cases()
    yield from bls_cases()


def table(args: argparse.Namespace) -> Iterator[Line]:
    for threads in args.threads or ([1] if args.quick else thread_counts()):
        engines = Field(threads, args.without, args.path)
        try:
            for case in cases(args.max_power, args.quick):
                if args.only in case.name:
                    yield from engines.compare(replace(case, rounds=3) if args.quick else case)
        finally:
            engines.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the kernels beside their peers.")
    parser.add_argument("--json", action="store_true", help="a list of objects instead of lines")
    parser.add_argument("--max-power", type=int, default=MAX_POWER, help="largest transform and sum, as a power of two")
    parser.add_argument("--quick", action="store_true", help="one thread, three rounds, sums to 2^16: ten minutes")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--path", choices=("portable", "adx", "ifma"), help="only this CPU path of ours")
    parser.add_argument("--without", action="append", default=[], help="leave a peer out; may be repeated")
    parser.add_argument("--threads", type=int, action="append", help="1 and all cores by default; may be repeated")
    args = parser.parse_args()
    report(table(args), args.json)


if __name__ == "__main__":
    main()

"""Times the transparent proof system beside its peers: proving, verifying, bytes of a proof, stated security.

    python benches/bench_transparent_peers.py [--json] [--powers 14,16] [--rounds 5] [--path adx] [--without gnark]

`chain` is the chain of fifth powers of bench_proof.py in 2^k - 2 rows: Spartan proves it over its own field, gnark with
Groth16 under a key of its own, and Ligero, of which no registry has more than the commitment, commits to as many values
and opens them at one point. `hashes` is a chain of as many Poseidon hashes, two to one, as 2^k rows hold, from a secret
start to a public end: over Fr for zkstate and gnark, over its own field of 64 bits for Plonky2, with four elements to a
digest. Witnesses are solved and circuits laid out before the clock starts; a proof is made into bytes, and read from
them to be verified, except by gnark. Peers prove nothing that ours could verify: each verifies its own.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench_proof import fifth_powers
from compare import Case, Field, Line, report

from circuits.gadgets.poseidon import poseidon as poseidon_rows
from zkstate.commitment.poseidon import poseidon
from zkstate.constraint import FELT, Builder, Statement, compile_statement, public, secret
from zkstate.constraint.r1cs import R1cs
from zkstate.kernels import FrVec
from zkstate.proof import r1cs_file, wtns_file

ROWS_A_HASH = 243
TAG, START = 77, 0x5EED


@dataclass(frozen=True)
class Hashes(Statement):
    """h -> P(TAG; h, h), so many times, from a secret start."""

    count: int

    last = public(FELT)
    start = secret(FELT)

    def define(self, c: Builder) -> None:
        found = self.start
        for _ in range(self.count):
            found = poseidon_rows(c, TAG, [found, found])
        c.require(found == self.last, "the last hash is the public one")


def hashes(count: int) -> tuple[R1cs, FrVec]:
    circuit, last = compile_statement(Hashes(count)), START
    for _ in range(count):
        last = int(poseidon(TAG, [last, last]))
    return circuit.r1cs, circuit.solve({"last": last, "start": START}).values


def written(folder: Path, name: str, r1cs: R1cs, witness: FrVec) -> dict[str, Path]:
    places = {"r1cs": folder / f"{name}.r1cs", "wtns": folder / f"{name}.wtns"}
    r1cs_file.write(places["r1cs"], r1cs_file.R1csFile.of(r1cs))
    wtns_file.write(places["wtns"], witness)
    return places


def table(args: argparse.Namespace) -> Iterator[Line]:
    for power in map(int, args.powers.split(",")):
        rows = (1 << power) - 2
        statements = {"chain": (rows, fifth_powers(rows)), "hashes": (rows // ROWS_A_HASH, None)}
        for name, (size, made) in statements.items():
            field = Field(1, args.without, args.path)
            with tempfile.TemporaryDirectory() as place:
                files = written(Path(place), name, *(made or hashes(size)))
                try:
                    for what, repeat in (("prove", 1), ("verify", 3)):
                        case = Case(f"{name}_{what}", f"{name}_{what}", size, files, repeat, args.rounds)
                        yield from field.compare(case)
                finally:
                    field.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the transparent proof system beside its peers.")
    parser.add_argument("--json", action="store_true", help="a list of objects instead of lines")
    parser.add_argument("--powers", default="14,16", help="rows, as powers of two")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--path", choices=("portable", "adx", "ifma"), help="only this CPU path of ours")
    parser.add_argument("--without", action="append", default=[], help="leave a peer out; may be repeated")
    args = parser.parse_args()
    report(table(args), args.json)


if __name__ == "__main__":
    main()

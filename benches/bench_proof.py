"""Times Groth16 beside its peers: setup, proving, verifying one proof and a batch.

    python benches/bench_proof.py [--json] [--powers 14,16] [--batch 1000] [--path adx] [--without snarkjs]

Every prover gets the same constraint system and witness: zkstate and snarkjs the same .zkey and .wtns, gnark and
arkworks the same .r1cs and .wtns under a key of their own. The circuit is a chain of fifth powers, so that no wire is
small, as in a circuit full of hashes. gnark solves nothing: all wires are inputs to it. zkstate's time includes
verifying its own proof. The proofs of gnark and arkworks must be accepted by zkstate's verifier too. No peer verifies
batches: theirs is as many single verifications. Peak memory is that of the whole process, for zkstate and snarkjs
proving alone, for gnark and arkworks their setup included.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from compare import Case, Field, Line, report, thread_counts
from ours import SEED

from zkstate.constraint.r1cs import R1cs, SparseMatrix
from zkstate.kernels import FR_MODULUS, FrVec
from zkstate.proof import r1cs_file, wtns_file, zkey_file
from zkstate.proof.groth16 import Proof, verify
from zkstate.proof.keys import VerifyingKey
from zkstate.proof.setup import insecure_setup


def fifth_powers(n: int) -> tuple[R1cs, FrVec]:
    """x -> x^5 + 7 over and over in n rows: u = x x, v = u u, y - 7 = v x. The first x is public."""
    rows = np.arange(n)
    step, kind = rows // 3, rows % 3
    x, u, v = 1 + 3 * step, 2 + 3 * step, 3 + 3 * step
    left, right = np.choose(kind, (x, u, v)), np.choose(kind, (x, u, x))
    each, pool = np.arange(n + 1, dtype=np.uint64), FrVec.from_ints([1, -7])

    def one_wire(column: npt.NDArray[np.int64]) -> SparseMatrix:
        return SparseMatrix(each, column.astype(np.uint32), np.zeros(n, dtype=np.uint32), pool, n + 2)

    ends = each + np.concatenate([[0], np.cumsum(kind == 2)]).astype(np.uint64)
    wire, coefficient = np.zeros(ends[-1], dtype=np.uint32), np.ones(ends[-1], dtype=np.uint32)
    wire[ends[1:] - 1], coefficient[ends[1:] - 1] = rows + 2, 0  # the constant wire, if any, comes first
    outputs = SparseMatrix(ends, wire, coefficient, pool, n + 2)
    witness = [1, 0x5EED]
    for i, (l, r) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):
        witness.append((witness[l] * witness[r] + 7 * (i % 3 == 2)) % FR_MODULUS)
    return R1cs(n + 2, 1, one_wire(left), one_wire(right), outputs), FrVec.from_ints(witness)


def files(power: int, folder: Path) -> dict[str, Path]:
    """The circuit that fills a domain of 2^power, in every form that an engine reads."""
    places = {"r1cs": folder / "c.r1cs", "wtns": folder / "w.wtns", "zkey": folder / "c.zkey", "vk": folder / "vk.json"}
    r1cs, witness = fifth_powers((1 << power) - 2)
    key = insecure_setup(r1cs, SEED)
    assert key.domain_size == 1 << power
    r1cs_file.write(places["r1cs"], r1cs_file.R1csFile.of(r1cs))
    wtns_file.write(places["wtns"], witness)
    zkey_file.write_zkey(places["zkey"], key)
    places["vk"].write_text(key.vk.to_json(), encoding="utf-8")
    return places | {"out": folder}


def left_behind(folder: Path, public: int) -> None:
    """Hold the last proof that a peer left under its own key against zkstate's verifier."""
    key, proof = folder / "verification_key.json", folder / "proof.json"
    if key.exists():
        vk, found = VerifyingKey.from_json(key.read_bytes()), Proof.from_json(proof.read_bytes())
        assert verify(vk, [public], found), "zkstate refuses a peer's proof"
        assert not verify(vk, [public + 1], found), "zkstate accepts a peer's proof of something else"


def table(args: argparse.Namespace) -> Iterator[Line]:
    for threads in args.threads or thread_counts():
        for power in map(int, args.powers.split(",")):
            with tempfile.TemporaryDirectory() as place:
                yield from sized(power, files(power, Path(place)), threads, args)


def sized(power: int, places: dict[str, Path], threads: int, args: argparse.Namespace) -> Iterator[Line]:
    """Proving first, each engine fresh, so that its peak is not that of the setup."""
    n, engines = 1 << power, Field(threads, args.without, args.path)
    try:
        yield from engines.compare(Case("groth16_prove", "groth16_prove", n, places, rounds=args.rounds))
        left_behind(places["out"], 0x5EED)
        if power == min(map(int, args.powers.split(","))):
            yield from engines.compare(Case("groth16_verify", "groth16_verify", n, places, repeat=10, rounds=9))
            if args.batch:
                yield from engines.compare(
                    Case("groth16_verify_batch", "groth16_verify_batch", args.batch, places, rounds=3)
                )
        setup = {**places, "zkey": places["out"] / "again.zkey"}
        yield from engines.compare(Case("groth16_setup", "groth16_setup", n, setup, rounds=min(3, args.rounds)))
    finally:
        engines.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="Time Groth16 beside its peers.")
    parser.add_argument("--json", action="store_true", help="a list of objects instead of lines")
    parser.add_argument("--powers", default="14,16", help="sizes of the circuits, as powers of two")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=1000, help="proofs to verify in one batch; 0 for none")
    parser.add_argument("--path", choices=("portable", "adx", "ifma"), help="only this CPU path of ours")
    parser.add_argument("--without", action="append", default=[], help="leave a peer out; may be repeated")
    parser.add_argument("--threads", type=int, action="append", help="1 and all cores by default; may be repeated")
    args = parser.parse_args()
    report(table(args), args.json)


if __name__ == "__main__":
    main()

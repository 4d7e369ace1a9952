"""Random satisfiable constraint systems of many shapes, as exact integers, and the two verifiers side by side."""

import random

from tests.proof.circuits import Small
from tests.proof.transparent import slow_verifier
from zkstate.errors import InputError
from zkstate.kernels import FR_MODULUS
from zkstate.proof import r1cs_file
from zkstate.proof.transparent.proof_file import Proof
from zkstate.proof.transparent.system import System
from zkstate.proof.transparent.verifier import verify


def random_system(rng: random.Random, n_rows: int, n_wires: int, n_public: int, dense: bool = False) -> Small:
    """Rows with random left and right sides; the output side is made to fit any witness by its coefficient of one."""
    witness = [1, *(rng.choice([0, 1, rng.randrange(FR_MODULUS)]) for _ in range(n_wires - 1))]

    def combination():
        wires = range(n_wires) if dense else rng.sample(range(n_wires), min(n_wires, rng.randrange(4)))
        return {wire: rng.choice([1, FR_MODULUS - 1, rng.randrange(1, FR_MODULUS)]) for wire in wires}

    def at(terms):
        return sum(value * witness[wire] for wire, value in terms.items())

    rows = []
    for _ in range(n_rows):
        a, b, c = combination(), combination(), combination()
        c[0] = (c.get(0, 0) + at(a) * at(b) - at(c)) % FR_MODULUS
        rows.append((a, b, c))
    return Small(rows, n_public, witness)


def system_of(small: Small, log_blocks: int = 0) -> System:
    return System.of(small.r1cs, log_blocks)


def circuit_bytes(small: Small) -> bytes:
    return b"".join(bytes(chunk) for chunk in r1cs_file.encode(r1cs_file.R1csFile.of(small.r1cs)))


def judge(system, public, content):
    """True, False, or "malformed"."""
    try:
        return verify(system, public, Proof.decode(content))
    except InputError:
        return "malformed"


def judge_slowly(r1cs, public, content, log_blocks=0):
    try:
        return slow_verifier.verify(r1cs, public, content, log_blocks)
    except slow_verifier.Malformed:
        return "malformed"

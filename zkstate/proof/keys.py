"""Groth16 keys: what a prover and a verifier hold, where a key comes from, and which keys are refused.

Gamma and delta must not be related: with delta = k·gamma for a k anyone can find, the public inputs of an accepted
proof can be exchanged against its C, so every statement can be forged. Keys straight from `zkey new` of snarkjs have
delta = gamma; they are read, say so, and are refused for proving, verifying and export.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, replace
from enum import Enum
from itertools import permutations

import numpy as np

from zkstate.algebra.bn254 import G1, G2
from zkstate.constraint.r1cs import U64, R1cs, SparseMatrix
from zkstate.errors import DisagreementError, EncodingError, InputError, LengthError
from zkstate.kernels import FrVec, G1Vec, sparse_product
from zkstate.proof import json_form
from zkstate.proof.container import Buffer
from zkstate.proof.json_form import Json

COMMITTED_MEMBER = "vk_delta_committed_2"
MAX_DOMAIN = 1 << 27  # the quotient needs the domain of twice the size, and Fr has roots of unity up to 2^28
RELATED_UP_TO = 16


class SetupStatus(Enum):
    """How far the secrets behind a key can be known to be destroyed; the value is the sentence for a verdict."""

    VERIFIED = "made in a ceremony whose transcript was verified"
    UNVERIFIED = "of unknown origin: no ceremony transcript was verified"
    INSECURE = "insecure: made from a seed, and whoever knows the seed can forge proofs"
    FRESH = "unusable: nobody has contributed to it yet, and anyone can forge proofs"
    TRANSPARENT = "none: the proof system has no key, and nobody holds a trapdoor"

    @property
    def trusted(self) -> bool:
        """Whether production paths take the key, or there is none to be taken."""
        return self in {SetupStatus.VERIFIED, SetupStatus.TRANSPARENT}


def setup_status(gamma: G2, delta: G2, name: str, committed: G2 | None = None) -> SetupStatus:
    """FRESH if gamma and a delta are the generator, else UNVERIFIED.

    `committed` is the delta of committed wires, if there are any.
    Errors: InputError if two of them are otherwise equal, negatives, or such multiples of each other up to 16.
    """
    named = {"gamma": gamma, "delta": delta} | ({} if committed is None else {"delta of committed wires": committed})
    generator = G2.generator()
    if gamma == generator and generator in {delta, committed}:
        return SetupStatus.FRESH
    for (first_name, first), (second_name, second) in permutations(named.items(), 2):
        multiple = first
        for k in range(1, RELATED_UP_TO + 1):
            for signed, sign in ((multiple, ""), (-multiple, "-")):
                if signed == second:
                    relation = f"{second_name} is {sign}{k} times {first_name}"
                    raise InputError(f"{name}: {relation}, so anyone can forge proofs: the key is refused")
            multiple = multiple + first
    return SetupStatus.UNVERIFIED


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """alpha in G1; beta, gamma, delta in G2; `ic` holds one point for the constant and one per public input.

    `delta_committed` is the delta of the wires that a proof commits to, if it is one of `mirage`: None for Groth16.
    """

    alpha: G1
    beta: G2
    gamma: G2
    delta: G2
    ic: tuple[G1, ...]
    setup: SetupStatus
    delta_committed: G2 | None = None

    @property
    def n_public(self) -> int:
        return len(self.ic) - 1

    @classmethod
    def from_json(
        cls, content: bytes | str, name: str = "verification key", *, protocol: str = json_form.PROTOCOL
    ) -> VerifyingKey:
        """Read a `verification_key.json` of a protocol; `vk_alphabeta_12` is redundant and ignored.

        Its status is never better than UNVERIFIED: the file cannot vouch for itself.
        Errors: EncodingError, LengthError name the member; InputError for related gamma and delta.
        """
        return cls.from_value(json_form.parse(content, name), name, protocol=protocol)

    @classmethod
    def from_value(cls, value: Json, name: str, *, protocol: str = json_form.PROTOCOL) -> VerifyingKey:
        """As `from_json`, from the parsed JSON."""
        json_form.expect(value, "protocol", protocol, name)
        json_form.expect(value, "curve", json_form.CURVE, name)
        n_public = json_form.member(value, "nPublic", name)
        if type(n_public) is not int or n_public < 0:
            raise EncodingError(f"{name}: nPublic is not a number of public inputs")
        points = json_form.array(json_form.member(value, "IC", name), n_public + 1, f"{name}: IC")
        ic = tuple(json_form.g1(point, f"{name}: IC[{i}]") for i, point in enumerate(points))
        alpha = json_form.g1(json_form.member(value, "vk_alpha_1", name), f"{name}: vk_alpha_1")
        members = ["vk_beta_2", "vk_gamma_2", "vk_delta_2"]
        members += [COMMITTED_MEMBER] if protocol == json_form.MIRAGE else []
        beta, gamma, delta, *rest = (
            json_form.g2(json_form.member(value, key, name), f"{name}: {key}") for key in members
        )
        committed = rest[0] if rest else None
        return cls(alpha, beta, gamma, delta, ic, setup_status(gamma, delta, name, committed), committed)

    @property
    def protocol(self) -> str:
        """Which proofs it verifies."""
        return json_form.PROTOCOL if self.delta_committed is None else json_form.MIRAGE

    def to_json(self) -> str:
        """The `verification_key.json` that snarkjs reads, if it is one of Groth16. InputError for a FRESH key."""
        self.check_usable("export")
        return json_form.render(self._members())

    def _members(self) -> dict[str, Json]:
        return {
            "protocol": self.protocol,
            "curve": json_form.CURVE,
            "nPublic": self.n_public,
            "vk_alpha_1": self.alpha.to_json(),
            "vk_beta_2": self.beta.to_json(),
            "vk_gamma_2": self.gamma.to_json(),
            "vk_delta_2": self.delta.to_json(),
            **({} if self.delta_committed is None else {COMMITTED_MEMBER: self.delta_committed.to_json()}),
            "IC": [point.to_json() for point in self.ic],
        }

    def digest(self) -> str:
        """The key's pin: SHA-256, in hex, of the members that `to_json` writes, sorted by name, without spaces."""
        canonical = json.dumps(self._members(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode("ascii")).hexdigest()

    def evm_words(self) -> tuple[int, ...]:
        """alpha, beta, gamma, delta, IC_0 .. IC_n in the order of the EVM: x, y; for G2 x.c1, x.c0, y.c1, y.c0.

        InputError for a key that no contract verifies by.
        """
        self.check_usable("export")
        if self.delta_committed is not None:
            raise InputError("the key is one of mirage: no contract verifies its proofs")
        points: tuple[G1 | G2, ...] = (self.alpha, self.beta, self.gamma, self.delta, *self.ic)
        return tuple(word for point in points for word in point.evm_words())

    def ic_points(self) -> G1Vec:
        """IC as the vector that public inputs are summed over."""
        return G1Vec.from_raw(b"".join(point.raw for point in self.ic), check=False)

    def check_usable(self, purpose: str, allow_fresh: bool = False) -> None:
        """InputError for a key nobody has contributed to, unless the caller allows it."""
        if self.setup is SetupStatus.FRESH and not allow_fresh:
            raise InputError(f"the key is refused for {purpose}: it is {self.setup.value}; contribute to it first")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ProvingKey:
    """All a prover needs: the matrices A and B with the rows that bind the public inputs, and the points of each wire.

    Shapes: the matrices have domain_size rows over n_wires wires; points_a, points_b1 (G1) and points_b2 (G2) one point
    a wire, points_c one a secret wire, points_h domain_size. Point sections are raw G1M and G2M bytes, often still in
    the file they are mapped from, because a prover reads each of them once.
    The first `n_committed` secret wires are those that a proof of `mirage` commits to, their points_c divided by the
    delta of committed wires, `committed_1` in G1: none and None for Groth16.
    `matrix_c` is there when the circuit is, and then a bad witness is refused by row before any work is done.
    `circuit_hash` and `contributions` are section 10 of the file; `circuit` is what `r1cs_file.digest` gives.
    """

    vk: VerifyingKey
    beta_1: G1
    delta_1: G1
    n_wires: int
    domain_size: int
    matrix_a: SparseMatrix
    matrix_b: SparseMatrix
    points_a: Buffer
    points_b1: Buffer
    points_b2: Buffer
    points_c: Buffer
    points_h: Buffer
    circuit_hash: bytes
    contributions: bytes
    circuit: bytes | None = None
    matrix_c: SparseMatrix | None = None
    n_committed: int = 0
    committed_1: G1 | None = None

    @property
    def n_public(self) -> int:
        return self.vk.n_public

    @property
    def setup(self) -> SetupStatus:
        return self.vk.setup

    def __repr__(self) -> str:
        return f"ProvingKey({self.n_wires} wires, {self.n_public} public, domain {self.domain_size}, {self.setup.name})"

    def with_circuit(self, r1cs: R1cs) -> ProvingKey:
        """The key together with the circuit it was made for. DisagreementError for any other circuit.

        The matrices are compared by their products with one random vector of powers, which two different ones
        share with probability below 2^-226 (Schwartz 1980, Zippel 1979).
        """
        if (r1cs.n_wires, r1cs.n_public) != (self.n_wires, self.n_public):
            raise DisagreementError(
                f"the circuit has {r1cs.n_wires} wires, {r1cs.n_public} public; the key {self.n_wires}, {self.n_public}"
            )
        if domain_size(r1cs) != self.domain_size:
            raise DisagreementError(f"the circuit's domain is {domain_size(r1cs)}, the key's {self.domain_size}")
        a, b, c = domain_matrices(r1cs)
        point = int.from_bytes(os.urandom(48), "big")
        powers = FrVec.ones(self.n_wires).scale_powers(point)
        for title, mine, theirs in (("A", self.matrix_a, a), ("B", self.matrix_b, b)):
            if sparse_product(mine, mine.pool, powers) != sparse_product(theirs, theirs.pool, powers):
                raise DisagreementError(
                    f"matrix {title} of the circuit is not the key's: the key is for another circuit"
                )
        return replace(self, matrix_c=c)


def domain_size(r1cs: R1cs) -> int:
    """The smallest power of two that holds the rows and the n_public + 1 rows that bind the public inputs."""
    return domain_of(r1cs.n_constraints, r1cs.n_public)


def domain_of(n_constraints: int, n_public: int) -> int:
    """`domain_size` of a circuit with so many rows and public inputs. LengthError beyond 2^27."""
    size = 1 << (n_constraints + n_public).bit_length()
    if size > MAX_DOMAIN:
        raise LengthError(f"{n_constraints} constraints need a domain of {size}, at most {MAX_DOMAIN} is possible")
    return size


def domain_matrices(r1cs: R1cs) -> tuple[SparseMatrix, SparseMatrix, SparseMatrix]:
    """A, B, C with domain_size rows: below the circuit's rows, A reads the constant and each public wire once.

    Those rows make the A-polynomials of the public wires independent, so that no public input can be traded for another
    (Parno 2015, eprint 2015/437).
    """
    size, bound = domain_size(r1cs), r1cs.n_public + 1
    a = r1cs.a
    ends = int(a.row_ptr[-1]) + np.arange(1, bound + 1, dtype=np.uint64)
    row_ptr = np.concatenate((a.row_ptr, ends))
    wire = np.concatenate((a.wire, np.arange(bound, dtype=np.uint32)))
    coefficient = np.concatenate((a.coefficient, np.full(bound, len(a.pool), dtype=np.uint32)))
    pool = FrVec.concat([a.pool, FrVec.from_ints([1])])
    padded = SparseMatrix(_padded(row_ptr, size), wire, coefficient, pool, r1cs.n_wires)
    b, c = (
        SparseMatrix(_padded(m.row_ptr, size), m.wire, m.coefficient, m.pool, r1cs.n_wires) for m in (r1cs.b, r1cs.c)
    )
    return padded, b, c


def _padded(row_ptr: U64, n_rows: int) -> U64:
    """Row starts with empty rows added up to n_rows."""
    return np.pad(row_ptr, (0, n_rows + 1 - len(row_ptr)), mode="edge")

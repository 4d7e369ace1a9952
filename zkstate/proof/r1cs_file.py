"""A `.r1cs` file: a constraint system as circom writes it, with the roles of its wires.

Section 1 is the header, 2 the constraints (for each row the combinations A, B, C), 3 the label of each wire.
Coefficients are in ordinary form. circom does not sort the wires of a combination; reading and writing here both do.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from zkstate.atomic import replace_file
from zkstate.constraint.circuit import Circuit
from zkstate.constraint.r1cs import R1cs, SparseMatrix
from zkstate.errors import EncodingError, LengthError
from zkstate.kernels import FR_BYTES, FR_MODULUS, FrVec, r1cs_counts
from zkstate.proof import container
from zkstate.proof.container import Buffer, Container
from zkstate.proof.wtns_file import check_prime

MAGIC, VERSION = b"r1cs", 1
MIRAGE_LABEL = b"zkstate mirage circuit v1"
SIZE_LIMIT = 1 << 36
_HEADER = struct.Struct("<I32sIIIIQI")
_ENTRY_WORDS = 1 + FR_BYTES // 4


@dataclass(frozen=True, slots=True, eq=False)
class R1csFile:
    """A constraint system with what a `.r1cs` file says about its wires; public wires are outputs, then inputs.

    Shapes: labels uint64 (n_wires). `n_labels` counts the names of the source, optimised ones included.
    """

    r1cs: R1cs
    n_outputs: int
    n_private_inputs: int
    n_labels: int
    labels: npt.NDArray[np.uint64]

    @classmethod
    def of(cls, r1cs: R1cs) -> R1csFile:
        """The file form of a constraint system that knows no outputs and no names: identity labels."""
        return cls(r1cs, 0, 0, r1cs.n_wires, np.arange(r1cs.n_wires, dtype=np.uint64))

    @classmethod
    def of_circuit(cls, circuit: Circuit) -> R1csFile:
        """The file form of a compiled statement: its secret inputs as private inputs, labels as in its `.sym` file."""
        private = sum(item.size for item in circuit.inputs if not item.is_public)
        return replace(cls.of(circuit.r1cs), n_private_inputs=private)


def decode(content: Buffer, name: str = "r1cs") -> R1csFile:
    """The constraint system in a `.r1cs` file. Errors: EncodingError, LengthError, naming section and field."""
    file = Container.decode(content, MAGIC, VERSION, name)
    header = file.get(1, "header", _HEADER.size)
    n8, prime, n_wires, n_outputs, n_inputs, n_private, n_labels, n_constraints = _HEADER.unpack(header)
    where = f"{name}: section 1 (header)"
    check_prime(n8, prime, FR_MODULUS, where)
    if file.has(4) or file.has(5):
        raise EncodingError(f"{name}: sections 4 and 5 declare custom gates, and Groth16 has none")
    if 1 + n_outputs + n_inputs + n_private > n_wires:
        raise EncodingError(
            f"{where}: {n_outputs} outputs, {n_inputs} public and {n_private} private inputs and the constant "
            f"do not fit {n_wires} wires"
        )
    labels = np.frombuffer(file.get(3, "labels", 8 * n_wires), dtype="<u8").astype(np.uint64)
    a, b, c = _decode_matrices(file.get(2, "constraints"), n_constraints, n_wires, name)
    return R1csFile(R1cs(n_wires, n_outputs + n_inputs, a, b, c), n_outputs, n_private, n_labels, labels)


def _decode_matrices(section: memoryview, n_constraints: int, n_wires: int, name: str) -> list[SparseMatrix]:
    where = f"{name}: section 2 (constraints)"
    if 12 * n_constraints > len(section):
        raise LengthError(f"{where}: {len(section)} bytes cannot hold the {n_constraints} rows of the header")
    try:
        counts = r1cs_counts(section, 3 * n_constraints)
    except LengthError as error:
        raise LengthError(f"{where}: {error}") from error
    # Every combination is one count word, then 9 words an entry: drop the count words and a table remains.
    words = np.frombuffer(section, dtype="<u4")
    is_entry = np.ones(len(words), dtype=bool)
    is_entry[_count_positions(counts)] = False
    entries = words[is_entry].reshape(-1, _ENTRY_WORDS)
    wires = np.ascontiguousarray(entries[:, 0], dtype=np.uint32)
    if len(wires) and int(wires.max()) >= n_wires:
        raise EncodingError(f"{where}: a term names wire {int(wires.max())}, the header has {n_wires} wires")
    combination = np.repeat(np.arange(len(counts), dtype=np.uint32), counts)
    matrices = []
    for which in range(3):
        chosen = np.flatnonzero(combination % 3 == which)
        row, wire = combination[chosen] // 3, wires[chosen]
        order = np.lexsort((wire, row))
        try:
            values = FrVec.from_le_bytes(entries[chosen[order], 1:].tobytes())
        except EncodingError as error:
            raise EncodingError(f"{where}: matrix {'ABC'[which]}: coefficient {error}") from error
        row_ptr = np.concatenate(([0], np.cumsum(counts[which::3], dtype=np.uint64))).astype(np.uint64)
        matrices.append(SparseMatrix.from_values(row_ptr, wire[order], values, n_wires))
    return matrices


def encode(file: R1csFile) -> list[Buffer]:
    """The chunks of the `.r1cs` file, terms sorted by wire."""
    r1cs = file.r1cs
    header = _HEADER.pack(
        FR_BYTES,
        FR_MODULUS.to_bytes(FR_BYTES, "little"),
        r1cs.n_wires,
        file.n_outputs,
        r1cs.n_public - file.n_outputs,
        file.n_private_inputs,
        file.n_labels,
        r1cs.n_constraints,
    )
    labels = file.labels.astype("<u8").tobytes()
    sections: dict[int, list[Buffer]] = {1: [header], 2: [_encode_matrices(r1cs)], 3: [labels]}
    return list(container.encode(MAGIC, VERSION, sections))


def _encode_matrices(r1cs: R1cs) -> bytes:
    matrices = (r1cs.a, r1cs.b, r1cs.c)
    counts = np.stack([np.diff(m.row_ptr) for m in matrices], axis=1).reshape(-1)
    combination = np.concatenate([3 * m.rows().astype(np.int64) + i for i, m in enumerate(matrices)])
    wire = np.concatenate([m.wire for m in matrices])
    order = np.lexsort((wire, combination))
    values = b"".join(m.values().to_le_bytes() for m in matrices)
    entries = np.empty((len(wire), _ENTRY_WORDS), dtype="<u4")
    entries[:, 0] = wire[order]
    entries[:, 1:] = np.frombuffer(values, dtype="<u4").reshape(-1, FR_BYTES // 4)[order]
    words = np.empty(len(counts) + entries.size, dtype="<u4")
    is_entry = np.ones(len(words), dtype=bool)
    positions = _count_positions(counts)
    is_entry[positions] = False
    words[positions] = counts
    words[is_entry] = entries.reshape(-1)
    return words.tobytes()


def _count_positions(counts: npt.NDArray[np.unsignedinteger]) -> npt.NDArray[np.int64]:
    """Where in the section, in words, the count of each combination stands."""
    before = np.cumsum(counts, dtype=np.int64) - counts.astype(np.int64)
    return np.arange(len(counts), dtype=np.int64) + _ENTRY_WORDS * before


def read(path: Path) -> R1csFile:
    """The constraint system in the file at `path`. Errors as `decode`, and EnvironmentFailure."""
    return decode(container.map_file(path, SIZE_LIMIT), str(path))


def write(path: Path, file: R1csFile) -> None:
    """Write a `.r1cs` file, whole or not at all."""
    replace_file(path, encode(file))


def digest(r1cs: R1cs) -> bytes:
    """SHA-256 of the constraint system: of the one `.r1cs` file with identity labels and no outputs."""
    state = hashlib.sha256()
    for chunk in encode(R1csFile.of(r1cs)):
        state.update(chunk)
    return state.digest()


def circuit_digest(r1cs: R1cs, n_committed: int) -> bytes:
    """What a ceremony is held for: `digest`; for a key of `mirage` SHA-256(MIRAGE_LABEL ‖ digest ‖ n_committed u32).

    `n_committed` counts the wires that a proof commits to, the first secret ones: 0 for Groth16.
    """
    if not n_committed:
        return digest(r1cs)
    return hashlib.sha256(MIRAGE_LABEL + digest(r1cs) + n_committed.to_bytes(4, "little")).digest()

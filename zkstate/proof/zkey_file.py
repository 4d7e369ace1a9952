"""A `.zkey` file: the proving key of Groth16 as snarkjs and rapidsnark read it, or one of `mirage`.

Sections: 1 protocol, 2 header points, 3 IC, 4 the matrices A and B, 5 A, 6 B1, 7 B2, 8 C, 9 H, 10 circuit hash and
contributions. A value v of section 4 is stored as v·2^512 mod r, that is in Montgomery form twice over.
Section 1001 is ours and ignored by others: `status u32 ‖ SHA-256 of the circuit`, and marks a key made by
`insecure_setup`. Without it a key's origin is unknown, which is not better: only a verified transcript makes one
trusted.
A key of `mirage` has protocol 1001 and section 1002, `wires u32 ‖ delta' G1 ‖ delta' G2`: how many wires a proof
commits to, the first secret ones, whose points of section 8 are divided by delta' in place of delta.
"""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from zkstate.algebra.bn254 import G1, G2, pairing_check
from zkstate.atomic import replace_file
from zkstate.constraint.r1cs import SparseMatrix
from zkstate.errors import DisagreementError, EncodingError, LengthError
from zkstate.kernels import FP_MODULUS, FR_BYTES, FR_MODULUS, FrVec, G1Vec, G2Vec
from zkstate.proof import container
from zkstate.proof.container import Buffer, Container
from zkstate.proof.keys import MAX_DOMAIN, ProvingKey, SetupStatus, VerifyingKey, setup_status
from zkstate.proof.wtns_file import check_prime

MAGIC, VERSION, GROTH16, MIRAGE = b"zkey", 1, 1, 1001
SETUP_SECTION, INSECURE = 1001, 1
COMMITTED_SECTION = 1002
SIZE_LIMIT = 1 << 38
G1_BYTES, G2_BYTES, HASH_BYTES = 64, 128, 64
_FIELDS = struct.Struct("<I32sI32sIII")
_HEADER_POINTS = (("alpha_1", 1), ("beta_1", 1), ("beta_2", 2), ("gamma_2", 2), ("delta_1", 1), ("delta_2", 2))
_HEADER_BYTES = _FIELDS.size + sum(G1_BYTES * group for _, group in _HEADER_POINTS)
_SETUP = struct.Struct("<I32s")
_COMMITTED = struct.Struct("<I64s128s")
_TERM = np.dtype([("matrix", "<u4"), ("row", "<u4"), ("wire", "<u4"), ("value", "<u8", (4,))])
_R = pow(2, 256, FR_MODULUS)
_CHUNK_POINTS = 1 << 14
Points = TypeVar("Points", G1Vec, G2Vec)


def decode(content: Buffer, name: str = "proving key", *, check_points: bool = True) -> ProvingKey:
    """The proving key in a `.zkey` file, its point sections left where they are.

    `check_points=False` skips the curve and subgroup checks of the long sections, for bytes already checked once.
    Errors: EncodingError and LengthError name section and field; InputError for related gamma and delta.
    """
    file = Container.decode(content, MAGIC, VERSION, name)
    (protocol,) = struct.unpack("<I", file.get(1, "protocol", 4))
    if protocol not in {GROTH16, MIRAGE}:
        raise EncodingError(
            f"{name}: section 1 (protocol): protocol is {protocol}, expected {GROTH16} (Groth16) or {MIRAGE} (Mirage)"
        )
    header = file.get(2, "header", _HEADER_BYTES)
    n_wires, n_public, domain_size = _sizes(header, f"{name}: section 2 (header)")
    lengths = {
        3: ("IC", G1_BYTES * (n_public + 1)),
        5: ("A", G1_BYTES * n_wires),
        6: ("B1", G1_BYTES * n_wires),
        7: ("B2", G2_BYTES * n_wires),
        8: ("C", G1_BYTES * (n_wires - n_public - 1)),
        9: ("H", G1_BYTES * domain_size),
    }
    sections = {number: file.get(number, title, length) for number, (title, length) in lengths.items()}
    history = file.get(10, "contributions")
    if len(history) < HASH_BYTES + 4:
        raise LengthError(f"{name}: section 10 (contributions) has {len(history)} bytes, expected 68 or more")
    matrix_a, matrix_b = _decode_matrices(file.get(4, "coefficients"), n_wires, domain_size, name)
    n_committed, committed = 0, None
    if protocol == MIRAGE:
        n_committed, committed = _decode_committed(file, n_wires - n_public - 1)
    vk, beta_1, delta_1, circuit = _decode_points(file, header, sections[3], committed)
    if check_points:
        for number in (5, 6, 7, 8, 9):
            where = f"{name}: section {number} ({lengths[number][0]})"
            _check_points(sections[number], G2Vec if number == 7 else G1Vec, where)
    return ProvingKey(
        vk=vk,
        beta_1=beta_1,
        delta_1=delta_1,
        n_wires=n_wires,
        domain_size=domain_size,
        matrix_a=matrix_a,
        matrix_b=matrix_b,
        points_a=sections[5],
        points_b1=sections[6],
        points_b2=sections[7],
        points_c=sections[8],
        points_h=sections[9],
        circuit_hash=bytes(history[:HASH_BYTES]),
        contributions=bytes(history[HASH_BYTES:]),
        circuit=circuit,
        n_committed=n_committed,
        committed_1=None if committed is None else committed[0],
    )


def _decode_committed(file: Container, secret: int) -> tuple[int, tuple[G1, G2]]:
    """How many wires a proof commits to, and their delta in both groups."""
    where = f"{file.name}: section {COMMITTED_SECTION} (committed wires)"
    count, in_g1, in_g2 = _COMMITTED.unpack(file.get(COMMITTED_SECTION, "committed wires", _COMMITTED.size))
    if not 0 < count <= secret:
        raise EncodingError(f"{where}: {count} wires, expected 1 to {secret}, as many as are secret")
    (delta_1,) = _g1(memoryview(in_g1), f"{where}: delta_1")
    delta_2 = _g2(memoryview(in_g2), f"{where}: delta_2")
    _check_same("delta", delta_1, delta_2, where)
    return count, (delta_1, delta_2)


def _check_same(title: str, in_g1: G1, in_g2: G2, where: str) -> None:
    if not pairing_check([(in_g1, G2.generator()), (-G1.generator(), in_g2)]):
        raise EncodingError(f"{where}: {title}_1 and {title}_2 are not the same multiple of the generators")


def _sizes(header: memoryview, where: str) -> tuple[int, int, int]:
    """Wires, public inputs and domain size, of a key over BN254 and possible at all."""
    n8q, q, n8r, r, n_wires, n_public, domain_size = _FIELDS.unpack_from(header)
    check_prime(n8q, q, FP_MODULUS, f"{where}: q")
    check_prime(n8r, r, FR_MODULUS, f"{where}: r")
    if not n_public < n_wires:
        raise EncodingError(f"{where}: {n_public} public inputs and the constant do not fit {n_wires} wires")
    if domain_size & (domain_size - 1) or not n_public < domain_size <= MAX_DOMAIN:
        raise EncodingError(
            f"{where}: domain size is {domain_size}, expected a power of two above the {n_public} public inputs "
            f"and at most {MAX_DOMAIN}"
        )
    return n_wires, n_public, domain_size


def _decode_points(
    file: Container, header: memoryview, ic_section: memoryview, committed: tuple[G1, G2] | None
) -> tuple[VerifyingKey, G1, G1, bytes | None]:
    """The verifying key, beta and delta in G1, and the circuit's digest if the key is marked insecure."""
    where, at = f"{file.name}: section 2 (header)", _FIELDS.size
    raw: dict[str, memoryview] = {}
    for field, group in _HEADER_POINTS:
        raw[field] = header[at : at + G1_BYTES * group]
        at += G1_BYTES * group
    alpha_1, beta_1, delta_1 = (_g1(raw[f], f"{where}: {f}")[0] for f in ("alpha_1", "beta_1", "delta_1"))
    beta_2, gamma_2, delta_2 = (_g2(raw[f], f"{where}: {f}") for f in ("beta_2", "gamma_2", "delta_2"))
    for title, in_g1, in_g2 in (("beta", beta_1, beta_2), ("delta", delta_1, delta_2)):
        _check_same(title, in_g1, in_g2, where)
    delta_committed = None if committed is None else committed[1]
    status, circuit = setup_status(gamma_2, delta_2, file.name, delta_committed), None
    if file.has(SETUP_SECTION):
        code, circuit = _SETUP.unpack(file.get(SETUP_SECTION, "zkstate setup", _SETUP.size))
        if code != INSECURE:
            raise EncodingError(
                f"{file.name}: section {SETUP_SECTION} (zkstate setup): status {code}, expected {INSECURE}"
            )
        status = SetupStatus.INSECURE
    ic = tuple(_g1(ic_section, f"{file.name}: section 3 (IC)"))
    return VerifyingKey(alpha_1, beta_2, gamma_2, delta_2, ic, status, delta_committed), beta_1, delta_1, circuit


def _decode_matrices(section: memoryview, n_wires: int, domain_size: int, name: str) -> list[SparseMatrix]:
    """A and B, from terms in any order."""
    where = f"{name}: section 4 (coefficients)"
    if len(section) < 4:
        raise LengthError(f"{where} has {len(section)} bytes, expected 4 or more")
    n = int.from_bytes(section[:4], "little")
    if len(section) != 4 + _TERM.itemsize * n:
        raise LengthError(f"{where} has {len(section)} bytes, its {n} terms take {4 + _TERM.itemsize * n}")
    terms = np.frombuffer(section, dtype="<u4", offset=4).reshape(n, _TERM.itemsize // 4)  # a word a number, 8 a value
    for at, (field, limit) in enumerate((("matrix", 2), ("row", domain_size), ("wire", n_wires))):
        highest = int(terms[:, at].max()) if n else 0
        if highest >= limit:
            raise EncodingError(f"{where}: {field} {highest} of a term is not below {limit}")
    matrices = []
    for which in range(2):
        own = np.compress(terms[:, 0] == which, terms, axis=0)
        rows = own[:, 1]
        if (rows[1:] < rows[:-1]).any():
            own = own.take(np.argsort(rows, kind="stable"), axis=0)
            rows = own[:, 1]
        row_ptr = np.zeros(domain_size + 1, dtype=np.uint64)
        row_ptr[1:] = np.cumsum(np.bincount(rows, minlength=domain_size))
        try:
            doubled = FrVec.from_raw(own[:, 3:].tobytes())
        except EncodingError as error:
            raise EncodingError(f"{where}: matrix {'AB'[which]}: coefficient {error}") from error
        once = SparseMatrix.from_values(row_ptr, own[:, 2].astype(np.uint32), doubled, n_wires)
        pool = once.pool.scale(pow(_R, -1, FR_MODULUS))
        matrices.append(SparseMatrix(once.row_ptr, once.wire, once.coefficient, pool, n_wires))
    return matrices


def _encode_matrices(a: SparseMatrix, b: SparseMatrix) -> list[Buffer]:
    """Section 4: for each row its terms of A, then those of B."""
    rows = np.concatenate((a.rows(), b.rows()))
    matrix = np.repeat(np.arange(2, dtype=np.uint32), (a.nnz, b.nnz))
    order = np.lexsort((matrix, rows))
    terms = np.empty(len(rows), dtype=_TERM)
    terms["matrix"] = matrix[order]
    terms["row"] = rows[order]
    terms["wire"] = np.concatenate((a.wire, b.wire))[order]
    terms["value"] = np.concatenate((_doubled(a), _doubled(b)))[order]
    return [struct.pack("<I", len(terms)), terms.tobytes()]


def _doubled(m: SparseMatrix) -> npt.NDArray[np.uint64]:
    """The value of each entry in Montgomery form twice over. Shapes: (nnz, 4) limbs."""
    raw = np.frombuffer(m.pool.scale(_R).raw(), dtype="<u8").reshape(-1, 4)
    limbs: npt.NDArray[np.uint64] = raw[m.coefficient]
    return limbs


def encode(key: ProvingKey) -> list[Buffer]:
    """The chunks of the `.zkey` file; the private section 1001 comes last and only for an insecure key."""
    vk = key.vk
    q, r = (m.to_bytes(FR_BYTES, "little") for m in (FP_MODULUS, FR_MODULUS))
    fields = _FIELDS.pack(FR_BYTES, q, FR_BYTES, r, key.n_wires, key.n_public, key.domain_size)
    head = (vk.alpha, key.beta_1, vk.beta, vk.gamma, key.delta_1, vk.delta)
    sections: dict[int, list[Buffer]] = {
        1: [struct.pack("<I", MIRAGE if key.n_committed else GROTH16)],
        2: [fields, *(point.raw for point in head)],
        3: [point.raw for point in vk.ic],
        4: _encode_matrices(key.matrix_a, key.matrix_b),
        5: [key.points_a],
        6: [key.points_b1],
        7: [key.points_b2],
        8: [key.points_c],
        9: [key.points_h],
        10: [key.circuit_hash, key.contributions],
    }
    if key.committed_1 is not None and vk.delta_committed is not None:
        committed = _COMMITTED.pack(key.n_committed, key.committed_1.raw, vk.delta_committed.raw)
        sections[COMMITTED_SECTION] = [committed]
    if key.setup is SetupStatus.INSECURE:
        sections[SETUP_SECTION] = [_SETUP.pack(INSECURE, key.circuit or bytes(32))]
    return list(container.encode(MAGIC, VERSION, sections))


def read_zkey(path: Path, pin: str | None = None) -> ProvingKey:
    """The proving key in the file at `path`, mapped, not copied.

    With a `pin` the file must have that digest, and its points are then taken as checked when it was pinned.
    Errors: as `decode`; DisagreementError for another digest; EnvironmentFailure when it cannot be read.
    """
    content = container.map_file(path, SIZE_LIMIT)
    if pin is None:
        return decode(content, str(path))
    found = hashlib.sha256(content).hexdigest()
    if found != pin:
        raise DisagreementError(f"{path}: SHA-256 is {found}, the pinned one {pin}")
    return decode(content, str(path), check_points=False)


def file_pin(path: Path) -> str:
    """The `pin` of `read_zkey`: the SHA-256 of a key file, in hex."""
    return hashlib.sha256(container.map_file(path, SIZE_LIMIT)).hexdigest()


def write_zkey(path: Path, key: ProvingKey) -> None:
    """Write a `.zkey` file, whole or not at all."""
    replace_file(path, encode(key))


def _check_points(section: memoryview, group: type[G1Vec | G2Vec], where: str) -> None:
    """Every point on its curve and in its subgroup; a few at a time, so that memory does not grow with the key."""
    width = G1_BYTES if group is G1Vec else G2_BYTES
    for start in range(0, len(section), _CHUNK_POINTS * width):
        try:
            group.from_raw(section[start : start + _CHUNK_POINTS * width])
        except EncodingError as error:
            raise EncodingError(f"{where}: counting from point {start // width}: {error}") from error


def _g1(section: memoryview, where: str) -> list[G1]:
    """Points of G1 that are not infinity."""
    vec = _decoded(G1Vec, section, where)
    return [G1.from_vec(vec, i) for i in range(len(vec))]


def _g2(section: memoryview, where: str) -> G2:
    """One point of G2 that is not infinity."""
    return G2.from_vec(_decoded(G2Vec, section, where))


def _decoded(group: type[Points], section: memoryview, where: str) -> Points:
    try:
        vec = group.from_raw(section)
    except EncodingError as error:
        raise EncodingError(f"{where}: {error}") from error
    width = len(section) // max(len(vec), 1)
    for i in range(len(vec)):
        if not any(section[i * width : (i + 1) * width]):
            raise EncodingError(f"{where}: point {i} is infinity")
    return vec

"""A `.wtns` file holds the whole witness of one proof, the secrets included.

Section 1: `n8` u32 = 32, `prime`[32] = r, `count` u32. Section 2: count scalars, 32 bytes each, little-endian, ordinary
form, in wire order; wire 0 is the constant 1. Written readable by the owner only.
"""

from __future__ import annotations

import struct
from pathlib import Path

from zkstate.atomic import PRIVATE_FILE, replace_file
from zkstate.errors import EncodingError, WitnessError
from zkstate.kernels import FR_BYTES, FR_MODULUS, FrVec
from zkstate.proof import container
from zkstate.proof.container import Buffer, Container

MAGIC, VERSION = b"wtns", 2
SIZE_LIMIT = 1 << 33
_HEADER = struct.Struct("<I32sI")


def decode(content: Buffer, name: str = "witness") -> FrVec:
    """The witness in a `.wtns` file. Errors: EncodingError, LengthError; WitnessError unless wire 0 is 1."""
    file = Container.decode(content, MAGIC, VERSION, name)
    n8, prime, count = _HEADER.unpack(file.get(1, "header", _HEADER.size))
    check_prime(n8, prime, FR_MODULUS, f"{name}: section 1 (header)")
    values = file.get(2, "values", count * FR_BYTES)
    try:
        witness = FrVec.from_le_bytes(values)
    except EncodingError as error:
        raise EncodingError(f"{name}: section 2 (values): {error}") from error
    if count == 0 or witness[0] != 1:
        raise WitnessError(f"{name}: section 2 (values): wire 0 is not the constant 1")
    return witness


def encode(witness: FrVec) -> list[Buffer]:
    """The chunks of the `.wtns` file of a witness."""
    header = _HEADER.pack(FR_BYTES, FR_MODULUS.to_bytes(FR_BYTES, "little"), len(witness))
    return list(container.encode(MAGIC, VERSION, {1: [header], 2: [witness.to_le_bytes()]}))


def read(path: Path) -> FrVec:
    """The witness in the file at `path`. Errors as `decode`, and EnvironmentFailure when it cannot be read."""
    return decode(container.map_file(path, SIZE_LIMIT), str(path))


def write(path: Path, witness: FrVec) -> None:
    """Write a witness for its owner's eyes only (mode 0600)."""
    replace_file(path, encode(witness), PRIVATE_FILE)


def check_prime(width: int, prime: bytes, expected: int, where: str) -> None:
    """Refuse a file over another field: `width` is its byte count, `prime` its little-endian modulus."""
    if width != FR_BYTES:
        raise EncodingError(f"{where}: field elements take {width} bytes, expected {FR_BYTES}")
    found = int.from_bytes(prime, "little")
    if found != expected:
        raise EncodingError(f"{where}: modulus is {found}, expected {expected} (BN254)")

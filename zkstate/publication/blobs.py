"""An epoch's published files in blobs of EIP-4844, and out of them again (docs/spec.md, section 6).

A scalar holds 31 bytes, its first byte zero, so every byte string can be packed, and nothing else reads as one. The
chain holds what a registry commits to: SHA-256 of how many blobs there are and of their versioned hashes. A blob is the
right one if its commitment hashes to its versioned hash; what is in it is checked as that of any mirror.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from zkstate.commitment.kzg import BLOB_BYTES, blob_to_commitment
from zkstate.errors import EncodingError, LengthError
from zkstate.publication.header import SIGNED_BYTES, SignedHeader
from zkstate.publication.layout import HEADER, MANIFEST
from zkstate.publication.manifest import MAX_MANIFEST_BYTES, Manifest
from zkstate.publication.regular import read_below

SCALAR_BYTES, PACKED_BYTES = 32, 31
BLOB_CONTENT = BLOB_BYTES // SCALAR_BYTES * PACKED_BYTES
MAX_BLOBS = 6  # of one transaction (EIP-7594)
VERSION_BYTE = b"\x01"
_MAGIC = b"zkstate blobs v1"
_LENGTH, _MANIFEST_LENGTH = 8, 4


def versioned_hash(commitment: bytes) -> bytes:
    """What a transaction holds of a blob: SHA-256 of its commitment, the first byte 1 (EIP-4844)."""
    return VERSION_BYTE + hashlib.sha256(commitment).digest()[1:]


def blob_hash(blob: bytes) -> bytes:
    """The versioned hash of a blob. LengthError or EncodingError if it is none."""
    return versioned_hash(blob_to_commitment(blob))


def encode_list(hashes: Sequence[bytes]) -> bytes:
    """How many blobs an epoch has, and their versioned hashes: what `blobs_root` is the hash of."""
    return len(hashes).to_bytes(32, "big") + b"".join(hashes)


def decode_list(data: bytes) -> tuple[bytes, ...]:
    """The versioned hashes of an epoch. EncodingError for anything that `encode_list` does not write."""
    count, rest = divmod(len(data) - 32, 32)
    hashes = tuple(data[at : at + 32] for at in range(32, len(data), 32))
    if rest or not 1 <= count <= MAX_BLOBS or int.from_bytes(data[:32], "big") != count:
        raise EncodingError(f"{len(data)} bytes are no list of 1 to {MAX_BLOBS} versioned hashes")
    for found in hashes:
        if found[:1] != VERSION_BYTE:
            raise EncodingError(f"versioned hash {found.hex()} is of version {found[0]}, not 1")
    return hashes


def blobs_root(hashes: Sequence[bytes]) -> bytes:
    """What the registry holds of the blobs of an epoch."""
    return hashlib.sha256(encode_list(hashes)).digest()


def pack_epoch(public: Path) -> list[bytes]:
    """The blobs that hold the public folder of an epoch. LengthError if it takes more than one transaction holds."""
    header, data = read_below(public, HEADER, SIGNED_BYTES), read_below(public, MANIFEST, MAX_MANIFEST_BYTES)
    manifest = Manifest.decode_under(data, SignedHeader.decode(header).header.data_root)
    size = SIGNED_BYTES + _MANIFEST_LENGTH + len(data) + sum(entry.size for entry in manifest.files)
    limit = MAX_BLOBS * BLOB_CONTENT - len(_MAGIC) - _LENGTH
    if size > limit:
        raise LengthError(f"{public} has {size} bytes with its manifest; {MAX_BLOBS} blobs hold {limit}")
    parts = [header, len(data).to_bytes(_MANIFEST_LENGTH, "big"), data]
    parts += [read_below(public, entry.path, entry.size) for entry in manifest.files]
    return pack(b"".join(parts))


def pack(content: bytes) -> list[bytes]:
    """The blobs that hold a byte string."""
    stream = _MAGIC + len(content).to_bytes(_LENGTH, "big") + content
    stream = stream.ljust(-(-len(stream) // BLOB_CONTENT) * BLOB_CONTENT, b"\0")
    scalars = [b"\0" + stream[at : at + PACKED_BYTES] for at in range(0, len(stream), PACKED_BYTES)]
    return [b"".join(scalars[at : at + 4096]) for at in range(0, len(scalars), 4096)]


def unpack(blobs: Sequence[bytes]) -> bytes:
    """What `pack` put into these blobs. LengthError or EncodingError for anything else."""
    if not 1 <= len(blobs) <= MAX_BLOBS:
        raise LengthError(f"{len(blobs)} blobs, wanted 1 to {MAX_BLOBS}")
    for i, blob in enumerate(blobs):
        if len(blob) != BLOB_BYTES:
            raise LengthError(f"blob {i} has {len(blob)} bytes, wanted {BLOB_BYTES}")
        if any(blob[::SCALAR_BYTES]):
            raise EncodingError(f"blob {i}: a scalar does not start with a zero byte")
    data = b"".join(blobs)
    stream = b"".join(data[at + 1 : at + SCALAR_BYTES] for at in range(0, len(data), SCALAR_BYTES))
    start = len(_MAGIC) + _LENGTH
    length = int.from_bytes(stream[len(_MAGIC) : start], "big")
    if stream[: len(_MAGIC)] != _MAGIC or not 0 <= len(stream) - start - length < BLOB_CONTENT:
        raise EncodingError(f"{len(blobs)} blobs do not hold the files of an epoch: length {length}")
    if any(stream[start + length :]):
        raise EncodingError(f"{len(blobs)} blobs hold something behind their {length} bytes")
    return stream[start : start + length]


def unpack_epoch(blobs: Sequence[bytes]) -> Mapping[str, bytes]:
    """The files in blobs by path. DisagreementError if the manifest is not the header's; nothing else is checked."""
    content = unpack(blobs)
    header, rest = content[:SIGNED_BYTES], content[SIGNED_BYTES:]
    end = _MANIFEST_LENGTH + int.from_bytes(rest[:_MANIFEST_LENGTH], "big")
    data = rest[_MANIFEST_LENGTH:end]
    manifest = Manifest.decode_under(data, SignedHeader.decode(header).header.data_root)
    files, at = {HEADER: header, MANIFEST: data}, end
    for entry in manifest.files:
        files[entry.path] = rest[at : at + entry.size]
        at += entry.size
    if at != len(rest):
        raise EncodingError(f"the files of the manifest have {at - end} bytes, and the blobs hold {len(rest) - end}")
    return files


def list_path(root: bytes) -> str:
    """Where an archive keeps the list that hashes to a registry's word."""
    return f"blobs/{root.hex()}/list.bin"


def blob_path(found: bytes) -> str:
    """Where an archive keeps the blob of a versioned hash."""
    return f"blobs/{found.hex()}/blob.bin"


def commitment_path(found: bytes) -> str:
    """Where the commitment lies that cells of a blob are checked against."""
    return f"blobs/{found.hex()}/commitment.bin"


def cell_path(found: bytes, cell: int) -> str:
    """Where a cell of a blob lies, its proof behind it."""
    return f"blobs/{found.hex()}/cells/{cell:03d}.bin"

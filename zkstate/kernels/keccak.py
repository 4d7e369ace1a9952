"""Keccak-256 as Ethereum uses it, which is not the SHA3-256 of hashlib."""

from __future__ import annotations

from zkstate.kernels.seam import ffi, lib

KECCAK_BYTES = 32


def keccak256(data: bytes | bytearray | memoryview) -> bytes:
    """The 32-byte digest. Source: Keccak submission 2011, capacity 512, padding 0x01."""
    out, array = ffi.new("uint8_t[]", KECCAK_BYTES), ffi.from_buffer("uint8_t[]", data)
    lib.zkn_keccak256(out, array, len(array))
    return bytes(ffi.buffer(out))

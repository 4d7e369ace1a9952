"""BLAKE2b-512 continued from the middle, which `hashlib` cannot: a `.ptau` keeps the state of each response's hash.

The state of 216 bytes: a block of 128 with what is not hashed yet, eight words h, the number of bytes hashed, the
number of bytes in the block, eight zero bytes; words are 64 bits, little-endian. Source: RFC 7693, section 3.
"""

from __future__ import annotations

import struct

from zkstate.errors import EncodingError, LengthError

STATE_BYTES, BLOCK_BYTES = 216, 128
_MASK = (1 << 64) - 1
_STATE = struct.Struct("<128s8QQQQ")
# The first 64 bits of the fractions of the square roots of the first eight primes (section 2.6).
_IV = (
    0x6A09E667F3BCC908, 0xBB67AE8584CAA73B, 0x3C6EF372FE94F82B, 0xA54FF53A5F1D36F1,
    0x510E527FADE682D1, 0x9B05688C2B3E6C1F, 0x1F83D9ABFB41BD6B, 0x5BE0CD19137E2179,
)  # fmt: skip
_SIGMA = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
    (14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3),
    (11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4),
    (7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8),
    (9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13),
    (2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9),
    (12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11),
    (13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10),
    (6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5),
    (10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0),
)
_LANES = (
    (0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
    (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14),
)  # fmt: skip


def finished(state: bytes, rest: bytes, where: str) -> bytes:
    """The digest of what `state` has seen followed by `rest`. Errors: LengthError, EncodingError, named `where`."""
    if len(state) != STATE_BYTES:
        raise LengthError(f"{where}: a hash state of {len(state)} bytes, expected {STATE_BYTES}")
    block, *words = _STATE.unpack(state)
    h, hashed, held = words[:8], words[8], words[9]
    if held > BLOCK_BYTES or hashed % BLOCK_BYTES or hashed > 1 << 60:
        raise EncodingError(f"{where}: a hash state with {hashed} bytes hashed and {held} waiting is none of BLAKE2b")
    message = block[:held] + rest
    last = max(0, (len(message) - 1) // BLOCK_BYTES * BLOCK_BYTES)
    for at in range(0, last, BLOCK_BYTES):
        hashed += BLOCK_BYTES
        h = _compress(h, message[at : at + BLOCK_BYTES], hashed, final=False)
    tail = message[last:]
    return struct.pack("<8Q", *_compress(h, tail.ljust(BLOCK_BYTES, b"\0"), hashed + len(tail), final=True))


def _compress(h: list[int], block: bytes, count: int, *, final: bool) -> list[int]:
    m = struct.unpack("<16Q", block)
    v = [*h, *_IV]
    v[12] ^= count & _MASK
    v[13] ^= count >> 64
    if final:
        v[14] ^= _MASK
    for step in range(12):
        order = _SIGMA[step % 10]
        for lane, (a, b, c, d) in enumerate(_LANES):
            for word, first, second in ((m[order[2 * lane]], 32, 24), (m[order[2 * lane + 1]], 16, 63)):
                v[a] = (v[a] + v[b] + word) & _MASK
                v[d] = _right(v[d] ^ v[a], first)
                v[c] = (v[c] + v[d]) & _MASK
                v[b] = _right(v[b] ^ v[c], second)
    return [x ^ y ^ z for x, y, z in zip(h, v[:8], v[8:], strict=True)]


def _right(word: int, by: int) -> int:
    return (word >> by | word << (64 - by)) & _MASK

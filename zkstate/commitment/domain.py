"""Domain tags: each use of Poseidon has its own capacity word, so no value hashes alike in two roles."""

from __future__ import annotations

from zkstate.errors import EncodingError

PREFIX = b"zkstate:"
MAX_NAME_BYTES = 31 - len(PREFIX)


def tag(name: str) -> int:
    """T(name): the big-endian integer of ASCII `zkstate:` and the name (docs/spec.md §1).

    A name is 1 to 23 printable ASCII characters, so that the tag is below 2^248 and no two names share one.
    Errors: EncodingError.
    """
    if not (name.isascii() and name.isprintable() and 1 <= len(name) <= MAX_NAME_BYTES):
        raise EncodingError(f"domain name {name!r}: wanted 1 to {MAX_NAME_BYTES} printable ASCII characters")
    return int.from_bytes(PREFIX + name.encode("ascii"), "big")

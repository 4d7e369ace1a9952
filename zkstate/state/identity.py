"""The account key: 32 secret bytes, from which an account's owner commitment and view key follow (docs/spec.md §4)."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray

from zkstate import kernels
from zkstate.atomic import PRIVATE_FILE, create_file, disk_errors, remove_partials
from zkstate.commitment import domain
from zkstate.errors import EncodingError, EnvironmentFailure, LengthError, MissingError
from zkstate.state.commit import owner_commitment

KEY_BYTES = 32
_OWNER_INFO = b"zkstate owner v1"
_VIEW_INFO = b"zkstate view v1"
_ISSUED_INFO = b"zkstate issued key v1"
_ISSUER_INFO = b"zkstate issuer v1"
_FILE_LIMIT = 256


def _hkdf(secret: bytes, info: bytes, length: int) -> bytes:
    """HKDF-SHA256 with empty salt (RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=info).derive(secret)


def _checked(seed: bytes, what: str) -> bytes:
    if len(seed) != KEY_BYTES:
        raise LengthError(f"{what} has {len(seed)} bytes, not {KEY_BYTES}")
    return bytes(seed)


@dataclass(frozen=True, slots=True)
class AccountKey:
    """An account's secret; `repr`, equality messages and errors never show it."""

    seed: bytes

    def __post_init__(self) -> None:
        _checked(self.seed, "an account key")

    def __repr__(self) -> str:
        return "AccountKey(hidden)"

    @property
    def owner_secret(self) -> int:
        """The field element that statements prove knowledge of."""
        return int.from_bytes(_hkdf(self.seed, _OWNER_INFO, 48)) % kernels.FR_MODULUS

    @property
    def owner(self) -> int:
        """The commitment in the account's leaf: P(T("owner"); owner_secret)."""
        return owner_commitment(self.owner_secret)

    def view_private(self) -> X25519PrivateKey:
        """The key that finds and decrypts the account's records."""
        return X25519PrivateKey.from_private_bytes(_hkdf(self.seed, _VIEW_INFO, 32))

    @property
    def view_public(self) -> bytes:
        """The 32-byte view key the venue encrypts to."""
        return self.view_private().public_key().public_bytes_raw()

    @classmethod
    def generate(cls) -> AccountKey:
        """A fresh key from the operating system's randomness."""
        return cls(os.urandom(KEY_BYTES))

    @classmethod
    def read(cls, path: Path) -> AccountKey:
        """The key of a file of one line of 64 hex digits that only its owner can read.

        MissingError if there is no file, EnvironmentFailure if others may read it, EncodingError if it holds anything
        else.
        """
        return cls(read_secret(path, "account key"))

    def write(self, path: Path) -> None:
        """Create the key file, mode 0600; EnvironmentFailure if something is there already."""
        write_secret(path, self.seed, "account key")


def read_secret(path: Path, what: str) -> bytes:
    """32 bytes from a file of one hex line with no group or world permission; errors as AccountKey.read."""
    line = read_private(path, _FILE_LIMIT, f"{what} file").removesuffix(b"\n").removesuffix(b"\r")
    if len(line) != 2 * KEY_BYTES or line.strip(b"0123456789abcdefABCDEF"):
        raise EncodingError(f"{what} file {path} is not one line of {2 * KEY_BYTES} hex digits")
    return bytes.fromhex(line.decode())


def read_private(path: Path, limit: int, what: str) -> bytes:
    """At most `limit` + 1 bytes of a file that only its owner can read; one more than `limit` says it is too long.

    MissingError if there is no file, EnvironmentFailure if others may read it or it is no regular file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        raise MissingError(f"{what} {path} does not exist") from None
    except OSError as error:
        raise EnvironmentFailure(f"{what} {path} cannot be opened: {error.strerror}") from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise EnvironmentFailure(f"{what} {path} is not a regular file")
        if status.st_mode & 0o077:
            mode = stat.S_IMODE(status.st_mode)
            raise EnvironmentFailure(f"{what} {path} has mode {mode:04o}: others can read it; run chmod 600 {path}")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(limit + 1)
    finally:
        os.close(descriptor)


def write_secret(path: Path, secret: bytes, what: str) -> None:
    """Write 32 bytes as one hex line to a new file of mode 0600, whole or not at all."""
    _checked(secret, what)
    create_file(path, secret.hex().encode() + b"\n", PRIVATE_FILE, f"{what} file")


def kept_secret(path: Path, what: str, make: Callable[[], bytes]) -> bytes:
    """The 32 bytes of a secret file, which is made now if there is none; errors as `read_secret`.

    Whatever a writer that was killed left of it is removed.
    """
    if os.path.lexists(path):
        with disk_errors(f"{what} file {path} cannot be used"):
            remove_partials(path)
    else:
        write_secret(path, make(), what)
    return read_secret(path, what)


def issued_key(master: bytes, name: str) -> AccountKey:
    """The key a venue issues to an account that brought none: HKDF(master, "zkstate issued key v1" then the name)."""
    _checked(master, "an operator master key")
    return AccountKey(_hkdf(master, _ISSUED_INFO + name.encode(), KEY_BYTES))


def issuer_id(master: bytes) -> bytes:
    """32 bytes that stand for a master key where what it issued is kept."""
    return _hkdf(_checked(master, "an operator master key"), _ISSUER_INFO, 32)


def issue_public_keys(master: bytes, names: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Owners and view keys of the issued keys of many accounts, two (n, 32) byte arrays.

    About 13 accounts a millisecond, most of it X25519; the owner hashes run in the core.
    """
    _checked(master, "an operator master key")
    keys = [issued_key(master, name) for name in names]
    secrets = kernels.FrVec.from_bytes(b"".join(key.owner_secret.to_bytes(32) for key in keys))
    owners = kernels.poseidon_many(domain.tag("owner"), secrets, 1).to_bytes()
    views = b"".join(key.view_public for key in keys)
    shape = (len(names), 32)
    return np.frombuffer(owners, np.uint8).reshape(shape), np.frombuffer(views, np.uint8).reshape(shape)

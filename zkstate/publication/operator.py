"""The venue's own secrets: the key that signs headers, and the master key that issues account keys."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from zkstate.atomic import PRIVATE_FOLDER, new_folder
from zkstate.errors import EnvironmentFailure, LengthError, MissingError
from zkstate.state.identity import KEY_BYTES, AccountKey, issued_key, read_secret, write_secret

SIGNING_FILE = "signing.key"
ISSUING_FILE = "issuing.key"


@dataclass(frozen=True, slots=True)
class Operator:
    """Two independent 32-byte secrets. Its repr shows the public key alone."""

    signing_seed: bytes = field(repr=False)
    issuing_master: bytes = field(repr=False)

    def __post_init__(self) -> None:
        for what, secret in (("signing key", self.signing_seed), ("issuing key", self.issuing_master)):
            if len(secret) != KEY_BYTES:
                raise LengthError(f"an operator's {what} has {len(secret)} bytes, not {KEY_BYTES}")

    def __repr__(self) -> str:
        return f"Operator({self.public_key.hex()})"

    @property
    def signing_key(self) -> Ed25519PrivateKey:
        """The Ed25519 key that signs headers."""
        return Ed25519PrivateKey.from_private_bytes(self.signing_seed)

    @property
    def public_key(self) -> bytes:
        """`operator_key` of every header this operator signs."""
        return self.signing_key.public_key().public_bytes_raw()

    def account_key(self, name: str) -> AccountKey:
        """The key issued to the account of that name, where the account brought none of its own."""
        return issued_key(self.issuing_master, name)

    @classmethod
    def generate(cls) -> Operator:
        """Fresh secrets from the operating system's randomness."""
        return cls(os.urandom(KEY_BYTES), os.urandom(KEY_BYTES))

    @classmethod
    def read(cls, folder: Path) -> Operator:
        """The operator whose two key files lie in `folder`. Errors as `identity.read_secret`."""
        return cls(
            read_secret(folder / SIGNING_FILE, "operator signing key"),
            read_secret(folder / ISSUING_FILE, "operator issuing key"),
        )

    def write(self, folder: Path) -> None:
        """Create both key files, mode 0600, in a new folder of mode 0700, all or nothing; or in one that is there.

        Existing files are never replaced.
        """
        if folder.is_dir():
            self._write_into(folder)
            return
        with new_folder(folder) as unfinished:
            unfinished.chmod(PRIVATE_FOLDER)
            self._write_into(unfinished)

    def _write_into(self, folder: Path) -> None:
        write_secret(folder / ISSUING_FILE, self.issuing_master, "operator issuing key")
        write_secret(folder / SIGNING_FILE, self.signing_seed, "operator signing key")

    @classmethod
    def read_or_create(cls, folder: Path) -> Operator:
        """The operator of a folder, made now if the folder has no key file at all."""
        try:
            return cls.read(folder)
        except MissingError as error:
            if left := [name for name in (SIGNING_FILE, ISSUING_FILE) if (folder / name).exists()]:
                raise EnvironmentFailure(
                    f"{error}, and {folder / left[0]} does: restore it from your copy, or name a new operator folder"
                ) from None
        operator = cls.generate()
        operator.write(folder)
        return operator

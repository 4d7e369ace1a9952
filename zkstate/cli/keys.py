"""Account keys, passphrases and shares from files that the user named."""

from __future__ import annotations

import re
import sys
from getpass import getpass
from pathlib import Path

from zkstate.backup.sealed import MAX_PASSPHRASE, Kind, check_passphrase, is_sealed, unseal
from zkstate.backup.shares import SHARE_LIMIT
from zkstate.backup.wallet import SIGNATURE_BYTES
from zkstate.errors import EncodingError, InputError, LengthError
from zkstate.state.identity import AccountKey, read_private

KEY_FILE_LIMIT = 1 << 12
TYPED = Path("-")
"""Where a file of a passphrase is asked for: the terminal, without showing it, or standard input."""


def read_key(path: Path, unlock: Path | None) -> AccountKey:
    """An account key, in the clear or sealed, then with the passphrase of the file `unlock`."""
    data = read_private(path, KEY_FILE_LIMIT, "account key file")
    if not is_sealed(data):
        if unlock is not None:
            raise InputError(f"{path} is not sealed: leave --unlock out")
        return AccountKey.read(path)
    if unlock is None:
        raise InputError(f"{path} is sealed: give its passphrase with --unlock FILE, or --unlock - to type it")
    return AccountKey(unseal(Kind.ACCOUNT_KEY, data, read_passphrase(unlock, f"passphrase of {path}"), str(path)))


def new_passphrase(path: Path) -> bytes:
    """A passphrase for what is about to be locked: long enough, and typed twice. InputError if the two differ."""
    passphrase = check_passphrase(read_passphrase(path, "new passphrase"))
    if path == TYPED and sys.stdin.isatty() and getpass("new passphrase again: ").encode() != passphrase:
        raise InputError("the two passphrases differ, and nothing was locked: type the same one twice")
    return passphrase


def read_passphrase(path: Path, prompt: str = "passphrase") -> bytes:
    """One line of a file that only its owner can read, or typed."""
    if path == TYPED:
        typed = sys.stdin.isatty()
        line = getpass(f"{prompt}: ").encode() if typed else sys.stdin.buffer.readline(MAX_PASSPHRASE + 2)
    else:
        line = read_private(path, MAX_PASSPHRASE + 2, "passphrase file")
    line = line.removesuffix(b"\n").removesuffix(b"\r")
    if len(line) > MAX_PASSPHRASE or b"\n" in line:
        raise LengthError(f"the passphrase in {path} is not one line of at most {MAX_PASSPHRASE} bytes")
    return line


def read_share(path: Path) -> str:
    """The words of a share."""
    data = read_private(path, SHARE_LIMIT, "share file")
    try:
        return data.decode("ascii")
    except UnicodeDecodeError:
        raise EncodingError(f"share file {path} is not ASCII text") from None


def read_signature(path: Path) -> bytes:
    """A wallet's signature, one line of hexadecimal. The file is as secret as the key that follows from it."""
    line = read_private(path, 2 * SIGNATURE_BYTES + 4, "signature file").strip().removeprefix(b"0x")
    if not re.fullmatch(rb"[0-9a-fA-F]{%d}" % (2 * SIGNATURE_BYTES), line):
        raise EncodingError(f"signature file {path} is not one line of {2 * SIGNATURE_BYTES} hex digits")
    return bytes.fromhex(line.decode())

"""Shares of an account key among guardians, as SLIP-39 mnemonics that any wallet of that standard reads.

The arithmetic is that of `shamir-mnemonic`, the reference implementation, not hardened against who measures its
time on the same machine. Shares of one splitting work together and with no others: splitting again replaces guardians
without changing the account, and does not make old shares worthless to who still holds enough of them.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Protocol

from zkstate.errors import DisagreementError, EncodingError, EnvironmentFailure, InputError, LengthError
from zkstate.state.identity import KEY_BYTES, AccountKey

MAX_MEMBERS = 16
SHARE_LIMIT = 4096
MAX_EXPONENT = 10  # of a share's key stretching: 10,000 · 2^10 rounds are some ten seconds
_PRINTABLE = re.compile(rb"[ -~]*")


class _Share(Protocol):
    """What is used of `shamir_mnemonic.Share`."""

    group_index: int
    group_threshold: int
    index: int
    member_threshold: int
    iteration_exponent: int
    value: bytes

    def common_parameters(self) -> tuple[int, ...]: ...

    def mnemonic(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Group:
    """`needed` of `members` shares speak for the group. InputError for numbers that SLIP-39 does not allow."""

    needed: int
    members: int

    def __post_init__(self) -> None:
        if not 1 <= self.needed <= self.members <= MAX_MEMBERS:
            raise InputError(f"a group of {self.needed} of {self.members}: 1 to {MAX_MEMBERS} members, no more needed")
        if self.needed == 1 < self.members:
            raise InputError(
                f"a group of 1 of {self.members} is one share copied {self.members} times: make it 1of1 and copy it"
            )


def split(key: AccountKey, groups: Sequence[Group], groups_needed: int, passphrase: bytes = b"") -> list[list[str]]:
    """Fresh mnemonics, a list per group. `groups_needed` groups together give the key.

    A passphrase is part of the secret, and nothing tells whether it is right: another one gives another key. InputError
    for one that is not printable ASCII, or for groups that cannot be.
    """
    if not 1 <= groups_needed <= len(groups) <= MAX_MEMBERS:
        raise InputError(f"{groups_needed} of {len(groups)} groups: 1 to {MAX_MEMBERS} groups, no more needed")
    made = _slip39().generate_mnemonics(
        groups_needed, [(group.needed, group.members) for group in groups], key.seed, _ascii(passphrase)
    )
    return [list(members) for members in made]


def join(shares: Mapping[str, str], passphrase: bytes = b"") -> AccountKey:
    """The key that these mnemonics, by name, were split from; more than enough is no error.

    Errors as `recover_secret`.
    """
    secret = recover_secret(shares, passphrase)
    if len(secret) != KEY_BYTES:
        raise LengthError(f"these shares are of a secret of {len(secret)} bytes, an account key has {KEY_BYTES}")
    return AccountKey(secret)


def recover_secret(shares: Mapping[str, str], passphrase: bytes = b"") -> bytes:
    """The secret of enough SLIP-39 mnemonics of one splitting. Messages never hold a word of a share.

    EncodingError for one that is no mnemonic, DisagreementError for shares of different splittings or that contradict
    each other, LengthError if there are too few: it says how many of which group.
    """
    slip39 = _slip39()
    parsed = {name: _parse(slip39, name, text) for name, text in shares.items()}
    if not parsed:
        raise LengthError("no share is given")
    (first, share), *others = parsed.items()
    for name, other in others:
        if other.common_parameters() != share.common_parameters():
            raise DisagreementError(f"shares {first} and {name} are of different splittings, and never work together")
    enough: dict[int, list[_Share]] = {}
    missing = []
    for index in sorted({one.group_index for one in parsed.values()}):
        members = _members(index, parsed)
        needed = next(iter(members.values())).member_threshold
        if len(members) < needed:
            missing.append(f"group {index + 1} has {len(members)} of the {needed} shares it needs")
        elif len(enough) < share.group_threshold:
            enough[index] = [members[number] for number in sorted(members)[:needed]]
    if len(enough) < share.group_threshold:
        have = f"{len(enough)} of the {share.group_threshold} groups needed are complete"
        raise LengthError("; ".join(["too few shares: " + have, *missing]))
    try:
        groups = slip39.decode_mnemonics(one.mnemonic() for members in enough.values() for one in members)
        encrypted = slip39.recover_ems(groups)
    except slip39.MnemonicError:
        raise DisagreementError("these shares contradict each other: at least one is not of this splitting") from None
    secret: bytes = encrypted.decrypt(_ascii(passphrase))
    return secret


def _members(index: int, parsed: Mapping[str, _Share]) -> dict[int, _Share]:
    """The different members of a group. DisagreementError for two that cannot be of one group."""
    members: dict[int, tuple[str, _Share]] = {}
    for name, share in parsed.items():
        if share.group_index != index:
            continue
        for other_name, other in members.values():
            differ = other.index == share.index and other.value != share.value
            shapes = {(one.member_threshold, len(one.value)) for one in (other, share)}
            if differ or len(shapes) > 1:
                raise DisagreementError(f"shares {other_name} and {name} contradict each other")
        members[share.index] = (name, share)
    return {number: share for number, (_, share) in members.items()}


def _parse(slip39: ModuleType, name: str, text: str) -> _Share:
    if len(text) > SHARE_LIMIT:
        raise EncodingError(f"share {name} has {len(text)} characters, a mnemonic at most {SHARE_LIMIT}")
    try:
        share: _Share = slip39.Share.from_mnemonic(text)
    except (slip39.MnemonicError, ValueError):
        raise EncodingError(f"share {name} is not a SLIP-39 mnemonic: a word is wrong, missing or misplaced") from None
    if share.iteration_exponent > MAX_EXPONENT:
        raise InputError(f"share {name} asks for 10000 · 2^{share.iteration_exponent} rounds, 2^{MAX_EXPONENT} at most")
    return share


def _ascii(passphrase: bytes) -> bytes:
    if not _PRINTABLE.fullmatch(passphrase):
        raise InputError("a passphrase of shares is printable ASCII (SLIP-39)")
    return passphrase


def _slip39() -> ModuleType:
    try:
        return importlib.import_module("shamir_mnemonic")
    except ImportError:
        raise EnvironmentFailure("shares need the package shamir-mnemonic: pip install 'zkstate[backup]'") from None

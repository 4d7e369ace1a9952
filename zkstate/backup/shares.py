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
from itertools import combinations, islice, product
from types import ModuleType
from typing import Protocol

from zkstate.errors import DisagreementError, EncodingError, EnvironmentFailure, InputError, LengthError
from zkstate.state.identity import KEY_BYTES, AccountKey

MAX_MEMBERS = 16
SHARE_LIMIT = 4096
MAX_CHOICES = 5_000  # of shares to try when some are wrong; a millisecond each
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


class _Encrypted(Protocol):
    """What is used of `shamir_mnemonic.EncryptedMasterSecret`."""

    def decrypt(self, passphrase: bytes) -> bytes: ...


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
    complete: dict[int, dict[int, _Share]] = {}
    missing = []
    for index in sorted({one.group_index for one in parsed.values()}):
        members = _members(index, parsed)
        needed = next(iter(members.values())).member_threshold
        if len(members) < needed:
            missing.append(f"group {index + 1} has {len(members)} of the {needed} shares it needs")
        else:
            complete[index] = members
    if len(complete) < share.group_threshold:
        have = f"{len(complete)} of the {share.group_threshold} groups needed are complete"
        raise LengthError("; ".join(["too few shares: " + have, *missing]))
    encrypted = _first_that_agrees(slip39, complete, share.group_threshold)
    return encrypted.decrypt(_ascii(passphrase))


def _first_that_agrees(slip39: ModuleType, complete: Mapping[int, Mapping[int, _Share]], groups: int) -> _Encrypted:
    """The secret of the first choice of groups and members that agree: more shares than needed outvote a wrong one.

    DisagreementError if none does, or after MAX_CHOICES.
    """
    per_group = [
        list(combinations(members.values(), next(iter(members.values())).member_threshold))
        for members in complete.values()
    ]
    choices = (choice for chosen in combinations(per_group, groups) for choice in product(*chosen))
    for choice in islice(choices, MAX_CHOICES):
        try:
            decoded = slip39.decode_mnemonics(one.mnemonic() for members in choice for one in members)
            encrypted: _Encrypted = slip39.recover_ems(decoded)
        except slip39.MnemonicError:
            continue
        return encrypted
    raise DisagreementError("these shares contradict each other: at least one is not of this splitting")


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

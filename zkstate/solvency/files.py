"""The files of a solvency proof, below solvency/ beside the published part of an epoch (docs/spec.md, section 13).

solvency.json says what is claimed and is written last; classes.bin and bounds.bin have a byte and 31 bytes for each
leaf; batches/<class>/<number, 6 digits>.bin; and, for Groth16, keys/<class>.json is the verification key of a class.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from zkstate import nesting
from zkstate.errors import EncodingError, LengthError
from zkstate.kernels import FR_BYTES, FR_MODULUS
from zkstate.publication.header import Header
from zkstate.publication.regular import read_below
from zkstate.solvency.classes import RULES, class_name, rows_of, rule_of
from zkstate.state.decimals import render
from zkstate.state.schema import PORTFOLIO

SOLVENCY = STATEMENT = "solvency"
SHORTFALL_DECIMALS, PROFIT_DECIMALS = 22, 16
VERSION = 2
MOST_PROFIT = 1 << 167  # 2^32 accounts of 64 rows of less than 2^129 each
CLAIM, CLASSES, BOUNDS, KEYS, BATCHES = "solvency.json", "classes.bin", "bounds.bin", "keys", "batches"
SYSTEMS = ("transparent", "groth16", "mirage")
KEYED = ("groth16", "mirage")  # with a verification key for each class
MAGIC = b"zkstate batch v1"
_HEAD = len(MAGIC) + 2 * FR_BYTES
MAX_CLAIM_BYTES, MAX_KEY_BYTES = 1 << 16, 1 << 16

_Digest = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
_Natural = Annotated[str, msgspec.Meta(pattern=r"\A(0|[1-9][0-9]{0,76})\Z")]
_Integer = Annotated[str, msgspec.Meta(pattern=r"\A(0|-?[1-9][0-9]{0,50})\Z")]


class _Versioned(msgspec.Struct, frozen=True):
    """What is read first of a claim, whatever else it has."""

    version: int


class ClassSize(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How many accounts a batch of a class has room for; the rule is left out where it is that of the tiers."""

    rows: Annotated[int, msgspec.Meta(ge=0, lt=PORTFOLIO)]
    accounts: int
    rule: Literal["tiers", "portfolio"] = "tiers"

    @property
    def kind(self) -> int:
        return self.rows + PORTFOLIO * RULES.index(self.rule)


class Claim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`solvency.json`: what the batches show together, and how they are cut.

    `shortfall` in 10^-22 quote; `profit` in 10^-16 quote, what market rows have gained, negative if they have lost.
    """

    kind: Literal["zkstate solvency"]
    version: Literal[2]
    header_hash: _Digest
    system: Literal["transparent", "groth16", "mirage"]
    classes: Annotated[list[ClassSize], msgspec.Meta(min_length=1, max_length=8)]
    unhealthy: Annotated[int, msgspec.Meta(ge=0, lt=1 << 32)]
    shortfall: _Natural
    profit: _Integer

    @property
    def sizes(self) -> dict[int, int]:
        return {each.kind: each.accounts for each in self.classes}

    def encode(self) -> bytes:
        return msgspec.json.encode(self)

    @classmethod
    def decode(cls, content: bytes) -> Claim:
        """Read a claim. EncodingError for anything but its one encoding."""
        nesting.check(content, CLAIM)
        try:
            version = msgspec.json.decode(content, type=_Versioned).version
            if version < VERSION:
                missing = "it says nothing of what is owed through positions; the epoch has to be proved again"
                raise EncodingError(f"{CLAIM} has version {version}, not {VERSION}: {missing}")
            claim = msgspec.json.decode(content, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise EncodingError(f"{CLAIM}: {error}") from error
        if claim.encode() != content or len(claim.sizes) != len(claim.classes):
            raise EncodingError(f"{CLAIM} is not in its canonical form")
        if int(claim.shortfall) >= FR_MODULUS:
            raise EncodingError(f"{CLAIM}: a shortfall of {claim.shortfall} is no sum of accounts")
        if abs(int(claim.profit)) >= MOST_PROFIT:
            raise EncodingError(f"{CLAIM}: a profit of {claim.profit} is no sum of accounts")
        return claim

    @classmethod
    def of(
        cls, header: Header, system: str, sizes: dict[int, int], unhealthy: int, shortfall: int, profit: int
    ) -> Claim:
        """What a prover states of an epoch."""
        content = {
            "kind": "zkstate solvency",
            "version": VERSION,
            "header_hash": header.hash.hex(),
            "system": system,
            "classes": [
                {"rows": rows_of(kind), "accounts": accounts, "rule": rule_of(kind)} for kind, accounts in sizes.items()
            ],
            "unhealthy": unhealthy,
            "shortfall": str(shortfall),
            "profit": str(profit),
        }
        return msgspec.convert(content, cls)


def health_text(claim: Claim) -> str:
    """How many are unhealthy and what they lack, in words."""
    lacking = render(int(claim.shortfall), SHORTFALL_DECIMALS)
    return f"{claim.unhealthy:,} accounts, which lack {lacking} quote together"


def profit_text(claim: Claim) -> str:
    """What customers are owed through positions, in words."""
    profit = int(claim.profit)
    owed = f"customers {'owe' if profit < 0 else 'are owed'} {render(abs(profit), PROFIT_DECIMALS)} quote net"
    return f"{owed}: profit not realised and isolated collateral, gains less losses"


def rules_text(accounts: int, by_portfolio: int) -> str:
    """How many accounts each rule judges, in words."""
    return f"tiers: {accounts - by_portfolio:,} accounts; the portfolio rule: {by_portfolio:,}"


@dataclass(frozen=True, slots=True)
class BatchFile:
    """The commitments to the sums before and after a batch, and its proof, as its system writes it."""

    before: int
    after: int
    proof: bytes

    def encode(self) -> bytes:
        return MAGIC + self.before.to_bytes(FR_BYTES) + self.after.to_bytes(FR_BYTES) + self.proof

    @classmethod
    def decode(cls, content: bytes, name: str) -> BatchFile:
        """Read a file. Errors: EncodingError, LengthError; the proof is not looked at."""
        if len(content) < _HEAD:
            raise LengthError(f"{name}: {len(content)} bytes, and the head alone has {_HEAD}")
        if not content.startswith(MAGIC):
            raise EncodingError(f"{name} is no batch of a solvency proof")
        before, after = (int.from_bytes(content[at : at + FR_BYTES]) for at in range(len(MAGIC), _HEAD, FR_BYTES))
        if max(before, after) >= FR_MODULUS:
            raise EncodingError(f"{name}: a commitment is not below the field's modulus")
        return cls(before, after, content[_HEAD:])


def batch_path(kind: int, number: int) -> str:
    """Where a batch is, below the folder of the proof."""
    return f"{BATCHES}/{class_name(kind)}/{number:06d}.bin"


def key_path(kind: int) -> str:
    """Where the verification key of a class is, below the folder of the proof."""
    return f"{KEYS}/{class_name(kind)}.json"


def read_batch(folder: Path, kind: int, number: int, proof_bytes: int) -> BatchFile:
    """A batch file whose proof has at most so many bytes. Errors: MissingError, SourceError, as `BatchFile.decode`."""
    path = batch_path(kind, number)
    return BatchFile.decode(read_below(folder, path, _HEAD + proof_bytes), path)

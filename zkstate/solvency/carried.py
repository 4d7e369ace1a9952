"""Which files of a solvency proof are published, and how large each can be."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from zkstate.errors import DisagreementError, EncodingError, LengthError
from zkstate.proof.transparent import proof_file
from zkstate.publication.header import Header
from zkstate.publication.regular import read_below
from zkstate.solvency.classes import check_rules
from zkstate.solvency.files import (
    BATCHES,
    BOUNDS,
    CLAIM,
    CLASSES,
    KEYED,
    KEYS,
    MAX_CLAIM_BYTES,
    MAX_KEY_BYTES,
    Claim,
    batch_path,
    key_path,
)
from zkstate.solvency.plan import BOUND_BYTES, LAYOUTS, Plan

_BATCH, _KEY = re.compile(rf"{BATCHES}/\d{{1,2}}p?/\d{{6,9}}\.bin"), re.compile(rf"{KEYS}/\d{{1,2}}p?\.json")
_HEAD_BYTES = 1 << 10  # more than what stands before a batch's proof
_LEAST_TOTAL, _ACCOUNT_TOTAL = 64 << 20, 256 << 10  # two accounts of 64 rows in a batch take 451 KB under 4,096 entries


def most_bytes(path: str, header: Header) -> int:
    """The limit of a file of an epoch's solvency proof, of all for "". EncodingError for a path that no proof has."""
    if not path:
        return _LEAST_TOTAL + _ACCOUNT_TOTAL * header.account_count
    exact = {CLAIM: MAX_CLAIM_BYTES, CLASSES: header.account_count, BOUNDS: BOUND_BYTES * header.account_count}
    if path in exact:
        return exact[path]
    if _KEY.fullmatch(path):
        return MAX_KEY_BYTES
    if _BATCH.fullmatch(path):
        return proof_file.MAX_BYTES + _HEAD_BYTES
    raise EncodingError(f"{path[:80]!r} is no file of a solvency proof")


def carried(folder: Path, header: Header) -> list[str]:
    """The files of a finished proof of this header's epoch.

    Errors: MissingError without a claim: the proof is not finished; DisagreementError for one of another header.
    """
    claim = Claim.decode(read_below(folder, CLAIM, MAX_CLAIM_BYTES))
    if claim.header_hash != header.hash.hex():
        raise DisagreementError(f"{folder} is a proof about header {claim.header_hash}, not {header.hash.hex()}")
    classes = read_below(folder, CLASSES, header.account_count)
    if len(classes) != header.account_count:
        raise LengthError(f"{CLASSES} has {len(classes)} entries, there are {header.account_count} accounts")
    kinds = np.frombuffer(classes, np.uint8)
    check_rules(kinds, claim.system, header)
    plan = Plan(kinds, claim.sizes, LAYOUTS[claim.system])
    keys = [key_path(kind) for kind in plan.sizes] if claim.system in KEYED else []
    return [CLAIM, CLASSES, BOUNDS, *keys, *(batch_path(part.kind, part.number) for part in plan.parts())]

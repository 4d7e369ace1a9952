"""The one key that the signers of an update sign under, without decoding the whole committee.

A committee holds its members' keys and their sum, under one root. That root is in a state whose root a checkpoint
names, or two thirds of the committee before signed. Honest states hold only keys that were checked when their owners
deposited (point, subgroup, proof of possession), and the protocol computes the sum itself. So a false key or sum needs
the same two thirds that could have put keys of their own into the state: checking 512 keys again refuses nobody who
could not deceive this client anyway, and costs twenty times what the signature does. What is decoded here are the
members who signed, or those who did not, whichever are fewer; each must be a point of the curve and not infinity, and
the key that comes out must lie in the subgroup, as the pairing wants it.
"""

from __future__ import annotations

from collections.abc import Sequence

from zkstate.algebra.bls12_381 import G1, PublicKeys
from zkstate.errors import LengthError

from .types import KEY_BYTES, SyncCommittee


def signers_key(committee: SyncCommittee, chosen: Sequence[bool]) -> G1:
    """The sum of the chosen members' keys, for a committee whose root was verified.

    Errors: LengthError for another number of choices than members; EncodingError for a key that is no point.
    """
    size = len(committee.pubkeys) // KEY_BYTES
    if len(chosen) != size:
        raise LengthError(f"{len(chosen)} bits for a committee of {size}")
    few = 2 * sum(chosen) <= size
    keys = b"".join(
        committee.pubkeys[KEY_BYTES * i : KEY_BYTES * (i + 1)] for i, bit in enumerate(chosen) if bit == few
    )
    part = PublicKeys.decode(keys, threads=1, check_subgroup=False).sum()
    if few:
        return G1(part.raw)
    total = PublicKeys.decode(committee.aggregate_pubkey, threads=1, check_subgroup=False).sum()
    return G1((total - part).raw)

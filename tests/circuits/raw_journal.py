"""Witness inputs of the statements about two epochs and of `exit`, from raw numbers, in range or not (see `raw.py`)."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from tests.circuits.raw import RawAccount, RawRow, children_of
from zkstate.commitment.domain import tag
from zkstate.commitment.poseidon import poseidon
from zkstate.kernels import FR_MODULUS

KINDS = ("deposit", "withdrawal", "transfer", "fill", "funding", "liquidation")


@dataclass(frozen=True)
class RawEntry:
    """One place for an entry; `kinds` are its bits, or follow from `kind`, and `used` is their sum unless given."""

    kind: int = 0
    instrument: int = 0
    amount: int = 0
    value: int = 0
    fee: int = 0
    moment: int = 0
    kinds: tuple[int, ...] | None = None
    used: int | None = None

    @property
    def bits(self):
        return self.kinds or tuple(int(self.kind == k) for k in range(1, 7))

    @property
    def in_use(self):
        return sum(self.bits) if self.used is None else self.used

    def next_head(self, head, sequence):
        kind = sum(k * bit for k, bit in enumerate(self.bits, start=1))
        elements = [
            ((sequence * 16 + kind) * 2**16 + self.instrument) * 2**64 + self.amount + 2**63,
            (self.value + 2**127) * 2**96 + self.fee + 2**95,
            self.moment,
        ]
        return poseidon((tag("entry") + head) % FR_MODULUS, [e % FR_MODULUS for e in elements])


UNUSED = RawEntry()
QUIET = RawAccount((RawRow(),) * 4)


def two_epochs(account, entries, *, main_is_later, start=(77, 5), more=0, stray=0, place=(), other=None, **public):
    """Inputs about `account` in one epoch and its owner in another, with these entries between; all places are given.

    `more` is added to the later length, `stray` to the other leaf on its path; `place` are the digits of the other
    account's place; `other` changes its inputs before they are hashed.
    """
    head, length = start
    for i, entry in enumerate(entries):
        following = entry.next_head(head, start[1] + i)
        head = (head + entry.in_use * (following - head)) % FR_MODULUS
        length += entry.in_use
    ends = (start, (head, length + more))
    mine, theirs = (ends[1], ends[0]) if main_is_later else ends
    root = "earlier_root" if main_is_later else "later_root"
    inputs = replace(account, history=mine).inputs("history" if main_is_later else "liquidation", **public)
    rng = random.Random(account.seed + 1000)
    felt = lambda: rng.randrange(FR_MODULUS)  # noqa: E731
    found = {
        "other_id": felt(), "other_salt": felt(), "other_rows_digest": felt(), "other_orders_digest": felt(),
        "other_head": theirs[0], "other_length": theirs[1], "other_instruments_root": felt(), "other_meta": felt(),
    } | (other or {})  # fmt: skip
    owner = poseidon(tag("owner"), [inputs["owner_secret"]])
    leaf = [found["other_id"], owner, found["other_salt"], found["other_rows_digest"], found["other_orders_digest"]]
    node = poseidon(tag("leaf"), [*leaf, found["other_head"], found["other_length"]]) + stray
    place = place or tuple(rng.randrange(2) for _ in range(2 * account.depth))
    levels = []
    for low, high in zip(place[::2], place[1::2], strict=True):
        levels.append(children_of(node, low, high, [felt() for _ in range(4)]))
        node = poseidon(tag("node"), levels[-1])
    inputs |= found
    inputs |= {
        "other_place": list(place),
        "other_nodes": levels,
        "used": [e.in_use for e in entries],
        "kinds": [list(e.bits) for e in entries],
        "entry_instruments": [e.instrument for e in entries],
        "entry_amounts": [e.amount for e in entries],
        "entry_values": [e.value for e in entries],
        "entry_fees": [e.fee for e in entries],
        "entry_moments": [e.moment for e in entries],
    }
    inputs.setdefault(root, poseidon(tag("state"), [node, found["other_instruments_root"], found["other_meta"]]))
    return inputs


def history_sums(entries, instrument):
    """The public sums, from the sentence in docs/spec.md section 7."""
    sums = {}
    for k, kind in enumerate(KINDS, start=1):
        ours = [e for e in entries if e.kind == k]
        sums[f"{kind}_amount"] = sum(e.amount for e in ours if e.instrument == instrument)
        sums[f"{kind}_value"] = sum(e.value for e in ours if instrument in (0, e.instrument))
    sums["fees"] = sum(e.fee for e in entries if e.in_use and instrument in (0, e.instrument))
    return {name: value % FR_MODULUS for name, value in sums.items()}


def history(entries, instrument=0, *, account=None, places=4, **changes):
    """Inputs of `history`, its places filled up with unused ones."""
    entries = [*entries, *[UNUSED] * (places - len(entries))]
    claim = {"instrument": instrument, **history_sums(entries, instrument)}
    taken = {name: changes.pop(name) for name in list(changes) if name in claim}
    account = account or QUIET
    inputs = two_epochs(account, entries, main_is_later=True, **changes, **(claim | taken))
    for name in ("instruments", "isolated", "amounts", "entries", "fundings_at_entry"):
        del inputs[name]
    return inputs | {"rows_digest": account.rows_digest()}

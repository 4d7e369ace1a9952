"""Witness inputs of the statements from raw numbers, in range or not, hashed as docs/spec.md says.

Nothing here checks anything, so a venue that commits to nonsense can be played: every hash is consistent with
the numbers, and what a circuit then refuses, it refuses for its own rule.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

from tests.state.oracle import NULL, full_tiers
from zkstate.commitment.domain import tag
from zkstate.commitment.poseidon import chain, poseidon
from zkstate.kernels import FR_MODULUS

UNBOUNDED = 2**64 - 1
FLAT = ((0, UNBOUNDED, 0, 0, 0),)  # one tier that counts nothing


@dataclass(frozen=True)
class RawRow:
    """One row with the table words of its instrument. `tiers` are (lower, upper, rate, initial_rate, offset)."""

    instrument: int = 0
    amount: int = 0
    entry: int = 0
    funding_at_entry: int = 0
    is_asset: int = 1
    short_only: int = 0
    rounded: int = 0
    isolated: int = 0
    price: int = 0
    notional_price: int = 0
    funding: int = 0
    terms: int = 0
    tiers: tuple[tuple[int, int, int, int, int], ...] = FLAT
    tier: int = 0

    def words(self):
        flags = self.is_asset + 2 * self.short_only + 4 * self.rounded
        head = (((self.instrument * 16 + flags) * 2**64 + self.price) * 2**64 + self.notional_price) * 2**64
        packed = [
            (((lower * 2**64 + upper) * 2**20 + rate) * 2**20 + initial) * 2**85 + offset + 2**84
            for lower, upper, rate, initial, offset in self.tiers
        ]
        words = [head + self.funding + 2**63, self.terms, *packed, *[0] * (13 - len(packed))]
        return [word % FR_MODULUS for word in words]

    def by_tier(self):
        """What the row counts or needs by its tier: whole 10^-16 quote, and the rest in 10^-22."""
        _, _, rate, _, offset = self.tiers[self.tier] if self.tier < len(self.tiers) else self.tiers[0]
        return divmod(abs(self.amount) * self.notional_price * rate - offset * 10**12, 10**6)


PADDING = RawRow()


@dataclass(frozen=True)
class RawAccount:
    rows: tuple[RawRow, ...]
    seed: int = 1
    depth: int = 10
    place: tuple[int, ...] = ()
    overrides: dict = field(default_factory=dict)  # input name -> value, set before what depends on it is hashed

    def inputs(self, **public):
        """Inputs of a statement whose claim is `public`; margin inputs only if the claim is a margin claim."""
        rng = random.Random(self.seed)
        felt = lambda: rng.randrange(FR_MODULUS)  # noqa: E731
        n, rows = len(self.rows), self.rows
        secret, account_id, salt, orders, head, length, meta = (felt() for _ in range(7))
        elements = []
        for r in rows:
            elements.append(
                (r.instrument * 2 + r.isolated) * 2**128 + (r.amount + 2**63) * 2**64 + r.funding_at_entry + 2**63
            )
            elements.append(r.entry + 2**127)
        rows_digest = chain(tag(f"rows:{n}"), [e % FR_MODULUS for e in elements])
        owner = poseidon(tag("owner"), [secret])
        node = poseidon(tag("leaf"), [account_id, owner, salt, rows_digest, orders, head, length])
        place = self.place or tuple(rng.randrange(2) for _ in range(2 * self.depth))
        levels = []
        for low, high in zip(place[::2], place[1::2], strict=True):
            levels.append(_children(node, low, high, [felt() for _ in range(4)]))
            node = poseidon(tag("node"), levels[-1])
        inputs = {
            "context": felt(),
            "owner_secret": secret,
            "account_id": account_id,
            "salt": salt,
            "orders_digest": orders,
            "history_head": head,
            "history_length": length,
            "instruments": [r.instrument for r in rows],
            "isolated": [r.isolated for r in rows],
            "amounts": [r.amount for r in rows],
            "entries": [r.entry for r in rows],
            "fundings_at_entry": [r.funding_at_entry for r in rows],
            "place": list(place),
            "accounts_nodes": levels,
            "meta": meta,
            "instruments_root": felt(),
            **public,
        }
        if "ratio_ppm" in public:
            inputs |= self._priced(rng)
        inputs |= self.overrides
        inputs["state_root"] = poseidon(tag("state"), [node, inputs["instruments_root"], meta])
        return inputs

    def _priced(self, rng):
        rows = self.rows
        groups = {}
        for r in rows:
            place = r.instrument % 256
            groups.setdefault(place // 8, {})[place % 8] = poseidon(tag("instrument"), r.words())
        filler = [rng.randrange(FR_MODULUS) for _ in range(32)]
        children = {g: [leaves.get(i, filler[i]) for i in range(8)] for g, leaves in groups.items()}
        top = [poseidon(tag("table"), children[g]) if g in children else filler[g] for g in range(32)]
        of_tier = [r.tiers[r.tier] if r.tier < len(r.tiers) else r.tiers[0] for r in rows]
        return {
            "is_asset": [r.is_asset for r in rows],
            "short_only": [r.short_only for r in rows],
            "rounded": [r.rounded for r in rows],
            "prices": [r.price for r in rows],
            "notional_prices": [r.notional_price for r in rows],
            "fundings": [r.funding for r in rows],
            "terms": [r.terms for r in rows],
            "tiers": [r.words()[2:] for r in rows],
            "tier": [[r.tier >> i & 1 for i in range(4)] for r in rows],
            "lowers": [t[0] for t in of_tier],
            "uppers": [t[1] for t in of_tier],
            "rates": [t[2] for t in of_tier],
            "initial_rates": [t[3] for t in of_tier],
            "offsets": [t[4] for t in of_tier],
            "by_tier": [r.by_tier()[0] for r in rows],
            "by_tier_rest": [r.by_tier()[1] for r in rows],
            "table_nodes": [[children[r.instrument % 256 // 8]] for r in rows],
            "table_top": top,
            "instruments_root": chain(tag("table:32"), top),
        }


def _children(node, low, high, children):
    """Four children of which the digits, or what stands in their stead, choose `node`: Lagrange on {0, 1}^2."""
    weights = [(1 - low) * (1 - high), low * (1 - high), (1 - low) * high, low * high]
    own = next(i for i, weight in enumerate(weights) if weight)
    others = sum(weight * child for i, (weight, child) in enumerate(zip(weights, children, strict=True)) if i != own)
    children[own] = (node - others) * pow(weights[own], -1, FR_MODULUS) % FR_MODULUS
    return children


def raw_row(row, instruments):
    """The raw row of an oracle row (instrument, amount, entry, funding, isolated), its tier that of its value."""
    number, amount, entry, funding, *isolated = row
    i = instruments[number - 1] if number else NULL
    tiers = tuple(full_tiers(i["tiers"]))
    notional = abs(amount) * i["notional_price"]
    tier = max(k for k, t in enumerate(tiers) if t[0] * 10**12 <= notional)
    return RawRow(
        instrument=number,
        amount=amount,
        entry=entry,
        funding_at_entry=funding,
        is_asset=i["flags"] & 1,
        short_only=i["flags"] >> 1 & 1,
        rounded=i["flags"] >> 2,
        isolated=int(bool(isolated and isolated[0])),
        price=i["price"],
        notional_price=i["notional_price"],
        funding=i["funding"],
        terms=number + 7,
        tiers=tiers,
        tier=tier,
    )


def with_row(account, i, **changes):
    """The account with one row changed."""
    rows = list(account.rows)
    rows[i] = replace(rows[i], **changes)
    return replace(account, rows=tuple(rows))

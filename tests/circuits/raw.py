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
PRICED = ("margin", "health", "initial", "portfolio")
AS_HEALTH = ("liquidation", "exit")  # price rows as `health` does
RATES = ("maintenance_long", "maintenance_short", "initial_long", "initial_short")
EPOCH = (
    "venue", "epoch", "time", "previous_state_root", "account_count", "order_book_root", "scenarios_root",
    "journal_head", "totals_root", "depths",
)  # fmt: skip


@dataclass(frozen=True)
class RawRow:
    """One row with the table words of its instrument. `tiers` are (lower, upper, rate, initial_rate, offset).

    `margined` is the size whose notional value chooses the tier, the amount's unless given; `risk` the four rates.
    """

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
    margined: int | None = None
    risk: tuple[int, int, int, int] = (0, 0, 0, 0)
    changes: tuple[int, ...] = (0,) * 33

    def words(self):
        flags = self.is_asset + 2 * self.short_only + 4 * self.rounded
        head = (((self.instrument * 16 + flags) * 2**64 + self.price) * 2**64 + self.notional_price) * 2**64
        packed = [
            (((lower * 2**64 + upper) * 2**20 + rate) * 2**20 + initial) * 2**85 + offset + 2**84
            for lower, upper, rate, initial, offset in self.tiers
        ]
        words = [head + self.funding + 2**63, self.terms, *packed, *[0] * (13 - len(packed))]
        return [word % FR_MODULUS for word in words]

    def risk_words(self):
        head = self.instrument * 2**80 + sum(rate * 2 ** (20 * (3 - k)) for k, rate in enumerate(self.risk))
        places = [change + 2**63 for change in self.changes]
        packed = [(places[k] * 2**64 + places[k + 1]) * 2**64 + places[k + 2] for k in range(0, 33, 3)]
        return [word % FR_MODULUS for word in (head, *packed)]

    def counted(self):
        """What an asset counts by its tier: whole 10^-16 quote, and the rest in 10^-22."""
        _, _, rate, _, offset = self.tiers[self.tier] if self.tier < len(self.tiers) else self.tiers[0]
        size = abs(self.amount) if self.margined is None else self.margined
        return divmod((size * self.notional_price * rate - offset * 10**12) * self.is_asset, 10**6)


PADDING = RawRow()


@dataclass(frozen=True)
class RawOrder:
    """An order of the row at a place of the account; a place past the rows is no order."""

    row: int
    sells: int = 0
    price: int = 0
    size: int = 0


@dataclass(frozen=True)
class RawScenarios:
    count: int = 33
    initial_factor: int = 0
    maintenance_factor: int = 0
    root: int | None = None  # instead of the table's


@dataclass(frozen=True)
class RawAccount:
    rows: tuple[RawRow, ...]
    seed: int = 1
    depth: int = 10
    place: tuple[int, ...] = ()
    orders: tuple[RawOrder, ...] = ()
    scenarios: RawScenarios = RawScenarios()
    history: tuple[int, int] | None = None  # head and length
    overrides: dict = field(default_factory=dict)  # input name -> value, set before what depends on it is hashed

    def inputs(self, statement="balance", /, **public):
        """Inputs of a statement whose claim is `public`."""
        rng = random.Random(self.seed)
        felt = lambda: rng.randrange(FR_MODULUS)  # noqa: E731
        rows = self.rows
        secret, account_id, salt, head, length = (felt() for _ in range(5))
        rows_digest = self.rows_digest()
        orders_digest, order_inputs = self._orders()
        head, length = self.history or (head, length)
        owner = poseidon(tag("owner"), [secret])
        node = poseidon(tag("leaf"), [account_id, owner, salt, rows_digest, orders_digest, head, length])
        place = self.place or tuple(rng.randrange(2) for _ in range(2 * self.depth))
        levels = []
        for low, high in zip(place[::2], place[1::2], strict=True):
            levels.append(children_of(node, low, high, [felt() for _ in range(4)]))
            node = poseidon(tag("node"), levels[-1])
        scenario_inputs = self._scenarios(rng)
        epoch = {name: felt() for name in EPOCH} | {"scenarios_root": scenario_inputs.pop("scenarios_root")}
        inputs = {
            "context": felt(),
            "owner_secret": secret,
            "account_id": account_id,
            "salt": salt,
            "orders_digest": orders_digest,
            "history_head": head,
            "history_length": length,
            "instruments": [r.instrument for r in rows],
            "isolated": [r.isolated for r in rows],
            "amounts": [r.amount for r in rows],
            "entries": [r.entry for r in rows],
            "fundings_at_entry": [r.funding_at_entry for r in rows],
            "place": list(place),
            "accounts_nodes": levels,
            "instruments_root": felt(),
            "meta": poseidon(tag("meta"), list(epoch.values())),
            **public,
        }
        if statement in PRICED + AS_HEALTH:
            inputs |= self._priced(rng)
        if statement in PRICED[1:] + AS_HEALTH:
            inputs["rounded"] = [r.rounded for r in rows]
            inputs["counted_units"], inputs["counted_rests"] = zip(*[r.counted() for r in rows], strict=True)
        if statement == "initial":
            inputs |= order_inputs
        if statement == "portfolio":
            inputs |= epoch | scenario_inputs
        if statement == "exit":
            inputs |= epoch
        inputs |= self.overrides
        inputs["state_root"] = poseidon(tag("state"), [node, inputs["instruments_root"], inputs["meta"]])
        return inputs

    def rows_digest(self):
        elements = []
        for r in self.rows:
            elements.append(
                (r.instrument * 2 + r.isolated) * 2**128 + (r.amount + 2**63) * 2**64 + r.funding_at_entry + 2**63
            )
            elements.append(r.entry + 2**127)
        return chain(tag(f"rows:{len(self.rows)}"), [e % FR_MODULUS for e in elements])

    def _orders(self):
        n = len(self.rows)
        orders = [*self.orders, *[RawOrder(n)] * (n - len(self.orders))]
        elements = [
            (((self.rows[o.row].instrument if o.row < n else 0) * 2 + o.sells) * 2**64 + o.price) * 2**64 + o.size
            for o in orders
        ]
        return chain(tag(f"orders:{n}"), [e % FR_MODULUS for e in elements]), {
            "order_sells": [o.sells for o in orders],
            "order_prices": [o.price for o in orders],
            "order_sizes": [o.size for o in orders],
            "order_rows": [o.row for o in orders],
        }

    def _priced(self, rng):
        rows = self.rows
        of_tier = [r.tiers[r.tier] if r.tier < len(r.tiers) else r.tiers[0] for r in rows]
        nodes, top = self._table(rng, "table", [poseidon(tag("instrument"), r.words()) for r in rows])
        return {
            "is_asset": [r.is_asset for r in rows],
            "short_only": [r.short_only for r in rows],
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
            "table_nodes": nodes,
            "table_top": top,
            "instruments_root": chain(tag("table:32"), top),
        }

    def _table(self, rng, name, digests):
        """(nodes above each row's digest, nodes under the root) of a table of depth 2 that holds the digests."""
        groups = {}
        for row, digest in zip(self.rows, digests, strict=True):
            place = row.instrument % 256
            groups.setdefault(place // 8, {})[place % 8] = digest
        filler = [rng.randrange(FR_MODULUS) for _ in range(32)]
        children = {g: [leaves.get(i, filler[i]) for i in range(8)] for g, leaves in groups.items()}
        top = [poseidon(tag(name), children[g]) if g in children else filler[g] for g in range(32)]
        return [[children[r.instrument % 256 // 8]] for r in self.rows], top

    def _scenarios(self, rng):
        rows, of = self.rows, self.scenarios
        nodes, top = self._table(rng, "risks", [poseidon(tag("risk"), r.risk_words()) for r in rows])
        shocks = [rng.randrange(FR_MODULUS) for _ in range(11)]
        counts = of.count * 2**64 + of.initial_factor * 2**32 + of.maintenance_factor
        losses = [-sum((1 - r.isolated) * r.amount * r.changes[s] for r in rows) for s in range(33)]
        return {
            **{name: [r.risk[k] for r in rows] for k, name in enumerate(RATES)},
            "changes": [r.changes for r in rows],
            "risk_nodes": nodes,
            "risks_top": top,
            "shocks": shocks,
            "scenario_count": of.count,
            "initial_factor": of.initial_factor,
            "maintenance_factor": of.maintenance_factor,
            "worst": max(0, *losses),
            "scenarios_root": poseidon(tag("scenarios"), [counts % FR_MODULUS, *shocks, chain(tag("risks:32"), top)])
            if of.root is None
            else of.root,
        }


def children_of(node, low, high, children):
    """Four children of which the digits, or what stands in their stead, choose `node`: Lagrange on {0, 1}^2."""
    weights = [(1 - low) * (1 - high), low * (1 - high), (1 - low) * high, low * high]
    own = next(i for i, weight in enumerate(weights) if weight)
    others = sum(weight * child for i, (weight, child) in enumerate(zip(weights, children, strict=True)) if i != own)
    children[own] = (node - others) * pow(weights[own], -1, FR_MODULUS) % FR_MODULUS
    return children


def raw_row(row, instruments, margined=None, risk=None):
    """The raw row of an oracle row (instrument, amount, entry, funding, isolated), its tier that of its margined size.

    `risk` is an oracle's: the four contingency rates and the changes.
    """
    number, amount, entry, funding, *isolated = row
    i = instruments[number - 1] if number else NULL
    tiers = tuple(full_tiers(i["tiers"]))
    size = abs(amount) if margined is None else margined
    tier = max(k for k, t in enumerate(tiers) if t[0] * 10**12 <= size * i["notional_price"])
    *rates, changes = risk or (0, 0, 0, 0, ())
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
        margined=margined,
        risk=tuple(rates),
        changes=(*changes, *[0] * (33 - len(changes))),
    )


def with_row(account, i, **changes):
    """The account with one row changed."""
    rows = list(account.rows)
    rows[i] = replace(rows[i], **changes)
    return replace(account, rows=tuple(rows))

"""docs/spec.md sections 2 to 5 and 7 once more, in plain Python over dicts and Fractions: nothing of zkstate.state.

Hashes are those of tests/commitment/oracle.py. Rows are (instrument, amount, entry, funding) tuples, perhaps with an
isolated flag behind, orders (instrument, side, price, size), tiers (lower, rate, initial_rate).
"""

import hashlib
from fractions import Fraction
from math import inf

from tests.commitment import oracle as hashes

CLASSES = (4, 8, 16, 64)


def tag(name):
    return int.from_bytes(b"zkstate:" + name.encode("ascii"), "big")


def low248(data):
    return int.from_bytes(hashlib.sha256(data).digest()[1:], "big")


def size_class(rows, orders):
    return next(n for n in CLASSES if len(rows) <= n and len(orders) <= n)


def full_tiers(tiers):
    """(lower, upper, rate, initial_rate, offset), offsets from the marginal sums they stand for."""
    out = []
    for k, (lower, rate, initial) in enumerate(tiers):
        upper = tiers[k + 1][0] if k + 1 < len(tiers) else 2**64 - 1
        below = sum(
            (tiers[j + 1][0] - tiers[j][0]) * tiers[j][1] for j in range(k)
        )  # what all lower brackets count in full
        out.append((lower, upper, rate, initial, lower * rate - below))
    return out


def instrument_words(i):
    contract = ((((i["decimals"] * 2**64 + i["expiry"]) * 2**64 + i["strike"]) * 2**16 + i["underlying"]) * 2**2) + i[
        "option"
    ]
    words = [
        ((((i["id"] * 2**4 + i["flags"]) * 2**64 + i["price"]) * 2**64 + i["notional_price"]) * 2**64)
        + (i["funding"] + 2**63),
        hashes.hash_of(tag("terms"), [contract, low248(i["symbol"].encode())]),
    ]
    for lower, upper, rate, initial, offset in full_tiers(i["tiers"]):
        words.append(((((lower * 2**64 + upper) * 2**20 + rate) * 2**20 + initial) * 2**85) + (offset + 2**84))
    return words + [0] * (15 - len(words))


NULL = {
    "id": 0, "flags": 1, "price": 0, "notional_price": 0, "funding": 0, "decimals": 0, "expiry": 0, "strike": 0,
    "underlying": 0, "option": 0, "symbol": "", "tiers": [(0, 0, 0)],
}  # fmt: skip


def table_root(instruments, depth):
    leaves = [hashes.hash_of(tag("instrument"), instrument_words(i)) for i in [NULL, *instruments]]
    return top_root("table", leaves, depth)


def top_root(name, leaves, depth):
    """The chain over small trees of arity 8. Only nodes over real leaves are hashed; the rest are empty subtrees."""
    level, empty = list(leaves), 0
    for _ in range(depth - 1):
        level, empty = parents(tag(name), level, empty, 8)
    width = {2: 32, 3: 64}[depth]
    return hashes.chain(tag(f"{name}:{width}"), level + [empty] * (width - len(level)))


def parents(node_tag, level, empty, arity):
    """The nodes above a level, and the empty one above its empty one."""
    level = level + [empty] * (-len(level) % arity)
    above = [hashes.hash_of(node_tag, level[k : k + arity]) for k in range(0, len(level), arity)]
    return above, hashes.hash_of(node_tag, [empty] * arity)


def row_elements(rows, n):
    padded = [*rows, *[(0, 0, 0, 0)] * (n - len(rows))]
    return [
        element
        for instrument, amount, entry, funding, *isolated in padded
        for element in (
            (instrument * 2 + sum(isolated)) * 2**128 + (amount + 2**63) * 2**64 + (funding + 2**63),
            entry + 2**127,
        )
    ]


def order_elements(orders, n):
    encoded = sorted(
        ((instrument * 2 + side) * 2**64 + price) * 2**64 + size for instrument, side, price, size in orders
    )
    return encoded + [0] * (n - len(orders))


def account_id(owner, venue, epoch):
    return hashes.hash_of(tag("id"), [owner, venue, epoch]) % 2**248


def leaf(id_, owner, salt, rows, orders, history=(0, 0)):
    n = size_class(rows, orders)
    rows_n = hashes.chain(tag(f"rows:{n}"), row_elements(rows, n))
    orders_n = hashes.chain(tag(f"orders:{n}"), order_elements(orders, n))
    return hashes.hash_of(tag("leaf"), [id_, owner, salt, rows_n, orders_n, *history[:2]])


def accounts_root(leaves, depth):
    level, empty = list(leaves), 0
    for _ in range(depth):
        level, empty = parents(tag("node"), level, empty, 4)
    return level[0]


def totals_root(totals):
    """`totals` are (credit, debit) pairs from instrument 1 on."""
    return hashes.chain(tag("totals"), [len(totals), *[credit * 2**96 + debit for credit, debit in totals]])


def state_root(accounts, instruments, meta):
    return hashes.hash_of(tag("state"), [accounts, instruments, hashes.hash_of(tag("meta"), meta)])


def record(index, id_, owner, salt, rows, orders, history=(0, 0, 0)):
    """The record plaintext, byte by byte as section 6 lists it."""
    n = size_class(rows, orders)
    out = index.to_bytes(4, "big")
    for word in (id_, owner, salt, history[0]):
        out += word.to_bytes(32, "big")
    for number in history[1:]:
        out += number.to_bytes(8, "big")
    out += bytes([len(rows), len(orders)])
    for instrument, amount, entry, funding, *isolated in [*rows, *[(0, 0, 0, 0)] * (n - len(rows))]:
        out += instrument.to_bytes(2, "big") + bytes([sum(isolated)]) + amount.to_bytes(8, "big", signed=True)
        out += entry.to_bytes(16, "big", signed=True) + funding.to_bytes(8, "big", signed=True)
    for instrument, side, price, size in [*orders, *[(0, 0, 0, 0)] * (n - len(orders))]:
        out += instrument.to_bytes(2, "big") + bytes([side]) + price.to_bytes(8, "big") + size.to_bytes(8, "big")
    return out


def journal_head(head, length, entries):
    """The head after entries (kind, instrument, amount, value, fee, time, price), numbered from `length` on."""
    for sequence, (kind, instrument, amount, value, fee, time, price) in enumerate(entries, start=length):
        elements = [
            sequence * 2**84 + kind * 2**80 + instrument * 2**64 + (amount + 2**63),
            (value + 2**127) * 2**96 + (fee + 2**95),
            time * 2**64 + price,
        ]
        head = hashes.hash_of((tag("entry") + head) % hashes.R, elements)
    return head


def segment(head, length, entries):
    """What an owner is sent: (class, plaintext), byte by byte as section 6 lists it."""
    code = next(k for k in range(1, 9) if len(entries) <= 4**k)
    out = head.to_bytes(32, "big") + length.to_bytes(8, "big") + len(entries).to_bytes(4, "big")
    for kind, instrument, amount, value, fee, time, price in entries:
        out += bytes([kind]) + instrument.to_bytes(2, "big") + amount.to_bytes(8, "big", signed=True)
        out += value.to_bytes(16, "big", signed=True) + fee.to_bytes(12, "big", signed=True)
        out += time.to_bytes(8, "big") + price.to_bytes(8, "big")
    return code, out + bytes(55 * (4**code - len(entries)))


def margin(rows, instruments, initial=False, orders=()):
    """(equity, need) of the cross pot in quote, exact Fractions."""
    return pots(rows, instruments, initial, orders)[0]


def pots(rows, instruments, initial=False, orders=()):
    """(equity, need) of the cross pot and of each isolated row, in quote, exact Fractions.

    Brackets are summed piece by piece, no offsets. Only the initial requirement is not marginal: the specification
    takes the whole value of the largest position at its tier's rate.
    """
    cross, isolated = [Fraction(0), Fraction(0)], []
    for number, amount, entry, funding, *alone in rows:
        i = instruments[number - 1]
        pot = cross
        if any(alone):
            pot = [Fraction(0), Fraction(0)]
            isolated.append(pot)
        unit = Fraction(1, 10 ** i["decimals"])
        price_unit = Fraction(1, 10 ** (16 - i["decimals"]))
        quantity, price = amount * unit, i["price"] * price_unit
        notional_price = i["notional_price"] * price_unit
        own = [(-1 if side else 1, at * price_unit, size * unit) for of, side, at, size in orders if of == number]
        if initial:
            for sign, at, size in own:
                spends_all = i["flags"] & 1 and sign > 0
                pot[1] += size * (at if spends_all else max(Fraction(0), sign * (at - price)))
        if i["flags"] & 1:
            counted = marginal(i, quantity * notional_price)
            if i["flags"] & 4:
                counted = Fraction(int(counted * 10**16), 10**16)
            pot[0] += counted if amount >= 0 else quantity * price
            continue
        pot[0] += quantity * price - Fraction(entry, 10**16) - quantity * (i["funding"] - funding) * price_unit
        bought = sum(size for sign, _, size in own if sign > 0)
        sold = sum(size for sign, _, size in own if sign < 0)
        outcomes = [quantity, quantity + bought, quantity - sold] if initial else [quantity]
        exposed = max((abs(q) for q in outcomes if q < 0 or not i["flags"] & 2), default=Fraction(0))
        value = exposed * notional_price
        tier = max(k for k, (lower, _, _) in enumerate(i["tiers"]) if Fraction(lower, 10**4) <= value)
        pot[1] += value * Fraction(i["tiers"][tier][2], 10**6) if initial else marginal(i, value)
    return [tuple(cross), *map(tuple, isolated)]


def marginal(i, value):
    """What a value counts or needs, bracket by bracket."""
    bounds = [*(Fraction(lower, 10**4) for lower, _, _ in i["tiers"]), inf]
    total = Fraction(0)
    for (_, rate, _), lower, upper in zip(i["tiers"], bounds, bounds[1:], strict=False):
        total += Fraction(rate, 10**6) * max(Fraction(0), min(value, upper) - lower)
    return total


def scenarios_root(scenarios, depth):
    """`scenarios_root` of {"initial_factor", "maintenance_factor", "scenarios": [(price, volatility)], "risks": [..]}.

    A risk is (maintenance_long, maintenance_short, initial_long, initial_short, changes).
    """
    count = len(scenarios["scenarios"])
    level = []
    for number, (*rates, changes) in enumerate([(0, 0, 0, 0, [0] * count), *scenarios["risks"]]):
        head = number * 2**80 + sum(rate * 2 ** (20 * (3 - k)) for k, rate in enumerate(rates))
        places = [2**63 + change for change in changes] + [2**63] * (33 - count)
        packed = [places[k] * 2**128 + places[k + 1] * 2**64 + places[k + 2] for k in range(0, 33, 3)]
        level.append(hashes.hash_of(tag("risk"), [head, *packed]))
    shocks = [part for shock in scenarios["scenarios"] for part in shock] + [0] * (66 - 2 * count)
    head = [count * 2**64 + scenarios["initial_factor"] * 2**32 + scenarios["maintenance_factor"]]
    head += [sum(shocks[6 * k + j] * 2 ** (32 * (5 - j)) for j in range(6)) for k in range(11)]
    return hashes.hash_of(tag("scenarios"), [*head, top_root("risks", level, depth)])


def portfolio(rows, instruments, scenarios, initial=False):
    """(losses by scenario, need of the cross pot) in quote, exact Fractions."""
    losses, contingencies = [Fraction(0)] * len(scenarios["scenarios"]), Fraction(0)
    for number, amount, *_, isolated in rows:
        if isolated:
            continue
        i, (*rates, changes) = instruments[number - 1], scenarios["risks"][number - 1]
        quantity, price_unit = Fraction(amount, 10 ** i["decimals"]), Fraction(1, 10 ** (16 - i["decimals"]))
        losses = [loss - quantity * change * price_unit for loss, change in zip(losses, changes, strict=True)]
        rate = rates[2 * bool(initial) + (amount < 0)]
        contingencies += abs(quantity) * i["notional_price"] * price_unit * Fraction(rate, 10**6)
    factor = scenarios["initial_factor" if initial else "maintenance_factor"]
    return losses, max(Fraction(0), *losses) * Fraction(factor, 10**6) + contingencies

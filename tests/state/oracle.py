"""docs/spec.md sections 2 to 5 and 7 once more, in plain Python over dicts and Fractions: nothing of zkstate.state.

Hashes are those of tests/commitment/oracle.py. Rows are (instrument, amount, entry, funding) tuples, orders
(instrument, side, price, size), tiers (lower, rate, initial_rate).
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
    """Only the nodes over real leaves are hashed; the rest are empty subtrees."""
    level = [hashes.hash_of(tag("instrument"), instrument_words(i)) for i in [NULL, *instruments]]
    empty = 0
    for _ in range(depth - 1):
        level, empty = parents(tag("table"), level, empty, 8)
    width = {2: 32, 3: 64}[depth]
    return hashes.chain(tag(f"table:{width}"), level + [empty] * (width - len(level)))


def parents(node_tag, level, empty, arity):
    """The nodes above a level, and the empty one above its empty one."""
    level = level + [empty] * (-len(level) % arity)
    above = [hashes.hash_of(node_tag, level[k : k + arity]) for k in range(0, len(level), arity)]
    return above, hashes.hash_of(node_tag, [empty] * arity)


def row_elements(rows, n):
    padded = [*rows, *[(0, 0, 0, 0)] * (n - len(rows))]
    return [
        element
        for instrument, amount, entry, funding in padded
        for element in (
            instrument * 2**128 + (amount + 2**63) * 2**64 + (funding + 2**63),
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
    for instrument, amount, entry, funding in [*rows, *[(0, 0, 0, 0)] * (n - len(rows))]:
        out += instrument.to_bytes(2, "big") + amount.to_bytes(8, "big", signed=True)
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


def margin(rows, instruments, initial=False):
    """(equity, need) in quote, exact Fractions: brackets are summed piece by piece, no offsets.

    Only the initial requirement is not marginal: the specification takes the whole value at its tier's rate.
    """
    equity = need = Fraction(0)
    for number, amount, entry, funding in rows:
        i = instruments[number - 1]
        unit = Fraction(1, 10 ** i["decimals"])
        price_unit = Fraction(1, 10 ** (16 - i["decimals"]))
        quantity = amount * unit
        value = quantity * i["price"] * price_unit
        notional = abs(quantity) * i["notional_price"] * price_unit
        bounds = [Fraction(lower, 10**4) for lower, _, _ in i["tiers"]]
        rates = [Fraction(rate, 10**6) for _, rate, _ in i["tiers"]]
        marginal = Fraction(0)
        for k, rate in enumerate(rates):
            top = bounds[k + 1] if k + 1 < len(bounds) else inf
            marginal += rate * max(Fraction(0), min(notional, top) - bounds[k])
        if i["flags"] & 1:
            equity += marginal if amount >= 0 else value
            continue
        equity += value - Fraction(entry, 10**16) - quantity * (i["funding"] - funding) * price_unit
        if i["flags"] & 2 and amount >= 0:
            continue
        tier = max(k for k, bound in enumerate(bounds) if bound <= notional)
        need += notional * Fraction(i["tiers"][tier][2], 10**6) if initial else marginal
    return equity, need

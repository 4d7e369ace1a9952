"""Writes state.json from the plain Python of tests/state/oracle.py, never from the code under test.

    python -m tests.vectors.make_state

One small venue: instruments, accounts, record plaintexts, and every hash up to the state root. Integers are decimal
strings, byte strings hex. Rows are [instrument, amount, entry, funding at entry, isolated], orders [instrument, side,
price, size], tiers [lower, rate, initial rate]; pots are [equity, need] in 10^-22 quote, the cross pot first.
"""

import random
from pathlib import Path

from tests.commitment import oracle as hashes
from tests.state import oracle
from tests.state.strategies import with_empty
from tests.vectors.make_poseidon import encode

PATH = Path(__file__).with_name("state.json")
EPOCH, TIME, DEPTH = 3, 1_795_132_800, 10


def instruments():
    def asset(number, symbol, decimals, price, tiers):
        return {
            "id": number, "symbol": symbol, "flags": 1, "decimals": decimals, "price": price, "notional_price": price,
            "funding": 0, "expiry": 0, "strike": 0, "underlying": 0, "option": 0, "tiers": tiers,
        }  # fmt: skip

    brackets = [(0, 4_000, 8_000), (50_000 * 10**4, 5_000, 10_000), (600_000 * 10**4, 10_000, 20_000)]
    usdt = asset(1, "USDT", 6, 10**10, [(0, 10**6, 0)])
    btc = asset(2, "BTC", 8, 92_406 * 10**8, [(0, 950_000, 0), (10**10, 500_000, 0), (4 * 10**10, 0, 0)])
    btc["flags"] = 5
    perpetual = {
        **btc, "id": 3, "symbol": "BTC-PERP", "flags": 0, "funding": -1_750_000_000, "underlying": 2,
            "tiers": brackets,
    }  # fmt: skip
    option = {
        **perpetual, "id": 4, "symbol": "BTC-25DEC26-95000-C", "flags": 2, "price": 4_100 * 10**8, "funding": 0,
        "expiry": 1_798_185_600, "strike": 95_000 * 10**8, "option": 1, "tiers": [(0, 75_000, 150_000)],
    }  # fmt: skip
    edge = {
        **perpetual, "id": 5, "symbol": "Ⅸ-EDGE", "decimals": 0, "price": 2**64 - 1, "notional_price": 2**64 - 1,
        "funding": -(2**63), "tiers": [(k * (2**64 - 2) // 12, min(10**6, k * 90_000), 10**6) for k in range(13)],
    }  # fmt: skip
    return [usdt, btc, perpetual, option, edge]


def accounts(rng):
    def row(number, wide):
        amount = (rng.randrange(-(2**63), 2**63) if wide else rng.randrange(-(10**9), 10**9)) or 1
        if number <= 2:
            return (number, amount, 0, 0, 0)
        entry = rng.randrange(-(2**127), 2**127) if wide else amount * 92_000 * 10**8
        return (number, amount, entry, rng.randrange(-(2**63), 2**63), rng.randrange(2))

    out = [([], []), ([(5, -(2**63), -(2**127), 2**63 - 1, 1)], [(5, 1, 2**64 - 1, 2**64 - 1)])]
    for orders in (0, 1, 4, 5, 9, 17):
        rows = [row(number, rng.random() < 0.5) for number in sorted(rng.sample(range(1, 6), rng.randrange(1, 6)))]
        book = [
            (rng.randrange(1, 6), rng.randrange(2), rng.randrange(2**40), rng.randrange(1, 2**40))
            for _ in range(orders)
        ]
        out.append((with_empty(rows, book), sorted(book)))
    return out


def vectors():
    rng = random.Random("zkstate state vectors")
    table, held = instruments(), accounts(rng)
    venue = oracle.low248(b"zkstate venue v1" + bytes(range(32)) + b"Example Exchange")
    made = []
    for rows, orders in held:
        secret, salt = rng.randrange(hashes.R), rng.randrange(2**248)
        owner = hashes.hash_of(oracle.tag("owner"), [secret])
        made.append((oracle.account_id(owner, venue, EPOCH), owner, secret, salt, rows, orders))
    made.sort()
    leaves, cases = [], []
    for index, (id_, owner, secret, salt, rows, orders) in enumerate(made):
        leaves.append(oracle.leaf(id_, owner, salt, rows, orders))
        kinds = {"maintenance": oracle.pots(rows, table), "initial": oracle.pots(rows, table, True, orders)}
        cases.append(
            {
                "owner_secret": secret, "owner": owner, "id": id_, "salt": salt, "rows": rows, "orders": orders,
                "size_class": oracle.size_class(rows, orders), "leaf": leaves[-1],
                "record": oracle.record(index, id_, owner, salt, rows, orders).hex(),
                **{kind: [[int(part * 10**22) for part in pot] for pot in pots] for kind, pots in kinds.items()},
            }
        )  # fmt: skip
    totals = [
        (
            sum(r[1] for _, _, _, _, rows, _ in made for r in rows if r[0] == number and r[1] > 0),
            -sum(r[1] for _, _, _, _, rows, _ in made for r in rows if r[0] == number and r[1] < 0),
        )
        for number in range(1, len(table) + 1)
    ]
    roots = {
        "venue": venue,
        "accounts_root": oracle.accounts_root(leaves, DEPTH),
        "instruments_root": oracle.table_root(table, 2),
        "totals_root": oracle.totals_root(totals),
    }
    meta = [venue, EPOCH, TIME, 0, len(made), 0, 0, 0, roots["totals_root"], DEPTH * 256 + 2]
    roots["state_root"] = oracle.state_root(roots["accounts_root"], roots["instruments_root"], meta)
    return {
        "source": "python -m tests.vectors.make_state",
        "venue_name": "Example Exchange", "operator_key": bytes(range(32)).hex(), "epoch": EPOCH, "time": TIME,
        "accounts_depth": DEPTH, "table_depth": 2,
        "instruments": [{**i, "words": oracle.instrument_words(i)} for i in table],
        "accounts": cases, "totals": totals, **roots,
    }  # fmt: skip


def text(value):
    """Integers as decimal strings, everything else as it is."""
    if isinstance(value, dict):
        return {key: text(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [text(item) for item in value]
    return str(value) if isinstance(value, int) else value


if __name__ == "__main__":
    PATH.write_text(encode(text(vectors())), encoding="ascii")

"""Ledgers for tests: random ones by columns, from plain rows and orders."""

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from tests.state.strategies import built_scenarios, built_table, orders, plain_scenarios, tables, with_empty
from tests.state.strategies import rows as plain_rows
from zkstate.kernels import FR_MODULUS
from zkstate.state.ledger import Ledger, order_columns, row_columns


def ledger_of(table, rows, orders=None, *, keys=True, **fields):
    """A ledger of plain rows (and orders) of each account, in any order."""
    orders = orders or [[] for _ in rows]
    n = len(rows)
    row_account = np.array([i for i, part in enumerate(rows) for _ in part], np.int64)
    order_account = np.array([i for i, part in enumerate(orders) for _ in part], np.int64)
    flat = [row for part in rows for row in part]
    book = [order for part in orders for order in part]
    row_fields = [
        np.array([r[0] for r in flat], np.int64),
        np.array([r[1] for r in flat], np.int64),
        np.array([r[2] >> 64 for r in flat], np.int64),
        np.array([r[2] % 2**64 for r in flat], np.uint64),
        np.array([r[3] for r in flat], np.int64),
        np.array([sum(r[4:]) for r in flat], np.int64),
    ]
    kinds = (np.int64, np.int64, np.uint64, np.uint64)
    order_fields = [np.array([o[k] for o in book], kind) for k, kind in enumerate(kinds)]
    owners = b"".join((pow(7, i + 1, FR_MODULUS)).to_bytes(32, "big") for i in range(n))
    ordered = order_columns(order_account, n, order_fields)
    return Ledger(
        venue="Test Venue",
        quote="USDT",
        time=1_700_000_000,
        synthetic=True,
        table=table,
        names=tuple(f"account {i}" for i in range(n)),
        rows=row_columns(row_account, n, row_fields),
        orders=ordered,
        owners=np.frombuffer(owners, np.uint8).reshape(n, 32) if keys else None,
        view_keys=np.frombuffer(owners[::-1], np.uint8).reshape(n, 32) if keys else None,
        **fields,
    )


@st.composite
def plain_ledgers(draw, most_rows=6, most_accounts=8):
    """(plain table, rows of each account, orders of each account)."""
    table = draw(tables(most=most_rows))
    n = draw(st.integers(1, most_accounts))
    rows = [draw(plain_rows(table, most=most_rows)) for _ in range(n)]
    books = [draw(orders(table, most=10)) for _ in range(n)]
    return table, [with_empty(held, book) for held, book in zip(rows, books, strict=True)], books


@st.composite
def ledgers(draw, **limits):
    table, rows, orders = draw(plain_ledgers(**limits))
    made, risky = built_table(table), draw(st.booleans())
    scenarios = built_scenarios(draw(plain_scenarios(len(table), most=4)), made.depth) if risky else None
    portfolio = np.array(draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))) if risky else None
    portfolio = portfolio if portfolio is not None and portfolio.any() else None
    return ledger_of(made, rows, orders, scenarios=scenarios, portfolio=portfolio)


@st.composite
def changes(draw):
    """A plain table and the accounts of two epochs by name: some stay, change, go or come, most classes among them."""
    table = draw(tables(least=10, most=12))

    def account():
        book = draw(orders(table, most=10))
        return with_empty(draw(plain_rows(table, most=10)), book), sorted(book)

    before = {f"user {i}": account() for i in range(draw(st.integers(1, 6)))}
    after = {name: account() if draw(st.booleans()) else held for name, held in before.items() if draw(st.booleans())}
    after |= {f"new {i}": account() for i in range(draw(st.integers(0 if after else 1, 3)))}
    return table, before, dict(draw(st.permutations(list(after.items()))))


def named_ledger(table, accounts):
    """The ledger of rows and orders by name, before keys are issued."""
    made = ledger_of(built_table(table), *map(list, zip(*accounts.values(), strict=True)), keys=False)
    return replace(made, names=tuple(accounts))

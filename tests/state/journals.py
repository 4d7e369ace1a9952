"""Entries for hypothesis, and journals of several accounts as columns."""

import numpy as np
from hypothesis import strategies as st

from zkstate.state.journal import DEPOSIT, FUNDING, LIQUIDATION, WITHDRAWAL, Entry
from zkstate.state.journal_columns import journal_columns

MASK = 2**64 - 1


@st.composite
def entries(draw, most=8):
    """A tuple of entries whose times never fall, extremes included."""
    out = []
    times = sorted(draw(st.lists(st.integers(0, 2**64 - 1), max_size=most)))
    for time in times:
        kind = draw(st.integers(DEPOSIT, LIQUIDATION))
        low = 1 if kind == DEPOSIT else -(2**63)
        high = -1 if kind == WITHDRAWAL else 2**63 - 1
        amount = 0 if kind == FUNDING else draw(st.integers(low, high).filter(bool))
        value, fee = draw(st.integers(-(2**127), 2**127 - 1)), draw(st.integers(-(2**95), 2**95 - 1))
        price = draw(st.integers(0, 2**64 - 1))
        out.append(Entry(kind, draw(st.integers(1, 4095)), amount, value, fee, time, price))
    return tuple(out)


def columns_of(accounts, before, *, sort=True):
    """The journals of several accounts, given as tuples of entries and their (head, length) before."""
    flat = [(i, e) for i, made in enumerate(accounts) for e in made]
    if sort:
        flat.sort(key=lambda pair: pair[1].time)
    column = lambda pick, kind: np.array([pick(e) for _, e in flat], kind)  # noqa: E731
    columns = [
        column(lambda e: e.kind, np.uint8),
        column(lambda e: e.instrument, np.uint16),
        column(lambda e: e.amount, np.int64),
        column(lambda e: e.value >> 64, np.int64),
        column(lambda e: e.value & MASK, np.uint64),
        column(lambda e: e.fee >> 64, np.int64),
        column(lambda e: e.fee & MASK, np.uint64),
        column(lambda e: e.time, np.uint64),
        column(lambda e: e.price, np.uint64),
    ]
    heads = np.array([list(head.to_bytes(32)) for head, _ in before], np.uint8).reshape(-1, 32)
    lengths = np.array([length for _, length in before], np.uint64)
    return journal_columns(np.array([i for i, _ in flat], np.int64), len(accounts), columns, (heads, lengths))

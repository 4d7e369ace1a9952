"""Random instruments, tables and accounts, as the plain values of tests/state/oracle.py and as zkstate's own."""

from hypothesis import strategies as st

from zkstate.kernels import FR_MODULUS
from zkstate.state.scenarios import Risk, ScenarioTable, Shock
from zkstate.state.schema import Account, Instrument, Order, Row, ladder
from zkstate.state.table import InstrumentTable

I64 = st.one_of(
    st.sampled_from([-(2**63), -1, 0, 1, 2**63 - 1]), st.integers(-(2**63), 2**63 - 1), st.integers(-(10**9), 10**9)
)
U64 = st.one_of(st.sampled_from([0, 1, 2**64 - 1]), st.integers(0, 2**64 - 1), st.integers(0, 10**12))
I128 = st.one_of(st.sampled_from([-(2**127), 0, 2**127 - 1]), st.integers(-(2**127), 2**127 - 1))
FLAG = st.integers(0, 1)
U32 = st.one_of(st.sampled_from([0, 1, 10**6, 2**32 - 1]), st.integers(0, 2**32 - 1))
RATE = st.integers(0, 10**6)
ELEMENTS = st.integers(0, FR_MODULUS - 1)
SYMBOLS = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF, categories=("L", "N", "S", "P")), min_size=1, max_size=12
)


@st.composite
def tiers(draw, asset):
    count = draw(st.integers(1, 13))
    lowers = sorted(
        draw(
            st.sets(
                st.one_of(st.integers(1, 2**64 - 2), st.integers(1, 10**10)), min_size=count - 1, max_size=count - 1
            )
        )
    )
    rates = sorted(draw(st.lists(st.integers(0, 10**6), min_size=count, max_size=count)), reverse=asset)
    drawn = sorted(draw(st.lists(st.integers(0, 10**6), min_size=count, max_size=count)))
    initial = [0] * count if asset else [max(pair) for pair in zip(drawn, rates, strict=True)]
    return list(zip([0, *lowers], rates, initial, strict=True))


@st.composite
def instruments(draw, number, count):
    kind = draw(st.sampled_from(["asset", "perpetual", "future", "option"]))
    asset = kind == "asset"
    price = draw(U64)
    return {
        "id": number,
        "symbol": f"{number}{draw(SYMBOLS)}",
        "flags": draw(st.sampled_from([1, 5] if asset else [0, 2])),
        "decimals": draw(st.integers(0, 16)),
        "price": price,
        "notional_price": price if asset else draw(U64),
        "funding": 0 if asset else draw(I64),
        "expiry": draw(st.integers(1, 2**64 - 1)) if kind in ("future", "option") else 0,
        "strike": draw(st.integers(1, 2**64 - 1)) if kind == "option" else 0,
        "option": draw(st.sampled_from([1, 2])) if kind == "option" else 0,
        "underlying": draw(st.integers(0, count).filter(lambda other: other != number)),
        "tiers": draw(tiers(asset)),
    }


@st.composite
def tables(draw, least=1, most=6):
    count = draw(st.integers(least, most))
    return [draw(instruments(number, count)) for number in range(1, count + 1)]


def built(plain):
    """zkstate's instrument of a plain one."""
    return Instrument(**{**plain, "tiers": ladder(plain["tiers"])})


def built_table(plain, depth=None):
    made = [built(i) for i in plain]
    return InstrumentTable.of(made) if depth is None else InstrumentTable(tuple(made), depth)


@st.composite
def rows(draw, table, most=6):
    """Plain rows of distinct instruments of a plain table, by id."""
    ids = sorted(draw(st.sets(st.sampled_from([i["id"] for i in table]), max_size=most)))
    out = []
    for number in ids:
        amount = draw(I64.filter(bool))
        asset = table[number - 1]["flags"] & 1
        out.append((number, amount, 0, 0, 0) if asset else (number, amount, draw(I128), draw(I64), draw(FLAG)))
    return out


@st.composite
def orders(draw, table, most=6):
    """Plain orders of a plain table."""
    ids = st.sampled_from([i["id"] for i in table])
    return draw(st.lists(st.tuples(ids, FLAG, U64, st.integers(1, 2**64 - 1)), max_size=most))


def with_empty(held, book):
    """The plain rows, and an empty one for each instrument with an order and no row."""
    missing = {order[0] for order in book} - {row[0] for row in held}
    return sorted([*held, *((number, 0, 0, 0, 0) for number in missing)])


@st.composite
def accounts(draw, most=20):
    ids = st.integers(1, 2**16 - 1)
    held = [
        (number, draw(I64.filter(bool)), draw(I128), draw(I64), draw(FLAG))
        for number in sorted(draw(st.sets(ids, max_size=most)))
    ]
    plain_orders = sorted(draw(st.lists(st.tuples(ids, FLAG, U64, st.integers(1, 2**64 - 1)), max_size=most)))
    plain_rows = with_empty(held, plain_orders)
    length = draw(st.integers(0, 2**64 - 1))
    return Account(
        index=draw(st.integers(0, 2**32 - 1)),
        id=draw(st.integers(0, 2**248 - 1)),
        owner=draw(ELEMENTS),
        salt=draw(st.integers(0, 2**248 - 1)),
        rows=tuple(Row(*row) for row in plain_rows),
        orders=tuple(Order(*order) for order in plain_orders),
        history_head=draw(ELEMENTS),
        history_length=length,
        new_entries=draw(st.integers(0, length)),
    )


def plain(account):
    """What the oracle takes of an account: id, owner, salt, rows, orders, history."""
    return (
        account.id,
        account.owner,
        account.salt,
        [(r.instrument, r.amount, r.entry, r.funding_at_entry, int(r.isolated)) for r in account.rows],
        [(o.instrument, o.side, o.price, o.size) for o in account.orders],
        (account.history_head, account.history_length, account.new_entries),
    )


@st.composite
def plain_scenarios(draw, count, most=32):
    shocks = draw(st.lists(st.tuples(U32, U32), min_size=1, max_size=most))
    factors = sorted([draw(U32), draw(U32)])
    risks = []
    for _ in range(count):
        longs, shorts = sorted([draw(RATE), draw(RATE)]), sorted([draw(RATE), draw(RATE)])
        changes = draw(st.lists(I64, min_size=len(shocks), max_size=len(shocks)))
        risks.append((longs[0], shorts[0], longs[1], shorts[1], changes))
    return {"maintenance_factor": factors[0], "initial_factor": factors[1], "scenarios": shocks, "risks": risks}


def built_scenarios(plain, depth=2):
    """zkstate's scenario table of a plain one."""
    return ScenarioTable(
        tuple(Shock(*shock) for shock in plain["scenarios"]),
        plain["initial_factor"],
        plain["maintenance_factor"],
        tuple(Risk(tuple(changes), *rates) for *rates, changes in plain["risks"]),
        depth,
    )

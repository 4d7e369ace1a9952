"""The stored venue of tests/vectors/state.json: the oracle still writes it, and zkstate reads and commits to it."""

import json

import pytest

from tests.vectors import make_state
from zkstate.state import codec, commit, health, wide
from zkstate.state.margin import assess
from zkstate.state.schema import Account, Instrument, Order, Row, ladder
from zkstate.state.table import InstrumentTable, words


def integers(value):
    """Decimal strings back to integers."""
    if isinstance(value, dict):
        return {key: item if key in ("record", "symbol") else integers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [integers(item) for item in value]
    return (
        int(value) if isinstance(value, str) and value.lstrip("-").isascii() and value.lstrip("-").isdigit() else value
    )


@pytest.fixture(scope="module")
def stored():
    return json.loads(make_state.PATH.read_text())


@pytest.fixture(scope="module")
def vectors(stored):
    return {name: integers(value) for name, value in stored.items() if name != "operator_key"}


@pytest.fixture(scope="module")
def table(vectors):
    made = []
    for plain in vectors["instruments"]:
        fields = {key: value for key, value in plain.items() if key != "words"}
        made.append(Instrument(**{**fields, "tiers": ladder([tuple(tier) for tier in plain["tiers"]])}))
    return InstrumentTable(tuple(made), vectors["table_depth"])


def test_the_oracle_still_writes_them(stored):
    assert make_state.text(make_state.vectors()) == stored


def test_instruments(vectors, table):
    for instrument, plain in zip(table.instruments, vectors["instruments"], strict=True):
        assert list(words(instrument)) == plain["words"]
    assert table.root == vectors["instruments_root"]


def test_accounts(vectors, table):
    venue, epoch = vectors["venue"], vectors["epoch"]
    for index, case in enumerate(vectors["accounts"]):
        account = codec.decode_record(bytes.fromhex(case["record"]), case["size_class"])
        assert account == Account(
            index,
            case["id"],
            case["owner"],
            case["salt"],
            tuple(Row(*row) for row in case["rows"]),
            tuple(Order(*order) for order in case["orders"]),
        )
        assert codec.encode_record(account).hex() == case["record"]
        assert codec.leaf(account) == case["leaf"]
        assert commit.owner_commitment(case["owner_secret"]) == account.owner
        assert commit.account_id(account.owner, venue, epoch) == account.id
        for kind in ("maintenance", "initial"):
            found = assess(account.rows, table, kind == "initial", account.orders)
            assert [[pot.equity, pot.need] for pot in found.pots] == case[kind]


def test_roots(stored, vectors, table):
    operator = bytes.fromhex(stored["operator_key"])
    assert commit.venue_id(operator, vectors["venue_name"]) == vectors["venue"]
    totals = commit.totals_root([c for c, _ in vectors["totals"]], [d for _, d in vectors["totals"]])
    assert totals == vectors["totals_root"]
    meta = commit.Meta(
        venue=vectors["venue"],
        epoch=vectors["epoch"],
        time=vectors["time"],
        previous_state_root=0,
        account_count=len(vectors["accounts"]),
        order_book_root=0,
        scenarios_root=0,
        journal_head=0,
        totals_root=totals,
        accounts_depth=vectors["accounts_depth"],
        table_depth=vectors["table_depth"],
    )
    assert commit.state_root(vectors["accounts_root"], table.root, meta.root) == vectors["state_root"]


def test_columns(vectors, table):
    """The columnar engine on the stored accounts."""
    from tests.state.ledgers import ledger_of

    held = [[tuple(row) for row in case["rows"]] for case in vectors["accounts"]]
    orders = [[tuple(order) for order in case["orders"]] for case in vectors["accounts"]]
    for kind in ("maintenance", "initial"):
        found = health.assess_all(ledger_of(table, held, orders), kind == "initial")
        expected = [case[kind] for case in vectors["accounts"]]
        assert wide.to_ints(found.equity) == [pots[0][0] for pots in expected]
        assert wide.to_ints(found.need) == [pots[0][1] for pots in expected]
        apart = zip(wide.to_ints(found.isolated.equity), wide.to_ints(found.isolated.need), strict=True)
        assert [list(pot) for pot in apart] == [pot for pots in expected for pot in pots[1:]]

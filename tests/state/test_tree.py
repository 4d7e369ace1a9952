from dataclasses import fields, replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.commitment import oracle as hashes
from tests.state import oracle
from tests.state.ledgers import ledger_of, ledgers, plain_ledgers
from tests.state.strategies import built_table
from zkstate.errors import DisagreementError, EncodingError, LedgerError, LengthError
from zkstate.state import codec, columnar, commit, tree, tree_parts
from zkstate.state.schema import SIZE_CLASSES
from zkstate.state.synthetic import synthetic_ledger
from zkstate.state.tree_parts import tree_of_parts

VENUE, EPOCH, SECRET = 2**240 + 5, 7, bytes(range(32))


@given(plain_ledgers(most_accounts=4))
@settings(max_examples=6)
def test_tree_is_that_of_the_specification(plain):
    table, rows, orders = plain
    ledger = ledger_of(built_table(table), rows, orders)
    made = tree.build(ledger, VENUE, EPOCH, SECRET)
    expected = sorted(
        (oracle.account_id(ledger.owner_of(i), VENUE, EPOCH), ledger.owner_of(i), rows[i], orders[i])
        for i in range(len(ledger))
    )
    leaves = []
    for place, (id_, owner, held, book) in enumerate(expected):
        account = made.account(ledger, place)
        assert (account.id, account.owner) == (id_, owner)
        assert account.salt < 2**248
        leaves.append(oracle.leaf(id_, owner, account.salt, held, book))
    assert made.leaves.to_ints() == leaves
    assert made.depth == 10
    assert made.root == oracle.accounts_root(leaves, 10)


@given(ledgers(most_rows=10, most_accounts=12))
@settings(max_examples=20)
def test_columns_agree_with_single_accounts(ledger):
    made = tree.build(ledger, VENUE, EPOCH, SECRET)
    ids = [int.from_bytes(row.tobytes(), "big") for row in made.ids]
    assert ids == sorted(set(ids))
    seen = []
    for n, positions, texts in made.records(ledger):
        for position, text in zip(positions.tolist(), texts, strict=True):
            account = made.account(ledger, position)
            assert account.size_class == n == made.classes[position]
            assert account.index == position
            assert text.tobytes() == codec.encode_record(account)
            assert made.leaves[position] == codec.leaf(account)
            assert made.path(position).verify(made.root, made.leaves[position])
            assert account.id == commit.account_id(account.owner, VENUE, EPOCH)
            assert made.leaf_of(int(made.accounts[position])) == position
            seen.append(position)
    assert sorted(seen) == list(range(len(ledger)))


def full_ledger():
    """Accounts on both sides of every class bound, by rows and by orders."""
    table = [
        {
            "id": i, "symbol": f"A{i}", "flags": 1, "decimals": 8, "price": i, "notional_price": i, "funding": 0,
            "expiry": 0,
            "strike": 0, "option": 0, "underlying": 0, "tiers": [(0, 1, 0)],
        }
        for i in range(1, 65)
    ]  # fmt: skip
    counts = [(r, 0) for r in (0, 1, 4, 5, 8, 9, 16, 17, 64)] + [(1, o) for o in (4, 5, 8, 9, 16, 17, 64)]
    rows = [[(i, -i, 0, 0) for i in range(1, r + 1)] for r, _ in counts]
    orders = [[(1, o % 2, o, 1) for o in range(count)] for _, count in counts]
    return ledger_of(built_table(table), rows, orders), counts


def test_every_class_bound():
    ledger, counts = full_ledger()
    expected = [next(n for n in SIZE_CLASSES if n >= max(pair)) for pair in counts]
    assert ledger.size_classes.tolist() == expected
    made = tree.build(ledger, VENUE, EPOCH, SECRET)
    for position in range(len(ledger)):
        assert made.leaves[position] == codec.leaf(made.account(ledger, position))


def test_blocks_of_accounts_change_nothing(monkeypatch):
    ledger, _ = full_ledger()
    whole = tree.build(ledger, VENUE, EPOCH, SECRET)
    monkeypatch.setattr(columnar, "_BLOCK_ELEMENTS", 9)
    monkeypatch.setattr(tree, "RECORD_BLOCK", 1)
    assert tree.build(ledger, VENUE, EPOCH, SECRET).root == whole.root
    parts = list(whole.records(ledger))
    assert len(parts) == len(ledger)


def test_salts_are_fresh_and_follow_from_their_secret():
    ledger, _ = full_ledger()
    one, same, other = (tree.build(ledger, VENUE, EPOCH, secret) for secret in (SECRET, SECRET, bytes(32)))
    assert one.root == same.root
    assert one.root != other.root
    assert (one.ids == other.ids).all()
    assert len({salt.tobytes() for salt in one.salts}) == len(ledger)
    assert not (one.salts == other.salts).all(axis=1).any()


@pytest.mark.parametrize(("venue", "epoch"), [(VENUE + 1, EPOCH), (VENUE, EPOCH + 1)])
def test_ids_cannot_be_linked_across_venues_and_epochs(venue, epoch):
    ledger, _ = full_ledger()
    one, other = tree.build(ledger, VENUE, EPOCH, SECRET), tree.build(ledger, venue, epoch, SECRET)
    assert not {i.tobytes() for i in one.ids} & {i.tobytes() for i in other.ids}


def test_ledgers_that_cannot_be_committed():
    ledger, _ = full_ledger()
    for venue, epoch in ((2**248, 1), (-1, 1), (1, 2**64), (1, -1)):
        with pytest.raises(EncodingError, match="out of range"):
            tree.build(ledger, venue, epoch, SECRET)
    with pytest.raises(LengthError, match="do not fit a tree of depth 1"):
        tree.build(ledger, VENUE, EPOCH, SECRET, depth=1)
    with pytest.raises(LengthError, match="has 31 bytes"):
        tree.build(ledger, VENUE, EPOCH, SECRET[:31])
    keyless = ledger_of(ledger.table, [[]], keys=False)
    with pytest.raises(LedgerError, match="no account keys"):
        tree.build(keyless, VENUE, EPOCH, SECRET)
    with pytest.raises(LedgerError, match="no accounts"):
        tree.build(ledger_of(ledger.table, []), VENUE, EPOCH, SECRET)
    with pytest.raises(LedgerError, match="account 99 is not among"):
        tree.build(ledger, VENUE, EPOCH, SECRET).leaf_of(99)


def test_two_accounts_of_one_owner_are_refused():
    ledger, _ = full_ledger()
    owners = np.array(ledger.owners)
    owners[3] = owners[1]
    twins = type(ledger)(**{f: getattr(ledger, f) for f in ledger.__slots__} | {"owners": owners})
    with pytest.raises(LedgerError, match=r"'account 1' and 'account 3'|'account 3' and 'account 1'"):
        tree.build(twins, VENUE, EPOCH, SECRET)
    owners[3] = 255
    above = type(ledger)(**{f: getattr(ledger, f) for f in ledger.__slots__} | {"owners": owners})
    with pytest.raises(EncodingError):
        tree.build(above, VENUE, EPOCH, SECRET)


@pytest.mark.parametrize(("count", "depth"), [(1, 10), (2**20, 10), (2**20 + 1, 11), (2**22, 11), (2**24, 12)])
def test_depth(count, depth):
    assert tree.accounts_depth(count) == depth


totals = st.lists(st.tuples(st.integers(0, 2**96 - 1), st.integers(0, 2**96 - 1)), max_size=20)


@given(totals)
@settings(max_examples=20)
def test_totals_root(pairs):
    assert commit.totals_root([c for c, _ in pairs], [d for _, d in pairs]) == oracle.totals_root(pairs)


def test_totals_out_of_range():
    with pytest.raises(EncodingError, match="credit of instrument 2"):
        commit.totals_root([0, 2**96], [0, 0])
    with pytest.raises(EncodingError, match="debit of instrument 1"):
        commit.totals_root([0], [-1])
    with pytest.raises(LengthError, match="2 credits but 1 debits"):
        commit.totals_root([0, 0], [0])


@given(ledgers(most_rows=5))
@settings(max_examples=30)
def test_totals_are_plain_sums(ledger):
    found = ledger.totals()
    held = [row for i in range(len(ledger)) for row in ledger.rows_of(i)]
    for i, (credit, debit) in enumerate(zip(found.credits, found.debits, strict=True), start=1):
        amounts = [row.amount for row in held if row.instrument == i]
        assert credit == sum(a for a in amounts if a > 0)
        assert debit == -sum(a for a in amounts if a < 0)
    assert len(found.credits) == len(ledger.table)


META = {
    "venue": 5, "epoch": 6, "time": 7, "previous_state_root": 8, "account_count": 9, "order_book_root": 10,
    "scenarios_root": 11, "journal_head": 12, "totals_root": 13, "accounts_depth": 10, "table_depth": 2,
}  # fmt: skip


def test_state_root():
    meta = commit.Meta(**META)
    words = [5, 6, 7, 8, 9, 10, 11, 12, 13, 10 * 256 + 2]
    assert meta.root == hashes.hash_of(oracle.tag("meta"), words)
    assert commit.state_root(1, 2, meta.root) == oracle.state_root(1, 2, words)


@pytest.mark.parametrize("field", sorted(META))
def test_every_part_of_meta_counts_and_has_its_range(field):
    assert commit.Meta(**{**META, field: META[field] + 1}).root != commit.Meta(**META).root
    for value in (-1, 2**256):
        with pytest.raises(EncodingError, match=f"{field} is {value}"):
            commit.Meta(**{**META, field: value})


def test_venue_id():
    assert commit.venue_id(bytes(32), "X") == oracle.low248(b"zkstate venue v1" + bytes(32) + b"X")
    assert commit.order_book_root(b"{}") == oracle.low248(b"{}")
    with pytest.raises(LengthError, match="32 bytes, not 31"):
        commit.venue_id(bytes(31), "X")


def test_owner_commitment():
    assert commit.owner_commitment(9) == hashes.hash_of(oracle.tag("owner"), [9])


def parts_of(ledger, *cuts):
    """The accounts of a ledger in parts, cut at these places."""
    ends = [0, *cuts, len(ledger)]

    def part(first, last):
        def cut(columns):
            start = columns.start[first : last + 1]
            inner = {f.name: getattr(columns, f.name)[start[0] : start[-1]] for f in fields(columns)[1:]}
            return type(columns)(start - start[0], **inner)

        return replace(
            ledger,
            names=ledger.names[first:last],
            rows=cut(ledger.rows),
            orders=cut(ledger.orders),
            owners=ledger.owners[first:last],
            view_keys=ledger.view_keys[first:last],
        )

    return [part(first, last) for first, last in pairwise(ends)]


def test_a_ledger_in_parts_has_the_tree_of_the_whole(monkeypatch):
    ledger = synthetic_ledger(3, 300)
    whole = tree.build(ledger, VENUE, EPOCH, SECRET)
    parts = parts_of(ledger, 1, 130, 299)
    for block in (1 << 16, 7):
        monkeypatch.setattr(tree_parts, "LEAF_BLOCK", block)
        monkeypatch.setattr(tree, "LEAF_BLOCK", block)
        made = tree_of_parts(lambda: iter(parts), VENUE, EPOCH, SECRET)
        assert made.root == whole.root
        assert [level.to_ints() for level in made.levels] == [level.to_ints() for level in whole.tree.levels]
        assert tree.build(ledger, VENUE, EPOCH, SECRET).root == whole.root


def test_parts_that_are_refused():
    parts = parts_of(synthetic_ledger(3, 20), 8)
    with pytest.raises(LedgerError, match="no accounts"):
        tree_of_parts(list, VENUE, EPOCH, SECRET)
    with pytest.raises(LedgerError, match=r"accounts (\d) and 2\1 have one owner"):
        tree_of_parts(lambda: [*parts, parts[0]], VENUE, EPOCH, SECRET)
    for venue, epoch in ((1 << 248, EPOCH), (1 << 256, EPOCH), (VENUE, 1 << 64), (VENUE, -1)):
        with pytest.raises(EncodingError, match="is out of range"):
            tree_of_parts(lambda: parts, venue, epoch, SECRET)
    for second in ([parts[1], parts[0]], parts[:1], [*parts, parts[0]]):
        reads = iter([parts, second])
        with pytest.raises(DisagreementError, match="are not the 20 accounts that they were"):
            tree_of_parts(lambda reads=reads: next(reads), VENUE, EPOCH, SECRET)

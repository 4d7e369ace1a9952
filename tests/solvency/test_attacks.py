"""A venue that cheats: each lie is refused with the batch and the rule, by the circuit or by the verifier."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from tests.publication.venue import OPERATOR
from tests.solvency.venue import ROWS, TABLE, commit, ledger
from tests.state.ledgers import ledger_of
from zkstate.errors import DisagreementError, EncodingError, WitnessError
from zkstate.kernels import FR_MODULUS
from zkstate.publication.header import sign
from zkstate.publication.holdings import Holdings, Parts
from zkstate.solvency import publics, verify
from zkstate.solvency.plan import LAYOUTS, decode_bounds, draw_bounds, encode_bounds
from zkstate.solvency.publics import Sums
from zkstate.solvency.tables import ReadTable
from zkstate.solvency.witness import Accounts, Blinds
from zkstate.solvency.workshop import Job, Workshop
from zkstate.state.ledger import Totals, issue_keys
from zkstate.state.schema import ID_BOUND, Account, Row
from zkstate.state.table import InstrumentTable


def workshop(epoch, **changes) -> Workshop:
    """What the venue proves with, parts of it exchanged for what it would rather prove."""
    seed = bytes.fromhex((epoch.folder / "private/solvency.key").read_text())
    shop = Workshop(Job(epoch.folder, epoch.system, ROWS[epoch.system], None, seed))
    for name, value in changes.items():
        vars(shop)[name] = value
    return shop


def sums_before(shop, index) -> Sums:
    found = Sums()
    for i in range(index):
        found += shop.accounts(i).added
    return found


MARKETS = [instrument.id for instrument in TABLE.instruments if not instrument.is_asset]


def rows_of(of, at) -> list[tuple[int, ...]]:
    """The rows of an account as the ledgers of tests are made of them."""
    return [(row.instrument, row.amount, row.entry, row.funding_at_entry, int(row.isolated)) for row in of.rows_of(at)]


def reasons(epoch):
    return list(epoch.verify().reasons)


def last(epoch) -> str:
    """Its last batch."""
    path = epoch.batches()[-1]
    return f"batch {int(path.stem)} of class {path.parent.name}"


def test_an_omitted_account(proved, tmp_path):
    epoch = proved.copy(tmp_path)
    (epoch.proof / "classes.bin").write_bytes((epoch.proof / "classes.bin").read_bytes()[:-1])
    assert reasons(epoch) == ["classes.bin has 12 entries, there are 13 accounts"]
    epoch = proved.copy(tmp_path / "again")
    epoch.batch(8, 1).unlink()
    assert reasons(epoch)[0].startswith("batch 1 of class 8: ")


def test_leaves_of_another_tree_than_the_header_has(proved, tmp_path, monkeypatch):
    """A header with the root of one set of accounts, and a good proof of another: whoever serves the files shows the
    first to whoever rebuilds the tree, and then the second.
    """
    epoch = proved.copy(tmp_path)
    other = replace(epoch.header, accounts_root=epoch.header.accounts_root - 1)
    (epoch.public / "header.bin").write_bytes(sign(other, OPERATOR.signing_key).encode())
    with pytest.raises(DisagreementError, match="the tiles have root"):
        epoch.prove()
    tree = SimpleNamespace(root=other.accounts_root)
    monkeypatch.setattr(publics, "MerkleTree", lambda *_: tree)  # the venue's own prover
    epoch.prove()
    assert epoch.verify().accepted
    monkeypatch.undo()
    (reason,) = reasons(epoch)
    assert reason.startswith("the tiles have root ")
    assert f"{other.accounts_root:#066x}" in reason


def test_a_leaf_that_is_none(proved, monkeypatch):
    """A place of the tree without an account is no account: by Groth16 padding would be a proof for it."""
    leaves = np.array(verify.published_leaves(proved.public, proved.header))
    leaves[3] = 0
    monkeypatch.setattr(verify, "published_leaves", lambda *_: leaves)
    assert reasons(proved) == ["a leaf is 0, and there are 13 accounts"]


def test_an_account_is_looked_for_in_the_lists_that_were_judged(proved, tmp_path):
    """And not in a second reading of them."""
    epoch = proved.copy(tmp_path)
    found = epoch.verify()
    classes, bounds = (epoch.proof / name for name in ("classes.bin", "bounds.bin"))
    classes.write_bytes(bytes(len(classes.read_bytes())))
    bounds.unlink()
    held = Holdings.open(epoch.folder / "private/holdings")
    ids = [int.from_bytes(each.tobytes()) for each in held.parts.ids]
    for at, count in enumerate(held.rows.counts.tolist()):
        own = Account(at, ids[at], 0, 0, tuple(Row(i + 1, 1) for i in range(count)))
        shown = found.counted.coverage(own)
        assert shown.reasons == ()
        assert shown.batch.endswith(f"of class {held.parts.classes[at]}")
        lower, upper = (int.from_bytes(found.counted.bounds[i].tobytes()) for i in (at, at + 1))
        assert [found.counted.coverage(replace(own, id=each)).reasons for each in (lower, upper - 1)] == [(), ()]
        for other in (ids[at - 1], lower - 1, *([upper] if upper < ID_BOUND else [])):  # the last bound is no id
            (reason,) = found.counted.coverage(replace(own, id=other)).reasons
            assert "another account is counted there" in reason


def test_padding_in_place_of_an_account(proved):
    """Its place proved to be empty; its leaf is published, and that is no proof for it."""
    shop = workshop(proved)
    part, before, blinds = shop.parts[0], sums_before(shop, 0), Blinds(0, 5, 7)
    fewer = replace(part, leaves=part.leaves[1:])
    emptied = Accounts(shop.published, fewer, shop.holdings.taken(fewer.leaves))
    prover = shop.prover(part.rows)
    batch = prover.prove(emptied, before, blinds)
    assert prover.holds(shop.published, [(fewer, batch), (part, batch)]) == [True, False]


@pytest.mark.parametrize("same", [(0, 1), (0, None)], ids=["in one batch", "in two classes"])
def test_an_id_that_stands_twice(proved, same):
    """The list of bounds cannot rise over it, and with bounds that do, one of the two accounts lies outside its own."""
    shop = workshop(proved)
    classes = np.asarray(shop.holdings.parts.classes)
    first = shop.parts[0].leaves[0]
    second = shop.parts[0].leaves[1] if same[1] else np.flatnonzero(classes == 8)[-1]
    ids = np.array(shop.holdings.parts.ids)
    ids[second] = ids[first]
    with pytest.raises(EncodingError, match="an id stands twice"):
        draw_bounds(ids, b"seed" * 8)
    parts = {name: getattr(shop.holdings.parts, name) for name in Parts.__dataclass_fields__} | {"ids": ids}
    twice = workshop(proved, holdings=Holdings(shop.holdings.rows, Parts(**parts)), parts=shop.parts)
    vars(twice)["published"] = shop.published
    index = next(i for i, part in enumerate(shop.parts) if second in part.leaves)
    with pytest.raises(WitnessError, match=rf"^{shop.parts[index]}: the id is (at least its lower|below its upper)"):
        twice.proved(index, sums_before(shop, index))
    bounds = np.array(decode_bounds((proved.proof / "bounds.bin").read_bytes(), 13))
    bounds[second] = bounds[second - 1]
    with pytest.raises(EncodingError, match=f"the bound of leaf {second} does not rise"):
        decode_bounds(encode_bounds(bounds), 13)


def test_bounds_that_do_not_rise(proved, tmp_path):
    epoch = proved.copy(tmp_path)
    path = epoch.proof / "bounds.bin"
    content = path.read_bytes()
    path.write_bytes(content[:31] * 2 + content[62:])
    assert reasons(epoch) == ["the bound of leaf 1 does not rise: an id could stand twice"]
    path.write_bytes(content[31:62] + content[:31] + content[62:])
    assert reasons(epoch) == ["the bound of leaf 1 does not rise: an id could stand twice"]
    path.write_bytes(content[:-1])
    assert "bytes of bounds" in reasons(epoch)[0]


def test_other_bounds_than_were_proved(proved, tmp_path):
    epoch = proved.copy(tmp_path)
    path = epoch.proof / "bounds.bin"
    content = path.read_bytes()
    path.write_bytes(b"\0" * 31 + content[31:])
    assert len(reasons(epoch)) == 1
    assert "its proof does not hold for these leaves, bounds" in reasons(epoch)[0]


def test_an_account_in_another_class(proved, tmp_path):
    epoch = proved.copy(tmp_path)
    path = epoch.proof / "classes.bin"
    classes = bytearray(path.read_bytes())
    small, large = classes.index(4), classes.index(8)
    classes[small], classes[large] = 8, 4
    path.write_bytes(classes)
    found = reasons(epoch)
    assert any("of class 4" in reason for reason in found)
    assert any("of class 8" in reason for reason in found)
    assert all("its proof does not hold" in reason for reason in found)
    classes[small] = 5
    path.write_bytes(classes)
    assert reasons(epoch) == [f"leaf {small} has class 5, none of (4, 8, 16, 64)"]


@pytest.mark.parametrize("member", ["price", "tiers"])
def test_another_table_in_one_batch(proved, tmp_path, member):
    """A price or a tier of the venue's own in one batch: its circuit is satisfied, its proof is of another table."""
    epoch = proved.copy(tmp_path)
    shop = workshop(epoch)
    coin = TABLE[2]
    if member == "price":
        changed = replace(coin, price=coin.price + 1, notional_price=coin.price + 1)
    else:
        changed = replace(coin, tiers=(replace(coin.tiers[0], upper=2**64 - 1),))
    kinder = InstrumentTable.of([changed if i.id == 2 else i for i in TABLE.instruments])
    cheating = workshop(epoch, parts=shop.parts, holdings=shop.holdings)
    vars(cheating)["published"] = replace(shop.published, table=ReadTable.of(kinder))
    index = next(i for i in range(len(shop.parts)) if (shop.accounts(i).holdings.rows.instrument == 2).any())
    before = sums_before(shop, index)
    path = epoch.folder / "solvency" / f"batches/{shop.parts[index].rows}/{shop.parts[index].number:06d}.bin"
    path.write_bytes(cheating.proved(index, before).encode())
    assert f"{shop.parts[index]}: its proof does not hold" in " ".join(reasons(epoch))


def test_sums_that_start_again(proved, tmp_path):
    epoch = proved.copy(tmp_path)
    shop = workshop(epoch)
    small = shop.plan.count(4)
    for at, start, rule in (
        (small, Sums(), f"batch 0 of class 8: its sums do not go on from those of batch {small - 1} of class 4"),
        (0, Sums(1, 2, 3, 4), "batch 0 of class 4: its sums do not go on from those of the start"),
    ):
        content = shop.proved(at, start).encode()
        path = epoch.proof / f"batches/{shop.parts[at].rows}/{shop.parts[at].number:06d}.bin"
        kept = path.read_bytes()
        path.write_bytes(content)
        assert rule in reasons(epoch)
        path.write_bytes(kept)


def test_batches_in_another_order(proved, tmp_path):
    epoch = proved.copy(tmp_path)
    first, second = epoch.batch(4, 0), epoch.batch(4, 1)
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    second.write_bytes(one)
    found = " ".join(reasons(epoch))
    assert "batch 0 of class 4: its sums do not go on from those of the start" in found
    assert "batch 1 of class 4: its proof does not hold" in found


def test_a_batch_of_another_epoch(proved, tmp_path):
    epoch = proved.copy(tmp_path)
    other = commit(tmp_path / "other", replace(ledger(), time=1_800_000_000), proved.system)
    other.prove()
    epoch.batch(8, 0).write_bytes(other.batch(8, 0).read_bytes())
    assert any(reason.startswith("batch 0 of class 8: its proof does not hold") for reason in reasons(epoch))
    whole = proved.copy(tmp_path / "again")
    claim = json.loads((other.proof / "solvency.json").read_bytes())
    (whole.proof / "solvency.json").write_bytes((other.proof / "solvency.json").read_bytes())
    assert reasons(whole) == [f"the proof is of the header {claim['header_hash']}, not of {whole.header.hash.hex()}"]


def one_more(value: str) -> str:
    return str(int(value) + 1)


def other_sign(value: str) -> str:
    return str(-int(value))


@pytest.mark.parametrize(
    ("member", "changed"),
    [
        ("unhealthy", lambda value: value - 1),
        ("shortfall", lambda _: "0"),
        ("profit", lambda _: "0"),
        ("profit", one_more),
        ("profit", other_sign),
    ],
)
def test_an_unhealthy_account_its_shortfall_or_a_profit_left_out(proved, tmp_path, member, changed):
    epoch = proved.copy(tmp_path)
    path = epoch.proof / "solvency.json"
    claim = json.loads(path.read_bytes())
    claim[member] = changed(claim[member])
    path.write_bytes(json.dumps(claim, separators=(",", ":")).encode())
    assert reasons(epoch) == [
        f"{last(proved)}: the sums do not end at the published totals, unhealthy accounts, shortfall and profit"
    ]


def test_a_profit_that_starts_again(proved, tmp_path):
    """A batch over sums that are those before it but for the profit: it does not go on from them."""
    epoch = proved.copy(tmp_path)
    shop = workshop(epoch)
    at = len(shop.parts) - 1
    before = sums_before(shop, at)
    assert before.profit
    path = epoch.batches()[at]
    path.write_bytes(shop.proved(at, replace(before, profit=0)).encode())
    found = reasons(epoch)
    assert f"{shop.parts[at]}: its sums do not go on from those of {shop.parts[at - 1]}" in found
    assert not any("its proof does not hold" in reason for reason in found)


def test_a_profit_that_a_batch_leaves_out(proved):
    """Sums after a batch that have none of it, or the profit of what is no market."""
    shop = workshop(proved)
    index = next(i for i in range(len(shop.parts)) if shop.accounts(i).added.profit)
    part = shop.parts[index]
    rows = shop.accounts(index).holdings.rows
    assets = sum(
        amount * TABLE[i].price
        for i, amount in zip(rows.instrument.tolist(), rows.amount.tolist(), strict=True)
        if TABLE[i].is_asset
    )
    assert assets
    for change in (lambda true: 0, lambda true: true + assets, lambda true: -true):

        class Forced(Accounts):
            @property
            def added(self, change=change):
                true = Accounts.of(self.published, self.part, shop.holdings).added
                return replace(true, profit=change(true.profit) % FR_MODULUS)

        forced = Forced(shop.published, part, shop.holdings.taken(part.leaves))
        with pytest.raises(WitnessError, match=r"the sums after are the committed ones|profit ends at the sum after"):
            shop.prover(part.rows).prove(forced, sums_before(shop, index), Blinds(3, 5, 7))


def test_no_blind_hides_the_sums_of_two_versions(proved, monkeypatch):
    """Of the first, without a profit, a commitment would be the same where positions have gained nothing so far."""
    found = []
    for version in (1, 2):
        monkeypatch.setattr("zkstate.solvency.workshop.VERSION", version)
        found.append(workshop(proved).blinds(1))
    first, second = found
    assert not {first.before, first.after, first.reads} - {0} & {second.before, second.after, second.reads}


def test_a_debt_moved_into_an_entry_value(proved, tmp_path):
    """What a venue owes in quote, moved into the entry value of a position: totals fall, and the profit rises by it."""
    moved = 10**6
    held = [list(map(tuple, rows_of(proved.ledger, i))) for i in range(len(proved.ledger))]
    at, k = next(
        (at, k)
        for at, rows in enumerate(held)
        for k, row in enumerate(rows)
        if row[0] == 1 and row[1] > moved and any(other[0] in MARKETS for other in rows)
    )
    into = next(i for i, row in enumerate(held[at]) if row[0] in MARKETS)
    held[at][k] = (1, held[at][k][1] - moved, *held[at][k][2:])
    entry = held[at][into][2] - moved * TABLE[1].price
    held[at][into] = (*held[at][into][:2], entry, *held[at][into][3:])
    other = commit(
        tmp_path / "moved", issue_keys(ledger_of(TABLE, held, keys=False), OPERATOR.issuing_master), proved.system
    )
    other.prove()
    before, after = proved.verify(), other.verify()
    assert (before.reasons, after.reasons) == ((), ())
    assert after.totals.credits[0] == before.totals.credits[0] - moved
    assert int(after.claim.profit) == int(before.claim.profit) + moved * TABLE[1].price


def test_a_healthy_flag_that_is_forced(proved):
    """Sums after a batch that count one unhealthy account less."""

    class Forced(Accounts):
        @property
        def added(self):
            true = Accounts.of(self.published, self.part, shop.holdings).added
            return replace(true, unhealthy=true.unhealthy - 1)

    shop = workshop(proved)
    index = next(i for i in range(len(shop.parts)) if shop.accounts(i).added.unhealthy)
    part = shop.parts[index]
    forced = Forced(shop.published, part, shop.holdings.taken(part.leaves))
    with pytest.raises(WitnessError, match=r"the sums after are the committed ones|unhealthy ends at the sum after"):
        shop.prover(part.rows).prove(forced, sums_before(shop, index), Blinds(3, 5, 7))


def test_totals_that_are_not_the_sums(proved, tmp_path, monkeypatch):
    """A header that commits to smaller totals: nothing the venue has proved ends at them."""
    true = proved.ledger.totals()
    less = Totals((true.credits[0] - 1, *true.credits[1:]), true.debits)
    with monkeypatch.context() as patched:
        patched.setattr(type(proved.ledger), "totals", lambda _: less)
        epoch = commit(tmp_path / "less", ledger(), proved.system)
    monkeypatch.setattr("zkstate.solvency.engine._check_totals", lambda *_: None)
    epoch.prove()
    (reason,) = reasons(epoch)
    assert reason.startswith(f"{last(proved)}: the sums do not end at the published totals")


RULES = {
    "transparent": "a power of two up to 16384, less 2",
    "groth16": "from 1 up to 1024",
    "mirage": "from 1 up to 4096, less 2",
}


@pytest.mark.parametrize("blocks", [32, 1 << 15, 5, 0])
def test_a_circuit_larger_than_the_accounts_need_is_not_built(proved, tmp_path, blocks):
    layout = LAYOUTS[proved.system]
    rule = "for 10 accounts in all" if blocks == 32 else RULES[proved.system]
    if blocks == 5 and not layout.powers:
        pytest.skip("any number may be")
    epoch = proved.copy(tmp_path)
    path = epoch.proof / "solvency.json"
    claim = json.loads(path.read_bytes())
    claim["classes"][0]["accounts"] = max(0, blocks - layout.ends)
    path.write_bytes(json.dumps(claim, separators=(",", ":")).encode())
    (reason,) = reasons(epoch)
    assert rule in reason

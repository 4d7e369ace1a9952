"""Accounts under the portfolio rule: what a proof of them shows, against exact integers, and a venue that cheats."""

import json
from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.publication.venue import OPERATOR
from tests.solvency.test_attacks import reasons, sums_before, workshop
from tests.solvency.venue import SCENARIOS, TABLE, ledger, positions_profit, published, risky_ledger
from tests.state.ledgers import ledger_of, plain_ledgers
from tests.state.strategies import built_scenarios, built_table, plain_scenarios
from zkstate.constraint import compile_blocks, solve_blocks
from zkstate.constraint.block_check import broken_blocks
from zkstate.errors import EncodingError, InputError, WitnessError
from zkstate.publication.header import sign
from zkstate.publication.holdings import Holdings
from zkstate.solvency.block_witness import block_inputs
from zkstate.solvency.plan import LAYOUTS, Plan
from zkstate.solvency.provers import prover_of
from zkstate.solvency.publics import Sums
from zkstate.solvency.tables import ReadTable
from zkstate.solvency.task import Task, prove_task
from zkstate.solvency.verify import TIERS_ALONE, not_shown
from zkstate.solvency.witness import Accounts, Blinds
from zkstate.state import tree
from zkstate.state.ledger import row_columns
from zkstate.state.margin import assess
from zkstate.state.portfolio import assess_portfolio
from zkstate.state.schema import PORTFOLIO

NAMES = ["4", "8", "4p", "8p"]


def assessments(of):
    """Every account as its own rule judges it, by exact integers."""
    judged = [False] * len(of) if of.portfolio is None else of.portfolio
    return [
        assess_portfolio(of.rows_of(i), of.table, of.scenarios).assessment if risky else assess(of.rows_of(i), of.table)
        for i, risky in enumerate(judged)
    ]


def test_the_claim_is_that_of_exact_integers(risky):
    found = risky.verify()
    assert found.reasons == ()
    each = assessments(risky.ledger)
    unhealthy = [account for account in each if not account.healthy]
    assert 0 < len(unhealthy) < len(each)
    assert found.claim.unhealthy == len(unhealthy)
    assert int(found.claim.shortfall) == sum(account.shortfall for account in each)
    assert (found.by_portfolio, found.accounts) == (risky.ledger.portfolio.sum(), len(each))
    assert sorted({path.parent.name for path in risky.batches()}) == sorted(NAMES)
    assert int(found.claim.profit) == positions_profit(risky.ledger)
    by_tiers = [assess(risky.ledger.rows_of(i), TABLE) for i in range(len(each))]
    assert sum(account.shortfall for account in by_tiers) != int(found.claim.shortfall)


def test_what_is_said_of_the_rule():
    assert TIERS_ALONE in not_shown("")
    (said,) = (words for words in not_shown("3") if "portfolio" in words)
    assert "the venue chose it, 3 by the portfolio rule" in said
    assert not any("portfolio" in words for words in not_shown(None))


def test_an_owner_is_told_the_rule(risky):
    counted = risky.verify().counted
    held = Holdings.open(risky.folder / "private/holdings")
    assert held.by_portfolio.sum() == risky.ledger.portfolio.sum()
    for at, kind in enumerate(held.parts.classes.tolist()):
        own = SimpleNamespace(index=at, size_class=kind % PORTFOLIO, id=int.from_bytes(held.parts.ids[at].tobytes()))
        found = counted.coverage(own)
        assert found.reasons == ()
        assert found.rule == ("portfolio" if kind >= PORTFOLIO else "tiers")
        assert found.batch.endswith(f"of class {kind % PORTFOLIO}{'p' if kind >= PORTFOLIO else ''}")


def test_a_run_goes_on_where_another_stopped(risky, tmp_path):
    epoch = risky.copy(tmp_path)
    before = {path: path.read_bytes() for path in epoch.batches()}
    epoch.batch("4p", 0).unlink()
    epoch.batch("8p", 0).write_bytes(b"")
    stray = epoch.proof / "batches/16p/000000.bin"
    stray.parent.mkdir()
    stray.write_bytes(b"")
    (epoch.proof / "solvency.json").unlink()
    outcome = epoch.prove(jobs=2)
    assert (outcome.kept, outcome.proved) == (len(before) - 2, 2)
    assert not stray.exists()
    assert epoch.verify().accepted
    assert all(path.read_bytes()[:80] == content[:80] for path, content in before.items())


def test_a_run_by_other_rules_starts_anew(risky, tmp_path, monkeypatch):
    """Two accounts change places, so that batches are as many and as large: claim and blinds are of other sums."""
    epoch = risky.copy(tmp_path)
    path = epoch.folder / "private/holdings/classes.npy"
    classes = np.load(path)
    two = [classes.tolist().index(kind) for kind in (4, 4 + PORTFOLIO)]
    before = workshop(epoch).blinds(1)
    classes[two] = classes[two[::-1]]
    np.save(path, classes)
    found = workshop(epoch).blinds(1)
    assert not {before.before, before.after} & {found.before, found.after}
    with monkeypatch.context() as patched:
        patched.setattr("zkstate.solvency.engine._settled", interrupted)
        with pytest.raises(KeyboardInterrupt):
            epoch.prove()
    assert not (epoch.proof / "solvency.json").exists()
    assert epoch.prove().kept == 0
    assert epoch.verify().accepted


def interrupted(*_):
    raise KeyboardInterrupt


def test_a_worker_elsewhere_proves_such_a_batch(risky, tmp_path):
    shop = workshop(risky)
    index = next(i for i, part in enumerate(shop.parts) if part.by_portfolio)
    part, before = shop.parts[index], sums_before(shop, index)
    table, scenarios = ((risky.public / f"tables/{name}.json").read_bytes() for name in ("instruments", "scenarios"))
    task = Task(table, scenarios, shop.accounts(index), before, shop.blinds(index))
    path = tmp_path / "task"
    path.write_bytes(task.encode())
    found = prove_task(shop.prover(part.kind).digest, (part.kind, part.number), str(path), risky.system, None)
    batch = type(shop.proved(index, before)).decode(found, "answer")
    assert shop.holds(index, before, batch, shop.prover(part.kind))
    for wrong in (replace(task, scenarios=b""), replace(task, scenarios=scenarios[:-1])):
        path.write_bytes(wrong.encode())
        said = prove_task(shop.prover(part.kind).digest, (part.kind, part.number), str(path), risky.system, None)
        assert isinstance(said, str)


def test_groth16_refuses_and_says_what_to_do(risky, tmp_path):
    epoch = replace(risky.copy(tmp_path), system="groth16")
    with pytest.raises(
        InputError, match=r"has class \d+p, and 8 accounts in all have portfolio margin: no circuit of gr.*"
    ) as caught:
        epoch.prove()
    assert "--system transparent" in str(caught.value)
    assert epoch.verify().accepted  # what was there stays
    claim = json.loads((epoch.proof / "solvency.json").read_bytes())
    claim["system"] = "groth16"
    for each in claim["classes"]:
        each["accounts"] = 4 if each["rows"] == 4 else 1
    (epoch.proof / "solvency.json").write_bytes(json.dumps(claim, separators=(",", ":")).encode())
    (reason,) = reasons(epoch)
    assert "no circuit of groth16 judges it" in reason


def test_an_account_moved_to_another_rule_after_the_fact(risky, tmp_path):
    """The class list says tiers of an account that the portfolio rule judged, or the other way, or of both at once."""
    classes = (risky.proof / "classes.bin").read_bytes()
    to_tiers, to_portfolio = classes.index(4 + PORTFOLIO), classes.index(4)
    for at, moved in enumerate(((to_tiers,), (to_portfolio,), (to_tiers, to_portfolio))):
        epoch = risky.copy(tmp_path / str(at))
        changed = bytearray(classes)
        for leaf in moved:
            changed[leaf] ^= PORTFOLIO
        (epoch.proof / "classes.bin").write_bytes(changed)
        found = reasons(epoch)
        assert any("its proof does not hold" in reason or "its sums do not go on" in reason for reason in found), found


def test_an_account_judged_by_the_rule_that_its_class_does_not_name(risky, tmp_path):
    """A venue that proves by tiers whom it lists under the portfolio rule: another circuit, and other sums."""
    epoch = risky.copy(tmp_path)
    shop = workshop(epoch)
    index = next(i for i, part in enumerate(shop.parts) if part.kind == 4 + PORTFOLIO)
    part, before = shop.parts[index], sums_before(shop, index)
    milder = replace(part, kind=part.rows)
    accounts = Accounts(shop.published, milder, shop.holdings.taken(part.leaves))
    prover = prover_of(shop.table, milder.kind, milder.accounts, epoch.system, None)
    proof = prover.prove(accounts, before, shop.blinds(index))
    epoch.batch("4p", 0).write_bytes(proof.encode())
    assert any(reason.startswith("batch 0 of class 4p: ") for reason in reasons(epoch))


@pytest.mark.parametrize("member", ["change", "factor", "contingency"])
def test_other_scenarios_in_one_batch(risky, tmp_path, member):
    """Scenarios of the venue's own in one batch: its circuit is satisfied, its proof is of another table."""
    epoch = risky.copy(tmp_path)
    shop = workshop(epoch)
    perp = SCENARIOS[3]
    changed = {
        "change": {"changes": (0, *perp.changes[1:])},
        "contingency": {"maintenance_long": 0, "maintenance_short": 0},
        "factor": {},
    }[member]
    risks = tuple(replace(risk, **changed) if i == 3 else risk for i, risk in enumerate(SCENARIOS.risks, 1))
    kinder = replace(SCENARIOS, risks=risks, maintenance_factor=SCENARIOS.maintenance_factor - (member == "factor"))
    cheating = workshop(epoch, parts=shop.parts, holdings=shop.holdings)
    vars(cheating)["published"] = replace(shop.published, table=ReadTable.of(TABLE, kinder))
    index = next(
        i
        for i, part in enumerate(shop.parts)
        if part.by_portfolio and (shop.accounts(i).holdings.rows.instrument == 3).any()
    )
    part = shop.parts[index]
    batch = cheating.proved(index, sums_before(shop, index))
    epoch.batch(f"{part.rows}p", part.number).write_bytes(batch.encode())
    assert f"{part}: its proof does not hold" in " ".join(reasons(epoch))


@pytest.mark.parametrize("less", [Sums(0, 1), Sums(0, 0, 1), Sums(0, 0, 0, 1)], ids=["flag", "shortfall", "profit"])
def test_a_sum_that_leaves_something_out(risky, less):
    class Forced(Accounts):
        @property
        def added(self):
            true = Accounts.of(self.published, self.part, shop.holdings).added
            unhealthy, shortfall = true.unhealthy - less.unhealthy, true.shortfall - less.shortfall
            return Sums(true.held, unhealthy, shortfall, true.profit - less.profit)

    shop = workshop(risky)
    index = next(i for i, part in enumerate(shop.parts) if part.by_portfolio and shop.accounts(i).added.unhealthy)
    part = shop.parts[index]
    forced = Forced(shop.published, part, shop.holdings.taken(part.leaves))
    with pytest.raises(WitnessError, match=r"the sums after are the committed ones|ends at the sum after"):
        shop.prover(part.kind).prove(forced, sums_before(shop, index), Blinds(3, 5, 7))


@pytest.mark.parametrize("worst", [0, -1, 1], ids=["none", "less", "more"])
def test_a_worst_loss_that_is_not(risky, worst):
    class Forced(Accounts):
        def risks(self):
            true = super().risks()
            told = [0 if not worst else max(0, value + worst) for value in true["worst"].to_ints()]
            return true | {"worst": type(true["worst"]).from_ints(told)}

    shop = workshop(risky)
    index = next(i for i, part in enumerate(shop.parts) if part.by_portfolio)
    forced = Forced(shop.published, shop.parts[index], shop.holdings.taken(shop.parts[index].leaves))
    with pytest.raises(WitnessError, match=r"the worst loss is (at least that of scenario|that of a scenario)"):
        shop.prover(shop.parts[index].kind).prove(forced, sums_before(shop, index), Blinds(3, 5, 7))


def test_an_epoch_without_scenarios_has_no_such_class(risky, tmp_path, monkeypatch):
    epoch = risky.copy(tmp_path)
    bare = replace(epoch.header, scenarios_root=0)
    (epoch.public / "header.bin").write_bytes(sign(bare, OPERATOR.signing_key).encode())
    with pytest.raises(EncodingError, match=r"has class \d+p, and the epoch commits to no scenarios"):
        epoch.prove()
    claim = json.loads((epoch.proof / "solvency.json").read_bytes()) | {"header_hash": bare.hash.hex()}
    (epoch.proof / "solvency.json").write_bytes(json.dumps(claim, separators=(",", ":")).encode())
    (reason,) = reasons(epoch)
    assert "the epoch commits to no scenarios" in reason


@pytest.mark.parametrize(
    "change", [{"rule": "tiers"}, {"rule": "mild"}, {"rows": 132}], ids=["stated though left out", "none", "one number"]
)
def test_a_claim_has_one_way_to_name_a_rule(risky, tmp_path, change):
    epoch = risky.copy(tmp_path)
    claim = json.loads((epoch.proof / "solvency.json").read_bytes())
    assert [each.get("rule") for each in claim["classes"]] == [None, None, "portfolio", "portfolio"]
    claim["classes"][0] |= change
    (epoch.proof / "solvency.json").write_bytes(json.dumps(claim, separators=(",", ":")).encode())
    with pytest.raises(EncodingError):
        epoch.verify()


def test_epochs_without_the_rule_are_as_before(proved):
    claim = json.loads((proved.proof / "solvency.json").read_bytes())
    assert all(set(each) == {"rows", "accounts"} for each in claim["classes"])
    assert proved.verify().by_portfolio == 0


compiled = cache(compile_blocks)


def with_entries(of, moved):
    """The ledger whose first market row of each account in `moved` has so much more of an entry value."""
    r = of.rows
    account = np.repeat(np.arange(len(of)), r.counts)
    entries = [(int(high) << 64) + int(low) for high, low in zip(r.entry_high, r.entry_low, strict=True)]
    markets = np.array([False, *(not i.is_asset for i in of.table.instruments)])
    for at, more in moved.items():
        own = np.flatnonzero((account == at) & markets[r.instrument] & (r.isolated == 0))
        if len(own) and abs(entries[own[0]] + more) < 2**127:
            entries[own[0]] += more
    columns = [
        r.instrument, r.amount, np.array([e >> 64 for e in entries], np.int64),
        np.array([e % 2**64 for e in entries], np.uint64), r.funding, r.isolated,
    ]  # fmt: skip
    return replace(of, rows=row_columns(account, len(of), columns))


@given(plain_ledgers(most_rows=4, most_accounts=3), st.data(), st.sampled_from([None, 0, 1]))
@settings(max_examples=12, deadline=None)
def test_random_books_are_counted_as_integers_say(tmp_path_factory, plain, data, edge):
    """The witness of every batch satisfies its circuit, whose sums are those of `assess_portfolio`.

    `edge` moves entry values, so that equity is just enough, or one unit of 10^-16 quote short of that.
    """
    table, rows, _ = plain
    made = built_table(table)
    scenarios = built_scenarios(data.draw(plain_scenarios(len(table), most=3)), made.depth)
    of = ledger_of(made, [[row for row in each if row[1]] for each in rows], scenarios=scenarios)
    of = replace(of, portfolio=np.ones(len(of), bool))
    if edge is not None:
        gaps = [each.cross.equity - each.cross.need for each in assessments(of)]
        of = with_entries(of, {at: gap // 10**6 + edge for at, gap in enumerate(gaps)})
    public, holdings = published(tmp_path_factory.mktemp("books") / "holdings", of)
    each = assessments(of)
    plan = Plan.of(np.asarray(holdings.parts.classes), 32, LAYOUTS["transparent"])
    total = Sums()
    for part in plan.parts():
        accounts = Accounts.of(public, part, holdings)
        log_blocks = (part.accounts + 2).bit_length() - 1
        block = compiled(public.table.block(part.kind, log_blocks))
        after = (total + accounts.added).commitment(0)
        secret = block_inputs(accounts, total, Blinds(0, 0, 0))
        columns = public.columns(part, total.commitment(0), after)
        witness = solve_blocks(block, 1 << log_blocks, {}, secret, columns)
        assert list(broken_blocks(block, witness)) == []
        total += accounts.added
    assert total.unhealthy == sum(not account.healthy for account in each)
    assert total.shortfall == sum(account.shortfall for account in each)
    assert total.net_profit == positions_profit(of)


def test_the_rule_is_no_part_of_a_leaf():
    """What docs/spec.md says is not bound: the same accounts under tiers alone have the same accounts root."""
    roots = [tree.build(of, 1, 1, bytes(32)).root for of in (ledger(), risky_ledger())]
    assert roots[0] == roots[1]

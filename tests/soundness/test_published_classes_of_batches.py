"""The published classes of vulnerability that adding up users gives a new meaning, played against batches of accounts.

Each lie is refused by the circuit, by the rule that is named; and one row of those that make up a rule is all that
refuses it: with that row deleted the same public inputs have a witness. The circuits attacked are those of `BATCHES`.
What the verifier of all batches refuses is in tests/solvency, by the same classes where they reach it: duplicate ids
and replay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import pytest

from tests.circuits.raw_batch import COIN, COIN_2, NOTHING, PERP, QUOTE, Held, RawAccount, RawBatch
from tests.soundness.batches import BATCHES
from tests.soundness.statements import good, system_of
from tests.soundness.system import State, System
from tests.soundness.uniqueness import undetermined
from zkstate.errors import EncodingError
from zkstate.kernels import FR_MODULUS
from zkstate.solvency.files import BatchFile

EVERY_BATCH = pytest.mark.parametrize("name", list(BATCHES))
AFTER = "the sums after are the committed ones"
READS = "every row reads an entry of the table"
OWED = 4 * 10**12
Moves = Callable[[System, State, int], Iterator[dict[int, int]]]


@cache
def system(name: str) -> System:
    return system_of(name, 4)


def account(number: int, *held: Held) -> RawAccount:
    return RawAccount((*held, *[NOTHING] * (4 - len(held))), 10**70 + 100 * number)


USER = account(1, Held(QUOTE, 5 * 10**12), Held(COIN, 10**6))
DUMMY = account(2, Held(QUOTE, -OWED))
TRUE = RawBatch((USER, DUMMY))


def claiming(batch: RawBatch, held: int = 0, unhealthy: int = 0, shortfall: int = 0) -> RawBatch:
    """The batch with so much more in its sums; `held` in quote that is held, or owed where it is negative."""
    inputs = batch.inputs()
    weight = -inputs["mix"] if held < 0 else 1
    added = weight * held * pow(inputs["point"] - QUOTE.instrument, -1, FR_MODULUS)
    return replace(batch, sums_after=(added % FR_MODULUS, unhealthy, shortfall, 0))


def refused(name: str, batch: RawBatch) -> tuple[State, set[str]]:
    """What the program makes of a batch, and the labels of the rows that refuse it."""
    state = system(name).start(BATCHES[name].inputs(batch))
    return state, {system(name).circuit.label(k) for k in state.broken}


def let_through(name: str, state: State, label: str, moves: Moves) -> list[int]:
    """The rows with a label each of which, deleted, lets these very public inputs through after one of the moves."""
    attacked, found = system(name), []
    public = slice(1, attacked.circuit.r1cs.n_public + 1)
    for k in (k for k in range(len(attacked.rows)) if attacked.circuit.label(k) == label):
        for changes in moves(attacked, state, k):
            after = attacked.set(state, changes)
            if after.broken <= {k}:
                whole = attacked.settled(after, k)
                whole.values[public] = state.values[public]
                if attacked.broken_exactly(whole) == [k]:
                    found.append(k)
                    break
    return found


def as_it_is(attacked: System, state: State, k: int) -> Iterator[dict[int, int]]:
    """Nothing is moved: the row is all that refuses."""
    yield {}


def answered(attacked: System, state: State, k: int) -> Iterator[dict[int, int]]:
    """The other answer of the comparison whose digits the row adds up."""
    digits = attacked.wires_of(k) & attacked.hints
    if len(digits) > 1:
        top = max(digits)
        yield {top: 1 - state.values[top]}


def computed(*values: int) -> Moves:
    """The value that the row computes is another one."""

    def moves(attacked: System, state: State, k: int) -> Iterator[dict[int, int]]:
        if k in attacked.definer:
            yield from ({attacked.steps[attacked.definer[k]].outs[0]: value} for value in values)

    return moves


@EVERY_BATCH
def test_dummy_user_netting(name):
    """An invented user with a debt and nothing to cover it, by which a venue would lower what it owes its users.

    Told truly, it lowers nothing: what is owed to users stands beside what is owed by them, and the user counts as
    unhealthy with all of the debt lacking. Each other telling is refused: the debt taken from what users hold, the debt
    left out, the user called healthy, its shortfall left out, and a debt below the range of amounts.
    """
    before, after = replace(TRUE, accounts=(USER, account(2))), TRUE
    point, mix = TRUE.inputs()["point"], TRUE.inputs()["mix"]
    debt = OWED * mix * pow(point - 1, -1, FR_MODULUS)
    lacking = OWED * QUOTE.price * 10**6
    assert after.added(point, mix) == ((before.added(point, mix)[0] + debt) % FR_MODULUS, 1, lacking, 0)
    assert refused(name, TRUE)[1] == set()

    netted = claiming(TRUE, held=OWED)  # takes the debt away, if what `held` adds were a debt
    netted = replace(netted, sums_after=((-debt - OWED * pow(point - 1, -1, FR_MODULUS)) % FR_MODULUS, 0, 0, 0))
    omitted = replace(TRUE, sums_after=(-debt % FR_MODULUS, 0, 0, 0))
    healthy = claiming(TRUE, unhealthy=-1, shortfall=-lacking)
    uncounted = claiming(TRUE, shortfall=-lacking)
    for lie, label, moves in (
        (netted, "row 0: product", computed(-OWED)),  # of the sign and the amount: what is held
        (omitted, "row 0: product", computed(0)),  # of the mix and what is owed
        (healthy, "comparison", answered),
        (uncounted, "product", computed(0)),
    ):
        state, labels = refused(name, lie)
        assert labels == {AFTER}
        assert let_through(name, state, label, moves), label
    below = replace(TRUE, accounts=(USER, account(2, Held(QUOTE, -(2**63) - OWED))))
    state, labels = refused(name, below)
    assert labels == {"row 0: the amount is a signed 64-bit integer"}
    assert let_through(name, state, "row 0: the amount is a signed 64-bit integer", as_it_is)


@EVERY_BATCH
def test_a_debt_moved_into_an_entry_value(name):
    """What is owed to a user stands in a position that never cost it: no total has it, and the profit does."""
    owed = OWED * QUOTE.price
    batch = replace(TRUE, accounts=(account(1, Held(PERP, 0, -owed)), DUMMY))
    point, mix = batch.inputs()["point"], batch.inputs()["mix"]
    assert batch.added(point, mix)[0] == replace(TRUE, accounts=(account(1), DUMMY)).added(point, mix)[0]
    assert batch.added(point, mix)[3] == owed
    assert refused(name, batch)[1] == set()
    state, labels = refused(name, replace(batch, sums_after=(0, 0, 0, -owed)))
    assert labels == {AFTER}
    assert let_through(name, state, "row 0: product", computed(0))


@EVERY_BATCH
def test_duplicate_ids(name):
    """One id twice would let one user be shown for two: the list of bounds rises, so one of the two is outside its own.

    The same instrument twice in an account would be counted in the cheaper tier twice.
    """
    twin = replace(DUMMY, id=USER.id, lower=USER.id + 9, upper=USER.id + 20)  # bounds that rise
    state, labels = refused(name, replace(TRUE, accounts=(USER, twin)))
    assert labels == {"the id is at least its lower bound"}
    assert let_through(name, state, "the id is at least its lower bound", as_it_is)
    twice = account(1, Held(COIN, 10**6), Held(COIN, 10**6))
    state, labels = refused(name, replace(TRUE, accounts=(twice, DUMMY)))
    assert labels == {"row 1 has a higher instrument id than row 0"}
    assert let_through(name, state, "row 1 has a higher instrument id than row 0", as_it_is)


@EVERY_BATCH
def test_sum_overflow(name):
    """Debts at the end of their range add up as integers: no sum is taken modulo a power of two on its way.

    The sums are field elements. That none passes r is a matter of how many accounts there are (2^32 at most, each of
    less than 2^180), and of where the sums begin: the verifier has them begin at 0 (tests/solvency).
    """
    deepest = account(1, Held(QUOTE, -(2**63)), Held(COIN, -(10**9)), Held(PERP, 0))
    batch = RawBatch((deepest, replace(deepest, id=10**71)))
    assert refused(name, batch)[1] == set()
    for bits in (64, 96, 127, 128, 192, 252):
        assert refused(name, claiming(batch, shortfall=-(2**bits)))[1] == {AFTER}
        assert refused(name, claiming(batch, unhealthy=-(2**bits)))[1] == {AFTER}
        assert refused(name, claiming(batch, held=2**bits))[1] == {AFTER}


@EVERY_BATCH
def test_maximum_instead_of_sum(name):
    """Of two debts, the larger: of two users', of two pots of one user."""
    small, large = account(1, Held(QUOTE, -5)), account(2, Held(QUOTE, -OWED))
    lacking = 5 * QUOTE.price * 10**6
    assert refused(name, RawBatch((small, large)))[1] == set()
    assert refused(name, claiming(RawBatch((small, large)), shortfall=-lacking))[1] == {AFTER}
    assert refused(name, claiming(RawBatch((small, large)), held=-5))[1] == {AFTER}  # both owe quote
    alone = Held(PERP, 1, 10**12, isolated=1)
    two_pots = account(1, Held(QUOTE, -5), alone)
    both = two_pots.shortfalls()
    assert sum(each > 0 for each in both) == 2
    batch = RawBatch((two_pots, large))
    assert refused(name, batch)[1] == set()
    assert refused(name, claiming(batch, shortfall=-min(each for each in both if each)))[1] == {AFTER}


@EVERY_BATCH
def test_tier_flag_or_tier_index_not_constrained(name):
    """A cheaper tier, a kinder rate or another flag than the published table has for the row."""
    size = 10**11  # of the second tier, which counts half
    for row, label in (
        (Held(COIN, size), "row 0: the notional value stays below the tier's upper bound"),
        (Held(COIN_2, 5), "row 0: the notional value reaches the tier's lower bound"),
    ):
        state, labels = refused(name, replace(TRUE, accounts=(account(1, row), DUMMY)))
        assert labels == {label}
        assert let_through(name, state, label, as_it_is)
    for kinder in (replace(COIN, rate=950_000), replace(PERP, asset=1), replace(PERP, short_only=1)):
        state, labels = refused(name, replace(TRUE, accounts=(account(1, Held(kinder, 5)), DUMMY)))
        assert labels == {READS}
        assert let_through(name, state, READS, as_it_is)


@EVERY_BATCH
def test_unranged_price_in_a_packed_commitment(name):
    """2^64 moved from the amount to the funding beside it gives the same leaf, of which less is held."""
    held = Held(PERP, 7, 0, 3)
    moved = Held(PERP, 6, 0, 3 + 2**64)
    true, lie = (replace(TRUE, accounts=(account(1, row), DUMMY)) for row in (held, moved))
    assert true.inputs()["leaves"] == lie.inputs()["leaves"]
    assert refused(name, true)[1] == set()
    _, labels = refused(name, lie)
    label = "row 0: the funding at entry is a signed 64-bit integer"
    assert label in labels
    assert labels <= {label, "comparison"}  # a value so far outside its interval is compared wrongly as well


def test_aliased_public_inputs():
    """A commitment to sums that is not below r, in the file of a batch."""
    assert BatchFile.decode(BatchFile(1, 2, b"").encode(), "a batch").after == 2
    for alias in (BatchFile(1 + FR_MODULUS, 2, b""), BatchFile(1, 2 + FR_MODULUS, b"")):
        with pytest.raises(EncodingError, match="not below the field's modulus"):
            BatchFile.decode(alias.encode(), "a batch")


@EVERY_BATCH
def test_unconstrained_hint(name):
    """The inputs of a batch determine every other wire."""
    assert undetermined(system(name), system(name).inputs) == set()


@EVERY_BATCH
def test_the_batches_attacked_are_good_ones(name):
    for inputs in good(name, 4):
        assert system(name).circuit.solve(inputs)

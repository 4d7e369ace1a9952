"""The account block against exact integers, and a rejecting witness for each of its rules."""

from dataclasses import replace

import pytest

from circuits.account_block import READ
from tests.circuits.raw_batch import (
    COIN,
    COIN_AT_HOME,
    ENDS_OF_RANGES,
    ENTRY_OF_AN_ASSET,
    EXACT,
    FIRST,
    GOOD,
    NOTHING,
    PERP,
    POSITIONS_IN_ALL_ROWS,
    QUOTE,
    REFUSED_ALIKE,
    ROUNDS,
    SECOND,
    TABLE,
    WRONG_PROFITS,
    Held,
    of_rows,
)
from tests.circuits.raw_block import RawBlocks
from zkstate.constraint import compile_blocks, solve_blocks
from zkstate.constraint.block_check import broken_blocks, wires_of
from zkstate.errors import WitnessError
from zkstate.kernels import FR_MODULUS

ROUNDED = replace(GOOD, table=(*TABLE, ROUNDS), rounded=True)


@pytest.fixture(scope="module")
def compiled():
    return {rounded: compile_blocks(RawBlocks(GOOD if not rounded else ROUNDED).statement) for rounded in (False, True)}


def findings(compiled, raw):
    """What does not hold, in words."""
    if not isinstance(raw, RawBlocks):
        raw = RawBlocks(raw)
    block = compiled[raw.batch.rounded]
    try:
        return list(broken_blocks(block, solve_blocks(block, 1 << raw.log_blocks, **raw.inputs())))
    except WitnessError as error:
        return [str(error)]


class TestTrue:
    def test_a_good_batch_with_an_unhealthy_account(self, compiled):
        assert [any(account.shortfalls()) for account in GOOD.accounts] == [False, True]
        assert findings(compiled, GOOD) == []
        assert findings(compiled, ROUNDED) == []

    @pytest.mark.parametrize("accounts", [(FIRST,), (), (SECOND, FIRST)])
    def test_padding_behind_accounts(self, accounts):
        raw = RawBlocks(replace(GOOD, accounts=(*accounts, FIRST)), 3)
        assert findings({False: compile_blocks(raw.statement)}, raw) == []

    @pytest.mark.parametrize("row", ENDS_OF_RANGES)
    def test_the_ends_of_every_range(self, compiled, row):
        assert findings(compiled, of_rows(row)) == []

    def test_an_account_without_rows(self, compiled):
        assert findings(compiled, of_rows()) == []

    def test_an_entry_value_of_an_asset_is_no_profit(self, compiled):
        assert findings(compiled, ENTRY_OF_AN_ASSET) == []

    def test_the_profit_of_all_rows_counts(self, compiled):
        assert findings(compiled, POSITIONS_IN_ALL_ROWS) == []

    @pytest.mark.parametrize("amount", [7, 10**12 + 1, -3])
    def test_rounding(self, compiled, amount):
        rows = (Held(QUOTE, 10**6), Held(ROUNDS, amount), NOTHING, NOTHING)
        assert findings(compiled, replace(ROUNDED, accounts=(replace(FIRST, rows=rows), SECOND))) == []

    def test_what_does_not_round_counts_what_is_over(self, compiled):
        """Of an account that lacks: beside an asset of the same price that rounds."""
        rows = (Held(QUOTE, -(10**6)), Held(ROUNDS, 7), Held(EXACT, 7), NOTHING)
        batch = replace(ROUNDED, accounts=(replace(FIRST, rows=rows), SECOND), table=(*TABLE, ROUNDS, EXACT))
        assert any(batch.accounts[0].shortfalls())
        assert rows[2].margin()[0] > rows[1].margin()[0]
        assert findings(compiled, batch) == []

    @pytest.mark.parametrize("raw", [GOOD, ROUNDED], ids=["plain", "rounded"])
    def test_no_wire_can_move_alone(self, compiled, raw):
        block = compiled[raw.rounded]
        assert loose_wires(block, solve_blocks(block, 4, **RawBlocks(raw).inputs())) == []


def loose_wires(block, witness):
    """Wires that can move alone, but for the parts that only the ends open: else a row breaks, or a tuple is looked up
    or provided once more or less.
    """
    r1cs = block.circuit.r1cs
    rows = [[m.row(i) for i in range(r1cs.n_constraints)] for m in (r1cs.a, r1cs.b, r1cs.c)]
    speaks = {w for use in block.uses for j in range(1 + use.size) for w in block.readings.row(use.first + j)}
    places = {}
    for i, each in enumerate(zip(*rows, strict=True)):
        for wire in {w for terms in each for w in terms}:
            places.setdefault(wire, []).append(i)
    sources = {source for _, source in block.previous}
    opened = {"account_id", "owner", "salt", "orders_digest", "history_head", "history_length"}
    free = []
    for values in wires_of(block, witness):
        for wire in block.own.tolist():
            moved = {**dict(enumerate(values)), wire: (values[wire] + 1) % FR_MODULUS}
            dot = lambda terms, moved=moved: sum(v * moved[w] for w, v in terms.items())  # noqa: E731
            broken = any(
                (dot(rows[0][i]) * dot(rows[1][i]) - dot(rows[2][i])) % FR_MODULUS for i in places.get(wire, [])
            )
            if not broken and wire not in speaks and wire not in sources:
                free.append(block.circuit.name(wire))
    return [name for name in free if name not in opened]


LOOKUP = "row 0: the row reads an entry of the table"
ORDER = "row 1 has a higher instrument id than row 0, or is padding, as all behind it"

FALSE = REFUSED_ALIKE | {
    "an instrument that is not listed": (of_rows(Held(replace(QUOTE, instrument=4095), 5)), LOOKUP),
    "rows out of order": (of_rows(Held(COIN, 5), Held(QUOTE, 5)), ORDER),
    "an instrument twice": (of_rows(Held(QUOTE, 5), Held(QUOTE, 5)), ORDER),
    "padding between rows": (
        of_rows(Held(QUOTE, 5), NOTHING, Held(COIN, 5)),
        "row 2 has a higher instrument id than row 1, or is padding, as all behind it",
    ),
    "a price of the prover's own": (of_rows(Held(COIN_AT_HOME, 5)), LOOKUP),
    "an instrument at the price of another": (of_rows(Held(QUOTE, 5, instrument=2)), LOOKUP),
    "a rate of the prover's own": (of_rows(Held(replace(COIN, rate=950_000), 5)), LOOKUP),
    "a market called an asset": (of_rows(Held(replace(PERP, asset=1), 5)), LOOKUP),
    "an isolated asset": (
        of_rows(Held(QUOTE, 5, isolated=1)),
        "row 0: isolated is 0 or 1, and 0 for an asset",
    ),
    "isolated twice": (of_rows(Held(PERP, 5, isolated=2)), "row 0: isolated is 0 or 1, and 0 for an asset"),
    "another leaf": (RawBlocks(GOOD, columns={("stated", 1): 5}), "the accounts are those of the stated leaves"),
    "an account in place of padding": (
        RawBlocks(GOOD, columns={("stated", 2): 0, ("real", 2): 0}),
        "an account that is padding holds nothing",
    ),
    "padding in place of an account": (
        RawBlocks(replace(GOOD, accounts=(FIRST, replace(FIRST, rows=(NOTHING,) * 4))), columns={("stated", 2): 7}),
        "the accounts are those of the stated leaves",
    ),
    "other sums before": (RawBlocks(GOOD, columns={("stated", 0): 5}), "the sums before are the committed ones"),
    "other sums after": (RawBlocks(GOOD, columns={("stated", 3): 5}), "the sums after are the committed ones"),
    "an account called healthy": (replace(GOOD, sums_after=(0, -1, 0, 0)), "unhealthy ends at the sum after"),
    "a shortfall not counted": (replace(GOOD, sums_after=(0, 0, -1, 0)), "shortfall ends at the sum after"),
    "totals that are not the sums": (replace(GOOD, sums_after=(1, 0, 0, 0)), "held ends at the sum after"),
    **{name: (batch, "profit ends at the sum after") for name, batch in WRONG_PROFITS.items()},
    "a profit that starts again": (
        RawBlocks(GOOD, secret={("history_length", 0): 0}),
        "the sums before are the committed ones",
    ),
}


@pytest.mark.parametrize("name", FALSE)
def test_every_rule_refuses(compiled, name):
    batch, label = FALSE[name]
    found = findings(compiled, batch)
    assert any(label in each for each in found), found


@pytest.mark.parametrize("member", READ)
def test_every_member_of_an_entry_is_looked_up(compiled, member):
    value = RawBlocks(GOOD).inputs()["secret"][member][1][2] + 1
    (found,) = findings(compiled, RawBlocks(GOOD, secret={(member, 1, 2): value}))
    assert found.startswith("row 2: the row reads an entry of the table: ")


@pytest.mark.parametrize(
    ("units", "rest", "label"),
    [
        (-1, 10**6, "row 1: the remainder is less than 1000000"),
        (1, 0, "row 1: the quotient and the remainder make the dividend"),
        (2**128, 0, "row 1: the counted value has at most 128 bits"),
        (0, 2**20, "row 1: the rest has at most 20 bits"),
    ],
)
def test_a_division_that_is_not_one(compiled, units, rest, label):
    counted = ROUNDS.notional_price * ROUNDS.rate
    amount = next(a for a in range(10**9, 10**9 + 10**6) if a * counted % 10**6 + 10**6 < 2**20)
    rows = (Held(QUOTE, 10**6), Held(ROUNDS, amount), NOTHING, NOTHING)
    batch = replace(ROUNDED, accounts=(replace(FIRST, rows=rows), SECOND))
    true = RawBlocks(batch).inputs()["secret"]
    forged = {
        ("counted_units", 1, 1): true["counted_units"][1][1] + units,
        ("counted_rest", 1, 1): true["counted_rest"][1][1] + rest,
    }
    found = findings(compiled, RawBlocks(batch, secret=forged))
    assert any(label in each for each in found), found


def forged(block, witness, changed):
    """The witness with other values of wires of the second account: wire -> value."""
    own, values = block.own.tolist(), witness.own.to_ints()
    for wire, value in changed.items():
        values[own.index(wire) * 4 + 2] = value % FR_MODULUS
    return replace(witness, own=type(witness.own).from_ints(values))


def hints_of(block, name):
    """The wires that the prover chooses for what is said in these words."""
    assert name in [use.label for use in block.uses]
    return [w for w in block.own.tolist() if block.circuit.name(w).split("[")[0] == name]


def test_what_a_pot_lacks_has_one_right_bit(compiled):
    """Of the unhealthy account: the cross pot called covered, with the distance that its row then takes."""
    block = compiled[False]
    witness = solve_blocks(block, 4, **RawBlocks(GOOD).inputs())
    wires = wires_of(block, witness)[2]
    flag, distance, *limbs = hints_of(block, "cross pot: what it lacks")
    assert wires[flag] == 1
    covered = -(wires[distance] + 1) % FR_MODULUS
    changed = {flag: 0, distance: covered} | {limb: covered >> 8 * i & 255 for i, limb in enumerate(limbs, 1)}
    found = list(broken_blocks(block, forged(block, witness, changed)))
    assert any("is looked up" in each for each in found)


@pytest.mark.parametrize("row", [0, 1], ids=["a debt called held", "held called a debt"])
def test_the_sign_of_an_amount_is_its_own(compiled, row):
    """The other bit, with the limbs that it leaves."""
    block = compiled[False]
    inputs = RawBlocks(GOOD).inputs()
    witness = solve_blocks(block, 4, **inputs)
    name = f"row {row}: the amount is a signed 64-bit integer"
    long, *limbs = hints_of(block, name)
    wires, amount = wires_of(block, witness)[2], inputs["secret"]["amount"][2][row]
    assert wires[long] == (amount >= 2**63) == row
    left = amount - 2**63 * (1 - row)
    changed = {long: 1 - row} | {limb: left >> 8 * i & 255 for i, limb in enumerate(limbs, 1)}
    found = list(broken_blocks(block, forged(block, witness, changed)))
    assert any(each.startswith("table below 2^8: ") and each.endswith(", provided 0") for each in found), found

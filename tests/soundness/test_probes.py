"""The probes themselves: they cover every gadget and statement there is, and find holes that were put there."""

import importlib
import inspect
import itertools
import pkgutil
import random
import re
from dataclasses import replace

import numpy as np
import pytest

from circuits import catalogue, gadgets
from tests.circuits.nudge import free_wires
from tests.constraint.saying import saying
from tests.proof.transparent import mutation, systems
from tests.soundness import (
    blocks,
    deletion,
    exhaustion,
    forgery,
    mutants,
    pairs,
    portfolio_blocks,
    suite,
    transparent_forgery,
)
from tests.soundness.attack import ATTACK, Search
from tests.soundness.batches import BATCHES
from tests.soundness.deletion import INVERSE, structural
from tests.soundness.field import field_of
from tests.soundness.gadgets import BY_NAME, GADGETS
from tests.soundness.refused import others
from tests.soundness.statements import HONEST, circuit_of, good, system_of
from tests.soundness.system import System
from tests.soundness.uniqueness import undetermined
from tests.soundness.unrolled import LimbSearch
from tests.soundness.unrolling import Row
from zkstate.constraint.builder import Builder
from zkstate.constraint.statement import BOOL, FELT, uint
from zkstate.kernels import FR_MODULUS
from zkstate.proof.transparent import verifier

CHOICES = {Builder.bit, Builder.bits, Builder.magnitude, Builder.product, Builder.require, Builder.require_kind,
           Builder.require_uint, Builder.select}  # fmt: skip


def public_functions():
    """What circuits/gadgets offers, and the rows that the builder itself writes."""
    for info in pkgutil.iter_modules(gadgets.__path__):
        module = importlib.import_module(f"{gadgets.__name__}.{info.name}")
        for name, value in vars(module).items():
            if inspect.isfunction(inspect.unwrap(value)) and value.__module__ == module.__name__ and name[0] != "_":
                yield value
            if inspect.isclass(value) and value.__module__ == module.__name__ and name[0] != "_":
                methods = inspect.getmembers(value, inspect.isfunction)
                yield from (each for own, each in methods if own[0] != "_" and own in vars(value))
    yield from CHOICES


def test_every_gadget_is_in_the_registry():
    covered = {id(each) for gadget in GADGETS for each in gadget.covers}
    missing = [each.__qualname__ for each in public_functions() if id(each) not in covered]
    assert missing == [], "state them in tests/soundness/gadgets_of_*.py"


def test_every_statement_has_accounts_to_probe_it_with():
    assert list(HONEST) == [*catalogue.STATEMENTS, *BATCHES]


@pytest.mark.parametrize("gadget", GADGETS, ids=lambda gadget: gadget.name)
def test_a_gadget_is_what_its_entry_says(gadget):
    """Good examples are solved, no wire but an input is free, and over the smallest prime nothing else is accepted."""
    examples = gadget.good()
    assert examples
    for inputs in examples[:4]:
        circuit = gadget.circuit()
        declared = {name for item in circuit.inputs for name in item.names()}  # a value not chosen may be another
        assert set(free_wires(circuit, circuit.solve(inputs))) <= declared
    for p in gadget.primes[:1]:
        tried, wrong = exhaustion.compared(gadget, p)
        assert tried > 1
        assert wrong == 0


def search(circuit, *examples):
    system = System(circuit)
    return system, Search(system, [system.start(inputs) for inputs in examples], random.Random(1))


def test_a_deleted_row_is_attacked_and_a_redundant_one_is_named():
    gadget = BY_NAME["equality of felts"]
    system, hunt = search(gadget.circuit(), *gadget.good())
    for k in range(len(system.rows)):
        kill = hunt.kill(k)
        if structural(system, k) == INVERSE:
            assert kill.kind != ATTACK
        else:
            assert kill.kind == ATTACK
            assert system.broken_exactly(kill.state) == [k]
            assert system.refuses_inputs(kill.state)


def test_every_row_of_a_division_is_attacked():
    """Those of the quotient's range need quotient and remainder moved at once."""
    gadget = BY_NAME["division with a remainder"]
    system = System(gadget.circuit())
    found = deletion.delete(system, gadget.good(), range(len(system.rows)), "any", {})
    assert (found.attacked, found.second, found.unexplained) == (len(system.rows), (), ())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("balance", r"^instruments\[0\] is an unsigned 12-bit integer \("),  # an id below 0
        ("batch", r": digit 2 of 12 \(of instrument\[0\]\[0\]"),  # such an id, which the table lists
        (
            "exit",
            r"^row 2: choice \(definition\) of tiers\[2\]\[4\], tiers\[2\]\[6\]",
        ),  # a tier that is none of the list
    ],
)
def test_a_row_is_attacked_from_accounts_made_for_it(name, words):
    """Without them all that was found were other derived inputs, or a wire that moves: nothing false was shown."""
    system = system_of(name, 4)
    rows = [k for k in range(len(system.rows)) if re.search(words, deletion.described(system, k))]
    assert (len(rows), suite._deleted(name, 4, rows, "any").attacked) == (1, 1)


def test_a_row_that_says_nothing_new_is_not_attacked():
    """x fits 8 bits, and once more: the second set of digits can go."""

    def define(c, out, x):
        c.require(x == out, "x")
        c.require_uint(c.felt(x), 9, "x fits 9 bits")

    system, hunt = search(saying(define, out=FELT, x=uint(8)), {"out": 5, "x": 5})
    recomposed = [k for k in range(len(system.rows)) if system.circuit.label(k) == "x fits 9 bits"][-1]
    kill = hunt.kill(recomposed)
    assert kill is None or kill.kind != ATTACK


def holed(p):
    """A hole: a comparison without the row that puts its digits together."""

    def define(c, out, x, y):
        c.require(c.bit(x >= y) == out, "result")

    with field_of(p):
        circuit = saying(define, out=FELT, x=uint(2), y=uint(2))
    system = System(circuit, p)
    gone = max(k for k in range(len(system.rows)) if circuit.label(k) == "comparison")
    system.rows = [row for k, row in enumerate(system.rows) if k != gone]
    system.assertions = [
        [k for k in range(len(system.rows)) if wire in system.wires_of(k)] for wire in range(system.n_wires)
    ]
    return system, [wire for wire, item in system.inputs.items() if not item.is_public]


def test_uniqueness_and_enumeration_find_an_unpinned_comparison():
    system, secret = holed(FR_MODULUS)
    assert 1 in undetermined(system, secret)
    small, secret = holed(11)
    found = exhaustion.solutions(small, exhaustion.every(11, 2), secret)
    outs = {(*row[secret].tolist(), int(row[1])) for row in found}
    assert {(0, 1, 0), (0, 1, 1)} <= outs


def test_pairs_that_move_together_are_found():
    """Two factors of one product: neither can move alone once the other is given, both can."""

    def define(c, out, x, y):
        c.require(x + y == out, "the sum alone")
        c.require((x + y) * 2 != 1, "and nothing about the parts")

    circuit = saying(define, out=FELT, x=FELT, y=FELT)
    witness = circuit.solve({"out": 9, "x": 4, "y": 5})
    assert free_wires(circuit, witness) == []
    _, free = pairs.free_pairs(System(circuit), witness.values.to_ints())
    assert (2, 3) in free


def test_a_term_that_no_witness_weighs_survives_as_a_mutant():
    circuit = saying(lambda c, out, b, x: c.require(c.select(b, x, 3) == out, "choice"), out=FELT, b=BOOL, x=uint(2))
    rng = np.random.default_rng(1)
    one = [circuit.solve({"out": 3, "b": 0, "x": 1}).values]
    both = [*one, circuit.solve({"out": 2, "b": 1, "x": 2}).values]
    changed, *_ = mutants.mutants(circuit, one, rng)
    assert changed.survivors
    fewer, *_ = mutants.mutants(circuit, both, rng)
    assert len(fewer.survivors) < len(changed.survivors)


@pytest.mark.parametrize("name", ["balance", "margin"])
def test_a_few_deleted_rows_of_every_statement(name):
    """The whole sample is `make soundness`; here, that the hunt succeeds on what it is shown."""
    system = System(circuit_of(name, 4))
    hunt = Search(system, [system.start(inputs) for inputs in good(name, 4)], random.Random(2))
    requirement = next(k for k in range(len(system.rows)) if "committed state root" in system.circuit.label(k))
    range_row = next(k for k in range(len(system.rows)) if system.circuit.label(k).startswith("amounts[0] is"))
    assert [hunt.kill(k).kind for k in (requirement, range_row)] == [ATTACK, ATTACK]


def test_every_row_of_the_range_of_a_signed_bound_is_attacked():
    """By a bound that is just too small: one too large is refused by what it bounds as well."""
    system = System(circuit_of("position", 4))
    hunt = Search(system, [system.start(inputs) for inputs in good("position", 4)[:3]], random.Random(2))
    rows = [k for k in range(len(system.rows)) if system.circuit.label(k).startswith("lo is a signed 64-bit integer")]
    assert len(rows) == 65
    assert {hunt.kill(k).kind for k in (rows[0], rows[17], *rows[-2:])} == {ATTACK}


@pytest.mark.parametrize("name", ["balance", "health", "exit"])
def test_accounts_to_attack_from_are_false_of_their_claim_or_good(name):
    circuit = circuit_of(name, 4)
    made = others(name, 4, 3, 8)
    refused = [bool(circuit.violations(circuit.evaluate(inputs))) for inputs in made]
    assert refused == [True] * (len(made) - 4) + [False] * 4


def test_a_row_that_only_false_claims_break_is_attacked_from_them():
    """The sign of an asset decides whether all of its price counts: no honest account gains by the wrong answer."""
    system = System(circuit_of("exit", 4))
    hunt = Search(system, [system.start(inputs) for inputs in good("exit", 4)[:2]], random.Random(5))
    hunt.others = [system.start(inputs) for inputs in others("exit", 4, 3, 12)]
    digits = [k for k in range(len(system.rows)) if system.circuit.label(k) == "row 2: comparison"]
    kill = hunt.kill_from_others(digits[0])
    assert kill.kind == ATTACK
    assert system.broken_exactly(kill.state) == [digits[0]]
    assert system.refuses_inputs(kill.state)


@pytest.fixture(scope="module")
def linked():
    system = blocks.system()
    return system, LimbSearch(system, [system.start(inputs) for inputs in blocks.good()], random.Random(3))


@pytest.mark.parametrize(
    ("kind", "label"),
    [
        ("link", "held of another block, linked"),
        ("lookup", "row 0: the row reads an entry of the table: price"),
        ("lookup", "row 1: the entry value is a signed 128-bit integer: limb 3"),
        ("lookup", "row 0: the amount is a signed 64-bit integer: limb 7, shifted"),
        ("lookup", "row 2: what it lacks: limb 1"),
        *(("lookup", f"row {i}: the remainder is less than 1000000: limb {i % 3}") for i in range(blocks.ROWS)),
        ("row", "row 0: isolated is 0 or 1, and 0 for an asset"),
        ("row", "unhealthy goes on from the block before"),
    ],
)
def test_rows_links_and_lookups_of_a_block_are_attacked(linked, kind, label):
    system, hunt = linked
    here = [k for k, row in system.places.items() if (row.block, row.what[0]) == (1, kind)]
    k = next(k for k in here if system.circuit.label(k) == f"block 1: {label}")
    kill = hunt.kill(k)
    assert kill.kind == ATTACK
    assert system.broken_exactly(kill.state) == [k]
    assert system.refuses_inputs(kill.state)


def test_what_the_block_circuit_does_not_refuse_alone_is_no_attack(linked):
    """A digit that the unrolled circuit alone has, a column out of its kind, and a row of another block."""
    system, hunt = linked
    base = hunt.bases[0]
    digit = min(system.own_digits)
    assert system.broken_exactly(system.settled(system.set(base, {digit: 1 - base.values[digit]}), -1)) == []
    k = next(k for k, row in system.places.items() if row == Row(("row", 0, 0), 0))
    bound = next(item.first for item in system.circuit.inputs if item.name == "next_bound")
    assert system.broken_exactly(system.settled(system.set(base, {bound: 2**249}), k)) == []
    assert not system.refuses_inputs(base)


def test_a_limb_that_is_a_fraction_makes_a_number_just_too_large(linked):
    """Why a limb of fewer bits is looked up twice: the shifted lookup alone takes an amount that has lost its sign."""
    system, hunt = linked
    k = next(k for k, limb in system.limbs.items() if limb[1] == 1 and system.places[k].block == 1)
    kill = hunt.kill(k)
    assert kill.kind == ATTACK
    assert kill.state.values[system.limbs[k][0]] * 2 % FR_MODULUS == 255


def test_honest_accounts_are_proved_and_a_verifier_that_refuses_one_is_noticed(monkeypatch):
    monkeypatch.setattr(suite, "HONEST", ((4, 3),))
    plan = replace(suite.Plan.of("any", full=False, python=""), shown=2, proofs=0)
    line = suite.accounts(plan, "balance")
    assert (line.tried, line.wrong) == (3, 0)
    assert "2 proved and verified without a setup" in line.said
    monkeypatch.setattr(verifier, "verify", lambda *_: False)
    assert suite.accounts(plan, "balance").wrong == 2


def test_an_absent_solver_is_named_and_fails_in_ci(monkeypatch):
    plan = suite.Plan.of("any", full=False, python="")
    monkeypatch.delenv("CI", raising=False)
    assert (suite.unsolved, (plan,)) in list(suite.tasks(plan))
    line = suite.unsolved(plan)
    assert line.said.startswith("absent: cvc5-gpl")
    assert line.wrong == 0
    monkeypatch.setenv("CI", "true")
    assert suite.unsolved(plan).wrong == 1


def test_invalid_proofs_are_invalid_and_of_every_kind():
    """None repeats an honest proof, and a verifier that takes everything is found out by each kind that decodes."""
    vk, proofs = forgery.honest_proofs("balance", 4, 11, 3)
    made = list(itertools.islice(forgery.forgeries(proofs, random.Random(4)), 130))
    assert len({each.kind for each in made}) == 12
    honest = {(proof.public, proof.words) for proof in proofs}
    assert all((each.public, each.words) not in honest for each in made)
    assert {forgery.judged(vk, each) for each in made} == {"false", "malformed"}
    assert forgery.judged(vk, forgery.Forgery("none", proofs[0].public, proofs[0].words)) == "accepted"


def test_changed_transparent_proofs_are_of_every_kind(monkeypatch):
    """None is an honest proof of its statement, and a verifier that takes every well-formed file is found out."""
    one = transparent_forgery.SUBJECTS["venue in 8 blocks"](5)
    made = list(itertools.islice(mutation.mutants(one, random.Random(5)), 100))
    assert {each.kind for each in made} == mutation.KINDS
    honest = (one.content, one.other)
    assert all((each.content not in honest, each.public, each.system) != (False, one.case.public, one.case.system)
               for each in made)  # fmt: skip
    assert {mutation.verdict(one, each) for each in made} == {"false", "malformed"}
    assert mutation.verdict(one, made[0]._replace(content=one.content)) == "accepted"
    monkeypatch.setattr(systems, "verify", lambda *_: True)
    taken = {each.kind for each in made if mutation.verdict(one, each) == "accepted"}
    assert {"root replaced", "queries reordered", "element moved by one", "public input changed"} < taken
    assert not taken & {"truncated", "extended", "element not canonical"}


@pytest.fixture(scope="module")
def risky():
    system = portfolio_blocks.system()
    good = [system.start(inputs) for inputs in portfolio_blocks.good()]
    hunt = LimbSearch(system, good, random.Random(3))
    hunt.others = [system.start(inputs) for inputs in portfolio_blocks.false()]
    return system, hunt


@pytest.mark.parametrize(
    ("kind", "label"),
    [
        ("lookup", "row 0: the row reads the changes of its instrument: changes"),
        ("lookup", "row 2: the row reads an entry of the table: contingency_short"),
        ("lookup", "the worst loss is not negative: limb 5"),
        ("row", "the worst loss is that of a scenario, or none"),
    ],
)
def test_what_the_block_of_the_portfolio_rule_adds_is_attacked(risky, kind, label):
    system, hunt = risky
    here = [k for k, row in system.places.items() if (row.block, row.what[0]) == (1, kind)]
    k = next(k for k in here if system.circuit.label(k) == f"block 1: {label}")
    kill = hunt.kill(k) or hunt.kill_from_others(k)
    assert kill.kind == ATTACK
    assert system.broken_exactly(kill.state) == [k]
    assert system.refuses_inputs(kill.state)


def test_what_the_block_of_the_portfolio_rule_leaves_to_the_account_block_is_there():
    found, own = _said(portfolio_blocks.system()), set(portfolio_blocks.own())
    rest = {words for what, words in found.items() if what not in own}
    assert rest
    assert rest <= set(_said(blocks.system()).values())


def _said(system):
    """What each row, link and member of a lookup of a block says."""
    labels = {what: system.circuit.label(next(iter(copies.values()))) for what, copies in system.rows_of().items()}
    return {what: (what[0], label.partition(": ")[2]) for what, label in labels.items()}

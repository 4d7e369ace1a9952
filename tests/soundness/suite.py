"""The probes as tasks: each returns lines of the table, `wrong` being what must be 0."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from circuits import catalogue
from tests.circuits import models
from tests.circuits.nudge import free_wires
from tests.soundness import deletion, exhaustion, forgery, mutants, pairs, transparent_forgery, uniqueness
from tests.soundness.attack import DERIVED, SECOND
from tests.soundness.batches import BATCHES
from tests.soundness.gadgets import BY_NAME, GADGETS
from tests.soundness.line import BLOCKS, COMPARED, HONEST, Line, counted
from tests.soundness.refused import others
from tests.soundness.rich import varied
from tests.soundness.statements import circuit_of, good, honest, system_of
from tests.soundness.system import System
from zkstate.errors import WitnessError
from zkstate.proof.transparent import prover, verifier
from zkstate.proof.transparent.proof_file import Proof
from zkstate.proof.transparent.system import System as TransparentSystem


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to try. The usual plan is what CI runs, the full one what docs/soundness.md reports."""

    seed: str
    full: bool
    python: str  # of the environment that has cvc5-gpl; empty where it is absent
    deleted: int = 500  # rows of a statement
    forgeries: int = 2_000  # invalid proofs of a statement
    changed: int = 500  # of a subject of tests/soundness/transparent_forgery.py, of which there are four
    shown: int = 6  # honest accounts of a statement proved without a setup, of the thousand whose witnesses are judged
    proofs: int = 6  # and proved with Groth16
    accounts: tuple[tuple[int, int], ...] = COMPARED["usual"]  # of a margin model: (size class, how many)

    @classmethod
    def of(cls, seed: str, full: bool, python: str) -> Plan:
        if not full:
            return cls(seed, full, python)
        return cls(seed, full, python, 500, 100_000, 25_000, 1_000, 50, COMPARED["full"])

    @property
    def name(self) -> str:
        return "full" if self.full else "usual"

    @property
    def rows(self) -> tuple[int, ...]:
        return (4, 8, 16, 64) if self.full else (4,)

    @property
    def solver(self) -> tuple[int, int]:
        """(the most rows that the solver is asked about, its seconds)"""
        return (400, 60) if self.full else (60, 8)


SAID, UNEXPLAINED = "{} attacks, {} by derived inputs alone, {} second witnesses, {} named", "unexplained: "
OTHERS = 40  # accounts from which rows are attacked that the good ones do not help with


def tasks(plan: Plan) -> Iterable[tuple[Callable[..., Line], tuple[object, ...]]]:
    """Every task, the long ones first."""
    for name in (*reversed(catalogue.STATEMENTS), *BATCHES):
        for rows in (4, 16) if plan.full and name not in BATCHES else (4,):
            yield deletions, (plan, name, rows)
    for name in BLOCKS:
        yield block_deletions, (plan, name)
    for name in reversed(catalogue.STATEMENTS):
        yield forged, (plan, name)
        yield accounts, (plan, name)
    for name in transparent_forgery.SUBJECTS:
        yield changed_proofs, (plan, name)
    for model in models.COVERED:
        yield differential, (plan, model)
    if not plan.python:
        yield unsolved, (plan,)
    for gadget in GADGETS:
        yield gadget_deletions, (plan, gadget.name)
        yield determined, (plan, gadget.name)
        for p in gadget.primes:
            yield enumerated, (plan, gadget.name, p)
    for name in (*catalogue.STATEMENTS, *BATCHES):
        for rows in plan.rows if name not in BATCHES else (4,):
            yield nudged, (plan, name, rows)
            yield mutated, (plan, name, rows)
            yield all_determined, (plan, name, rows)


def block_deletions(plan: Plan, name: str) -> Line:
    """Every row of a block of transparent batches, every link and every member of a lookup.

    Of the portfolio rule's, those that the account block does not have.
    """
    began = time.process_time()
    found = BLOCKS[name].deleted(plan.seed, 10**6 if plan.deleted else 0)
    return _deletion_line("delete a row", name, found, (), began)


def gadget_deletions(plan: Plan, name: str) -> Line:
    """Every row of a gadget deleted: an attack, or a reason of the registry's why the row may go."""
    gadget, began = BY_NAME[name], time.process_time()
    system = System(gadget.circuit())
    found = deletion.delete(system, gadget.good(), range(len(system.rows)), f"{plan.seed} {name}", gadget.redundant)
    return _deletion_line("delete every row", name, found, found.second, began)


def deletions(plan: Plan, name: str, rows: int) -> Line:
    """A sample of the rows of a statement, another each commit."""
    began = time.process_time()
    seed, system = f"{plan.seed} {name} {rows}", system_of(name, rows)
    chosen = sorted(random.Random(seed).sample(range(len(system.rows)), plan.deleted))
    return _deletion_line("delete a row", f"{name}-{rows}", _deleted(name, rows, chosen, seed), (), began)


def _deleted(name: str, rows: int, chosen: Iterable[int], seed: str) -> deletion.Found:
    more = partial(others, name, rows, _number(seed), OTHERS)
    reasons = deletion.reasons(name, rows)
    return deletion.delete(system_of(name, rows), good(name, rows), chosen, seed, reasons, more)


def again(line: Line, seed: str) -> Line:
    """A line of deletions with the rows that it left searched again: an attack, once found, holds for its circuit."""
    began, (name, _, rows) = time.process_time(), line.subject.rpartition("-")
    if line.subject in BLOCKS:
        found = BLOCKS[line.subject].deleted(seed, 0, line.left)
    else:
        found = _deleted(name, int(rows), line.left, f"{seed} {name} {rows}")
    new = _deletion_line(line.probe, line.subject, found, (), began)
    before, old = counted(line.said), (UNEXPLAINED,)
    if len(line.left) >= line.wrong + before[1] + before[2]:  # else a line from before those were listed too
        before[1], before[2], old = 0, 0, (UNEXPLAINED, f"{DERIVED}:", f"{SECOND}:")
    counts = (one + now for one, now in zip(before, counted(new.said), strict=True))
    notes = (*(note for note in line.notes if not note.startswith(old)), *new.notes)
    seconds, seeds = line.seconds + new.seconds, ", ".join(dict.fromkeys([*line.seed.split(", "), seed]))
    return replace(
        line, wrong=new.wrong, left=new.left, said=SAID.format(*counts), notes=notes, seconds=seconds, seed=seeds
    )


def _deletion_line(
    probe: str, subject: str, found: deletion.Found, doubtful: tuple[deletion.Left, ...], began: float
) -> Line:
    """A gadget's every row needs an attack or a reason; in a statement a second witness is counted apart."""
    named = sum(found.named.values())
    notes = [f"{count} rows may go: {reason}" for reason, count in found.named.items()]
    wrong = (*found.unexplained, *doubtful)
    notes += [f"{UNEXPLAINED}row {row}, {words!r}: {kind or 'nothing found'}" for row, words, kind in wrong]
    for left in (found.derived, found.second):
        notes += (
            [f"{left[0][2]}: {len(left)} rows, {', '.join(f'{row} {words!r}' for row, words, _ in left[:8])}"]
            if left
            else []
        )
    counts = (found.attacked, len(found.derived), len(found.second), named)
    tried = sum(counts) + len(found.unexplained)
    left = tuple(sorted({row for row, *_ in (*wrong, *found.derived, *found.second)}))
    seconds = time.process_time() - began
    return Line(probe, subject, tried, len(wrong), seconds, SAID.format(*counts), tuple(notes), left=left)


def nudged(plan: Plan, name: str, rows: int) -> Line:
    """Every wire of good witnesses alone, and every pair that could move together.

    A declared input that moves, alone or with what is computed from it, is another claim that is true of the same
    account, and no hole unless every witness leaves it open.
    """
    began, circuit, tried, n_pairs = time.process_time(), circuit_of(name, rows), 0, 0
    system, inputs = System(circuit), good(name, rows)
    declared = {circuit.name(wire) for wire in system.inputs}
    paired = range(len(inputs)) if plan.full else [random.Random(f"{plan.seed} {name}").randrange(len(inputs))]
    wrong: list[str] = []
    loose = set(declared)
    for i, witness in enumerate(map(circuit.solve, inputs)):
        free = set(free_wires(circuit, witness))
        loose &= free
        wrong += sorted(free - declared)
        tried += circuit.r1cs.n_wires - 1
        if i in paired:
            checked, together = pairs.free_pairs(system, witness.values.to_ints())
            n_pairs += checked
            wrong += [f"{circuit.name(a)} with {circuit.name(b)}" for a, b in together if a not in system.inputs]
    wrong += sorted(loose)
    said = f"{len(inputs)} witnesses; and {n_pairs:,} pairs in {len(paired)} of them"
    return Line("nudge", f"{name}-{rows}", tried, len(wrong), time.process_time() - began, said, tuple(wrong[:5]))


def mutated(plan: Plan, name: str, rows: int) -> Line:
    """At least 95 % of the coefficient and term mutants, of each kind, are refused by a good witness."""
    began, circuit = time.process_time(), circuit_of(name, rows)
    seed = _number(f"{plan.seed} {name} {rows}")
    inputs = [*good(name, rows), *honest(name, rows, seed, 12)]
    witnesses = [each.values for each in (*map(circuit.solve, inputs), *varied(name, rows, seed, 60))]
    found = mutants.mutants(circuit, witnesses, np.random.default_rng(seed))
    said = ", ".join(f"{tally.kind} {tally.killed:.2%}" for tally in found)
    wrong = sum(tally.killed < 0.95 for tally in found)
    return Line("mutants", f"{name}-{rows}", sum(t.tried for t in found), wrong, time.process_time() - began, said)


def determined(plan: Plan, name: str) -> Line:
    """The inputs of a gadget determine its outputs: by propagation, by the solver, or unknown and enumerated."""
    gadget, began = BY_NAME[name], time.process_time()
    system = System(gadget.circuit())
    secret = [wire for wire, item in system.inputs.items() if not item.is_public]
    outs = [wire for wire, item in system.inputs.items() if item.is_public]
    by_rules = not uniqueness.undetermined(system, secret) & set(outs or range(1, system.n_wires))
    answer = "not asked"
    most, seconds = plan.solver
    if plan.python and len(system.rows) < most and outs:
        answer = uniqueness.asked(plan.python, uniqueness.smt(system, secret, outs), seconds)
    proved = by_rules or answer == uniqueness.UNIQUE
    covered = proved or bool(gadget.primes)
    wrong = int(answer == uniqueness.AMBIGUOUS or not covered)
    said = f"propagation {'yes' if by_rules else 'no'}, cvc5 {answer}" + ("" if proved else ", enumerated instead")
    return Line("unique outputs", name, 1, wrong, time.process_time() - began, said)


def unsolved(plan: Plan) -> Line:
    """What is missing where cvc5-gpl is: by name, and a failure in CI."""
    said = "absent: cvc5-gpl is not installed (make soundness installs it), so no solver was asked"
    return Line("unique outputs, cvc5", "every gadget", 0, int("CI" in os.environ), 0.0, said)


def all_determined(plan: Plan, name: str, rows: int) -> Line:
    """The declared inputs of a whole statement determine every other wire."""
    began, system = time.process_time(), System(circuit_of(name, rows))
    left = uniqueness.undetermined(system, system.inputs)
    names = tuple(system.circuit.name(wire) for wire in sorted(left)[:5])
    return Line("unique witness", f"{name}-{rows}", system.n_wires - 1 - len(system.inputs), len(left),
                time.process_time() - began, "propagation", names)  # fmt: skip


def enumerated(plan: Plan, name: str, p: int) -> Line:
    """Every assignment of a gadget over a small prime: exactly what it means is accepted, with one witness each."""
    gadget, began = BY_NAME[name], time.process_time()
    tried, wrong = exhaustion.compared(gadget, p)
    return Line("enumerate", f"{name}, p = {p}", tried, wrong, time.process_time() - began)


def forged(plan: Plan, name: str) -> Line:
    began = time.process_time()
    return _forgery_line(
        "invalid proofs", f"{name}-4", forgery.tally(name, 4, _number(plan.seed), plan.forgeries), began
    )


def changed_proofs(plan: Plan, name: str) -> Line:
    began = time.process_time()
    found = transparent_forgery.tally(name, _number(plan.seed), plan.changed)
    return _forgery_line("changed transparent proofs", name, found, began)


def _forgery_line(probe: str, subject: str, found: tuple[Counter[str], Counter[str]], began: float) -> Line:
    verdicts, accepted = found
    said = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))
    seconds = time.process_time() - began
    return Line(probe, subject, sum(verdicts.values()), sum(accepted.values()), seconds, said, tuple(accepted))


def accounts(plan: Plan, name: str) -> Line:
    """Honest accounts are not refused: the witness of each through the rows; some are proved and verified."""
    began, wrong, shown = time.process_time(), Counter[str](), 0
    for rows, count in HONEST:
        circuit = circuit_of(name, rows)
        system = TransparentSystem.of(circuit.r1cs)
        for inputs in honest(name, rows, _number(plan.seed), count):
            try:
                witness = circuit.solve(inputs)
            except WitnessError as error:
                wrong[str(error).split(":")[0]] += 1
                continue
            if shown < plan.shown:
                shown += 1
                proof = Proof.decode(prover.prove(system, witness.values).encode())
                wrong["a transparent proof"] += not verifier.verify(system, witness.public_inputs, proof)
            witness.wipe()
    wrong += Counter()  # nothing that was never refused
    _, proofs = forgery.honest_proofs(name, 4, _number(plan.seed), plan.proofs)
    said = f"witnesses through every row; {shown:,} proved and verified without a setup, {len(proofs):,} with Groth16"
    return Line("honest accounts", name, sum(count for _, count in HONEST), sum(wrong.values()),
                time.process_time() - began, said, tuple(wrong))  # fmt: skip


def differential(plan: Plan, model: str) -> Line:
    """Circuits of a margin model against the specification in fractions, on random and edge accounts."""
    began, wrong, seen = time.process_time(), [], Counter[str]()
    for rows, count in plan.accounts:
        found, differing = models.compared(model, rows, count, _number(plan.seed) + rows)
        wrong += differing
        seen += found
    said = f"{seen['refused']:,} refused, {seen['exactly enough']:,} at exactly enough"
    return Line("differential", model, sum(count for _, count in plan.accounts), len(wrong),
                time.process_time() - began, said, tuple(map(str, wrong[:5])))  # fmt: skip


def _number(seed: str) -> int:
    return random.Random(seed).getrandbits(32)

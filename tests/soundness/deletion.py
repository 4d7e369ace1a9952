"""Rows deleted one at a time, the attacks found, and the reasons why what is left is harmless."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.soundness.attack import ATTACK, MOST_CHANGES, Search
from tests.soundness.system import System
from zkstate.kernels import STEP_INVERSE

Left = tuple[int, str, str]  # row, label, kind of kill or nothing

BOUND = "it only binds a public input to the proof, and the key does so too: Groth16 keys here give every one a row"
SMALL, PATIENT = 1000, 40  # rows of a circuit that is searched so many times longer, from every good witness
AT_FIRST = 80  # changes tried before the other rows had their turn
INVERSE = "h · z = 0 only pins the inverse of 0, which nothing reads: it keeps the witness unique"

TAKEN = "an amount from 1 to what is held, which other rows require, is in range"


REASONS = {"exit": {"amount is": TAKEN}}  # statement -> label -> why a row of it may go


@dataclass(frozen=True, slots=True)
class Found:
    """Rows by what became of them: an attack, a second witness of a true statement, a reason, nothing."""

    attacked: int
    second: tuple[Left, ...]
    named: Counter[str]
    unexplained: tuple[Left, ...]


def delete(
    system: System, good: Sequence[Mapping[str, object]], rows: Iterable[int], seed: str, reasons: Mapping[str, str]
) -> Found:
    """Look for an attack on each of these rows; `reasons` say by label why a row may go."""
    search = Search(system, [system.start(inputs) for inputs in good], random.Random(seed))
    at_last = MOST_CHANGES
    if len(system.rows) < SMALL:
        search.bases_a_row, at_last = len(search.bases), PATIENT * MOST_CHANGES
    named = Counter[str]()

    def reason(k: int) -> str | None:
        label = system.circuit.label(k)
        return structural(system, k) or next((text for part, text in reasons.items() if part in label), None)

    attacked, left = 0, list(rows)
    kinds: dict[int, str] = {}
    for most in (AT_FIRST, at_last):  # what attacked the other rows of the same words is known the second time
        waiting, left = left, []
        for k in waiting:
            kill = search.kill(k, most)
            if kill is not None and kill.kind == ATTACK:
                attacked += 1
            else:
                left.append(k)
                kinds[k] = kill.kind if kill else kinds.get(k, "")
        left, waiting = [k for k in left if reason(k) is None], [k for k in left if reason(k) is not None]
        named.update(reason(k) for k in waiting)
    for k in [k for k in left if not kinds[k]]:
        kill = search.kill(k, PATIENT * MOST_CHANGES)
        if kill is not None and kill.kind == ATTACK:
            attacked += 1
            left.remove(k)
        elif kill is not None:
            kinds[k] = kill.kind
    found = [(k, system.circuit.label(k), kinds[k]) for k in left]
    return Found(
        attacked, tuple(each for each in found if each[2]), named, tuple(each for each in found if not each[2])
    )


def structural(system: System, k: int) -> str | None:
    """A reason that shows in the row itself."""
    a, b, c = system.rows[k]
    hint = system.step_of.get(a[0][0]) if len(a) == 1 else None
    if hint is not None and len(b) == 1 and not c and system.steps[hint].kind == STEP_INVERSE:
        return INVERSE
    if b == ((0, 1),) and len(a) == len(c) == 1 and k in system.definer:
        wire = a[0][0]
        if wire in system.inputs and system.inputs[wire].is_public:
            return BOUND
    return None

"""Rows deleted one at a time, the attacks found, and the reasons why what is left is harmless."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.soundness.attack import ATTACK, Search
from tests.soundness.system import System
from zkstate.kernels import STEP_INVERSE

Left = tuple[int, str, str]  # row, label, kind of kill or nothing

BOUND = "it only binds a public input to the proof, and the key does so too: Groth16 keys here give every one a row"
INVERSE = "h · z = 0 only pins the inverse of 0, which nothing reads: it keeps the witness unique"


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
    attacked, second, named, unexplained = 0, [], Counter[str](), []
    for k in rows:
        kill = search.kill(k)
        if kill is not None and kill.kind == ATTACK:
            attacked += 1
            continue
        left = (k, system.circuit.label(k), kill.kind if kill else "")
        reason = structural(system, k) or next((text for part, text in reasons.items() if part in left[1]), None)
        if reason is not None:
            named[reason] += 1
        elif kill is not None:
            second.append(left)
        else:
            unexplained.append(left)
    return Found(attacked, tuple(second), named, tuple(unexplained))


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

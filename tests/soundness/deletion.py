"""Rows deleted one at a time, the attacks found, and the reasons why what is left is harmless."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.soundness.attack import ATTACK, DERIVED, MOST_CHANGES, SECOND, Kill, Search
from tests.soundness.system import System
from zkstate.kernels import STEP_INVERSE

Inputs = Mapping[str, object]
Left = tuple[int, str, str]  # row, label, kind of kill or nothing

BOUND = "it only binds a public input to the proof, and the key does so too: Groth16 keys here give every one a row"
SMALL, PATIENT = 1000, 40  # rows of a circuit that is searched so many times longer, from every good witness
DOUBTFUL = 8  # times as many for a row with a second witness, which may be all there is
AT_FIRST = 80  # changes tried before the other rows had their turn
INVERSE = "h · z = 0 only pins the inverse of 0, which nothing reads: it keeps the witness unique"

TAKEN = "an amount from 1 to what is held, which other rows require, is in range"
HELD = "the account holds the instrument, which another row requires, and the instruments of rows are in range"
OPEN = "without it a tier that has no upper bound may be held against 2^64 - 1: more is refused, nothing more accepted"
FIRST = (
    "without it a first row in use may be taken for an empty one: then those behind it have to be empty, and no more"
)
STRUCK = (
    "an entry where it is not 0 is no liquidation, so that the one there is comes next, at a place that is this flag"
)
EMPTY = "without it an empty row may be taken for one in use, whose id would have to be above the one before: it is not"
ORDERED = "the order of two rows is this digit, and another row requires it to be 1 unless the later row is empty"
NO_ROW = (
    "an order of no row reads 0, one of a row does not: so this digit is the flag that another row requires it to be"
)
BETWEEN = "an id above the one before and below the next, or the last one used, is in range; nothing reads its digits"


def reasons(name: str, rows: int) -> Mapping[str, str]:
    """Patterns of what `described` says of a row of a statement, and why a row that one matches may go."""
    unpriced = name in ("balance", "position")
    found = {r"^is zero \(definition\) of instruments\[[1-9]\d*\]$": EMPTY, r": is zero \(definition\) of uppers": OPEN}
    found |= {r"^is zero \(of instruments\[0\]\)$": FIRST}
    found |= {
        rf"^comparison: digit {'12 of 13' if unpriced else '8 of 9'} \(of instruments\[\d+\], instruments\[": ORDERED
    }
    if unpriced:
        found |= {rf"^instruments\[{i}\] is": BETWEEN for i in range(1, rows - 1)}
    if name == "batch":
        found |= {rf"^the instrument is .*instrument\[\d+\]\[{i}\]": BETWEEN for i in range(1, rows - 1)}
        found |= {r"^comparison: digit 12 of 13 \(of instrument\[\d+\]\[\d+\], instrument\[": ORDERED}
    if name == "initial":
        found |= {r"^order \d+: is zero(?! \(definition)": NO_ROW}
    if name == "liquidation":
        found |= {r"^before\[\d+\] is 0 or 1": STRUCK}
    return found | ({"^amount is": TAKEN, "^instrument is": HELD} if name == "exit" else {})


def described(system: System, k: int) -> str:
    """The label of a row; of one that defines a wire, the inputs it speaks of; of a digit, its place."""
    label, wires = system.circuit.label(k), system.wires_of(k)
    if k in system.definer:
        return f"{label} (definition) of {', '.join(map(system.circuit.name, sorted(wires & system.inputs.keys())))}"
    if len(wires) == 1 and (step := system.step_of.get(min(wires))) is not None:
        outs = system.steps[step].outs
        label = f"{label}: digit {outs.index(min(wires))} of {len(outs)}"
        wires = set(system.read_by(system.steps[step]))
    numbers = [wire for wire in sorted(wires) if wire in system.inputs]
    return f"{label} (of {', '.join(map(system.circuit.name, numbers[:4]))})" if numbers else label


@dataclass(frozen=True, slots=True)
class Found:
    """Rows by what became of them: an attack, a derived input moved, a second witness, a reason, nothing."""

    attacked: int
    derived: tuple[Left, ...]
    second: tuple[Left, ...]
    named: Counter[str]
    unexplained: tuple[Left, ...]


def delete(
    system: System,
    good: Sequence[Inputs],
    rows: Iterable[int],
    seed: str,
    reasons: Mapping[str, str],
    others: Callable[[], Sequence[Inputs]] = tuple,
    kind: type[Search] = Search,
) -> Found:
    """Look for an attack on each of these rows; `reasons` say why one may go whose description matches a pattern.

    `others` makes more inputs, also refused ones, for rows that the good ones do not help to attack.
    """
    search = kind(system, [system.start(inputs) for inputs in good], random.Random(seed))
    at_last = MOST_CHANGES
    if len(system.rows) < SMALL:
        search.bases_a_row, at_last = len(search.bases), PATIENT * MOST_CHANGES
    named = Counter[str]()

    def reason(k: int) -> str | None:
        text = described(system, k)
        return structural(system, k) or next((why for part, why in reasons.items() if re.search(part, text)), None)

    attacked, left = 0, list(rows)
    kinds: dict[int, str] = {}

    def tried(hunt: Callable[[int], Kill | None]) -> None:
        """Take from `left` what is attacked now."""
        nonlocal attacked
        waiting = left.copy()
        left.clear()
        for k in waiting:
            kill = hunt(k)
            if kill is not None and kill.kind == ATTACK:
                attacked += 1
            else:
                left.append(k)
                if kill is not None and kinds.get(k) != DERIVED:
                    kinds[k] = kill.kind

    tried(lambda k: search.kill(k, AT_FIRST))
    named.update(why for k in left if (why := reason(k)))
    left = [k for k in left if reason(k) is None]
    if left:
        search.others = [system.start(inputs) for inputs in others()]
        tried(lambda k: search.kill_from_others(k, near=True))
        tried(lambda k: search.kill(k, at_last))  # what attacked other rows of the same words is known by now
        tried(search.kill_from_others)
        tried(lambda k: search.kill(k, (DOUBTFUL if k in kinds else PATIENT) * MOST_CHANGES))
    found = [(k, described(system, k), kinds.get(k, "")) for k in left]
    derived, second, nothing = (tuple(each for each in found if each[2] == kind) for kind in (DERIVED, SECOND, ""))
    return Found(attacked, derived, second, named, nothing)


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

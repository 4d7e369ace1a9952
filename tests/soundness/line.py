"""One line of the table, and which circuits it speaks of: a short digest tells a line of older ones apart."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from circuits.keys import known
from tests.soundness import blocks, portfolio_blocks
from tests.soundness.batches import BATCHES
from tests.soundness.gadgets import BY_NAME
from tests.soundness.statements import circuit_of
from zkstate.proof.transparent.block_digest import block_digest

HONEST = ((4, 900), (8, 80), (16, 20))  # a thousand accounts of a statement: (size class, how many)
# random and edge accounts of a margin model, by plan
COMPARED = {"usual": ((4, 250), (8, 25), (16, 5)), "full": ((4, 9_000), (8, 800), (16, 190), (64, 10))}
# of transparent batches: the module of each
BLOCKS = {f"account-block-{blocks.ROWS}": blocks, f"portfolio-block-{blocks.ROWS}": portfolio_blocks}
SHORT = 8  # hexadecimal digits of a digest


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table. `notes` are printed below it. What is said from `plan` on is known once it is made."""

    probe: str
    subject: str
    tried: int
    wrong: int
    seconds: float
    said: str = ""
    notes: tuple[str, ...] = ()
    plan: str = ""
    seed: str = ""
    circuit: str = ""  # of `made_for` when the line was made
    task: str = ""
    left: tuple[int, ...] = ()  # of deleted rows those neither attacked nor named, second witnesses or not


def counted(said: str) -> list[int]:
    """The numbers that what a line of deletions says begins each part with."""
    return [int(part.split()[0]) for part in said.split(", ")]


def made_for(line: Line) -> str:
    """The first digits of the digest of the circuit that a line speaks of, as it is today; empty if there is none.

    Of several circuits, of the digest of their digests.
    """
    try:
        return _made_for(line)
    except KeyError:  # of a statement or gadget that there was
        return ""


def _made_for(line: Line) -> str:
    if line.probe == "honest accounts":
        return together([_digest(line.subject, rows) for rows, _ in HONEST])
    if line.probe == "differential":
        return together([_digest(line.subject, rows) for rows, _ in COMPARED[line.plan.split()[0]]])
    if line.subject in BLOCKS:
        return block_digest(BLOCKS[line.subject].system().block).hex()[:SHORT]
    name, _, last = line.subject.rpartition(", p = " if line.probe == "enumerate" else "-")
    if line.probe == "enumerate":
        return BY_NAME[name].circuit(int(last)).digest[:SHORT]
    if line.subject in BY_NAME:
        return BY_NAME[line.subject].circuit().digest[:SHORT]
    return _digest(name, int(last))[:SHORT] if last.isdigit() else ""


def together(digests: Sequence[str]) -> str:
    """A short digest of digests; empty if one of them is unknown."""
    return "" if "" in digests else hashlib.sha256(" ".join(digests).encode()).hexdigest()[:SHORT]


def _digest(name: str, rows: int) -> str:
    """Of a statement the one that is pinned, which another test holds to what is compiled."""
    return circuit_of(name, rows).digest if name in BATCHES else known()[f"{name}-{rows}"].circuit

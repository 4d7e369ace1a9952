"""Witnesses that a circuit with one row deleted takes and the whole circuit refuses.

The search knows no circuit. It moves one thing that the deleted row held (`moves.py`). The program carries the change
on; an assertion that then breaks is repaired (`repair.py`). What is left broken must be the deleted row.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import zip_longest

from tests.soundness.moves import Moves
from tests.soundness.system import State

MOST_MISSES = 12  # refused inputs tried for one row
MOST_DIRECT = 4  # of those that break a row with a wire that is freed, tried before anything else
MOST_ELEMENTS = 4  # of a list of secret inputs, those varied
MOST_REFUSED = 48  # refused inputs from which a row is attacked that nothing else attacked
MOST_CHANGES = 250  # made in the search for one row
MOST_RECENT = 4  # starts that worked for rows of the same words, tried first
ATTACK = "attack"  # inputs that the whole circuit refuses, also with what is derived taken from a good witness
DERIVED = "derived input"  # inputs that it refuses for a derived one alone: with that of a good witness, it takes them
SECOND = "second witness"  # for inputs it accepts: the row pins a value that these inputs leave open


@dataclass(frozen=True, slots=True)
class Kill:
    """A witness that breaks the deleted row alone."""

    kind: str
    row: int
    state: State = field(repr=False)


@dataclass(eq=False)
class Search(Moves):
    """One circuit with good witnesses to start from."""

    bases_a_row: int = field(default=8, kw_only=True)
    others: Sequence[State] = field(default=(), kw_only=True)  # more to start from, also of inputs that are refused
    _worked: dict[tuple[str, bool], list[int]] = field(default_factory=lambda: defaultdict(list), init=False)

    def __post_init__(self) -> None:
        assert all(not base.broken for base in self.bases), "a base must be a good witness"

    def kill(self, k: int, most: int = MOST_CHANGES) -> Kill | None:
        """A kill of row k, an attack if one is found; None if nothing is found at all in so many changes."""
        second, spent = None, 0
        for place, state in self._tries(k):
            if spent > most:
                break
            whole = self._whole(state, k)
            found = self.judged(k, whole, self.bases) if whole else None
            spent += 1 + self.effort - max(self._left, 0)
            if found and found.kind == ATTACK:
                worked = self._worked[self._family(k)]
                worked[:] = [place, *(other for other in worked if other != place)][:MOST_RECENT]
                return found
            second = _better(second, found)
        return second

    def _tries(self, k: int) -> Iterator[tuple[int, State]]:
        """Numbered states to repair: first those that worked for the last rows like this one."""
        rest = sorted(self.rng.sample(range(1, len(self.bases)), min(self.bases_a_row, len(self.bases)) - 1))
        bases = [self.bases[i] for i in (0, *rest)]
        fixed = self.system.fixed
        by_base = [[(base, each) for each in self.starts(k, base) if not fixed & each.keys()] for base in bases]
        moves = [move for turn in zip_longest(*by_base) for move in turn if move is not None]
        freed = self._freed(k)
        ranged = self._ranged(freed)
        direct = self._missed(MOST_DIRECT, lambda row: freed & self.system.wires_of(row))
        direct += self._missed(MOST_DIRECT, lambda row: ranged & self.system.wires_of(row))
        near = self._missed(MOST_MISSES, lambda row: freed & self.behind(row)[2])
        tries: list[State | tuple[State, dict[int, int]]] = [*direct, *moves, *near]
        worked = [place for place in self._worked[self._family(k)] if place < len(tries)]
        for place in dict.fromkeys([*worked, *range(len(tries))]):
            state = tries[place]
            yield place, state if isinstance(state, State) else self.system.set(*state)

    def kill_from_others(self, k: int, misses: int = MOST_REFUSED, *, near: bool = False) -> Kill | None:
        """An attack on row k by one move of what it held, under other inputs or such as are refused, or None.

        Where that one move leaves no other hard row broken, what a field element can absorb is repaired. `near` tries
        no more than the others that are refused by what the row leads to.
        """
        freed = self._freed(k)
        helping = [other for other in self.others if any(freed & self.behind(row)[2] for row in other.broken)]
        rest = [other for other in self.others if all(other is not each for each in helping)]
        second = None
        for other in helping if near else (*helping, *rest, *self.bases, *self._by_reason(misses)):
            for changes in self._levers(k, other):
                if self.system.fixed & changes.keys():
                    continue
                state = self.system.set(other, changes)
                if not all(self._can_wait(row) for row in state.broken - {k}):
                    continue
                whole = self._whole(state, k)
                found = self.judged(k, whole, (*self.bases, other)) if whole else None
                if found and found.kind == ATTACK:
                    return found
                second = _better(second, found)
        return second

    def _can_wait(self, row: int) -> bool:
        """Whether some input in a row may take any value: a field element, or one that the prover works out."""
        system = self.system
        return system.is_easy[row] or bool(system.wires_of(row) & system.worked_out)

    def _by_reason(self, most: int) -> list[State]:
        """Misses, the requirements that they miss in turn."""
        by_reason: dict[frozenset[str], list[State]] = defaultdict(list)
        for miss, hard in self.misses:
            by_reason[frozenset(self.system.circuit.label(row) for row in hard)].append(miss)
        for states in by_reason.values():
            self.rng.shuffle(states)
        return [miss for turn in zip_longest(*by_reason.values()) for miss in turn if miss is not None][:most]

    def _missed(self, most: int, speaks: Callable[[int], object]) -> list[State]:
        """Some of the misses of which a hard row is one that speaks of what is wanted, those that break least first."""
        found = [miss for miss, hard in self.misses if any(speaks(row) for row in hard)]
        return sorted(self.rng.sample(found, len(found)), key=lambda miss: len(miss.broken))[:most]

    def _family(self, k: int) -> tuple[str, bool]:
        """What rows of the same words share, whichever entry of a list they are of."""
        return re.sub(r"\d+", "", self.system.circuit.label(k)), k in self.system.definer

    @cached_property
    def misses(self) -> list[tuple[State, set[int]]]:
        """Inputs that the circuit refuses, with the rows that no field element can be chosen to satisfy."""
        found, system = [], self.system
        for base in self.bases:
            for wire, item in system.inputs.items():
                if (
                    item.kind.is_felt
                    or wire in system.fixed
                    or (not item.is_public and wire - item.first >= MOST_ELEMENTS)
                ):
                    continue
                values = [item.kind.hi, item.kind.lo, base.values[wire - 1], base.values[wire] + 1]
                for value in dict.fromkeys(value % system.p for value in values):
                    miss = system.set(base, {wire: value})
                    hard = {row for row in miss.broken if not system.is_easy[row]}
                    if hard and len(hard) <= 2:
                        found.append((miss, hard))
        return found

    def _ranged(self, freed: set[int]) -> set[int]:
        """The inputs whose digits are among the hints freed: without the row they can leave their range."""
        system = self.system
        steps = [system.steps[system.step_of[wire]] for wire in freed & system.hints]
        return {wire for step in steps for wire in system.read_by(step) if wire in system.inputs}

    def judged(self, k: int, state: State, honest: Sequence[State]) -> Kill | None:
        """None unless the C core finds that row k, and no other, is broken.

        `honest` have derived inputs that may be the right ones of this state too: then what is claimed is true.
        """
        system = self.system
        if system.broken_exactly(state) != [k]:
            return None
        if not system.refuses_inputs(state):
            return Kill(SECOND, k, state)
        is_true = any(system.takes_with(state, other) for other in honest)
        return Kill(DERIVED if is_true else ATTACK, k, state)


def _better(one: Kill | None, other: Kill | None) -> Kill | None:
    """The kill that shows more: a derived input moved is more than a second witness, and that more than nothing."""
    if one is None or other is None:
        return one or other
    return other if (one.kind, other.kind) == (SECOND, DERIVED) else one

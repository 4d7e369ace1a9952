"""Witnesses that a circuit with one row deleted takes and the whole circuit refuses.

The search knows no circuit. It moves one thing that the deleted row held: the wire that the row computes, a hint that
stands in it, or an input behind it. The program carries the change on; an assertion that then breaks is repaired by
solving it for an input or a hint that stands in it or just behind it. What is left broken must be the deleted row.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import zip_longest

from tests.soundness.system import HINTS, State, Step, System, dot
from zkstate.kernels import STEP_BITS

MOST_BEHIND = 48  # inputs behind a row that are moved, or solved for
MOST_MISSES = 12  # refused inputs tried for one row
MOST_DIRECT = 4  # of those that break a row with a wire that is freed, tried before anything else
MOST_AHEAD = 40  # nodes ahead of one that is freed, in whose rows something else is moved
MOST_LISTED = 64  # of a list of secret field elements, those whose rows are looked up
MOST_ELEMENTS = 4  # of a list of secret inputs, those varied
MOST_OTHERS = 32  # hints that the deleted row does not speak of, tried for one repair
MOST_REFUSED = 48  # refused inputs from which a row is attacked that nothing else attacked
MOST_LEVERS = 2  # digits of a row, moved there
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
class Search:
    """One circuit with good witnesses to start from. `effort` bounds the changes tried for each row and start."""

    system: System
    bases: Sequence[State]
    rng: random.Random
    effort: int = 60
    depth: int = 40
    bases_a_row: int = 8
    others: Sequence[State] = ()  # more to start from, also of inputs that are refused
    _sign: int = 1  # of the order in which rows are repaired
    _behind: dict[int, tuple[list[int], set[int], set[int]]] = field(default_factory=dict)
    _worked: dict[tuple[str, bool], list[int]] = field(default_factory=lambda: defaultdict(list))

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

    def _levers(self, k: int, state: State) -> Iterator[dict[int, int]]:
        """What row k held, moved: to another truth, by any digit, or by a little or a lot."""
        system, values = self.system, state.values
        yield {}  # nothing, where the row is all that refuses
        for wire in self._freed(k):  # what is freed, so that what refuses does not
            solved = (self._secant(state, row, wire) for row in state.broken - {k} if wire in self.behind(row)[2])
            yield from ({wire: value} for value in solved if value is not None)
        if k in system.definer:
            node = system.steps[system.definer[k]].outs[0]
            old = values[node]
            steps = [sign << e for e in (0, 32, 64, 100, 130) for sign in (1, -1)]
            news = (1 - old, 0, *self._emptied(node, values), *(old + step for step in steps))
            yield from ({node: new} for new in dict.fromkeys(news))
            yield from ({wire: values[wire] + 1} for wire in self._led_by(node))
            return
        for step in (
            system.steps[system.step_of[wire]] for wire in sorted(system.wires_of(k)) if wire in system.step_of
        ):
            if step.kind not in HINTS and step.row >= 0:  # what a hint behind the row decides
                yield from ({hint: 0} for hint in sorted(system.wires_of(step.row) & system.hints))
        for wire in sorted(system.wires_of(k) & system.inputs.keys()):
            if not system.inputs[wire].kind.is_felt:
                yield from (
                    {wire: value} for value in (system.inputs[wire].kind.hi + 1, system.inputs[wire].kind.lo - 1)
                )
        hints = sorted(system.wires_of(k) & system.hints)
        for wire in self.rng.sample(hints, min(MOST_LEVERS, len(hints))):
            for row in state.broken & set(system.assertions[wire]):  # what the digit can make up for
                yield from ({wire: value} for node, value in self._solved(state, row).items() if node == wire)
            yield from self._hint_starts(wire, values)
        yield from self._together(k, state)

    def _emptied(self, node: int, values: list[int]) -> Iterator[int]:
        """The values of a node that make a factor it is part of 0, or a number with digits 0 or half full."""
        system = self.system
        for s in system.readers[node]:
            step = system.steps[s]
            if step.row >= 0:
                yield from self._vanishing(step.row, node, values)
            factor = dict(step.reads).get(node, 0)
            if step.kind == STEP_BITS and factor:
                number, inverse = dot(step.reads, values), pow(factor, -1, system.p)
                yield (values[node] - number * inverse) % system.p
                yield (values[node] - (number - (1 << len(step.outs) - 1)) * inverse) % system.p

    def _led_by(self, node: int) -> list[int]:
        """Secret field elements that lead to a requirement which the node leads to, one or two of each requirement."""
        system, seen, queue = self.system, {node}, [node]
        rows: set[int] = set()
        while queue and len(seen) < MOST_AHEAD:
            here = queue.pop(0)
            rows |= set(system.assertions[here]) if here < system.n_wires else set()
            ahead = {out for s in system.readers[here] if s not in system.deferred for out in system.steps[s].outs}
            queue += sorted(ahead - seen)
            seen |= ahead
        return [wire for row in sorted(rows) for wire in self._leads[row][:MOST_LEVERS]]

    @cached_property
    def _leads(self) -> dict[int, list[int]]:
        """For each row, secret field elements that break it, and no other, when they move."""
        system, found = self.system, defaultdict(list)
        for wire, item in system.inputs.items():
            if (
                item.kind.is_felt
                and not item.is_public
                and wire - item.first < MOST_LISTED
                and wire not in system.fixed
            ):
                broken = system.set(self.bases[0], {wire: self.bases[0].values[wire] + 1}).broken
                if len(broken) == 1:
                    found[min(broken)].append(wire)
        return found

    def _together(self, k: int, state: State) -> Iterator[dict[int, int]]:
        """A number in row k, or whose digits are, moved with another input of a row that speaks of both."""
        system, p = self.system, self.system.p
        spoken = system.wires_of(k)
        for x in sorted(self._numbers(k))[:MOST_LEVERS]:
            for row in (row for row in system.assertions[x] if row != k):
                numbers = {
                    wire for wire in system.wires_of(row) & system.inputs.keys() if not system.inputs[wire].kind.is_felt
                }
                for y in sorted(numbers - {x}, reverse=True)[:MOST_LEVERS]:
                    slopes = [self._slope(state, row, wire) for wire in (x, y)]
                    if all(slopes):
                        for by in (1, -1):
                            moved = (state.values[x] - by * slopes[1] * pow(slopes[0], -1, p)) % p
                            yield {y: state.values[y] + by, x: moved} | self._absorbed(spoken, moved)

    def _numbers(self, k: int) -> set[int]:
        """The inputs that row k speaks of, or of whose digits it speaks."""
        system = self.system
        spoken = system.wires_of(k)
        digits = [system.steps[system.step_of[wire]] for wire in spoken & system.hints]
        return spoken & system.inputs.keys() | {n for s in digits for n, _ in s.reads if n in system.inputs}

    def _slope(self, state: State, row: int, wire: int) -> int:
        values, here = state.values, self.system.residual(row, state.values)
        values[wire] += 1
        there = self.system.residual(row, values)
        values[wire] -= 1
        return (there - here) % self.system.p

    def _absorbed(self, spoken: set[int], number: int) -> dict[int, int]:
        """What a digit, if row k speaks of a single one, is for the digits of a number too large to add up to it."""
        steps = self.system.steps
        for wire in spoken if len(spoken) == 1 else ():
            step = steps[self.system.step_of[wire]] if wire in self.system.step_of else None
            if step is not None and step.kind == STEP_BITS:
                place = step.outs.index(wire)
                others = sum((number >> i & 1) << i for i in range(len(step.outs)) if i != place)
                return {wire: (number - others) * pow(1 << place, -1, self.system.p) % self.system.p}
        return {}

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

    def _freed(self, k: int) -> set[int]:
        """What no longer has to be what it was: the wire row k computes, or the hints and sums it speaks of."""
        system = self.system
        if k in system.definer:
            return {system.steps[system.definer[k]].outs[0]}
        freed = {wire for wire in system.wires_of(k) if wire in system.step_of}
        return freed | {system.steps[system.step_of[wire]].outs[-1] for wire in freed}

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

    # what to move

    def starts(self, k: int, base: State) -> Iterator[dict[int, int]]:
        system, values = self.system, base.values
        wires = sorted(system.wires_of(k))
        if k in system.absorber:
            yield {system.absorber[k]: values[system.absorber[k]] + 1}
        if k in system.definer:
            node = system.steps[system.definer[k]].outs[0]
            old = values[node]
            yield from ({node: new} for new in dict.fromkeys((1 - old, 0, old + 1, self.rng.randrange(system.p))))
            yield from ({node: 0, **alias} for wire in wires for alias in self._aliases(wire, values))
        for wire in (wire for wire in wires if wire in system.inputs and k not in system.definer):
            digits = len(system.wires_of(k) & system.hints)
            if digits > 1 and system.inputs[wire].kind.is_felt:  # the least and the largest number without such digits
                yield from ({wire: number} for number in (1 << digits, system.p - 1))
            else:
                yield {wire: self._input_values(wire, values[wire])[0]}  # out of range, if it has one; else any
        for wire in wires:
            yield from self._hint_starts(wire, values)
            yield from self._aliases(wire, values)
        if k not in system.definer:
            yield from ({wire: 1 - values[wire]} for wire in wires if wire in system.step_of)
        for wire in wires:
            if wire in system.inputs:
                yield from ({wire: value} for value in self._vanishing(k, wire, values))
        for wire in self.behind(k)[0]:
            yield from ({wire: new} for new in self._input_values(wire, values[wire]))

    def _hint_starts(self, wire: int, values: list[int]) -> Iterator[dict[int, int]]:
        """Other values of a hint, and other values of those found with it, which leaves this one to be solved for."""
        system = self.system
        step = system.steps[system.step_of[wire]] if wire in system.step_of else None
        if step is None or wire not in system.hints:
            return
        if step.kind == STEP_BITS:
            place, top, last = step.outs.index(wire), len(step.outs) - 1, step.outs[-1]
            too_large = {wire: values[wire] + (1 << len(step.outs) - place)}  # a number, its other digits right
            number = next((read for read, factor in step.reads if factor == 1 and read in system.inputs), None)
            yield too_large if number is None else {**too_large, number: values[number] + (1 << len(step.outs))}
            if number is not None:  # the least number too large, the largest too small
                yield {number: 1 << len(step.outs), **self._absorbed({wire}, 1 << len(step.outs))}
                yield {number: -1, **self._absorbed({wire}, system.p - 1)}
            if place < top:  # the highest digit turned, and the sum kept: the answer of a comparison
                yield {last: 1 - values[last], wire: values[wire] + ((2 * values[last] - 1) << top - place)}
            elif top > 1:  # the answer one half, which makes a magnitude 0 and a choice the mean
                yield from self._halved(step, values)
        yield {wire: 1 - values[wire]}
        yield {wire: self.rng.randrange(system.p)}
        others = [other for other in step.outs if other != wire]
        for other in dict.fromkeys([*others[-1:], *others[:1], *self.rng.sample(others, min(2, len(others)))]):
            yield {other: 1 - values[other]}

    def _halved(self, step: Step, values: list[int]) -> Iterator[dict[int, int]]:
        """The highest digit one half, and the others those of what is then left of the number."""
        top = len(step.outs) - 1
        left = sum(values[node] << i for i, node in enumerate(step.outs)) - (1 << top - 1)
        if 0 <= left < 1 << top:
            lower = {node: left >> i & 1 for i, node in enumerate(step.outs[:-1])}
            yield {**lower, step.outs[-1]: pow(2, -1, self.system.p)}

    def _aliases(self, wire: int, values: list[int]) -> Iterator[dict[int, int]]:
        """The digits of x + r, if the wire is one of the digits of x and there are enough of them."""
        step = self.system.steps[self.system.step_of[wire]] if wire in self.system.step_of else None
        if step is not None and step.kind == STEP_BITS:
            alias = sum(values[node] << i for i, node in enumerate(step.outs)) % self.system.p + self.system.p
            if not alias >> len(step.outs):
                yield {node: alias >> i & 1 for i, node in enumerate(step.outs)}

    def _vanishing(self, k: int, wire: int, values: list[int]) -> Iterator[int]:
        """Values of a wire for which a factor of row k is 0."""
        p = self.system.p
        for terms in self.system.rows[k][:2]:
            slope = sum(v for w, v in terms if w == wire) % p
            if slope:
                yield (values[wire] - dot(terms, values) * pow(slope, -1, p)) % p

    def behind(self, k: int) -> tuple[list[int], set[int], set[int]]:
        """Inputs in row k or that its wires are computed from, the nearest first; the steps and all nodes between."""
        system = self.system
        if k not in self._behind:
            seen, queue = system.wires_of(k), sorted(system.wires_of(k))
            found, steps = [], set()
            while queue and len(found) < MOST_BEHIND and len(seen) < 400:
                node = queue.pop(0)
                if node in system.inputs:
                    found.append(node)
                elif node in system.step_of:
                    steps.add(system.step_of[node])
                    fresh = sorted({n for n in system.read_by(system.steps[system.step_of[node]]) if n} - seen)
                    seen |= set(fresh)
                    queue += fresh
            self._behind[k] = found, steps, seen
        return self._behind[k]

    def _input_values(self, wire: int, now: int) -> list[int]:
        kind, p = self.system.inputs[wire].kind, self.system.p
        any_value = self.rng.randrange(p)
        if kind.is_felt:
            return [any_value, (now + 1) % p]
        near = [(now + 1) % p, (now - 1) % p]
        return list(dict.fromkeys([kind.hi + 1, (kind.lo - 1) % p, kind.hi, kind.lo % p, *near, any_value]))

    # what to put right

    def _whole(self, state: State, k: int) -> State | None:
        """The state repaired, the first rows first; or else the last, on which what is under a path may depend."""
        for self._sign in (1, -1) if len(state.broken - {k}) > 1 else (1,):
            self._left = self.effort
            found = self.repaired(state, k, self.depth)
            if found is not None:
                return found
        return None

    def repaired(self, state: State, k: int, depth: int) -> State | None:
        """The state with every row repaired but k, which is broken; None if that does not work out."""
        others = sorted(state.broken - {k}, key=lambda row: (self.system.is_easy[row], self._sign * row))
        if not others:
            whole = self.system.settled(state, k)
            return whole if self.system.residual(k, whole.values) else None
        if depth == 0 or len(others) > 8:
            return None
        for node, value in self._repairs(state, others[0], k):
            if self._left <= 0:
                return None
            self._left -= 1
            after = self.system.set(state, {node: value})
            if others[0] not in after.broken:
                found = self.repaired(after, k, depth - 1)
                if found is not None:
                    return found
        return None

    def _repairs(self, state: State, row: int, k: int) -> Iterator[tuple[int, int]]:
        """Inputs and hints with a value that satisfies a broken row: those in it, then inputs behind it."""
        system = self.system
        wires = system.wires_of(row) - state.held
        solved = self._solved(state, row)
        inputs = sorted((wire for wire in wires if wire in system.inputs), key=self._rank)
        hints = sorted(wire for wire in wires if wire in system.hints)
        loosened = system.wires_of(k)
        for node in self._freed(k) & self.behind(row)[2] - state.held:
            value = self._secant(state, row, node)
            if value is not None and not self._residual(state, row, node, value):
                yield node, value
        behind = sorted((wire for wire in self.behind(row)[0] if wire not in state.held), key=self._rank)
        yield from self._direct(state, row, k, [wire for wire in hints if wire in loosened], solved)
        yield from self._direct(state, row, k, [wire for wire in inputs if system.inputs[wire].kind.is_felt], solved)
        yield from self._indirect(state, row, [wire for wire in behind if system.inputs[wire].kind.is_felt])
        yield from self._direct(state, row, k, [w for w in inputs if not system.inputs[w].kind.is_felt], solved)
        yield from self._direct(state, row, k, [w for w in hints if w not in loosened][:MOST_OTHERS], solved)
        yield from self._indirect(state, row, [w for w in behind if not system.inputs[w].kind.is_felt])

    def _direct(
        self, state: State, row: int, k: int, wires: Sequence[int], solved: Mapping[int, int]
    ) -> Iterator[tuple[int, int]]:
        """Those of the wires of a row that can take the value it wants of them."""
        for wire in wires:
            if wire not in solved or self._residual(state, row, wire, solved[wire]):
                continue
            if wire in self.system.inputs or self._fits(state, wire, solved[wire], k):
                yield wire, solved[wire]

    def _indirect(self, state: State, row: int, wires: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Those of the inputs behind a row by which it can be satisfied."""
        for wire in wires:
            value = self._secant(state, row, wire)
            if value is not None and not self._residual(state, row, wire, value):
                yield wire, value

    def _residual(self, state: State, row: int, wire: int, value: int) -> int:
        """What is left of a row with one wire changed, and what the row is computed from computed again."""
        values, system = state.values, self.system  # changed in place and put back: a copy costs more than all else
        was, values[wire] = values[wire], value % system.p
        moved, _ = system.follow(values, (wire,), state.held | {wire}, only=self.behind(row)[1])
        left = system.residual(row, values)
        for node, before in moved.items():
            values[node] = before
        values[wire] = was
        return left

    def _rank(self, wire: int) -> tuple[bool, bool, int]:
        """Field elements first, since any value is within their kind; of them those that others see."""
        item = self.system.inputs[wire]
        return not item.kind.is_felt, not item.is_public, wire

    def _fits(self, state: State, wire: int, value: int, k: int) -> bool:
        """Whether each assertion that breaks has something else to repair it by."""
        system, values, old = self.system, state.values, state.values[wire]
        values[wire] = value
        try:
            rows = sorted((row for row in system.assertions[wire] if row != k), key=system.length)
            return all(
                system.movable & system.wires_of(row) - state.held - {wire} or not system.residual(row, values)
                for row in rows
            )
        finally:
            values[wire] = old

    def _solved(self, state: State, row: int) -> dict[int, int]:
        """For each wire that a row is linear in, the value of it that satisfies the row, all else kept."""
        p, values = self.system.p, state.values
        factors: dict[int, list[int]] = {}
        sums = [dot(terms, values) for terms in self.system.rows[row]]
        for side, terms in enumerate(self.system.rows[row]):
            for wire, coefficient in terms:
                factors.setdefault(wire, [0, 0, 0])[side] += coefficient
        residual, found = sums[0] * sums[1] - sums[2], {}
        for wire, (a, b, c) in factors.items():
            slope = (a * sums[1] + b * sums[0] - c) % p
            if wire and slope and not a * b % p:
                found[wire] = (values[wire] - residual * pow(slope, -1, p)) % p
        return found

    def _secant(self, state: State, row: int, wire: int) -> int | None:
        """The value of an input further back, for rows that depend on it as on a straight line."""
        p, now = self.system.p, state.values[wire]
        here = self.system.residual(row, state.values)
        slope = (self._residual(state, row, wire, now + 1) - here) % p
        return (now - here * pow(slope, -1, p)) % p if slope else None


def _better(one: Kill | None, other: Kill | None) -> Kill | None:
    """The kill that shows more: a derived input moved is more than a second witness, and that more than nothing."""
    if one is None or other is None:
        return one or other
    return other if (one.kind, other.kind) == (SECOND, DERIVED) else one

"""What to move of what a deleted row held: the wire that it computes, a hint that stands in it, an input behind it."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from tests.soundness.repair import Repair
from tests.soundness.system import HINTS, State, Step, dot
from zkstate.kernels import STEP_BITS

MOST_AHEAD = 40  # nodes ahead of one that is freed, in whose rows something else is moved
MOST_LISTED = 64  # of a list of secret field elements, those whose rows are looked up
MOST_LEVERS = 2  # digits of a row, moved there


@dataclass(eq=False)
class Moves(Repair):
    """The first change made to a witness: `starts` to a good one, `_levers` to any other."""

    bases: Sequence[State]
    rng: random.Random

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
                # out of range, if it has one; else any
                yield from ({wire: value} for value in self._input_values(wire, values[wire])[:2])
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
            if number is not None:  # the least number too large, the largest too small, whatever is added to it
                added = dot(step.reads, values) - values[number]
                yield {number: (1 << len(step.outs)) - added, **self._absorbed({wire}, 1 << len(step.outs))}
                yield {number: -1 - added, **self._absorbed({wire}, system.p - 1)}
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

    def _input_values(self, wire: int, now: int) -> list[int]:
        kind, p = self.system.inputs[wire].kind, self.system.p
        any_value = self.rng.randrange(p)
        if kind.is_felt:
            return [any_value, (now + 1) % p]
        near = [(now + 1) % p, (now - 1) % p]
        return list(dict.fromkeys([kind.hi + 1, (kind.lo - 1) % p, kind.hi, kind.lo % p, *near, any_value]))

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

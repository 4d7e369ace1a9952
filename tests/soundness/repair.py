"""What a broken row is put right by: an input or a hint that stands in it or just behind it, solved for.

A repair may break another row, which is then repaired in turn, until nothing is left broken but the row that is to be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.soundness.system import State, System, dot

MOST_BEHIND = 48  # inputs behind a row that are moved, or solved for
MOST_OTHERS = 32  # hints that the deleted row does not speak of, tried for one repair


@dataclass(eq=False)
class Repair:
    """One circuit of which rows are put right. `effort` bounds the changes tried for each row and start."""

    system: System
    effort: int = field(default=60, kw_only=True)
    depth: int = field(default=40, kw_only=True)
    _sign: int = field(default=1, init=False)  # of the order in which rows are repaired
    _left: int = field(default=0, init=False)  # of the effort
    _behind: dict[int, tuple[list[int], set[int], set[int]]] = field(default_factory=dict, init=False)

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

    def _freed(self, k: int) -> set[int]:
        """What no longer has to be what it was: the wire row k computes, or the hints and sums it speaks of."""
        system = self.system
        if k in system.definer:
            return {system.steps[system.definer[k]].outs[0]}
        freed = {wire for wire in system.wires_of(k) if wire in system.step_of}
        return freed | {system.steps[system.step_of[wire]].outs[-1] for wire in freed}

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

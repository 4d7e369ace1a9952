"""Whether the inputs of a circuit determine every other wire: by propagation, and by a solver for finite fields.

Propagation only ever says yes where that is a theorem. Its rules, for a set of wires already determined:

- a row linear in one other wire, with a constant factor that is not 0, determines it;
- so does a row that says that a known value times that wire is a constant other than 0;
- so do n rows that are linear in the same n wires, with constant factors of full rank;
- a row linear in boolean wires whose factors, each greater than the sum of those before, add up to less than p
  determines them all (binary digits that cannot wrap);
- flags f_i with f_i·(x - c_i) = 0 for distinct constants c_i, and a row linear in these flags alone, determine them:
  at most one factor vanishes, so all other flags are 0;
- z and h with -x·h = z - 1, x·z = 0 and h·z = 0 are determined: x = 0 gives z = 1, h = 0; otherwise z = 0, h = 1/x.
"""

from __future__ import annotations

import subprocess
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from tests.soundness.system import System, Terms

SCRIPT = Path(__file__).with_name("finite_field_query.py")
UNIQUE, AMBIGUOUS, UNKNOWN = "unsat", "sat", "unknown"


def undetermined(system: System, given: Iterable[int]) -> set[int]:
    """The wires that propagation from the given ones does not reach."""
    known = {0, *given}
    booleans = {wire for wire in range(1, system.n_wires) if _is_boolean(system, wire)}
    open_rows = {k: system.wires_of(k) - known for k in range(len(system.rows))}
    of_wire: dict[int, list[int]] = defaultdict(list)
    for k, unknown in open_rows.items():
        for wire in unknown:
            of_wire[wire].append(k)
    fresh: list[int] = []

    def learn(wires: Iterable[int]) -> None:
        for wire in set(wires) - known:
            known.add(wire)
            fresh.append(wire)
            for k in of_wire[wire]:
                open_rows[k].discard(wire)

    touched = set(open_rows)
    while touched:
        for k in touched:
            unknown = open_rows[k]
            factors = _linear(system.rows[k], unknown) if unknown else None
            digits = unknown <= booleans
            if factors and (len(factors) == 1 or (digits and _no_wrap(factors.values(), system.p))):
                learn(unknown)
            if len(unknown) == 1 and _is_quotient(system.rows[k], *unknown):
                learn(unknown)
        touched = {k for wire in fresh for k in of_wire[wire] if open_rows[k]}
        if not touched:
            live = [k for k, unknown in open_rows.items() if unknown]
            for rule in (_by_groups, _by_flags, _by_inverses):
                rule(system, open_rows, live, learn)
            touched = {k for wire in fresh for k in of_wire[wire] if open_rows[k]}
        fresh.clear()
    return set(range(1, system.n_wires)) - known


def _is_boolean(system: System, wire: int) -> bool:
    for k in system.assertions[wire]:
        a, b, c = system.rows[k]
        if a == b == c == ((wire, 1),):
            return True
    return False


def _linear(row: tuple[Terms, Terms, Terms], unknown: set[int]) -> dict[int, int] | None:
    """The constant factors of the unknown wires in a row; None if it has another shape."""
    a, b, c = (dict(terms) for terms in row)
    if (unknown & a.keys() and b.keys() - {0}) or (unknown & b.keys() and a.keys() - {0}):
        return None
    factors = {w: a.get(w, 0) * b.get(0, 0) + b.get(w, 0) * a.get(0, 0) - c.get(w, 0) for w in unknown}
    return factors if all(factors.values()) else None


def _is_quotient(row: tuple[Terms, Terms, Terms], wire: int) -> bool:
    """Whether a row says known · wire = a constant other than 0."""
    a, b, c = row
    own = ((wire, 1),)
    return len(c) == 1 and c[0][0] == 0 and (a == own) != (b == own) and wire not in dict(a if b == own else b)


def _no_wrap(factors: Iterable[int], p: int) -> bool:
    """Whether different sums of some of the factors are different mod p, judged by size alone."""
    factors = list(factors)
    for sign in (1, -1):
        total = 0
        for factor in sorted(sign * f % p for f in factors):
            if factor <= total:
                break
            total += factor
        else:
            if total < p:
                return True
    return False


def _by_groups(system, open_rows, live, learn) -> None:
    groups: dict[frozenset[int], list[dict[int, int]]] = defaultdict(list)
    for k in live:
        factors = _linear(system.rows[k], open_rows[k])
        if factors:
            groups[frozenset(factors)].append(factors)
    for wires, rows in groups.items():
        order = sorted(wires)
        if len(rows) >= len(order) and _rank([[row[w] % system.p for w in order] for row in rows], system.p) == len(
            order
        ):
            learn(wires)


def _rank(rows: list[list[int]], p: int) -> int:
    rank = 0
    for column in range(len(rows[0])):
        pivot = next((i for i in range(rank, len(rows)) if rows[i][column]), None)
        if pivot is None:
            continue
        rows[rank], rows[pivot] = rows[pivot], rows[rank]
        inverse = pow(rows[rank][column], -1, p)
        for i in range(rank + 1, len(rows)):
            factor = rows[i][column] * inverse % p
            rows[i] = [(x - factor * y) % p for x, y in zip(rows[i], rows[rank], strict=True)]
        rank += 1
    return rank


def _by_flags(system, open_rows, live, learn) -> None:
    flags: dict[Terms, dict[int, int]] = defaultdict(dict)  # what x is -> flag -> its constant
    for k in live:
        a, b, c = system.rows[k]
        if not c and len(a) == 1 and open_rows[k] == {a[0][0]}:
            x = tuple(term for term in b if term[0])
            flags[x][a[0][0]] = dict(b).get(0, 0)
    for constants in flags.values():
        for k in {k for k in live if open_rows[k] and open_rows[k] <= constants.keys()}:
            own = [constants[wire] for wire in open_rows[k]]
            if len(set(own)) == len(own) and _linear(system.rows[k], open_rows[k]):
                learn(set(open_rows[k]))


def _by_inverses(system, open_rows, live, learn) -> None:
    rows = set(system.rows)
    for k in live:
        x, h, c = system.rows[k]
        z = tuple(term for term in c if term[0])
        unknown = open_rows[k]
        if len(h) == len(z) == 1 and h[0][0] in unknown <= {h[0][0], z[0][0]} and dict(c).get(0) == system.p - 1:
            negated = tuple((wire, -value % system.p) for wire, value in x)
            if (negated, z, ()) in rows and (h, z, ()) in rows and h[0][1] == z[0][1] == 1:
                learn(set(unknown))


def smt(system: System, given: Iterable[int], watched: Iterable[int]) -> str:
    """Two assignments that agree on the given wires, satisfy every row, and differ in a watched wire."""
    given = {0, *given}
    field = f"(_ FiniteField {system.p})"

    def name(wire: int, copy: int) -> str:
        return f"w{wire}" if wire in given else f"w{wire}_{copy}"

    def total(terms: Terms, copy: int) -> str:
        parts = [
            f"(as ff{value} F)" if wire == 0 else f"(ff.mul (as ff{value} F) {name(wire, copy)})"
            for wire, value in terms
        ]
        return "(as ff0 F)" if not parts else parts[0] if len(parts) == 1 else f"(ff.add {' '.join(parts)})"

    lines = ["(set-logic QF_FF)", f"(define-sort F () {field})"]
    names = dict.fromkeys(name(wire, copy) for wire in range(1, system.n_wires) for copy in (1, 2))
    lines += [f"(declare-fun {each} () F)" for each in names]
    for copy in (1, 2):
        for a, b, c in system.rows:
            left = f"(ff.mul {total(a, copy)} {total(b, copy)})" if b != ((0, 1),) else total(a, copy)
            lines.append(f"(assert (= {left} {total(c, copy)}))")
    differ = [f"(not (= {name(wire, 1)} {name(wire, 2)}))" for wire in watched]
    lines.append(f"(assert (or {' '.join(differ)} false))")
    return "\n".join([*lines, "(check-sat)", ""])


def asked(python: str, query: str, seconds: int, megabytes: int = 2048) -> str:
    """The solver's answer from a child process within limits of time and memory, else `unknown`."""
    command = [python, str(SCRIPT), str(seconds), str(megabytes)]
    try:
        done = subprocess.run(command, input=query, capture_output=True, text=True, timeout=seconds + 10, check=False)
    except subprocess.TimeoutExpired:
        return UNKNOWN
    answer = done.stdout.strip()
    return answer if answer in {UNIQUE, AMBIGUOUS} else UNKNOWN

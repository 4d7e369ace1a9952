"""Pairs of wires that could move together in a good witness: the nudge for two wires at once.

Wire i can take part only with a wire that stands in every row which pins i alone. That leaves few pairs, and for each
the rows that speak of either wire decide: a row in one wire of the pair allows it one other value at most, and a row in
both is a line once one of them is given, or both together are a linear system without a second solution.
"""

from __future__ import annotations

from collections import Counter

from tests.soundness.system import System, dot

Line = tuple[int, int, int, int, int]  # d_i·L_i + d_j·L_j + d_i²·Q_i + d_i·d_j·Q_ij + d_j²·Q_j = 0


def free_pairs(system: System, values: list[int]) -> tuple[int, list[tuple[int, int]]]:
    """(pairs judged, pairs that some other two values fit), for a witness that satisfies every row."""
    p = system.p
    slopes: list[dict[int, tuple[int, int]]] = [{} for _ in range(system.n_wires)]  # wire -> row -> (linear, square)
    sums = [tuple(dot(terms, values) for terms in row) for row in system.rows]
    for k, row in enumerate(system.rows):
        a, b, c = (_added(terms) for terms in row)
        for wire in (a.keys() | b.keys() | c.keys()) - {0}:
            linear = (a.get(wire, 0) * sums[k][1] + b.get(wire, 0) * sums[k][0] - c.get(wire, 0)) % p
            square = a.get(wire, 0) * b.get(wire, 0) % p
            if linear or square:
                slopes[wire][k] = linear, square
    candidates = set()
    for wire in range(1, system.n_wires):
        pinning = [k for k, (linear, square) in slopes[wire].items() if bool(linear) != bool(square)]
        shared = Counter(other for k in pinning for other in system.wires_of(k) if other != wire)
        candidates |= {(wire, other) for other, times in shared.items() if times == len(pinning)}
    both = {(i, j) for i, j in candidates if i < j and (j, i) in candidates}
    return len(both), [(i, j) for i, j in sorted(both) if _is_free(system, sums, slopes, i, j)]


def _added(terms: tuple[tuple[int, int], ...]) -> dict[int, int]:
    out: dict[int, int] = {}
    for wire, value in terms:
        out[wire] = out.get(wire, 0) + value
    return out


def _is_free(system: System, sums: list, slopes: list, i: int, j: int) -> bool:
    p = system.p
    lines: list[Line] = []
    for k in slopes[i].keys() | slopes[j].keys():
        (linear_i, square_i), (linear_j, square_j) = slopes[i].get(k, (0, 0)), slopes[j].get(k, (0, 0))
        a, b = (dict(terms) for terms in system.rows[k][:2])
        mixed = (a.get(i, 0) * b.get(j, 0) + a.get(j, 0) * b.get(i, 0)) % p
        lines.append((linear_i, linear_j, square_i, mixed, square_j))
    for given, at in ((0, 0), (1, 1)):  # a row in one wire alone gives it one other value
        alone = [line for line in lines if _alone(line, at)]
        for line in alone[:1]:
            d = -line[given] * pow(line[2 + 2 * given], -1, p) % p if line[2 + 2 * given] else 0
            return d != 0 and _extends(lines, given, d, p)
    if any(line[2] or line[3] or line[4] for line in lines):
        return _extends_somewhere(lines, p)
    rows = [line for line in lines if line[0] or line[1]]
    return all((x[0] * y[1] - x[1] * y[0]) % p == 0 for x in rows for y in rows[:1])


def _alone(line: Line, at: int) -> bool:
    linear_i, linear_j, square_i, mixed, square_j = line
    return not (linear_j or mixed or square_j) if at == 0 else not (linear_i or mixed or square_i)


def _extends(lines: list[Line], given: int, d: int, p: int) -> bool:
    """Whether, with one difference given, some other difference that is not 0 fits every row."""
    options: set[int] | None = None
    curves = []
    for line in lines:
        own, other = line[given], line[1 - given]
        own_square, square = line[2 + 2 * given], line[4 - 2 * given]
        constant, slope = (own * d + own_square * d * d) % p, (other + line[3] * d) % p
        if square and constant:
            curves.append((constant, slope, square))
        elif square or slope:
            value = -(slope if square else constant) * pow(square or slope, -1, p) % p
            options = {value} if options is None else options & {value}
        elif constant:
            return False
    if options is None:
        return True  # also where only a curve is left, which is undecided and so reported
    return any(x and all((c + s * x + q * x * x) % p == 0 for c, s, q in curves) for x in options)


def _extends_somewhere(lines: list[Line], p: int) -> bool:
    """Rows with products of the two differences, none of either alone: a linear row in both reduces them."""
    line = next((x for x in lines if (x[0] or x[1]) and not (x[2] or x[3] or x[4])), None)
    if line is None:
        return True  # undecided, so reported
    u, v = -line[1] % p, line[0]  # differences are t·(u, v)
    if not (u and v):
        return False
    roots: set[int] | None = None
    for linear_i, linear_j, square_i, mixed, square_j in lines:
        first = (linear_i * u + linear_j * v) % p
        second = (square_i * u * u + mixed * u * v + square_j * v * v) % p
        if second:
            root = -first * pow(second, -1, p) % p
            roots = {root} if roots is None else roots & {root}
        elif first:
            return False
    return roots is None or bool(roots - {0})

"""Poseidon in a circuit: P(tag; inputs) and C(tag; inputs) of docs/spec.md §1. Three rows per S-box.

x^5 is L·L = x2, x2·x2 = x4, x4·L = s. Everything between S-boxes is linear, so no row is spent on it; what is left
to choose is which values become wires, and the sums stay as short as the state is wide:

- Full rounds. Not the outputs s but the inputs y of the next round are wires, so x4·y_i = Σ (1/M)_ij (y'_j - c_j):
  one long sum per S-box, on the C side, instead of three.
- Partial rounds. The lanes that skip the S-box are a linear system driven by s: u' = H u + w s, with the next S-box
  input a s + v u. In the basis where (H, w) is in controller canonical form (Kalman 1963) the lanes are a shift
  register of q = s - p_1 u_1 - … - p_n u_n. With q as the wire of a round, s and every later sum are over the last
  t wires alone, where sums over the s would grow by a term a round.

Rows per permutation of width t: 24 t + 3·(partial rounds); 243 for t = 3, 612 for t = 17. Entries a row in A and B
together, and in C: 4.2 and 1.7 for t = 3, 9.0 and 6.1 for t = 17.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from zkstate.commitment.poseidon import PoseidonParameters, parameters
from zkstate.constraint import Builder, Wire
from zkstate.constraint.record import Terms
from zkstate.constraint.template import Template
from zkstate.constraint.wire import ONE_WIRE, WireLike
from zkstate.errors import CircuitError
from zkstate.kernels import FR_MODULUS, STEP_LINEAR, STEP_PRODUCT, STEP_SOLVE

MAX_INPUTS = 16
Matrix = list[list[int]]


def poseidon(c: Builder, tag: WireLike, inputs: Sequence[WireLike]) -> Wire:
    """P(tag; inputs), for 1 to 16 inputs: a FELT."""
    if not 1 <= len(inputs) <= MAX_INPUTS:
        raise CircuitError(f"Poseidon of {len(inputs)} inputs: it takes 1 to {MAX_INPUTS}")
    return c.use(permutation(len(inputs) + 1), [tag, *inputs])[0]


def chain(c: Builder, tag: WireLike, inputs: Sequence[WireLike]) -> Wire:
    """C(tag; inputs): blocks of 16, each hash the tag of the next."""
    if not inputs:
        raise CircuitError("a Poseidon chain of no inputs: it takes at least one")
    state = tag
    for i in range(0, len(inputs), MAX_INPUTS):
        state = poseidon(c, state, inputs[i : i + MAX_INPUTS])
    assert isinstance(state, Wire)
    return state


@cache
def permutation(width: int) -> Template:
    """The permutation of `width` words as a template: ports are the words, the output is word 0."""
    return Builder.template(
        f"Poseidon {width}",
        [None] * width,
        lambda c, words: (_Permutation(c, parameters(width)).run([w.terms for w in words]),),
    )


class _Permutation:
    """Writes the rows of one permutation. `state` holds the inputs of the next layer of S-boxes, as sums."""

    def __init__(self, c: Builder, p: PoseidonParameters) -> None:
        self.c, self.p = c, p
        self.label = c.label(f"Poseidon of width {p.width}")

    def run(self, words: list[Terms]) -> Wire:
        p, half = self.p, self.p.full_rounds // 2
        state = [_plus(word, constant) for word, constant in zip(words, p.round_constants[0], strict=True)]
        for r in range(half - 1):
            state = self.full_round(state, [list(row) for row in p.mds], list(p.round_constants[r + 1]))
        state = self.partial_rounds(state)
        for r in range(half + p.partial_rounds, p.full_rounds + p.partial_rounds - 1):
            state = self.full_round(state, [list(row) for row in p.mds], list(p.round_constants[r + 1]))
        return self.last_round(state)

    def powers(self, state: Sequence[Terms]) -> list[int]:
        """Wires for the fourth powers of the state."""
        t = len(state)
        squares, fourths = self.c.allocate(t, "x^2"), self.c.allocate(t, "x^4")
        for i, word in enumerate(state):
            square = {squares + i: 1}
            self.c.step(STEP_SOLVE, squares + i, self.c.row(word, word, square, self.label))
            row = self.c.row(square, square, {fourths + i: 1}, self.label)
            self.c.step(STEP_SOLVE, fourths + i, row)
        return list(range(fourths, fourths + t))

    def full_round(self, state: Sequence[Terms], mix: Matrix, constants: list[int]) -> list[Terms]:
        """S-boxes on every word, then words' = mix·words + constants, which become wires."""
        t = len(state)
        fourths = self.powers(state)
        outputs = self.c.temporaries(t)
        words = self.c.allocate(t, "word")
        unmix = _inverse(mix)
        for i in range(t):
            mixed = {words + j: unmix[i][j] for j in range(t)}
            mixed[ONE_WIRE] = -sum(unmix[i][j] * constants[j] for j in range(t)) % FR_MODULUS
            row = self.c.row({fourths[i]: 1}, state[i], mixed, self.label)
            self.c.step(STEP_PRODUCT, outputs[i], row)
        for j in range(t):
            combination = {outputs[i]: mix[j][i] for i in range(t)}
            combination[ONE_WIRE] = constants[j]
            self.c.step(STEP_LINEAR, words + j, self.c.combination(combination))
        return [{words + j: 1} for j in range(t)]

    def partial_rounds(self, state: Sequence[Terms]) -> list[Terms]:
        """The last of the first full rounds, the partial rounds, and the sums that enter the full rounds after."""
        p, t, n = self.p, self.p.width, self.p.width - 1
        r = p.full_rounds // 2
        a, v = p.mds[0][0], list(p.mds[0][1:])
        w, H = [row[0] for row in p.mds[1:]], [list(row[1:]) for row in p.mds[1:]]
        feedback, T = _controller_form(H, w)
        v_T = [_dot(v, column) for column in _columns(T)]

        # Enter the basis: lane 0 as it is, the others through 1/T. Their constants travel beside them, in k.
        unbase = _inverse(T)
        enter = [list(p.mds[0])] + [[_dot(row, column) for column in _columns(p.mds[1:])] for row in unbase]
        entered = self.full_round(state, enter, [p.round_constants[r][0]] + [0] * n)
        word: Terms = entered[0]
        register = [next(iter(lane)) for lane in entered[1:]]  # wires of u_1 .. u_n
        k = list(p.round_constants[r][1:])

        for i in range(p.partial_rounds):
            fourth = self.powers([word])[0]
            q = self.c.allocate(1, "lane")
            output = {q: 1, **dict(zip(register, feedback, strict=True))}
            self.c.step(STEP_SOLVE, q, self.c.row({fourth: 1}, word, output, self.label))
            constants = p.round_constants[r + i + 1]
            if i + 1 < p.partial_rounds:
                word = self._lane_sum(a, v_T, output, register, _dot(v, k) + constants[0])
                k = [_dot(row, k) + constant for row, constant in zip(H, constants[1:], strict=True)]
                register = [q, *register[:-1]]
        constants = p.round_constants[r + p.partial_rounds]
        M_T = [[_dot(row[1:], column) for column in _columns(T)] for row in p.mds]
        return [
            self._lane_sum(p.mds[j][0], M_T[j], output, register, _dot(p.mds[j][1:], k) + constants[j])
            for j in range(t)
        ]

    def _lane_sum(
        self, factor: int, lanes: Sequence[int], output: Terms, register: Sequence[int], constant: int
    ) -> Terms:
        """factor·output + Σ lanes_i·u_i + constant."""
        out = {wire: factor * value for wire, value in output.items()}
        for u, lane in zip(register, lanes, strict=True):
            out[u] = out.get(u, 0) + lane
        return {ONE_WIRE: constant % FR_MODULUS, **{wire: value % FR_MODULUS for wire, value in out.items()}}

    def last_round(self, state: Sequence[Terms]) -> Wire:
        """S-boxes on every word; of the mixed words only word 0 is wanted, and it takes the place of s_0 as a wire."""
        t, mix = len(state), self.p.mds[0]
        fourths = self.powers(state)
        others = self.c.allocate(t - 1, "x^5")
        out = self.c.allocate(1, "hash")
        for i in range(1, t):
            row = self.c.row({fourths[i]: 1}, state[i], {others + i - 1: 1}, self.label)
            self.c.step(STEP_SOLVE, others + i - 1, row)
        rest = {others + i - 1: -mix[i] for i in range(1, t)}
        row = self.c.row({fourths[0]: mix[0]}, state[0], {out: 1, **rest}, self.label)
        self.c.step(STEP_SOLVE, out, row)
        return Wire(self.c, {out: 1}, None, None)


def _plus(word: Terms, constant: int) -> Terms:
    return {**word, ONE_WIRE: word.get(ONE_WIRE, 0) + constant}


def _dot(a: Sequence[int], b: Sequence[int]) -> int:
    return sum(x * y for x, y in zip(a, b, strict=True)) % FR_MODULUS


def _columns(rows: Sequence[Sequence[int]]) -> Matrix:
    return [list(column) for column in zip(*rows, strict=True)]


def _controller_form(H: Matrix, w: list[int]) -> tuple[list[int], Matrix]:
    """(p, T) with H = T C 1/T and w = T e_1, where C has first row -p and ones below its diagonal.

    p are the coefficients of the characteristic polynomial, X^n + p_1 X^(n-1) + … + p_n, here from
    Cayley and Hamilton: H^n w + p_1 H^(n-1) w + … + p_n w = 0.
    """
    n = len(w)
    krylov = [w]
    for _ in range(n):
        krylov.append([_dot(row, krylov[-1]) for row in H])
    by_power = [[krylov[n - 1 - j][i] for j in range(n)] for i in range(n)]
    p = [-_dot(row, krylov[n]) % FR_MODULUS for row in _inverse(by_power)]
    columns = [w]
    for p_i in p[:-1]:
        moved = [_dot(row, columns[-1]) for row in H]
        columns.append([(x + p_i * y) % FR_MODULUS for x, y in zip(moved, w, strict=True)])
    return p, _columns(columns)


def _inverse(matrix: Sequence[Sequence[int]]) -> Matrix:
    """Gauss and Jordan over Fr. CircuitError if the matrix is singular."""
    n = len(matrix)
    rows = [[*row, *(int(i == j) for j in range(n))] for i, row in enumerate(matrix)]
    for i in range(n):
        pivot = next((k for k in range(i, n) if rows[k][i] % FR_MODULUS), None)
        if pivot is None:
            raise CircuitError(f"a singular matrix of width {n} among the Poseidon parameters")
        rows[i], rows[pivot] = rows[pivot], rows[i]
        scale = pow(rows[i][i], -1, FR_MODULUS)
        rows[i] = [value * scale % FR_MODULUS for value in rows[i]]
        for k in range(n):
            if k != i and rows[k][i]:
                factor = rows[k][i]
                rows[k] = [(x - factor * y) % FR_MODULUS for x, y in zip(rows[k], rows[i], strict=True)]
    return [row[n:] for row in rows]

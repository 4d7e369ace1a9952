"""A second verifier of transparent proofs, from docs/spec.md section 11 alone: Python integers, nothing of zkstate.

It reads the circuit from its .r1cs file. Malformed is raised, false is returned; both must be what zkstate does.
"""

import hashlib
import struct
from functools import cache
from math import prod

R = 21888242871839275222246405745257275088548364400416034343698204186575808495617


class Malformed(ValueError):
    """Bytes that are no proof."""


def bits(v):
    return v.bit_length()


def ceil_div(a, b):
    return -(-a // b)


@cache
def queries(width, n):
    for t in range(1, n // 2 - width + 1):
        e = (n - width - t) // 2
        if prod(n - e - 1 - i for i in range(t)) << 129 <= prod(n - i for i in range(t)):
            return t
    return None


class Parameters:
    def __init__(self, N, W, p, kappa, w, g, t):
        S, N = (W - 1 - p) << kappa, N << kappa
        self.N, self.W, self.p, self.w, self.g, self.t = N, W, p, w, g, t
        self.width, self.n = 1 << w, 1 << g
        self.m = ceil_div(S + 3, self.width)
        self.Z = self.m * self.width + p + 1
        self.k = self.width + t
        self.s_x, self.s_y = bits(N + 2), bits(self.Z - 1)
        self.P = 2 * (self.s_x + self.s_y)
        self.k_pad = self.P + t
        self.h = min(g, bits(t))
        elements = self.P + 4 + self.k + self.k_pad + t * (self.m + 3)
        self.size = 32 * elements + 32 * ((1 << self.h) + t * (1 + g - self.h))
        self.cost = self.size + (self.m + 3) * self.n // 4


@cache
def parameters(N, W, p, kappa=0):
    candidates = []
    for w in range(7, max(7, bits(((W - 1 - p) << kappa) + 2)) + 1):
        for g in range(w + 2, min(w + 5, 28) + 1):
            t = queries(1 << w, 1 << g)
            if t is not None:
                chosen = Parameters(N, W, p, kappa, w, g, t)
                candidates.append((chosen.cost, w, g, chosen))
    return min(candidates, key=lambda c: c[:3])[3]


class Transcript:
    def __init__(self):
        self.state = bytes(64)

    @staticmethod
    def hash(content):
        return hashlib.blake2b(content, person=b"zkstate trans v1").digest()

    def step(self, kind, label, content):
        label = label.encode()
        self.state = self.hash(
            self.state
            + bytes([kind])
            + struct.pack(">Q", len(label))
            + label
            + struct.pack(">Q", len(content))
            + content
        )

    def output(self, i):
        return self.hash(self.state + b"\4" + struct.pack(">Q", i))

    def absorb(self, label, content):
        self.step(1, label, content)

    def absorb_elements(self, label, elements):
        self.absorb(label, b"".join(x.to_bytes(32, "big") for x in elements))

    def challenges(self, label, j):
        self.step(2, label, struct.pack(">Q", j))
        return [int.from_bytes(self.output(i), "big") % R for i in range(j)]

    def places(self, label, j, n):
        self.step(3, label, struct.pack(">QQ", j, n))
        seen, i = [], 0
        while len(seen) < j:
            for word in struct.unpack(">16I", self.output(i)):
                if len(seen) < j and word % n not in seen:
                    seen.append(word % n)
            i += 1
        return sorted(seen)


def eq(q):
    table = [1]
    for coordinate in q:
        table = [x * factor % R for x in table for factor in (1 - coordinate, coordinate)]
    return table


def read_r1cs(content):
    """N, W, p and the rows of (A, B, C), each {wire: coefficient}: iden3's format, with identity labels."""
    assert content[:8] == b"r1cs\1\0\0\0"
    sections, at = {}, 12
    for _ in range(int.from_bytes(content[8:12], "little")):
        number, length = struct.unpack_from("<IQ", content, at)
        sections[number] = content[at + 12 : at + 12 + length]
        at += 12 + length
    n8, prime, W, outputs, inputs, _, _, N = struct.unpack("<I32sIIIIQI", sections[1])
    assert (n8, int.from_bytes(prime, "little")) == (32, R)
    rows, body, at = [], sections[2], 0
    for _ in range(N):
        row = []
        for _ in range(3):
            (count,) = struct.unpack_from("<I", body, at)
            at += 4
            terms = {}
            for _ in range(count):
                wire = int.from_bytes(body[at : at + 4], "little")
                terms[wire] = (terms.get(wire, 0) + int.from_bytes(body[at + 4 : at + 36], "little")) % R
                at += 36
            row.append(terms)
        rows.append(row)
    return N, W, outputs + inputs, rows


class Reader:
    def __init__(self, content):
        self.content, self.at = content, 0

    def bytes(self, count):
        self.at += count
        return self.content[self.at - count : self.at]

    def elements(self, count):
        found = [int.from_bytes(self.bytes(32), "big") for _ in range(count)]
        if any(x >= R for x in found):
            raise Malformed("an element is not below r")
        return found


def verify(r1cs, public_inputs, content, kappa=0):
    """Whether the proof in `content` is accepted for 2^kappa blocks of the circuit in the bytes of its .r1cs file."""
    N, W, p, rows = read_r1cs(r1cs)
    if len(public_inputs) != p or any(not 0 <= x < R for x in public_inputs):
        raise Malformed("public inputs")
    if len(content) < 100 or content[:36] != b"zkstate transparent proof".ljust(32, b"\0") + b"\0\0\0\1":
        raise Malformed("header")
    counts = struct.unpack(">QQQQ", content[68:100])
    if not (counts[2] < counts[1] <= 1 << 31 and counts[0] <= 1 << 31 and counts[3] <= 31):
        raise Malformed("counts")
    secret = counts[1] - 1 - counts[2]
    if max(counts[0], secret) << counts[3] > 1 << 31 or (counts[3] and not (counts[0] and secret)):
        raise Malformed("blocks")
    c = parameters(*counts)
    if len(content) != 100 + c.size:
        raise Malformed("length")
    reader = Reader(content[100:])
    cap = reader.bytes(32 << c.h)
    row_rounds = [reader.elements(2) for _ in range(c.s_x)]
    a, b, cc = reader.elements(3)
    column_rounds = [reader.elements(2) for _ in range(c.s_y)]
    (mu,) = reader.elements(1)
    v, v_pad = reader.elements(c.k), reader.elements(c.k_pad)
    opened = []
    for _ in range(c.t):
        salt = reader.bytes(32)
        opened.append((salt, reader.elements(c.m + 3)))
    paths = [[reader.bytes(32) for _ in range(c.g - c.h)] for _ in range(c.t)]
    if content[36:68] != hashlib.sha256(r1cs).digest() or counts != (N, W, p, kappa):
        return False

    transcript = Transcript()
    transcript.absorb("protocol", b"zkstate transparent v1")
    transcript.absorb("circuit", hashlib.sha256(r1cs).digest())
    transcript.absorb("parameters", struct.pack(">7Q", N, W, p, kappa, c.w, c.g, c.t))
    transcript.absorb_elements("public inputs", public_inputs)
    transcript.absorb("cap", cap)
    tau = transcript.challenges("tau", c.s_x)
    x, q, weights_1 = [], 0, []
    for (h_0, h_2), tau_j in zip(row_rounds, tau, strict=True):
        transcript.absorb_elements("row round", (h_0, h_2))
        x += transcript.challenges("row point", 1)
        u = x[-1] * pow(tau_j, R - 2, R) % R
        q = (u * q + (1 - u) * h_0 + (x[-1] ** 2 - x[-1]) * h_2) % R
        weights_1 = [u * k % R for k in weights_1] + [1 - u, x[-1] ** 2 - x[-1]]
    transcript.absorb_elements("values", (a, b, cc))
    weights = transcript.challenges("weights", 3)
    y, q_, weights_2 = [], sum(r * value for r, value in zip(weights, (a, b, cc), strict=True)), []
    for h_0, h_2 in column_rounds:
        transcript.absorb_elements("column round", (h_0, h_2))
        y += transcript.challenges("column point", 1)
        q_ = (y[-1] * q_ + (1 - 2 * y[-1]) * h_0 + (y[-1] ** 2 - y[-1]) * h_2) % R
        weights_2 = [y[-1] * k % R for k in weights_2] + [1 - 2 * y[-1], y[-1] ** 2 - y[-1]]
    (join,) = transcript.challenges("join", 1)
    transcript.absorb_elements("mask claim", (mu,))
    (rho,) = transcript.challenges("combine", 1)
    transcript.absorb_elements("row", v)
    transcript.absorb_elements("pad row", v_pad)
    places = transcript.places("columns", c.t, c.n)

    blocks = 1 << kappa
    S, N = (W - 1 - p) * blocks, N * blocks
    constant = c.m * c.width
    eq_x, eq_y = eq(x), eq(y)
    F = 0
    for block in range(blocks):
        place = [constant + wire if wire <= p else (wire - p - 1) * blocks + block for wire in range(W)]
        for i, row in enumerate(rows):
            for weight, terms in zip(weights, row, strict=True):
                F += weight * eq_x[i * blocks + block] * sum(value * eq_y[place[wire]] for wire, value in terms.items())
    F += eq_x[N] * weights[0] * eq_y[S] + eq_x[N + 1] * weights[1] * eq_y[S + 1]
    F += eq_x[N + 2] * (weights[0] * eq_y[S + 2] + weights[1] * eq_y[constant] + weights[2] * eq_y[S + 2])
    pub = eq_y[constant] + sum(eq_y[constant + i] * value for i, value in enumerate(public_inputs, 1))
    high, low = eq(y[: c.s_y - c.w]), eq(y[c.s_y - c.w :])
    left = F * sum(low[i] * v[i] for i in range(c.width))
    left += sum(k * v_pad[i] for i, k in enumerate([join * k for k in weights_1] + weights_2))
    if (left - rho * (q_ - F * pub + join * (q - a * b + cc)) - mu) % R:
        return False
    omega = pow(5, (R - 1) // c.n, R)
    for j, (salt, column), path in zip(places, opened, paths, strict=True):
        point = pow(omega, j, R)
        if not leads_to(cap, j, salt, column, path):
            return False
        if (value(v, point) - rho * sum(high[i] * column[i] for i in range(c.m)) - column[c.m]) % R:
            return False
        if (value(v_pad, point) - rho * column[c.m + 1] - column[c.m + 2]) % R:
            return False
    return True


def value(coefficients, point):
    total = 0
    for coefficient in reversed(coefficients):
        total = (total * point + coefficient) % R
    return total


def leads_to(cap, j, salt, column, path):
    content = salt + b"".join(x.to_bytes(32, "big") for x in column)
    node = hashlib.blake2b(content, digest_size=32, person=b"zkstate leaf v1").digest()
    for sibling in path:
        pair = sibling + node if j % 2 else node + sibling
        node = hashlib.blake2b(pair, digest_size=32, person=b"zkstate node v1").digest()
        j //= 2
    return node == cap[32 * j : 32 * j + 32]

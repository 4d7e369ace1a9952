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
    def __init__(self, N, W, p, kappa, E, V, w, g, t):
        S_1, S_2 = E << kappa, (W - 1 - p - 2 * V - E) << kappa
        N, V = (N - 3 * V) << kappa, V << kappa
        self.N, self.W, self.p, self.w, self.g, self.t = N, W, p, w, g, t
        self.width, self.n = 1 << w, 1 << g
        self.m_1 = ceil_div(S_1, self.width)
        self.m = self.m_1 + ceil_div(S_2 + 5, self.width)
        self.Z = self.m * self.width + p + 1
        self.k = self.width + t
        self.s_x, self.s_y = bits(max(N + 2, V)), bits(self.Z - 1)
        self.P = 5 * self.s_x + 2 * self.s_y
        self.k_pad = self.P + t
        self.h = min(g, bits(t))
        elements = self.P + 5 + self.k + self.k_pad + t * (self.m + 3)
        self.phases = 2 if E else 1
        self.size = 32 * elements + self.phases * 32 * ((1 << self.h) + t * (1 + g - self.h))
        self.cost = self.size + (self.m + 3) * self.n // 4


@cache
def parameters(N, W, p, kappa=0, E=0, V=0):
    candidates = []
    for w in range(8, max(8, bits(((W - 1 - p - 2 * V) << kappa) + 4)) + 1):
        for g in range(w + 2, min(w + 5, 28) + 1):
            t = queries(1 << w, 1 << g)
            if t is not None:
                chosen = Parameters(N, W, p, kappa, E, V, w, g, t)
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
    """N, W, p and the rows of (A, B, C), each a list of (wire, coefficient): iden3's format, with identity labels."""
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
            terms = []
            for _ in range(count):
                words = body[at : at + 36]
                terms.append((int.from_bytes(words[:4], "little"), int.from_bytes(words[4:], "little")))
                at += 36
            row.append(terms)
        rows.append(row)
    return N, W, outputs + inputs, rows


def summed(terms):
    """{wire: coefficient}."""
    found = {}
    for wire, coefficient in terms:
        found[wire] = (found.get(wire, 0) + coefficient) % R
    return found


def find_powers(rows, secret, read):
    """(i, j, l, u, v) of every power, by rising i; `read` are wires of links and uses."""
    where = {}
    for number, row in enumerate(rows):
        for side, terms in enumerate(row):
            for wire, _ in terms:
                where.setdefault(wire, []).append((number, side))
    found = []
    for i, (left, right, out) in enumerate(rows):
        if left != right or len(out) != 1 or out[0][1] != 1:
            continue
        u = out[0][0]
        elsewhere = sorted(set(where[u]) - {(i, 2)})
        if len(where[u]) != 3 or len(elsewhere) != 2 or elsewhere[0][0] != elsewhere[1][0]:
            continue
        j = elsewhere[0][0]
        if j == i or rows[j][0] != [(u, 1)] or rows[j][1] != [(u, 1)] or len(rows[j][2]) != 1 or rows[j][2][0][1] != 1:
            continue
        v = rows[j][2][0][0]
        others = [l for l, side in where[v] if (l, side) != (j, 2)]
        if len(where[v]) != 2 or len(others) != 1:
            continue
        l = others[0]
        if rows[l][0] == [(v, 1)] and rows[l][1] == left and {u, v} <= secret - read:
            found.append((i, j, l, u, v))
    return found if len(secret) > 2 * len(found) else []


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


class Blocks:
    """What a block has besides its rows, as in the specification; of no block of a plain circuit is there anything.

    previous [(port, source)], children [(left, right, node, leaf)], known [(wire, what, parameter)], ranges [(lo, hi)]
    of columns, uses [(table, provides, [weight, value, ..])] whose combinations are {wire: coefficient}.
    """

    def __init__(self, previous=(), children=(), known=(), ranges=(), uses=()):
        self.previous, self.children, self.known, self.ranges = map(list, (previous, children, known, ranges))
        self.uses = list(uses)

    def digest(self, r1cs):
        def words(*values):
            return b"".join(struct.pack(">I", value) for value in values)

        def element(x):
            return (x % R).to_bytes(32, "big")

        content = b"zkstate block circuit v1".ljust(32, b"\0") + hashlib.sha256(r1cs).digest()
        for links in (self.previous, self.children, self.known):
            content += words(len(links)) + b"".join(words(*link) for link in links)
        content += words(len(self.ranges)) + b"".join(element(lo) + element(hi) for lo, hi in self.ranges)
        content += words(len(self.uses))
        for table, provides, combinations in self.uses:
            content += words(table, provides, len(combinations) - 1)
            for terms in combinations:
                content += words(len(terms))
                content += b"".join(words(wire) + element(terms[wire]) for wire in sorted(terms))
        return hashlib.sha256(content).digest()

    def with_second_phase(self, W, rows, beta, gamma):
        """All rows, in which wires W, W + 1, .. are I of each use and the sum, then the sum before and "last"."""
        total, before, last = W + len(self.uses), W + len(self.uses) + 1, W + len(self.uses) + 2
        more = []
        running = {before: 1, total: -1}
        for i, (table, provides, (weight, *values)) in enumerate(self.uses):
            denominator = {0: beta - table}
            for power, terms in enumerate(values, 1):
                for wire, coefficient in terms.items():
                    denominator[wire] = (denominator.get(wire, 0) - gamma**power * coefficient) % R
            more.append((denominator, {W + i: 1}, weight))
            running[W + i] = -1 if provides else 1
        more += [(running, {0: 1}, {}), ({last: 1}, {total: 1}, {})]
        links = Blocks([*self.previous, (before, total)], self.children, [*self.known, (last, 1, 0)])
        return links, [*rows, *more], range(W, total + 1)

    def read(self, b, blocks, columns):
        """For each wire that is not the block's own: (source wire, its block), or (None, known value)."""
        found = {}
        for wire, what, parameter in self.known:
            if what == 4:
                found[wire] = (None, columns[parameter][min(b, len(columns[parameter]) - 1)])
            elif what == 3:
                found[wire] = (None, b % 2**parameter)
            else:
                found[wire] = (None, int(b == (0, blocks - 1, 1)[what]))
        for port, source in self.previous:
            found[port] = (source, b - 1) if b else (None, 0)
        for left, right, node, leaf in self.children:
            child, source = (2 * b, node) if 2 * b < blocks else (2 * b - blocks, leaf)
            found[left], found[right] = ((source, child), (source, child + 1)) if b else ((None, 0), (None, 0))
        return found


def verify(r1cs, public_inputs, content, kappa=0, links=None, columns=()):
    """Whether the proof in `content` is accepted for 2^kappa blocks of the circuit in the bytes of its .r1cs file."""
    N, W, p, rows = read_r1cs(r1cs)
    digest = links.digest(r1cs) if links else hashlib.sha256(r1cs).digest()
    links, blocks = links or Blocks(), 1 << kappa
    if len(public_inputs) != p or any(not 0 <= x < R for x in public_inputs):
        raise Malformed("public inputs")
    if len(columns) != len(links.ranges) or any(not 1 <= len(column) <= blocks for column in columns):
        raise Malformed("columns")
    for column, (lo, hi) in zip(columns, links.ranges, strict=True):
        if any(not lo <= x <= hi for x in column):
            raise Malformed("a column")
    if blocks < 2 and (links.children or any(what == 2 for _, what, _ in links.known)):
        raise Malformed("too few blocks")
    if len(content) < 116 or content[:36] != b"zkstate transparent proof".ljust(32, b"\0") + b"\0\0\0\3":
        raise Malformed("header")
    counts = struct.unpack(">QQQQQQ", content[68:116])
    if not (counts[2] < counts[1] <= 1 << 31 and counts[0] <= 1 << 31 and counts[3] <= 31):
        raise Malformed("counts")
    secret = counts[1] - 1 - counts[2]
    committed = secret - 2 * counts[5]
    if 3 * counts[5] > counts[0] or committed < 0:
        raise Malformed("powers")
    if max(counts[0], secret) << counts[3] > 1 << 31 or (counts[3] and not (counts[0] and committed)):
        raise Malformed("blocks")
    if counts[4] and counts[4] > committed - 2:
        raise Malformed("phases")
    c = parameters(*counts)
    if len(content) != 116 + c.size:
        raise Malformed("length")
    reader = Reader(content[116:])
    caps = [reader.bytes(32 << c.h) for _ in range(c.phases)]
    row_rounds = [reader.elements(5) for _ in range(c.s_x)]
    a, b, d, e = reader.elements(4)
    column_rounds = [reader.elements(2) for _ in range(c.s_y)]
    (mu,) = reader.elements(1)
    v, v_pad = reader.elements(c.k), reader.elements(c.k_pad)
    opened = []
    for _ in range(c.t):
        salts = [reader.bytes(32) for _ in range(c.phases)]
        opened.append((salts, reader.elements(c.m + 3)))
    paths = [[[reader.bytes(32) for _ in range(c.g - c.h)] for _ in range(c.t)] for _ in range(c.phases)]

    elsewhere = {link[0] for link in links.previous} | {w for link in links.children for w in link[:2]}
    elsewhere |= {wire for wire, _, _ in links.known}
    own = [wire for wire in range(p + 1, W) if wire not in elsewhere]
    read = {link[1] for link in links.previous} | {w for link in links.children for w in link[2:]}
    read |= {wire for _, _, combinations in links.uses for terms in combinations for wire in terms}
    powers = find_powers(rows, set(own), read)
    dropped = {wire for power in powers for wire in power[3:]}
    taken = {row for power in powers for row in power[:3]}
    degree_5 = [(summed(rows[i][0]), summed(rows[l][2])) for i, _, l, _, _ in powers]
    rows = [[summed(terms) for terms in row] for i, row in enumerate(rows) if i not in taken]
    own = [wire for wire in own if wire not in dropped]
    uses = len(links.uses)
    extra = (uses + 2, uses + 1) if uses else (0, 0)
    n_wires = 1 + p + len(own) + len(dropped) + extra[1]
    wanted = (N + extra[0], n_wires, p, kappa, len(own) if uses else 0, len(powers))
    if content[36:68] != digest or counts != wanted or (uses and not own):
        return False

    transcript = Transcript()
    transcript.absorb("protocol", b"zkstate transparent v3")
    transcript.absorb("circuit", digest)
    transcript.absorb("parameters", struct.pack(">9Q", *counts, c.w, c.g, c.t))
    transcript.absorb_elements("public inputs", public_inputs)
    for column in columns:
        transcript.absorb_elements("column", [x % R for x in column])
    if uses:
        transcript.absorb("first cap", caps[0])
        links, rows, more = links.with_second_phase(W, rows, *transcript.challenges("tables", 2))
        first, second = own, list(more)
    else:
        first, second = [], own
    transcript.absorb("cap", caps[-1])
    *tau, alpha = transcript.challenges("tau", c.s_x + 1)
    x, q, weights_1 = [], 0, []
    for h, tau_j in zip(row_rounds, tau, strict=True):
        transcript.absorb_elements("row round", h)
        x += transcript.challenges("row point", 1)
        u = x[-1] * pow(tau_j, R - 2, R) % R
        kappas = [1 - u, *(x[-1] ** i - x[-1] for i in range(2, 6))]
        q = (u * q + sum(k * h_i for k, h_i in zip(kappas, h, strict=True))) % R
        weights_1 = [u * k % R for k in weights_1] + kappas
    transcript.absorb_elements("values", (a, b, d, e))
    r_a, r_b, r_d, r_e = transcript.challenges("weights", 4)
    y, q_, weights_2 = [], r_a * a + r_b * b + r_d * d + r_e * e, []
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

    masks, N, V = c.m_1 * c.width + len(second) * blocks, len(rows) * blocks, len(degree_5) * blocks
    constant = c.m * c.width
    eq_x, eq_y = eq(x), eq(y)
    start = {wire: i * blocks for i, wire in enumerate(first)}
    start |= {wire: c.m_1 * c.width + i * blocks for i, wire in enumerate(second)}
    F = 0
    for block in range(blocks):
        read = links.read(block, blocks, columns)
        at = {wire: eq_y[constant + wire] for wire in range(p + 1)}
        at |= {wire: eq_y[place + block] for wire, place in start.items()}
        for wire, (source, what) in read.items():
            at[wire] = what * eq_y[constant] if source is None else eq_y[start[source] + what]
        for some, weights in ((rows, (r_a, r_b, r_e)), (degree_5, (r_d, alpha * r_e))):
            for i, row in enumerate(some):
                for weight, terms in zip(weights, row, strict=True):
                    F += weight * eq_x[i * blocks + block] * sum(value * at[wire] for wire, value in terms.items())
    F += eq_x[N] * r_a * eq_y[masks] + eq_x[N + 1] * r_b * eq_y[masks + 1]
    F += eq_x[N + 2] * (r_a * eq_y[masks + 2] + r_b * eq_y[constant] + r_e * eq_y[masks + 2])
    F += eq_x[V] * (r_d * eq_y[masks + 3] + alpha * r_e * eq_y[masks + 4])
    pub = eq_y[constant] + sum(eq_y[constant + i] * value for i, value in enumerate(public_inputs, 1))
    high, low = eq(y[: c.s_y - c.w]), eq(y[c.s_y - c.w :])
    left = F * sum(low[i] * v[i] for i in range(c.width))
    left += sum(k * v_pad[i] for i, k in enumerate([join * k for k in weights_1] + weights_2))
    if (left - rho * (q_ - F * pub + join * (q - a * b - alpha * d**5 + e)) - mu) % R:
        return False
    omega = pow(5, (R - 1) // c.n, R)
    for i, (j, (salts, column)) in enumerate(zip(places, opened, strict=True)):
        point = pow(omega, j, R)
        parts = [column[: c.m_1], column[c.m_1 :]][-c.phases :]
        for cap, salt, part, path in zip(caps, salts, parts, paths, strict=True):
            if not leads_to(cap, j, salt, part, path[i]):
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

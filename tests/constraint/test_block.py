"""Block circuits: links, known values and tables hold what they say, and every rule has inputs that break it."""

import random

import pytest

from tests.constraint import venue_block
from zkstate.commitment.poseidon import poseidon
from zkstate.constraint import (
    FELT,
    BlockBuilder,
    BlockStatement,
    block_tables,
    broken_blocks,
    compile_blocks,
    public,
    secret,
    sint,
    solve_blocks,
    uint,
)
from zkstate.constraint.block_check import wires_of
from zkstate.constraint.block_witness import BlockWitness
from zkstate.constraint.wire import bounded
from zkstate.errors import CircuitError, InputError, LengthError, WitnessError
from zkstate.kernels import FR_MODULUS, FrVec

K = venue_block.LEAST_LOG_BLOCKS


def saying(define, **kinds):
    """A block of define(c, **wires); inputs that begin with `out` are public."""
    body = {name: public(kind) if name.startswith("out") else secret(kind) for name, kind in kinds.items()}
    body["define"] = lambda self, c: define(c, **{name: getattr(self, name) for name in kinds})
    return compile_blocks(type("Saying", (BlockStatement,), body)())


def broken(block, witness):
    return list(broken_blocks(block, witness))


@pytest.fixture(scope="module")
def venue():
    return venue_block.circuit(K)


def test_a_good_venue_holds_and_its_wires_are_the_machines(venue):
    for log_blocks in (K, K + 2):
        block = venue_block.circuit(log_blocks)
        witness = venue_block.solved(block, log_blocks)
        assert broken(block, witness) == []
        assert "own wires" in repr(witness)


def test_every_rule_of_the_venue_can_be_broken(venue):
    good = venue_block.inputs(K)
    ids, low = good["secret"]["id"], good["secret"]["low"]
    cases = {
        "ids rise": {"id": [ids[1], ids[0], *ids[2:]]},
        "the venue is worth what it says": {"worth": good["public"]["worth"] + 1},
        "the root is that of all accounts": {"root": good["public"]["root"] + 1},
        "table owed": {"owed": [good["columns"]["owed"][0] + 1, *good["columns"]["owed"][1:]]},
    }
    for rule, changed in cases.items():
        found = broken(venue, venue_block.solved(venue, K, **changed))
        assert found
        assert any(rule in text for text in found), rule
    with pytest.raises(WitnessError, match=r"a block looks up what table below 2\^6 does not have, block 2 first"):
        venue_block.solved(venue, K, low=[*low[:2], 1 << venue_block.RANGE_BITS, *low[3:]])
    with pytest.raises(WitnessError, match="8 blocks look up what table prices does not have, block 0 first"):
        venue_block.solved(venue, K, price=[x + 1 for x in good["secret"]["price"]])


def test_own_wires_are_pinned(venue):
    """One wire of one block changed, links following: some rule is broken. All inputs and links, some of the rest."""
    witness = venue_block.solved(venue, K)
    own = witness.own.to_ints()
    wires = venue.own.tolist()
    named = {item.first for item in venue.circuit.inputs} | {use.multiplicity for use in venue.uses}
    named |= {source for link in (*venue.previous, *venue.children) for source in link[len(link) // 2 :]}
    chosen = [i for i, wire in enumerate(wires) if wire in named] + random.Random("pinned").sample(
        range(len(wires)), 12
    )
    for i in chosen:
        at = i * witness.blocks + i % witness.blocks
        changed = FrVec.from_ints([*own[:at], own[at] + 1, *own[at + 1 :]])
        assert broken(venue, BlockWitness(changed, witness.public, witness.columns, witness.blocks)), wires[i]


def test_links_read_what_they_say():
    """Every port beside the block it comes from, for sizes down to the least: hashes of children, sums of blocks."""

    def define(c, x):
        before = c.previous("sum", FELT)
        total = before + x
        c.carry("sum", total)
        left, right = c.children("tree", FELT)
        node = c.hint(1, "node")[0]
        c.solve(c.constrain(left + 3, right + 5, node, "node"), node)
        c.parent("tree", node=node + total, leaf=x)
        for i, wire in enumerate((c.first, c.last, c.root, c.number(2), c.number())):
            copy = c.hint(1, f"known {i}")[0]
            c.solve(c.constrain(wire, 1, copy, "known"), copy)

    block = saying(define, x=FELT)
    for log_blocks in (1, 2, 3, 4):
        n = 1 << log_blocks
        xs = [pow(7, i + 1) for i in range(n)]
        witness = solve_blocks(block, n, {}, {"x": xs}, {})
        assert broken(block, witness) == []
        wires = wires_of(block, witness)
        names = {block.circuit.name(w): w for w in block.own.tolist()}
        sums = [sum(xs[: i + 1]) for i in range(n)]
        nodes = [0] * n
        for b in range(n - 1, 0, -1):
            pair = nodes[2 * b : 2 * b + 2] if 2 * b < n else xs[2 * b - n : 2 * b - n + 2]
            nodes[b] = ((pair[0] + 3) * (pair[1] + 5) + sums[b]) % FR_MODULUS
        nodes[0] = 15 + sums[0]
        for b in range(n):
            assert wires[b][names["tree"]] == nodes[b]
            assert wires[b][names["sum"]] == sums[b] % FR_MODULUS
            known = [wires[b][names[f"known {i}"]] for i in range(5)]
            assert known == [int(b == 0), int(b == n - 1), int(b == 1), b % 4, b]


def test_a_root_of_hashes_is_the_tree_of_all_leaves(venue):
    """The venue's root, hashed up by hand, is what block 1 has."""
    given = venue_block.inputs(K, "root")
    level = [
        poseidon(venue_block.TAG, [i, a, low + (high << venue_block.RANGE_BITS)])
        for i, a, low, high in zip(*(given["secret"][name] for name in ("id", "asset", "low", "high")), strict=True)
    ]
    while len(level) > 1:
        level = [poseidon(venue_block.TAG, level[i : i + 2]) for i in range(0, len(level), 2)]
    assert level == [given["public"]["root"]]
    assert broken(venue, venue_block.solved(venue, K, "root")) == []


def lookups(c, x, y):
    c.lookup("pairs", [x, 2 * y + 1], c.column("w", uint(40)))
    c.provide("pairs", [c.number(3), c.column("odd", FELT)])


def test_multiplicities_count_weights_and_leave_out_what_is_not_looked_up():
    block = saying(lookups, x=FELT, y=FELT)
    odd = [7, 9, 11, 13, 13, 13, 13, 13]
    xs, ys, ws = [0, 1, 1, 5, 3, 0, 99, 3], [3, 4, 4, 6, 6, 3, 0, 6], [1, 2**39, 2**40 - 1, 1, 5, 0, 0, 2**40 - 1]
    witness = solve_blocks(block, 8, {}, {"x": xs, "y": ys}, {"odd": odd[:4], "w": ws})
    assert broken(block, witness) == []
    wires = wires_of(block, witness)
    assert [w[block.uses[1].multiplicity] for w in wires] == [1, 2**39 + 2**40 - 1, 0, 2**40 + 4, 0, 1, 0, 0]
    with pytest.raises(WitnessError, match="a block looks up what table pairs does not have, block 6 first"):
        solve_blocks(block, 8, {}, {"x": xs, "y": ys}, {"odd": odd[:4], "w": [1] * 8})
    found = broken(block, nudged(block, witness, block.uses[1].multiplicity, 2))
    assert found == ["table pairs: (2, 11) is looked up 0 times, provided 1"]


def nudged(block, witness, wire, number):
    own = witness.own.to_ints()
    own[block.own.tolist().index(wire) * witness.blocks + number] += 1
    return BlockWitness(FrVec.from_ints(own), witness.public, witness.columns, witness.blocks)


def test_tuples_that_are_provided_twice_count_once():
    def define(c, x):
        c.lookup("low", [x])
        c.provide("low", [c.number(1)])

    block = saying(define, x=FELT)
    witness = solve_blocks(block, 4, {}, {"x": [1, 1, 0, 1]}, {})
    assert broken(block, witness) == []
    assert witness.own.to_ints()[4:] == [1, 3, 0, 0]


def test_values_in_one_vector_are_those_block_by_block(venue):
    given = venue_block.inputs(K)
    vectors = {name: FrVec.from_ints(values) for name, values in given["secret"].items()}
    witness = solve_blocks(venue, 1 << K, given["public"], vectors, given["columns"])
    assert witness.own == venue_block.solved(venue, K).own
    with pytest.raises(LengthError, match="input id: 3 scalars for 8 blocks of 1"):
        solve_blocks(venue, 8, given["public"], vectors | {"id": FrVec(3)}, given["columns"])


REFUSED = {
    "no carry": (lambda c, x: c.require(c.previous("a", FELT) == x, "same"), "a: read from another block, and no"),
    "no port": (lambda c, x: c.carry("a", x), "a: no port"),
    "twice": (lambda c, x: (c.previous("a", FELT), c.previous("a", FELT)), "a: read from another block already"),
    "wide": (lambda c, x: (c.previous("a", uint(3)), c.carry("a", bounded(x, 0, 8))), "may not be an unsigned 3-bit"),
    "no zero": (lambda c, x: c.previous("a", sint(8).__class__("five", 5, 6)), "a is five, and the block without"),
    "one side": (lambda c, x: c.lookup("t", [x]), "table t: looked up and not provided"),
    "other side": (lambda c, x: c.provide("t", [x]), "table t: looked up and not provided"),
    "arity": (lambda c, x: (c.lookup("t", [x]), c.provide("t", [x, 1])), r"table t: tuples of \[1, 2\] values"),
    "empty": (lambda c, x: c.lookup("t", []), "a tuple of 0 values"),
    "both ways": (
        lambda c, x: (c.lookup("t", [x]), c.provide("t", [x]), c.provide("t", [x], 1)),
        "both with a number of times and without",
    ),
    "felt weight": (lambda c, x: c.lookup("t", [1], x), "no interval"),
    "heavy": (lambda c, x: c.lookup("t", [x], bounded(x, 0, 2**129)), "as a weight: wanted at most"),
    "negative": (
        lambda c, x: (c.lookup("t", [x], bounded(x, -1, 1)), c.provide("t", [x])),
        "wanted known values of at least 0, or a bit",
    ),
    "known and negative": (
        lambda c, x: (c.lookup("t", [x], c.number(3) - 1), c.provide("t", [x])),
        "wanted known values of at least 0, or a bit",
    ),
    "more than a bit": (
        lambda c, x: (c.lookup("t", [x], bounded(x, 0, 2)), c.provide("t", [x])),
        "wanted known values of at least 0, or a bit",
    ),
    "range": (lambda c, x: c.provide("below 2^6", [x]), "used by provide_range and ranged alone"),
    "range looked up": (lambda c, x: c.lookup("below 2^6", [x]), "used by provide_range and ranged alone"),
    "a carry that comes back": (
        lambda c, x: (
            left := c.children("tree", uint(2))[0],
            c.parent("tree", node=c.previous("a", uint(2)), leaf=c.const(0)),
            c.carry("a", left),
        ),
        "which the next block reads, depends on the children of its block",
    ),
    "a leaf that comes back": (
        lambda c, x: (left := c.children("tree", uint(2))[0], c.parent("tree", node=c.const(0), leaf=left)),
        "which is a leaf, depends on the children of its block",
    ),
    "column twice": (lambda c, x: (c.column("a", FELT), c.column("a", uint(3))), "column a is a field element and"),
    "bits": (lambda c, x: c.number(32), "low 32 bits"),
    "constants": (lambda c, x: c.require_where(c.first, 3, 3, "same"), "both sides are constants"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_meant_is_refused(name):
    define, message = REFUSED[name]

    def touched(c, x):
        c.constrain(x, x, x, "touched")
        define(c, x)

    with pytest.raises(CircuitError, match=message):
        saying(touched, x=FELT)


def test_the_weight_of_a_lookup_is_pinned_by_a_row():
    """A bit by rows, and one only said to be: 1 and -1 of a tuple nobody provides."""

    def define(c, x, w):
        c.lookup("low", [x])
        c.lookup("low", [x], bounded(w, 0, 1))
        c.lookup("low", [x], bounded(w, 0, 1))
        c.provide("low", [c.number(1)])

    block = saying(define, x=FELT, w=FELT)
    assert block.circuit.r1cs.n_constraints == 1
    witness = solve_blocks(block, 2, {}, {"x": [1, 0], "w": [1, 0]}, {})
    assert broken(block, witness) == []
    changed = solve_blocks(block, 2, {}, {"x": [1, 0], "w": [1, (FR_MODULUS - 1) // 2]}, {})
    assert broken(block, changed) == ["block 1: row 0: table low: the weight is a bit"]


def test_inputs_and_columns_are_checked(venue):
    given = venue_block.inputs(K)

    def solve(blocks=8, **changed):
        return solve_blocks(venue, blocks, **{**given, **changed})

    for blocks in (0, 1, 3, 12):
        with pytest.raises(LengthError, match="blocks"):
            solve(blocks)
    with pytest.raises(InputError, match="columns"):
        solve(columns={})
    with pytest.raises(LengthError, match="column owed has 9 values for 8 blocks"):
        solve(columns=given["columns"] | {"owed": [0] * 9})
    with pytest.raises(LengthError, match="column owed has 0 values"):
        solve(columns=given["columns"] | {"owed": []})
    with pytest.raises(InputError, match=r"owed\[1\] is -1: wanted an unsigned 64-bit"):
        solve(columns=given["columns"] | {"owed": [1, -1]})
    with pytest.raises(InputError, match="secret inputs"):
        solve(secret={})
    with pytest.raises(InputError, match="public inputs"):
        solve(public={})
    with pytest.raises(LengthError, match="input id: values of 7 blocks, wanted 8"):
        solve(secret=given["secret"] | {"id": given["secret"]["id"][1:]})
    with pytest.raises(WitnessError, match="id is 65536: wanted an unsigned 16-bit integer"):
        solve(secret=given["secret"] | {"id": [*given["secret"]["id"][1:], 65536]})


def test_a_witness_is_wiped(venue):
    witness = venue_block.solved(venue, K)
    witness.wipe()
    assert not any(witness.own.raw())


@pytest.mark.parametrize("odd", [[1, 3], [1, 1]])
def test_tuples_of_tables_are_wiped(monkeypatch, odd):
    """Where all are found, and where one is not."""
    entries = []
    made = block_tables._Entries.__init__
    monkeypatch.setattr(block_tables._Entries, "__init__", lambda self, *a: entries.append(self) or made(self, *a))
    block = saying(lookups, x=FELT, y=FELT)
    try:
        solve_blocks(block, 2, {}, {"x": [0, 1], "y": [0, 1]}, {"odd": odd, "w": [1]})
    except WitnessError:
        assert odd == [1, 1]
    ((entry,),) = [entries]
    assert not any(values.any() for values in (entry.tuples, entry.hashes, entry.sums))


def test_a_builder_of_blocks_is_a_builder():
    assert BlockBuilder().const(3).constant == 3

"""Blocks that read each other and tables: proved, judged by both verifiers, refused where a link or table is wrong."""

import itertools
import random

import pytest

from tests.constraint import venue_block
from tests.proof.transparent.random_blocks import random_case
from tests.proof.transparent.systems import links_of, plain_case, r1cs_bytes, random_system, venue_case
from tests.proof.transparent.test_zero_knowledge import MOST, chi_squared, masked
from zkstate.constraint import BlockWitness, broken_blocks, compile_blocks
from zkstate.constraint.block_circuit import COLUMN, FIRST, LAST, NUMBER, ROOT, Known
from zkstate.errors import InputError, LengthError, WitnessError
from zkstate.kernels import FR_MODULUS, FrVec, sparse_product
from zkstate.proof.transparent import committed, links, prover, row_tables
from zkstate.proof.transparent.column_tables import ColumnTables
from zkstate.proof.transparent.committed import Committed
from zkstate.proof.transparent.links import Links, Tree, children_at, previous_at
from zkstate.proof.transparent.prover import prove
from zkstate.proof.transparent.system import System
from zkstate.proof.transparent.transcript import Transcript
from zkstate.proof.transparent.verifier import verify

R = FR_MODULUS
K = venue_block.LEAST_LOG_BLOCKS


def eq(point):
    """The definition, bit by bit."""
    table = [1]
    for q in point:
        table = [x * factor % R for x in table for factor in (1 - q, q)]
    return table


def extension(x, y, related):
    n = 1 << len(x)
    return sum(eq(x)[a] * eq(y)[b] for a, b in itertools.product(range(n), repeat=2) if related(a, b)) % R


@pytest.mark.parametrize("k", range(6))
def test_extensions_of_links_are_those_of_their_matrices(k):
    rng, n = random.Random(k), 1 << k
    x, y = ([rng.randrange(R) for _ in range(k)] for _ in range(2))
    assert previous_at(x, y) == extension(x, y, lambda a, b: b == a - 1)
    if k:
        for side, (node, leaf) in enumerate(children_at(x, y)):
            assert node == extension(x, y, lambda a, b, side=side: a and 2 * a < n and b == 2 * a + side)
            assert leaf == extension(x, y, lambda a, b, side=side: 2 * a >= n and b == 2 * a - n + side)
    columns = [FrVec.from_ints(rng.randrange(R) for _ in range(length)) for length in {1, n, (n + 1) // 2}]
    known = [Known(0, FIRST, 0), Known(0, LAST, 0), Known(0, NUMBER, 2), Known(0, NUMBER, 31)]
    known += [Known(0, COLUMN, i) for i in range(len(columns))] + [Known(0, ROOT, 0)] * (k > 0)
    all_known = Links(known=tuple(known))
    table = FrVec.from_ints(eq(x))
    assert all_known.known_at(columns, x).to_ints() == [table.dot(v) for v in all_known.known_values(columns, n)]
    numbers = [list(range(n)), [b % 4 for b in range(n)]]
    assert [all_known.known_values(columns, n)[i].to_ints() for i in (3, 2)] == numbers


@pytest.mark.parametrize("k", range(5))
def test_what_is_charged_to_ports_goes_to_what_they_read(k):
    """<gathered(own), ports> = <own, charges>, and what is gathered has the extension that the verifier takes."""
    rng, n = random.Random(k), 1 << k
    some = Links((2, 0, 2), (Tree(1, 3), Tree(3, 3)) if k else ())
    own = FrVec.from_ints(rng.randrange(R) for _ in range(4 * n))
    factors, over = [rng.randrange(R) for _ in range(some.n_ports)], FrVec.from_ints(rng.randrange(R) for _ in range(n))
    read = sum(factor * port.dot(over) for factor, port in zip(factors, some.gathered(own, n), strict=True))
    charges = list(some.charges(FrVec.from_ints(factors), over))
    assert len(charges) == (5 if k else 0)
    assert read % R == sum(f * own.slice(w * n, (w + 1) * n).dot(v) for sums, v in charges for w, f in sums.items()) % R
    x, y = ([rng.randrange(R) for _ in range(k)] for _ in range(2))
    units = FrVec.from_ints([5, 7, 11, 13])
    wires = [[c * e % R for e in eq(y)] for c in units.to_ints()]
    read = FrVec.concat(some.gathered(FrVec.from_ints(v for wire in wires for v in wire), n)).to_ints()
    for i, found in enumerate(some.ports_at(units, x, y).to_ints()):
        assert found == sum(a * b for a, b in zip(eq(x), read[i * n : (i + 1) * n], strict=True)) % R


@pytest.mark.parametrize("log_blocks", [K, K + 1, K + 4])
def test_a_venue_proves(log_blocks):
    case = venue_case(log_blocks)
    content = case.prove().encode()
    assert case.judge(content) is True
    if log_blocks == K + 1:
        assert case.judge_slowly(content) is True


@pytest.mark.parametrize("seed", range(24))
def test_random_blocks_prove(seed):
    block, case = random_case(seed)
    assert list(broken_blocks(block, case.witness)) == []
    content = case.prove().encode()
    assert case.judge(content) is True
    if seed % 3 == 0:
        assert case.judge_slowly(content) is True


@pytest.mark.slow
def test_very_many_random_blocks_prove():
    refused = []
    for seed in range(1000, 1300):
        _, case = random_case(seed, 6)
        if case.judge(case.prove().encode()) is not True:
            refused.append(seed)
    assert refused == []


def with_value(block, witness, wire, number, change):
    own = witness.own.to_ints()
    at = block.own.tolist().index(wire) * witness.blocks + number
    own[at] = change(own[at])
    return BlockWitness(FrVec.from_ints(own), witness.public, witness.columns, witness.blocks)


def wrong_wires(block):
    """An own wire of each kind that links and tables read."""
    named = {"multiplicity": block.uses[0].multiplicity or block.uses[-1].multiplicity}
    named |= {f"carried {i}": link.source for i, link in enumerate(block.previous)}
    named |= {"node": block.children[0].node, "leaf": block.children[0].leaf}
    named |= {item.name: item.first for item in block.circuit.inputs if not item.is_public}
    return named


def test_a_prover_that_skips_its_own_check_convinces_nobody(monkeypatch):
    case = venue_case(K)
    block = case.system.block
    monkeypatch.setattr(prover._Proving, "_check_rows", lambda *_: None)
    for i, (name, wire) in enumerate(wrong_wires(block).items()):
        witness = with_value(block, case.witness, wire, (3 * i + 1) % 8, lambda x: x + 1)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(case, "witness", witness)
            content = case.prove().encode()
        assert case.judge(content) is False, name
        if i % 4 == 0:
            assert case.judge_slowly(content) is False, name


def test_the_prover_names_the_row_it_refuses():
    case = venue_case(K)
    block = case.system.block
    changed = with_value(block, case.witness, block.previous[0].source, 2, lambda _: 0)
    with pytest.raises(WitnessError, match=r"of block 2 first \(id is an unsigned 16-bit integer\)"):
        prove(case.system, changed)
    fewer = with_value(block, case.witness, block.uses[0].multiplicity, 5, lambda x: x + 1)
    with pytest.raises(WitnessError, match=r"breaks 1 rows .* of block 7 first \(the tables add up\)"):
        prove(case.system, fewer)


@pytest.mark.parametrize("what", ["fraction", "sum", "all sums zero"])
def test_wrong_fractions_convince_nobody(monkeypatch, what):
    """A tuple that nobody provides, and whatever a prover may put in the second phase for it."""
    case = venue_case(K)
    block, n = case.system.block, 1 << K
    asked = next(item for item in block.circuit.inputs if item.name == "price").first
    wrong = with_value(block, case.witness, asked, 3, lambda x: x + 1)
    honest = System.second_wires

    def second(self, *args):
        values = honest(self, *args).to_ints()
        uses = len(block.uses)
        if what == "fraction":
            values[0] = (values[0] - values[-1]) % R
            values[uses * n :] = itertools.accumulate(
                sum((-1 if use.provides else 1) * values[i * n + b] for i, use in enumerate(block.uses))
                for b in range(n)
            )
        elif what == "sum":
            values[-1] = 0
        else:
            values[uses * n :] = [0] * n
        return FrVec.from_ints(values)

    with pytest.raises(WitnessError, match="the circuit"):
        prove(case.system, wrong)
    monkeypatch.setattr(System, "second_wires", second)
    monkeypatch.setattr(prover._Proving, "_check_rows", lambda *_: None)
    content = prove(case.system, wrong).encode()
    assert case.judge(content) is False
    assert case.judge_slowly(content) is False


def test_a_first_phase_made_for_known_challenges_is_refused(monkeypatch):
    """Two proofs' first phases exchanged: the fractions are of challenges that the other cap drew."""
    case = venue_case(K)
    proofs = [case.prove() for _ in range(2)]
    size = len(proofs[0].caps) // 2
    for mixed in (
        proofs[1].caps[:size] + proofs[0].caps[size:],
        proofs[0].caps[size:] + proofs[0].caps[:size],
        proofs[0].caps[:size] * 2,
    ):
        content = proofs[0].encode().replace(proofs[0].caps, mixed)
        assert case.judge(content) is False
    monkeypatch.setattr("zkstate.proof.transparent.transcript.Transcript.challenges", fixed_for_tables())
    content = case.prove().encode()
    assert case.judge(content) is True  # a verifier with the same fixed challenges
    monkeypatch.undo()
    assert case.judge(content) is False
    assert case.judge_slowly(content) is False


def fixed_for_tables():
    honest = Transcript.challenges
    return lambda self, label, count: [11, 13] if label == "tables" else honest(self, label, count)


def test_a_proof_is_of_its_columns_inputs_circuit_and_blocks():
    case = venue_case(K)
    content = case.prove().encode()
    for name, values in case.columns.items():
        changed = case.columns | {name: [values[0] ^ 1, *values[1:]]}
        assert case.judge(content, columns=changed) is False
        assert case.judge_slowly(content, columns=changed) is False
    longer = case.columns | {"owed": [*case.columns["owed"], 0]}
    assert case.judge(content, columns=longer) is False  # the same values for every block, said otherwise
    assert case.judge_slowly(content, columns=longer) is False
    for i in range(2):
        public = [x + (i == j) for j, x in enumerate(case.public)]
        assert case.judge(content, public=public) is False
        assert case.judge_slowly(content, public=public) is False
    other = venue_case(K + 1)
    assert other.judge(content) is False
    block = case.system.block
    uses = (block.uses[0]._replace(table=2), *block.uses[1:])
    changed = System.of(block.__class__(**{**vars_of(block), "uses": uses}), K)
    assert changed.digest != case.system.digest
    assert verify(changed, case.public, case.prove(), case.columns) is False
    swapped = tuple(link._replace(left=link.right, right=link.left) for link in block.children)
    changed = System.of(block.__class__(**{**vars_of(block), "children": swapped}), K)
    assert verify(changed, case.public, case.prove(), case.columns) is False


def vars_of(block):
    return {name: getattr(block, name) for name in block.__dataclass_fields__}


def test_columns_outside_their_kind_or_their_blocks_are_errors():
    case = venue_case(K)
    proof = case.prove()
    for columns, error in (
        (case.columns | {"owed": [-1]}, InputError),
        (case.columns | {"owed": [1 << 64]}, InputError),
        (case.columns | {"owed": []}, LengthError),
        (case.columns | {"owed": [0] * 9}, LengthError),
        ({}, InputError),
        (case.columns | {"more": [1]}, InputError),
    ):
        with pytest.raises(error):
            verify(case.system, case.public, proof, columns)
        if len(columns) == 3:
            assert case.judge_slowly(proof.encode(), columns=columns) == "malformed"
    for blocks in (-1, 0):
        with pytest.raises(LengthError, match="blocks: wanted a power of two from 2"):
            System.of(case.system.block, blocks)
    with pytest.raises(LengthError, match="own and public values and blocks"):
        prove(System.of(case.system.block, K + 1), case.witness)
    with pytest.raises(LengthError, match="whose blocks read each other"):
        prove(case.system, [FrVec(3)])


def test_a_verifier_costs_one_block(monkeypatch):
    seen = []

    def counted(matrix, pool, w, threads=0):
        seen.append((matrix.nnz, len(w)))
        return sparse_product(matrix, pool, w, threads)

    block = venue_block.circuit(K)
    for log_blocks in (K, K + 3):
        system = System.of(block, log_blocks)
        given = venue_block.inputs(log_blocks)
        proof = prove(system, venue_block.solved(block, log_blocks))
        monkeypatch.setattr("zkstate.proof.transparent.system.sparse_product", counted)
        assert verify(system, list(given["public"].values()), proof, given["columns"])
        monkeypatch.undo()
    assert len(set(seen)) == 1
    assert seen[0] == (system.matrix.nnz, system.matrix.n_columns)


def by_pieces(monkeypatch, piece, folded=row_tables.FOLDED):
    """Tables of the first sumcheck are never held whole, and from so many rows on not before more rounds."""
    monkeypatch.setattr(row_tables, "HELD", 0)
    monkeypatch.setattr(row_tables, "PIECE", piece)
    monkeypatch.setattr(row_tables, "FOLDED", folded)


@pytest.mark.parametrize(("piece", "folded"), [(1, 1 << 22), (1 << 8, 1 << 22), (1, 1), (1 << 5, 1 << 4), (1 << 8, 1)])
def test_tables_in_pieces_make_the_same_proof(monkeypatch, piece, folded):
    shapes = ((0, 2, 1), (1, 2, 0), (2, 5, 4), (6, 9, 1), (61, 70, 2), (64, 70, 0), (126, 128, 3))
    plain = [plain_case(random_system(random.Random(f"pieces {shape}"), *shape)) for shape in shapes]
    seed, cases = bytes(range(64)), [venue_case(K), *plain]
    whole = [prove(case.system, case.witness, lambda _: seed).encode() for case in cases]
    by_pieces(monkeypatch, piece, folded)
    rounds, anew = [], row_tables.RowTables._fold_anew
    monkeypatch.setattr(row_tables.RowTables, "_fold_anew", lambda self: rounds.append(len(self._bound)) or anew(self))
    assert [prove(case.system, case.witness, lambda _: seed).encode() for case in cases] == whole
    assert (max(rounds) > 1) == (folded < 1 << 22)


def test_tables_in_pieces_name_the_row_that_is_refused(monkeypatch):
    case = venue_case(K)
    block = case.system.block
    wrong = [
        with_value(block, case.witness, wire, 2, lambda _: 0) for wire in (block.previous[0].source, block.own[-1])
    ]
    refused = []
    for pieces in (False, True):
        if pieces:
            by_pieces(monkeypatch, 1 << 6)
        for witness in wrong:
            with pytest.raises(WitnessError, match=r"of block \d first") as raised:
                prove(case.system, witness)
            refused.append(str(raised.value))
    assert refused[:2] == refused[2:]


@pytest.mark.parametrize("part", [1, 1 << 12])
def test_rows_encoded_in_parts_make_the_same_proof(monkeypatch, part):
    """Columns that are not kept, hashed and made again part by part: the same bytes from the same randomness."""
    block = venue_block.circuit(K)
    system, witness, seed = System.of(block, K), venue_block.solved(block, K), bytes(range(64))
    whole = prove(system, witness, lambda _: seed).encode()
    monkeypatch.setattr(committed, "KEPT", 0)
    monkeypatch.setattr(committed, "PART", part)
    assert prove(system, witness, lambda _: seed).encode() == whole


def test_the_circuit_of_a_venue_is_what_its_digest_says():
    block = venue_block.circuit(K)
    assert System.of(block, K).digest == links_of(block).digest(r1cs_bytes(block.circuit.r1cs))
    assert System.of(compile_blocks(venue_block.Venue(K + 1)), K).digest != System.of(block, K).digest


def test_what_is_seen_of_a_venue_is_uniform_and_never_twice_the_same():
    case = venue_case(K)
    proofs = [case.prove() for _ in range(3)]
    seen = [masked(proof) for proof in proofs]
    for name in seen[0]:
        assert chi_squared([x for each in seen for x in each[name]]) < MOST, name
        assert not set(seen[0][name]) & set(seen[1][name])
    salts = [proof.salt(i, phase) for proof in proofs for i in range(20) for phase in range(2)]
    assert len(set(salts)) == len(salts)
    assert len({len(proof.encode()) for proof in proofs}) == 1


def test_copies_that_links_and_a_failed_commitment_make_are_overwritten(monkeypatch):
    case, joined, failed = venue_case(K), [], []
    scalars = links._scalars
    monkeypatch.setattr(links, "_scalars", lambda words: joined.append((words, words.any())) or scalars(words))
    case.system.set_links(case.system.every_column(case.witness), case.witness.columns)
    assert [held for _, held in joined] == [True] * 2 * len(case.system.links.trees)
    assert not any(words.any() for words, _ in joined)

    def broken(self):
        failed.append((self, bytes(self._salts), self._tails.raw().tobytes(), self._last.raw().tobytes()))
        raise MemoryError

    monkeypatch.setattr(Committed, "_commit", broken)
    with pytest.raises(MemoryError):
        case.prove()
    ((secret, *before),) = failed
    assert all(any(values) for values in before)
    assert not any(any(values) for values in (secret._salts, secret._tails.raw(), secret._last.raw()))


def kept(secret):
    """What a secret holds when it is made."""
    if isinstance(secret, Committed):
        return [secret._kept, secret._last, secret._tails]
    if isinstance(secret, ColumnTables):
        return [secret._tail, *(z.values for _, z in secret._pairs)]
    return [table.values for table in secret._tables]


def test_sums_of_pieces_are_overwritten(monkeypatch):
    """Those of rounds before any pad is added: what each piece of the tables gives."""
    by_pieces(monkeypatch, 1)
    made, message_of = [], row_tables.RowTables._message_of

    def kept_message(*args):
        made.append(found := message_of(*args))
        return found

    monkeypatch.setattr(row_tables.RowTables, "_message_of", kept_message)
    venue_case(K).prove()
    assert len(made) > 2 * K
    assert not any(any(found.raw()) for found in made)


@pytest.mark.parametrize("good", [True, False])
def test_secrets_of_both_phases_are_overwritten(monkeypatch, good):
    held, others = [], []
    hold, hold_also = prover._Secrets.hold, prover._Secrets.hold_also
    monkeypatch.setattr(prover._Secrets, "hold", lambda self, vec: held.append(vec) or hold(self, vec))
    monkeypatch.setattr(prover._Secrets, "hold_also", lambda self, x: others.append((x, kept(x))) or hold_also(self, x))
    case = venue_case(K)
    before = case.witness.own.to_ints()
    if good:
        case.prove()
    else:
        bad = with_value(case.system.block, case.witness, case.system.block.children[0].leaf, 1, lambda x: x + 1)
        with pytest.raises(WitnessError):
            prove(case.system, bad)
    assert len(held) > (20 if good else 2)
    assert [type(secret).__name__ for secret, _ in others] == ["Committed", "RowTables", "Committed", "ColumnTables"][
        : 4 if good else 2
    ]
    assert all(not any(vec.raw()) for vec in held)
    assert all(not any(vec.raw()) for _, vecs in others for vec in vecs)
    assert not any(byte for secret, _ in others if isinstance(secret, Committed) for byte in secret._salts)
    assert case.witness.own.to_ints() == before

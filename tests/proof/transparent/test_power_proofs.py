"""Proofs with fifth powers as rows: of powers alone, in blocks, in pieces; hidden, and refused where one is wrong."""

from dataclasses import replace

import pytest

from tests.proof.circuits import Small
from tests.proof.transparent.systems import Case, circuit_bytes, judge_slowly, plain_case, system_of
from tests.proof.transparent.test_links import by_pieces
from tests.proof.transparent.test_powers import U, V, W, X, Y, holds, power
from tests.proof.transparent.test_zero_knowledge import MOST, chi_squared, masked
from zkstate.errors import EncodingError, WitnessError
from zkstate.kernels import FR_MODULUS, FrVec
from zkstate.proof.transparent import prover, row_tables
from zkstate.proof.transparent import system as layout
from zkstate.proof.transparent.masks import Masks
from zkstate.proof.transparent.proof_file import Proof
from zkstate.proof.transparent.prover import prove

R = FR_MODULUS


def only_powers(count, public_end=False):
    """x -> x^5 over and over from a secret x, and nothing else; or to a public end."""
    n_public = int(public_end)
    witness, rows = [3], []
    for i in range(count):
        at = 1 + n_public + 3 * i
        last = 1 if public_end and i == count - 1 else at + 3
        rows += [
            ({at: 1}, {at: 1}, {at + 1: 1}),
            ({at + 1: 1}, {at + 1: 1}, {at + 2: 1}),
            ({at + 2: 1}, {at: 1}, {last: 1}),
        ]
        witness += [pow(witness[-1], k, R) for k in (2, 4, 5)]
    if public_end:
        return Small(rows, 1, [1, witness[-1], *witness[:-1]])
    return Small(rows, 0, [1, *witness])


@pytest.mark.parametrize("count", [1, 2, 3, 40, 300])
@pytest.mark.parametrize("public_end", [False, True])
def test_circuits_of_powers_alone_prove(count, public_end):
    small = only_powers(count, public_end)
    shape = system_of(small).parameters.shape
    assert (shape.products, shape.powers) == (0, count)
    if count < 40:
        assert holds(small)
    else:
        case = plain_case(small)
        assert case.judge(case.prove().encode()) is True


@pytest.mark.parametrize("log_blocks", [1, 3])
def test_blocks_of_powers_alone_prove(log_blocks):
    small = only_powers(2, public_end=True)
    system = system_of(small, log_blocks)
    content = prove(system, [small.values] * (1 << log_blocks)).encode()
    assert Proof.decode(content).encode() == content
    assert judge_slowly(circuit_bytes(small), small.public, content, log_blocks) is True
    assert Case(system, None, small.public, None).judge(content) is True
    wrong = [(small.public[0] + 1) % R]
    assert Case(system, None, wrong, None).judge(content) is False


@pytest.mark.parametrize("log_blocks", [0, 2])
def test_where_no_wire_would_be_left_no_power_is_taken(log_blocks):
    """y = x^5, both public: u and v are all there is to commit to."""
    rows = [({1: 1}, {1: 1}, {3: 1}), ({3: 1}, {3: 1}, {4: 1}), ({4: 1}, {1: 1}, {2: 1})]
    small = Small(rows, 2, [1, 3, 243, 9, 81])
    system = system_of(small, log_blocks)
    assert system.parameters.shape.counts == (3, 5, 2, log_blocks, 0, 0)
    content = prove(system, [small.values] * (1 << log_blocks)).encode()
    assert Case(system, None, small.public, None).judge(content) is True
    assert judge_slowly(circuit_bytes(small), small.public, content, log_blocks) is True
    assert Case(system, None, [3, 244], None).judge(content) is False


@pytest.mark.parametrize("x", [0, 1, R - 1])
def test_what_is_seen_of_powers_is_uniform_whatever_the_witness(x):
    """The four values too, which are few: over many proofs."""
    small = Small([row for i in range(30) for row in _copy(i)], 0, [1, *[w for _ in range(30) for w in _values(x)]])
    system = system_of(small)
    assert system.parameters.shape.powers == 30
    seen, ends = {}, []
    p = system.parameters
    at = p.row_variables * 5
    for _ in range(40):
        proof = prove(system, small.values)
        for name, values in masked(proof).items():
            seen.setdefault(name, []).extend(values)
        ends.append(proof.messages.to_ints()[at : at + 4])
    assert dict.fromkeys(seen, True) == {name: chi_squared(values) < MOST for name, values in seen.items()}
    for values in zip(*ends, strict=True):
        assert len(set(values)) == 40
        assert 5 < sum(value > R // 2 for value in values) < 35


def _copy(i):
    x, u, v, y = range(1 + 4 * i, 5 + 4 * i)
    return [({x: 1}, {x: 1}, {u: 1}), ({u: 1}, {u: 1}, {v: 1}), ({v: 1}, {x: 1}, {y: 1})]


def _values(x):
    return [x, x**2, x**4, x**5]


@pytest.mark.parametrize("masks", ["u_1", "u_2", "u_3", "u_4"])
def test_each_value_at_the_end_has_a_mask_of_its_own(monkeypatch, masks):
    """One mask wire moved, all else held: the values that it masks move, and no others."""
    small = power()
    system = system_of(small)
    position = int(masks[-1]) - 1
    ends = []
    for value in (7, 8):

        def drawn(_, value=value):
            u = [11, 12, 13, 14]
            u[position] = value
            return FrVec.from_ints([*u, u[3] ** 5])

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(prover, "mask_wires", drawn)
            points = [*range(3, 3 + system.parameters.row_variables)]
            patch.setattr(prover.Transcript, "challenge", lambda self, label, points=points: points[0])
            patch.setattr(prover.Transcript, "challenges", lambda self, label, count: [5] * count)
            proof = prove(system, small.values, lambda _: bytes(range(64)))
        at = system.parameters.row_variables * 5
        ends.append(proof.messages.to_ints()[at : at + 4])
    moved = "".join(name for name, x, y in zip("abde", *ends, strict=True) if x != y)
    assert moved == {"u_1": "a", "u_2": "b", "u_3": "ae", "u_4": "de"}[masks]


def test_tables_of_powers_in_pieces_make_the_same_proof(monkeypatch):
    seed = bytes(range(64))
    cases = [
        plain_case(small) for small in (only_powers(1), only_powers(70), only_powers(64, public_end=True), power())
    ]
    whole = [prove(case.system, case.witness, lambda _: seed).encode() for case in cases]
    for piece, folded in ((1, 1 << 22), (1, 1), (1 << 4, 1)):
        by_pieces(monkeypatch, piece, folded)
        assert [prove(case.system, case.witness, lambda _: seed).encode() for case in cases] == whole
        wrong = cases[1].witness.to_ints()
        wrong[-1] += 1
        with pytest.raises(WitnessError, match=r"breaks 1 rows of the circuit, row 209 first"):
            prove(cases[1].system, FrVec.from_ints(wrong))


def test_copies_that_powers_make_are_overwritten(monkeypatch):
    """What is drawn, wires that are kept, and what products and powers add to a round."""
    made = {}

    def watch(where, name):
        original, listed = getattr(where, name), made.setdefault(name, [])

        def watched(*args, **options):
            listed.append(found := original(*args, **options))
            return found

        monkeypatch.setattr(where, name, watched)

    for where, name in (
        (Masks, "take"),
        (layout, "slots_taken"),
        (row_tables, "sumcheck_rows"),
        (row_tables, "sumcheck_powers"),
        (row_tables.RowTables, "_message_of"),
    ):
        watch(where, name)
    small = power()
    prove(system_of(small), small.values)
    assert all(made.values())
    assert {name: sum(any(found.raw()) for found in listed) for name, listed in made.items()} == dict.fromkeys(made, 0)


def test_a_wrong_power_is_refused_by_the_number_of_its_last_row(monkeypatch):
    small = power()
    system = system_of(small)
    wrong = [*small.witness[:Y], small.witness[Y] + 1, (small.witness[Y] + 1) * small.witness[X]]
    with pytest.raises(WitnessError, match=r"breaks 1 rows of the circuit, row 2 first"):
        prove(system, FrVec.from_ints(wrong))
    monkeypatch.setattr(prover._Proving, "_check_rows", lambda *_: None)
    case = plain_case(replace(small, witness=wrong))
    content = case.prove().encode()
    assert case.judge(content) is case.judge_slowly(content) is False


def test_a_product_is_still_named_by_its_own_row():
    small = power()
    with pytest.raises(WitnessError, match=r"breaks 1 rows of the circuit, row 3 first"):
        prove(system_of(small), FrVec.from_ints([*small.witness[:W], 1]))


def test_what_is_said_of_u_and_v_is_not_looked_at():
    """They are no part of what is proved: any values of them in a witness make one proof."""
    small = power()
    seed = bytes(range(64))
    proofs = []
    for u, v in ((small.witness[U], small.witness[V]), (0, 0), (5, 1)):
        witness = list(small.witness)
        witness[U], witness[V] = u, v
        proofs.append(prove(system_of(small), FrVec.from_ints(witness), lambda _: seed).encode())
    assert len(set(proofs)) == 1


@pytest.mark.parametrize(("at", "message"), [(0, "version is 0"), (1, "version is 1"), (2, "version is 2")])
def test_proofs_of_earlier_versions_are_refused_by_name(at, message):
    content = bytearray(plain_case(power()).prove().encode())
    content[35] = at
    with pytest.raises(EncodingError, match=f"old.bin: {message}, expected 3: a proof of an earlier protocol"):
        Proof.decode(bytes(content), "old.bin")

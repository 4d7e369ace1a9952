"""Phase 2: the key that known secrets give, contributions by several parties, and every way to cheat in a ceremony."""

from dataclasses import replace
from functools import cache

import pytest

from tests.proof.circuits import Small, all_public, bits, cubic
from tests.proof.frames import framed, joined, sections
from tests.proof.ptau import PARTS, ceremony_ptau, total
from tests.proof.test_ptau_file import outside_g2
from zkstate.algebra.bn254 import G1, G2, root_of_unity
from zkstate.errors import DisagreementError, EncodingError, InputError, LengthError
from zkstate.kernels import FR_MODULUS, FrVec, fixed_base_g1
from zkstate.proof import ceremony, ptau_file, zkey_file
from zkstate.proof.beacon import Beacon
from zkstate.proof.ceremony import contribute, verify_key
from zkstate.proof.contribution import Author
from zkstate.proof.groth16 import prove, verify
from zkstate.proof.keys import SetupStatus
from zkstate.proof.phase2 import initial_key
from zkstate.proof.record import CeremonyRecord, Powers, PowersContribution, RecordedCircuit
from zkstate.proof.setup import setup_with

CIRCUITS = {"cubic": cubic, "bits": bits, "all_public": all_public}


@cache
def powers(power: int = 5, *, prepared: bool = True):
    return ptau_file.decode(ceremony_ptau(power, prepared=prepared))


@cache
def initial(name: str = "cubic"):
    return initial_key(CIRCUITS[name]().r1cs, powers())


def seeded(seed: int):
    return lambda n: bytes((seed + i) % 256 for i in range(n))


@cache
def three():
    """A key after two people and a beacon."""
    key = initial()
    for i, author in enumerate((Author("anna"), Author("bert"), Author("dice", Beacon(b"dice", 10)))):
        key, _ = contribute(key, author, rng=seeded(i))
    return key


def reasons(key, name: str = "cubic") -> str:
    return "\n".join(verify_key(key, initial(name), CIRCUITS[name]().r1cs).reasons)


@pytest.mark.parametrize("prepared", [False, True])
@pytest.mark.parametrize("name", list(CIRCUITS))
def test_the_key_from_powers_is_the_key_from_their_secrets(name, prepared):
    """One trapdoor, two ways: sums of the powers of a file, and multiples of the generator."""
    r1cs = CIRCUITS[name]().r1cs
    ours = initial_key(r1cs, powers(prepared=prepared))
    known = setup_with(r1cs, total(PARTS), bytes(32))
    assert ours.setup is SetupStatus.FRESH
    mine, theirs = (sections(joined(zkey_file.encode(key))) for key in (ours, known))
    assert set(theirs) - set(mine) == {zkey_file.SETUP_SECTION}
    assert mine == {number: theirs[number] for number in mine}


def test_powers_that_just_suffice_give_the_same_key_from_either_file():
    r1cs = cubic().r1cs
    bare, full = (initial_key(r1cs, powers(3, prepared=prepared)) for prepared in (False, True))
    assert joined(zkey_file.encode(bare)) == joined(zkey_file.encode(full))
    with pytest.raises(LengthError, match=r"powers for 2\^2 rows, the circuit takes a domain of 2\^3"):
        initial_key(r1cs, powers(2))


@pytest.mark.parametrize("name", list(CIRCUITS))
def test_a_key_of_several_parties_verifies_and_proves(name):
    small, key = CIRCUITS[name](), initial(name)
    assert "nobody has contributed" in reasons(key, name)
    for i in range(3):
        key, contribution = contribute(key, Author(f"party {i}"), entropy=b"dice")
        assert key.setup is SetupStatus.UNVERIFIED
        assert reasons(key, name) == ""
        assert ceremony.contributions_of(key)[-1] == contribution
    again = zkey_file.decode(joined(zkey_file.encode(key)))
    proof = prove(again, small.values)
    assert verify(again.vk, small.public, proof)
    assert len({c.hash for c in ceremony.contributions_of(again)}) == 3


def test_the_secret_comes_from_the_system_and_from_the_file():
    made = [
        contribute(initial(), Author("x"), entropy, rng)[0].delta_1
        for entropy, rng in ((b"", seeded(0)), (b"a", seeded(0)), (b"", seeded(1)), (b"", seeded(0)))
    ]
    assert made[0] == made[3]
    assert len({point.raw for point in made}) == 3
    assert contribute(initial(), Author("x"))[0].delta_1 != contribute(initial(), Author("x"))[0].delta_1


def test_a_beacon_is_the_same_for_everyone():
    author = Author("dice", Beacon(b"dice", 10))
    assert contribute(initial(), author)[1] == contribute(initial(), author)[1]
    with pytest.raises(LengthError, match="beacon of 2\\^9 steps"):
        contribute(initial(), Author("", Beacon(b"dice", 9)))


def test_a_contribution_to_an_insecure_key_leaves_it_insecure():
    key = setup_with(cubic().r1cs, total(PARTS), bytes(32))
    assert contribute(key, Author("hope"))[0].setup is SetupStatus.INSECURE


def attacks():
    """What a coordinator could hand over instead of the key, and what has to be said about it."""
    key = three()
    a, b, c = ceremony.contributions_of(key)
    d = FrVec.from_ints([3])

    def with_chain(*chain, **changed):
        return replace(key, contributions=ceremony.encode(chain), **changed)

    def tripled(section):
        points = zkey_file.G1Vec.from_raw(section)
        return bytes(points.scale_each(d).raw())

    def one_point(section):
        return bytes(section)[:-64] + bytes(fixed_base_g1(d).raw())

    alone, own = contribute(initial(), Author("coordinator"), rng=seeded(9))
    skipped = contribute(contribute(initial(), Author("anna"), rng=seeded(0))[0], Author("dice", Beacon(b"dice", 10)))[
        1
    ]
    other = contribute(initial("bits"), Author("anna"), rng=seeded(0))[1]
    vk = key.vk
    return {
        "dropped first": (with_chain(b, c), "contribution 1 ('bert')"),
        "dropped middle": (with_chain(a, c), "contribution 2 ('dice', a beacon)"),
        "dropped last": (with_chain(a, b), "delta of the key is not what contribution 2, the last one, left"),
        "reordered": (with_chain(b, a, c), "contribution 1 ('bert'): its transcript"),
        "duplicated": (with_chain(a, b, b, c), "contribution 3 ('bert'): its transcript"),
        "replayed from another circuit": (with_chain(other, b, c), "contribution 1 ('anna'): its transcript"),
        "replaced by the coordinator": (with_chain(a, b, own), "contribution 3 ('coordinator'): its transcript"),
        "skipped": (with_chain(a, skipped), "delta of the key is not what contribution 2, the last one, left"),
        "coordinator's key, others' names": (replace(alone, contributions=key.contributions), "delta of the key"),
        "forged key": (with_chain(a, replace(b, g1_sx=b.g1_s), c), "contribution 2 ('bert')"),
        "forged proof": (
            with_chain(a, replace(b, g2_spx=G2.generator()), c),
            "no proof that its author knew the secret",
        ),
        "wrong delta after": (
            with_chain(a, replace(b, delta_after=a.delta_after), c),
            "contribution 2 ('bert'): delta",
        ),
        "changed transcript": (
            with_chain(a, replace(b, transcript=bytes(64)), c),
            "contribution 2 ('bert'): its transcript",
        ),
        "renamed beacon": (with_chain(a, b, replace(c, author=Author("d", Beacon(b"dicf", 10)))), "beacon it names"),
        "person turned beacon": (
            with_chain(a, replace(b, author=Author("d", Beacon(b"dice", 10))), c),
            "contribution 2 ('d'",
        ),
        "C of another delta": (replace(key, points_c=tripled(key.points_c)), "section C is not"),
        "H of another delta": (replace(key, points_h=tripled(key.points_h)), "section H is not"),
        "one point of C": (replace(key, points_c=one_point(key.points_c)), "section C is not"),
        "one point of H": (replace(key, points_h=one_point(key.points_h)), "section H is not"),
        "H with a point along the top power": (replace(key, points_h=along_top(key.points_h)), "section H is not"),
        "A": (replace(key, points_a=one_point(key.points_a)), "section A is not"),
        "B1": (replace(key, points_b1=one_point(key.points_b1)), "section B1 is not"),
        "B2": (replace(key, points_b2=bytes(key.points_b2)[:-128] + G2.generator().raw), "section B2 is not"),
        "IC": (replace(key, vk=replace(vk, ic=(*vk.ic[:-1], vk.ic[0]))), "section IC is not"),
        "alpha": (replace(key, vk=replace(vk, alpha=G1.generator())), "alpha is not"),
        "beta": (replace(key, vk=replace(vk, beta=G2.generator())), "beta in G2 is not"),
        "gamma": (replace(key, vk=replace(vk, gamma=vk.delta)), "gamma is not"),
        "delta in G2": (replace(key, vk=replace(vk, delta=vk.delta * 3)), "different multiples"),
        "delta in both": (
            replace(key, delta_1=key.delta_1 * 3, vk=replace(vk, delta=vk.delta * 3)),
            "delta of the key is not what contribution 3",
        ),
        "circuit hash": (replace(key, circuit_hash=bytes(64)), "the circuit's hash is not"),
        "other matrix": (replace(key, matrix_a=key.matrix_b), "matrix A of the circuit is not the key's"),
        "other circuit": (initial("bits"), "nobody has contributed"),
    }


def along_top(points_h) -> bytes:
    """H with v^(2i+1) X added to each point: nothing an honest proof uses, and X can be what a forger needs."""
    n = len(points_h) // 64
    root = root_of_unity(2 * n)
    added = fixed_base_g1(FrVec.ones(n).scale_powers(root * root % FR_MODULUS, 5 * root))
    return bytes((zkey_file.G1Vec.from_raw(points_h) + added).raw())


@pytest.mark.parametrize("attack", list(attacks()))
def test_an_attack_is_refused_by_name(attack):
    key, reason = attacks()[attack]
    assert reason in reasons(key)


def test_a_key_for_another_circuit_is_refused():
    key, _ = contribute(initial("bits"), Author("anna"))
    assert "the circuit has 6 wires" in reasons(key)


def test_related_gamma_and_delta_never_load():
    """A secret of 1 to 16 is one in 2^250, or a party that hopes nobody looks."""
    key = initial()
    for small in (1, 2, 16):
        sections_of = sections(joined(zkey_file.encode(key)))
        delta = (G1.generator() * small).raw + (G2.generator() * small).raw
        header = sections_of[2][: -len(delta)] + delta
        content = framed(joined(zkey_file.encode(key)), {2: header})
        if small == 1:
            assert zkey_file.decode(content).setup is SetupStatus.FRESH
            continue
        with pytest.raises(InputError, match=f"{small} times gamma"):
            zkey_file.decode(content)


def test_files_with_bad_points_or_records_are_refused():
    content = joined(zkey_file.encode(three()))
    parts = sections(content)
    for number, damaged, message in (
        (8, b"\1" + parts[8][1:], "section 8 .C.: counting from point 0"),
        (9, parts[9][:-1] + b"\xff", "section 9 .H."),
        (7, outside_g2() + parts[7][128:], "section 7 .B2."),
    ):
        with pytest.raises(EncodingError, match=message):
            zkey_file.decode(framed(content, {number: damaged}))
    record = three().contributions
    for damaged, error, message in (
        (record[:-1], LengthError, "contribution 3"),
        (record + b"\0", LengthError, "after the last contribution"),
        (b"\4" + record[1:], LengthError, "contribution 4"),
        (b"\xff\xff\xff\xff" + record[4:], LengthError, "at most"),
        (record[:4] + bytes(64) + record[68:], EncodingError, "contribution 1: delta after is the point at infinity"),
        (record[: 4 + 192] + outside_g2() + record[4 + 320 :], EncodingError, "contribution 1: spx: .*subgroup"),
    ):
        with pytest.raises(error, match=message):
            verify_key(replace(three(), contributions=damaged), initial(), cubic().r1cs)


def record() -> CeremonyRecord:
    return CeremonyRecord(
        circuit=RecordedCircuit("aa", "cubic", "bb"),
        powers=Powers("cc", 4, 4, (PowersContribution("first", beacon=False, response="dd"),)),
        circuit_hash=three().circuit_hash,
        contributions=ceremony.contributions_of(three()),
        zkey="ee",
        verification_key=three().vk.digest(),
    )


def test_a_record_vouches_for_its_key_and_for_no_other():
    written = record().encode()
    read = CeremonyRecord.decode(written)
    assert read == record()
    assert read.vouched(three().vk).setup is SetupStatus.VERIFIED
    other, _ = contribute(three(), Author("late"))
    assert "not of" in read.refusals(other.vk)[0]
    with pytest.raises(EncodingError, match="not of"):
        read.vouched(other.vk)


def test_a_record_is_checked_whenever_it_is_read():
    a, b, c = ceremony.contributions_of(three())
    for changed, reason in (
        ({"contributions": (a, c)}, "contribution 2 ('dice', a beacon)"),
        ({"contributions": (b, a, c)}, "contribution 1 ('bert')"),
        ({"contributions": (a, b)}, "delta of the key is not what the last contribution left"),
        ({"contributions": ()}, "no contribution"),
        ({"circuit_hash": bytes(64)}, "contribution 1 ('anna')"),
    ):
        assert any(reason in words for words in replace(record(), **changed).refusals(three().vk)), reason
    written = record().encode()
    for damaged, message in (
        (written[:-1], "no record"),
        (written + b"\n", "not the one encoding"),
        (written.replace(b'"version":1', b'"version":2'), "version 2"),
        (written.replace(b'"circuit_hash":"', b'"circuit_hash":"zz'), "lower-case hexadecimal"),
        (written.replace(b'"zkey":"', b'"zkey":"AA'), "lower-case hexadecimal"),
        (written.replace(b'"r1cs":"', b'"r1cs":"\\u001b['), "lower-case hexadecimal"),
        (written.replace(b'"name":"cubic"', b'"name":"cubic\\n"'), "no name of a circuit"),
        (written.replace(b'"kind"', b'"more":1,"kind"'), "no record"),
        (b"[" * 100_000, "nest|no record"),
    ):
        with pytest.raises((EncodingError, LengthError), match=message):
            CeremonyRecord.decode(damaged)


def test_bases_that_contradict_the_powers_are_not_used():
    part = bytearray(powers().sections[14])
    part[-64:] = part[-128:-64]
    forged = replace(powers(), sections=powers().sections | {14: memoryview(bytes(part))})
    with pytest.raises(DisagreementError, match="section 14"):
        initial_key(all_wide(), forged)


def all_wide():
    """A circuit that needs the largest basis of the file."""
    row = ({2: 1}, {2: 1}, {3: 1})
    return Small([row] * 24, 1, [1, 1, 3, 9]).r1cs

"""Phase 2 for two deltas: the key that known secrets give, a whole ceremony, and every way to cheat with the second."""

import hashlib
from dataclasses import replace
from functools import cache

import pytest

from tests.proof import shop
from tests.proof.circuits import all_public, cubic
from tests.proof.frames import framed, joined, sections
from tests.proof.ptau import PARTS, ceremony_ptau, total
from zkstate.algebra.bn254 import G1
from zkstate.errors import DisagreementError, EncodingError, InputError, LengthError
from zkstate.kernels import FR_MODULUS, FrVec, G1Vec
from zkstate.proof import ceremony, mirage, ptau_file, r1cs_file, zkey_file
from zkstate.proof.beacon import Beacon, Stream, hash_to_g2
from zkstate.proof.ceremony import Contribution, contribute, verify_key
from zkstate.proof.contribution import Author
from zkstate.proof.keys import SetupStatus, VerifyingKey
from zkstate.proof.phase2 import initial_key
from zkstate.proof.powers import verify_powers
from zkstate.proof.record import CeremonyRecord, Powers, RecordedCircuit
from zkstate.proof.setup import insecure_setup, setup_with

ANNA, BERT, DICE = Author("anna"), Author("bert"), Author("dice", Beacon(b"dice", 10))
COMMITTED = 2  # of the four secret wires of `cubic`


@cache
def powers(power: int = 4):
    return ptau_file.decode(ceremony_ptau(power))


@cache
def initial(n_committed: int = COMMITTED):
    return initial_key(cubic().r1cs, powers(), n_committed)


def seeded(seed: int):
    return lambda n: bytes((seed + i) % 256 for i in range(n))


def after(key, *authors):
    for i, author in enumerate(authors):
        key, _ = contribute(key, author, rng=seeded(i))
    return key


@cache
def three():
    return after(initial(), ANNA, BERT, DICE)


def reasons(key, first=None) -> str:
    return "\n".join(verify_key(key, first or initial(), cubic().r1cs).reasons)


def known(delta: int, committed: int, n_committed: int = COMMITTED):
    """The key of these deltas from the secrets of the powers: multiples of the generator."""
    trapdoor = replace(total(PARTS), delta=delta % FR_MODULUS, delta_committed=committed % FR_MODULUS)
    return setup_with(cubic().r1cs, trapdoor, bytes(32), n_committed)


def signed(records, delta: int, committed: int):
    """The key of these deltas with honest records of whatever was done: each (which delta, secret, author)."""
    chain, reached = list[Contribution](), [G1.generator()] * 2
    for which, secret, author in records:
        s = G1.generator() * (5 + len(chain))
        sx, state = s * secret, hashlib.blake2b(initial().circuit_hash)
        for each in chain:
            state.update(each.absorbed())
        state.update(s.encode() + sx.encode())
        transcript = state.digest()
        reached[which] *= secret
        chain.append(Contribution(reached[which], s, sx, hash_to_g2(transcript) * secret, transcript, author))
    return replace(known(delta, committed), contributions=ceremony.encode(chain))


def test_the_key_from_powers_is_the_key_from_their_secrets():
    ours = initial()
    assert ours.setup is SetupStatus.FRESH
    mine, theirs = (sections(joined(zkey_file.encode(key))) for key in (ours, known(1, 1)))
    assert set(theirs) - set(mine) == {zkey_file.SETUP_SECTION}
    assert mine == {number: theirs[number] for number in mine}
    again = zkey_file.decode(joined(zkey_file.encode(ours)))
    assert (again.setup, again.n_committed) == (SetupStatus.FRESH, COMMITTED)


def test_what_is_hashed_says_how_many_wires_are_committed():
    r1cs = cubic().r1cs
    assert len({initial(n).circuit_hash for n in range(4)}) == 4
    assert len({r1cs_file.circuit_digest(r1cs, n) for n in range(4)}) == 4
    assert r1cs_file.circuit_digest(r1cs, 0) == r1cs_file.digest(r1cs)
    stated = b"zkstate mirage circuit v1" + r1cs_file.digest(r1cs) + (2).to_bytes(4, "little")
    assert r1cs_file.circuit_digest(r1cs, 2) == hashlib.sha256(stated).digest()
    for circuit, n in ((cubic(), 5), (cubic(), -1), (all_public(), 1)):
        with pytest.raises(LengthError, match=f"{n} committed wires, the circuit has"):
            initial_key(circuit.r1cs, powers(), n)


def test_each_author_divides_by_two_secrets_of_one_stream():
    """Against the key of the products of all secrets, made of multiples of the generator."""
    delta = committed = 1
    for i in range(2):
        stream = Stream(hashlib.blake2b(seeded(i)(64)).digest())
        d, _ = stream.fr(), stream.g1()
        delta, committed = delta * d % FR_MODULUS, committed * stream.fr() % FR_MODULUS
    stream = DICE.beacon.stream()
    d, _ = stream.fr(), stream.g1()
    key = known(delta * d, committed * stream.fr())
    mine, theirs = (sections(joined(zkey_file.encode(each))) for each in (three(), key))
    assert {n for n in mine if mine[n] != theirs[n]} == {10}
    assert mine[10][:64] == theirs[10][:64]


def test_a_key_of_several_parties_verifies():
    key = initial()
    assert "nobody has contributed" in reasons(key)
    for i in range(3):
        key, last = contribute(key, Author(f"party {i}"))
        chain = ceremony.contributions_of(key)
        assert (key.setup, len(chain), chain[-1]) == (SetupStatus.UNVERIFIED, 2 * (i + 1), last)
        assert reasons(key) == ""
    assert ceremony.by_author(key.vk, chain) == chain[1::2]
    assert reasons(zkey_file.decode(joined(zkey_file.encode(key)))) == ""
    everything = initial(4)  # no secret wire is left for delta to divide
    assert reasons(after(everything, ANNA), everything) == ""
    assert contribute(insecure_setup(cubic().r1cs, bytes(16), 2), ANNA)[0].setup is SetupStatus.INSECURE


def test_what_is_signed_by_hand_is_taken():
    """The control of the attacks below."""
    assert reasons(signed([(0, 30, ANNA), (1, 50, ANNA), (0, 7, BERT), (1, 11, BERT)], 210, 550)) == ""


@cache
def attacks():
    """What a coordinator could hand over instead of the key, and what has to be said about it."""
    key = three()
    a, a2, b, b2, c, c2 = ceremony.contributions_of(key)
    vk, d = key.vk, FrVec.from_ints([3])
    half, inverse = memoryview(key.points_c), pow(50, -1, FR_MODULUS)
    both = [(0, 30, ANNA), (1, 50, ANNA)]
    one_delta, other_delta = known(30, 30), known(50, 50)
    good = signed(both, 30, 50)
    stream = DICE.beacon.stream()
    again, point = stream.fr(), stream.g1()
    state = hashlib.blake2b(key.circuit_hash)
    for each in (a, a2, b, b2, c):
        state.update(each.absorbed())
    state.update(point.encode() + (point * again).encode())
    repeated = Contribution(
        b2.delta_after * again, point, point * again, hash_to_g2(state.digest()) * again, state.digest(), DICE
    )

    def with_chain(*chain):
        return replace(key, contributions=ceremony.encode(chain))

    def tripled(points):
        return bytes(G1Vec.from_raw(points).scale_each(d).raw())

    groth16 = after(initial(0), ANNA, BERT)
    return {
        "halves exchanged": (with_chain(a2, a, b, b2, c, c2), "contribution 1 ('anna'): its transcript"),
        "halves signed in the other order": (signed([both[1], both[0]], 30, 50), "delta of the key is not what"),
        "an author dropped": (with_chain(a, a2, c, c2), "contribution 2 ('dice', a beacon)"),
        "half an author dropped": (with_chain(a, a2, b2, c, c2), "5 records of contributions, expected 2"),
        "halves of two authors dropped": (with_chain(a, a2, b, c2), "its author's other record names 'bert'"),
        "the last author dropped": (with_chain(a, a2, b, b2), "delta of the key is not what contribution 2"),
        "one delta alone": (signed(both[:1], 30, 1), "1 records of contributions, expected 2 of each author"),
        "one delta alone, and none of the other": (signed(both[:1], 30, 1), "delta of committed wires is that of"),
        "a secret of 1 for one delta": (signed([both[0], (1, 1, ANNA)], 30, 1), "committed wires): its secret is 1"),
        "a secret of 1 by one of two": (
            signed([*both, (0, 7, BERT), (1, 1, BERT)], 210, 50),
            "contribution 2 ('bert', committed wires): its secret is 1, so delta of committed wires is the one before",
        ),
        "secrets that cancel": (
            signed([*both, (0, 7, BERT), (1, inverse, BERT)], 210, 1),
            "delta of committed wires is that of the key before contributions",
        ),
        "two authors share one": (
            signed([both[0], (1, 50, BERT)], 30, 50),
            "contribution 1 ('bert', committed wires): its author's other record names 'anna'",
        ),
        "a beacon's first secret twice": (with_chain(a, a2, b, b2, c, repeated), "wires): its key is not that of the"),
        "a beacon for one delta": (
            signed([(0, 30, ANNA), (1, 50, Author("anna", Beacon(b"dice", 10)))], 30, 50),
            "its author's other record names 'anna'",
        ),
        "a forged second record": (with_chain(a, replace(a2, g1_sx=a2.g1_s), b, b2, c, c2), "'anna', committed wires"),
        "a delta of committed wires not reached": (
            replace(key, committed_1=key.committed_1 * 3, vk=replace(vk, delta_committed=vk.delta_committed * 3)),
            "delta of committed wires of the key is not what contribution 3, the last one, left",
        ),
        "a delta of committed wires in G2": (
            replace(key, vk=replace(vk, delta_committed=vk.delta_committed * 3)),
            "delta of committed wires in G1 and in G2 are different multiples",
        ),
        "deltas exchanged": (
            replace(
                key,
                delta_1=key.committed_1,
                committed_1=key.delta_1,
                vk=replace(vk, delta=vk.delta_committed, delta_committed=vk.delta),
            ),
            "delta of the key is not what contribution 3",
        ),
        "committed wires divided by delta": (
            replace(good, points_c=one_delta.points_c),
            "section C of committed wires is not that of the circuit divided by delta of committed wires",
        ),
        "other wires divided by theirs": (replace(good, points_c=other_delta.points_c), "section C is not that of the"),
        "H divided by theirs": (replace(good, points_h=other_delta.points_h), "section H is not that of the circuit"),
        "the first committed point": (
            replace(key, points_c=tripled(half[:64]) + bytes(half[64:])),
            "section C of committed wires is not",
        ),
        "the first other point": (
            replace(key, points_c=bytes(half[:128]) + tripled(half[128:192]) + bytes(half[192:])),
            "section C is not",
        ),
        "more wires committed": (after(initial(3), ANNA), "under the key commit to 3 wires, those of the circuit to 2"),
        "fewer wires committed": (after(initial(1), ANNA), "commit to 1 wires, those of the circuit to 2"),
        "none committed": (groth16, "under the key commit to 0 wires, those of the circuit to 2"),
        "records of other wires": (
            replace(key, contributions=after(initial(3), ANNA, BERT, DICE).contributions),
            "contribution 1 ('anna'): its",
        ),
        "records of Groth16": (replace(key, contributions=groth16.contributions), "contribution 1 ('anna'): its trans"),
    }


@pytest.mark.parametrize("attack", list(attacks()))
def test_an_attack_is_refused_by_name(attack):
    key, reason = attacks()[attack]
    assert reason in reasons(key)


def test_a_key_of_mirage_is_none_of_groth16():
    assert "commit to 2 wires, those of the circuit to 0" in reasons(three(), initial(0))


def test_a_key_with_half_an_author_takes_no_other():
    half = signed([(0, 30, ANNA)], 30, 1)
    with pytest.raises(DisagreementError, match="1 records of contributions, expected 2 of each author"):
        contribute(half, BERT)


def test_deltas_that_are_related_or_one_never_serve():
    """Of files: a delta left at 1 is refused for every use, and one secret for both is refused when it is read."""
    fresh = zkey_file.decode(unmarked(signed([(0, 30, ANNA), (1, 1, ANNA)], 30, 1)))
    assert fresh.setup is SetupStatus.FRESH
    with pytest.raises(InputError, match="contribute to it first"):
        fresh.vk.to_json()
    for committed in (30, 60):
        related = signed([(0, 30, ANNA), (1, committed, ANNA)], 30, committed)
        with pytest.raises(InputError, match=f"delta of committed wires is {committed // 30} times delta"):
            zkey_file.decode(unmarked(related))


def unmarked(key) -> bytes:
    """The file of a key without the mark of an insecure one."""
    return framed(joined(zkey_file.encode(key)), {zkey_file.SETUP_SECTION: None})


def record_of(key, r1cs=None) -> CeremonyRecord:
    digest = r1cs_file.circuit_digest(r1cs or cubic().r1cs, key.n_committed).hex()
    return CeremonyRecord(
        circuit=RecordedCircuit(digest, "", ""),
        powers=Powers("cc", 4, 4, ()),
        circuit_hash=key.circuit_hash,
        contributions=ceremony.contributions_of(key),
        zkey="ee",
        verification_key=key.vk.digest(),
    )


def test_a_record_follows_both_chains_whenever_it_is_read():
    written = record_of(three())
    assert CeremonyRecord.decode(written.encode()) == written
    assert written.vouched(three().vk).setup is SetupStatus.VERIFIED
    a, a2, b, b2, c, c2 = written.contributions
    for chain, reason in (
        ((a, a2, b, b2, c), "ceremony record: 5 records of contributions, expected 2 of each author"),
        ((a, a2, b, b2), "ceremony record: delta of committed wires of the key is not what the last"),
        ((a2, a, b, b2, c, c2), "ceremony record: contribution 1 ('anna'): its transcript"),
        ((a, a2, b, b2, c2, c), "ceremony record: contribution 3 ('dice', a beacon): its transcript"),
        ((), "the ceremony record has no contribution"),
    ):
        assert any(reason in words for words in replace(written, contributions=chain).refusals(three().vk)), reason
    for key, reason in (
        (signed([(0, 30, ANNA), (1, 1, ANNA)], 30, 1), "ceremony record: delta of committed wires is that of the key"),
        (signed([(0, 30, ANNA), (1, 50, ANNA)], 30, 150), "record: delta of committed wires of the key is not what"),
    ):
        assert any(reason in words for words in record_of(key).refusals(key.vk)), reason
        with pytest.raises(EncodingError, match="ceremony record"):
            record_of(key).vouched(key.vk)


def test_a_ceremony_from_powers_to_a_proof():
    """Powers, two people and a beacon for a circuit of blocks: the key is verified, and proofs under it are taken."""
    circuit, witness = shop.circuit(), shop.witness()
    taken = verify_powers(powers(8))
    assert taken.accepted
    first = initial_key(circuit.r1cs, taken.file, circuit.n_committed)
    with pytest.raises(InputError, match="contribute to it first"):
        mirage.prove(first, circuit, witness)
    key = first
    for author in (ANNA, BERT, DICE):
        key, _ = contribute(zkey_file.decode(joined(zkey_file.encode(key))), author, entropy=b"coins")
    assert verify_key(key, first, circuit.r1cs).reasons == ()
    record = CeremonyRecord.decode(record_of(key, circuit.r1cs).encode())
    vk = record.vouched(VerifyingKey.from_json(key.vk.to_json(), protocol=key.vk.protocol))
    assert vk.setup is SetupStatus.VERIFIED
    proof = mirage.prove(key, circuit, witness)
    known = tuple(circuit.block.known_values(witness.columns, circuit.blocks))
    assert mirage.verify(vk, mirage.Statement(witness.public, known), proof)
    more = FrVec.from_ints([witness.public[0] + 1])
    assert not mirage.verify(vk, mirage.Statement(more, known), proof)
    assert not mirage.verify(vk, mirage.Statement(witness.public, known), replace(proof, d=proof.d * 2))
    assert not mirage.verify(vk, mirage.Statement(witness.public, known), proof_under(first, circuit, witness))
    points = sections(joined(zkey_file.encode(key)))[8]
    for at in (0, 64 * key.n_committed):
        damaged = points[:at] + points[at + 64 : at + 128] + points[at : at + 64] + points[at + 128 :]
        other = zkey_file.decode(framed(joined(zkey_file.encode(key)), {8: damaged}))
        assert "section C" in verify_key(other, first, circuit.r1cs).reasons[0]


def proof_under(first, circuit, witness):
    """A true proof under the key of another ceremony from the same powers."""
    return mirage.prove(contribute(first, Author("alone"))[0], circuit, witness)

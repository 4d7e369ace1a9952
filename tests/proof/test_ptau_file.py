"""Powers of tau: the file of a real ceremony, what our own pass adds to it, and every way to forge one."""

import hashlib
import struct
import tarfile
from dataclasses import replace
from functools import cache

import pytest

from tests.algebra import oracle
from tests.proof.frames import framed, patched, refused, sections
from tests.proof.ptau import PARTS, ceremony_ptau, resealed, sealed, total
from tests.shared import shared_path
from zkstate.algebra.bn254 import G1, G2, root_of_unity
from zkstate.errors import DisagreementError, EncodingError, LengthError
from zkstate.kernels import FP_MODULUS, FrVec, G1Vec, fixed_base_g1, fixed_base_g2
from zkstate.proof import blake2b, powers, ptau_file
from zkstate.proof.beacon import Beacon
from zkstate.proof.contribution import Author, Reader
from zkstate.proof.powers import basis_g1, prepare, verify_powers

POWER = 3


@cache
def honest() -> bytes:
    return ceremony_ptau(POWER)


def verdict(content: bytes) -> str:
    """The reasons of a refusal, one a line."""
    return "\n".join(verify_powers(ptau_file.decode(content, "some file")).reasons)


@cache
def official() -> bytes:
    """A ceremony of snarkjs: power 11, one person and a beacon."""
    with tarfile.open(shared_path("vectors/groth16_snarkjs/ptau.tar.xz")) as tar:
        return tar.extractfile("pot11_beacon.ptau").read()


def test_a_ceremony_of_snarkjs_verifies_to_its_last_hash():
    file = ptau_file.decode(official())
    assert [c.author.name for c in file.contributions] == ["c1", "b"]
    assert file.contributions[1].author.beacon == Beacon(bytes(range(1, 32)), 10)
    assert verify_powers(file).reasons == ()
    for number in (2, 3, 4, 5):
        width = 128 if number == 3 else 64
        part = sections(official())[number]
        swapped = part[: 5 * width] + part[6 * width : 7 * width] + part[5 * width : 6 * width] + part[7 * width :]
        assert f"section {number}" in verdict(framed(official(), {number: swapped}))


def test_a_hash_continued_from_its_state_is_the_hash():
    state = list(struct.unpack_from("<8Q", EMPTY := ptau_file.decode(honest()).contributions[0].partial_hash, 128))
    assert len(EMPTY) == blake2b.STATE_BYTES
    for rest in (b"", b"a", bytes(127), bytes(128), bytes(129), bytes(range(256)) * 5):
        for held in (b"", b"x", bytes(100), bytes(128)):
            # what lies behind the bytes that wait is left over from earlier blocks
            block = held.ljust(128, b"\xa5")
            packed = struct.pack("<128s8QQQQ", block, *state, 0, len(held), 0)
            assert blake2b.finished(packed, rest, "x") == hashlib.blake2b(held + rest).digest()
    for damaged in (EMPTY[:-1], patched_word(EMPTY, 25, 129), patched_word(EMPTY, 24, 127)):
        with pytest.raises((LengthError, EncodingError), match="hash state"):
            blake2b.finished(damaged, b"", "x")


def patched_word(state: bytes, word: int, value: int) -> bytes:
    return state[: 8 * word] + value.to_bytes(8, "little") + state[8 * word + 8 :]


@pytest.mark.parametrize("prepared", [False, True])
def test_an_honest_file_verifies_and_prepares_to_the_known_bases(prepared):
    content = ceremony_ptau(POWER, prepared=prepared)
    file = ptau_file.decode(content)
    assert file.prepared is prepared
    assert verify_powers(file).reasons == ()
    assert b"".join(bytes(chunk) for chunk in prepare(file)) == honest()


def test_bases_are_the_same_from_the_file_and_computed():
    bare, full = ptau_file.decode(ceremony_ptau(POWER, prepared=False)), ptau_file.decode(honest())
    for section in (2, 4, 5):
        for level in powers.levels(full, section):
            assert basis_g1(bare, section, level) == basis_g1(full, section, level)
    for level in powers.levels(full, 3):
        assert powers.basis_g2(bare, level) == powers.basis_g2(full, level)


def test_a_file_cut_to_size_verifies_but_for_its_last_hash():
    file = ptau_file.decode(honest())
    cut = {number: bytes(part) for number, part in file.sections.items() if number < 7}
    for number in (2, 3, 4, 5):
        width = 128 if number == 3 else 64
        cut[number] = cut[number][: width * ((1 << POWER) - 1 if number == 2 else 1 << (POWER - 1))]
    content = sealed(POWER - 1, cut, list(file.contributions), ceremony_power=POWER)
    assert verdict(content) == ""
    # the same points as a ceremony of their own have another first challenge and another hash
    assert verdict(patched(content, 1, 40, (POWER - 1).to_bytes(4, "little"))).count("\n") >= 1


def test_a_file_without_contributions_proves_nothing():
    assert "no contribution" in verdict(resealed(ptau_file.decode(honest()), chain=[]))


def chain_attacks():
    file = ptau_file.decode(honest())
    a, b, c = file.contributions
    x = G1.generator() * 9
    other = ptau_file.decode(ceremony_ptau(POWER, PARTS[:2][::-1] + PARTS[2:])).contributions
    beacon = Author("last", Beacon(b"dicf", 10))
    longer = Author("last", Beacon(b"dice", 11))
    return {
        "dropped first": ([b, c], "contribution 1 ('second')"),
        "dropped middle": ([a, c], "contribution 2 ('last', a beacon)"),
        "dropped last": ([a, b], "is not what the last contribution left"),
        "reordered": ([b, a, c], "contribution 1 ('second')"),
        "duplicated": ([a, a, b, c], "contribution 2 ('first')"),
        "from another ceremony": ([a, other[1], c], "contribution 2 ('first')"),
        "forged key": ([a, replace(b, tau=replace(b.tau, g1_sx=x)), c], "contribution 2 ('second')"),
        "forged key in G2": (
            [a, replace(b, beta=replace(b.beta, g2_spx=b.tau_2)), c],
            "no proof that its author knew beta",
        ),
        "wrong tau": ([a, replace(b, tau_1=x), c], "tau G1 is not the one before times its secret"),
        "wrong tau in G2": ([a, replace(b, tau_2=G2.generator() * 9), c], "tau G2 is not the one before"),
        "wrong alpha": ([a, replace(b, alpha_1=x), c], "contribution 2 ('second') to the powers: alpha G1"),
        "wrong beta in G2": ([a, b, replace(c, beta_2=G2.generator() * 9)], "contribution 3"),
        "other challenge": ([a, replace(b, next_challenge=bytes(64)), c], "contribution 3 ('last', a beacon)"),
        "other beacon": ([a, b, replace(c, author=beacon)], "not those of the beacon it names"),
        "longer beacon": ([a, b, replace(c, author=longer)], "not those of the beacon it names"),
        "person as beacon": (
            [a, replace(b, author=longer), c],
            "contribution 2 ('last', a beacon) to the powers: its keys",
        ),
    }


@pytest.mark.parametrize("attack", list(chain_attacks()))
def test_a_broken_chain_is_refused_by_name(attack):
    chain, reason = chain_attacks()[attack]
    assert reason in verdict(resealed(ptau_file.decode(honest()), chain=chain))


def test_points_that_are_not_powers_are_refused_though_the_hash_fits():
    file = ptau_file.decode(honest())
    bare = replace(file, sections={n: part for n, part in file.sections.items() if n < 7})
    for number in (2, 3, 4, 5):
        part, width = bytes(file.sections[number]), 128 if number == 3 else 64
        wrong = (fixed_base_g2 if number == 3 else fixed_base_g1)(FrVec.from_ints([12345])).raw()
        for at in (2 * width, len(part) - width):
            changed = part[:at] + bytes(wrong) + part[at + width :]
            assert f"section {number}" in verdict(resealed(bare, {number: changed}))
    # powers of another tau, or scaled ones, are consistent among themselves
    t = total(PARTS)
    low = FrVec.ones(1 << POWER).scale_powers(t.tau)
    assert "section 4 (alpha tau G1), point 0" in verdict(resealed(bare, {4: bytes(fixed_base_g1(low).raw())}))
    assert "section 6 (beta G2)" in verdict(resealed(bare, {6: bytes(G2.generator().raw)}))


def test_points_that_do_not_hash_to_what_the_last_contribution_says():
    file = ptau_file.decode(honest())
    *before, last = file.contributions
    content = sealed(POWER, dict(file.sections), [*before, replace(last, next_challenge=bytes(64))], POWER)
    assert "the points hash to" in verdict(content)


def test_only_what_was_found_good_goes_unchecked_afterwards():
    full = verify_powers(ptau_file.decode(honest())).file
    assert full.checked == set(full.sections)
    part = sections(honest())[14]
    forged = ptau_file.decode(framed(honest(), {14: part[:-64] + part[-128:-64]}))
    found = verify_powers(forged)
    assert found.reasons
    assert found.file.checked == {2, 3, 4, 5, 6}
    with pytest.raises(DisagreementError, match="section 14"):
        basis_g1(found.file, 4, POWER)
    assert ptau_file.decode(honest()).checked == set()


def test_changed_lagrange_bases_are_refused_and_not_used():
    for number in (12, 13, 14, 15):
        part, width = sections(honest())[number], 128 if number == 13 else 64
        content = framed(honest(), {number: part[:-width] + part[-2 * width : -width]})
        assert f"section {number} does not hold the Lagrange basis" in verdict(content)
    with pytest.raises(DisagreementError, match=r"section 15, basis of 2\^3 points, contradicts section 5"):
        basis_g1(ptau_file.decode(content), 5, POWER)


def test_the_largest_basis_may_know_the_missing_power_but_no_other_point():
    """A file cut from a larger one has a largest basis with the power that section 2 lacks."""
    whole, power = ptau_file.decode(honest()), POWER - 1
    cut = {}
    for number, part in whole.sections.items():
        width = 128 if number in {3, 6, 13} else 64
        n = {2: (2 << power) - 1, 6: 1, 12: (4 << power) - 1}.get(
            number, (2 << power) - 1 if number > 7 else 1 << power
        )
        cut[number] = bytes(part[: width * n])
    assert verdict(sealed(power, cut, list(whole.contributions), ceremony_power=POWER)) == ""
    size = 2 << power
    for added in (1, total(PARTS).tau):
        along = fixed_base_g1(FrVec.ones(size).scale_powers(root_of_unity(size), added))
        top = G1Vec.from_raw(cut[12][-64 * size :]) + along
        changed = cut | {12: cut[12][: -64 * size] + bytes(top.raw())}
        reasons = verdict(sealed(power, changed, list(whole.contributions), ceremony_power=POWER))
        assert reasons == f"section 12 does not hold the Lagrange basis of 2^{POWER} points"


def test_points_off_the_curve_and_outside_the_subgroup():
    outside = outside_g2()
    for number, at, value, message in (
        (2, 64 * 3, b"\1" + bytes(63), "section 2, counting from point 0: G1 point 3 is not on the curve"),
        (4, 0, FP_MODULUS.to_bytes(32, "little"), "section 4"),
        (3, 128 * 2, outside, "section 3, counting from point 0: G2 point 2 is not in the subgroup"),
    ):
        with pytest.raises(EncodingError, match=message):
            verdict(patched(honest(), number, at, value))
    with pytest.raises(EncodingError, match=r"contribution 1: tau G2: .*subgroup"):
        ptau_file.decode(patched(honest(), 7, 4 + 64, outside), "some file")
    with pytest.raises(EncodingError, match="contribution 1: tau G1 is the point at infinity"):
        ptau_file.decode(patched(honest(), 7, 4, bytes(64)), "some file")


def outside_g2() -> bytes:
    """A point of the twist that is not in the subgroup, in Montgomery form."""
    x, y = oracle.outside_subgroup(1)[0]
    return b"".join((v * (1 << 256) % FP_MODULUS).to_bytes(32, "little") for v in (*x, *y))


def test_malformed_files_are_refused_by_field():
    content = honest()
    seven = sections(content)[7]
    for damaged, error, message in (
        (patched(content, 1, 36, (29).to_bytes(4, "little")), EncodingError, "power is 29, expected 1 to 28"),
        (patched(content, 1, 36, bytes(4)), EncodingError, "power is 0"),
        (patched(content, 1, 40, (2).to_bytes(4, "little")), EncodingError, "that of the ceremony 2"),
        (patched(content, 1, 4, bytes(32)), EncodingError, "modulus is 0"),
        (framed(content, {5: None}), EncodingError, "section 5 .* is missing"),
        (framed(content, {13: None}), EncodingError, "section 13 .* is missing"),
        (framed(content, {2: sections(content)[2][:-64]}), LengthError, "section 2"),
        (framed(content, {14: sections(content)[14] + bytes(64)}), LengthError, "section 14"),
        (content + b"x", LengthError, "after the last section"),
        (content[:-1], LengthError, "declares"),
        (patched(content, 7, 0, b"\xff" * 4), LengthError, "contributions, at most"),
        (framed(content, {7: seven[:-1]}), LengthError, "contribution 3"),
        (framed(content, {7: seven + b"\0"}), LengthError, "after the last contribution"),
        (patched(content, 7, len(seven) - 22, b"\2"), EncodingError, "type|parameter"),
    ):
        refused(ptau_file.decode, damaged, error, message)


@pytest.mark.parametrize(
    ("author", "changed", "message"),
    [
        (Author("name"), lambda e: e[:8] + b"\4" + e[9:], "parameter 4"),
        (Author("name"), lambda e: e[:9] + b"\5" + e[10:], "bytes wanted|parameters end"),
        (Author("name"), lambda e: e[:-1] + b"\xff", "not UTF-8"),
        (
            Author("n", Beacon(b"v", 10)),
            lambda e: bytes(4) + e[4:],
            "parameters of a beacon in the contribution of a person",
        ),
        (Author("name"), lambda e: b"\1" + e[1:], "a beacon needs its exponent"),
        (Author("n", Beacon(b"v", 10)), lambda e: b"\3" + e[1:], "neither 0"),
    ],
)
def test_malformed_authors_are_refused(author, changed, message):
    with pytest.raises((EncodingError, LengthError), match=message):
        Reader(memoryview(changed(author.encode())), "x").author()
    assert Reader(memoryview(author.encode()), "x").author() == author


def test_a_beacon_too_slow_to_replay_is_refused():
    file = ptau_file.decode(honest())
    *before, last = file.contributions
    slow = replace(last, author=Author("slow", Beacon(b"dice", 63)))
    with pytest.raises(LengthError, match=r"contribution 3 .*beacon of 2\^63 steps"):
        verdict(resealed(file, chain=[*before, slow]))

"""`.zkey` files: of snarkjs, read and written back byte for byte; damaged in any one way, refused by name."""

import struct
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.algebra import oracle
from tests.proof.circuits import bits
from tests.proof.frames import framed, joined, patched, refused, sections
from tests.proof.official import official
from zkstate.algebra.bn254 import FP_MODULUS, G1, G2
from zkstate.errors import DisagreementError, EncodingError, InputError, LengthError, WitnessError
from zkstate.kernels import FR_MODULUS
from zkstate.proof import zkey_file
from zkstate.proof.groth16 import prove, verify
from zkstate.proof.keys import SetupStatus
from zkstate.proof.setup import insecure_setup

OFFICIAL = "rapidsnark/circuit_final.zkey"
SEED = b"a seed of sixteen bytes or more"
KEY = joined(zkey_file.encode(insecure_setup(bits().r1cs, SEED)))
R, Q = (m.to_bytes(32, "little") for m in (FR_MODULUS, FP_MODULUS))
TERM = 44


def test_a_key_of_snarkjs_is_written_back_byte_for_byte():
    content = official(OFFICIAL)
    key = zkey_file.decode(content)
    assert joined(zkey_file.encode(key)) == content
    assert (key.n_wires, key.n_public, key.domain_size, key.setup) == (1003, 1, 1024, SetupStatus.UNVERIFIED)


def test_the_matrices_of_a_key_are_read_term_by_term():
    content = official(OFFICIAL)
    key = zkey_file.decode(content)
    section = sections(content)[4]
    expected = [{}, {}]
    inverse = pow(2, -512, FR_MODULUS)
    for at in range(4, len(section), TERM):
        which, row, wire = struct.unpack_from("<III", section, at)
        value = int.from_bytes(section[at + 12 : at + TERM], "little") * inverse % FR_MODULUS
        expected[which].setdefault(row, {})[wire] = value
    for matrix, rows in zip((key.matrix_a, key.matrix_b), expected, strict=True):
        assert [matrix.row(i) for i in range(key.domain_size)] == [rows.get(i, {}) for i in range(key.domain_size)]


def test_our_key_round_trips_and_its_order_of_sections_does_not_matter():
    assert joined(zkey_file.encode(zkey_file.decode(KEY))) == KEY
    parts = sections(KEY)
    # the order in which snarkjs writes a fresh key
    order = (1001, 1, 2, 4, 3, 9, 8, 5, 6, 7, 10)
    body = b"".join(struct.pack("<IQ", n, len(parts[n])) + parts[n] for n in order)
    assert joined(zkey_file.encode(zkey_file.decode(KEY[:12] + body))) == KEY


def test_terms_in_any_order_are_the_same_key():
    section = sections(KEY)[4]
    terms = [section[at : at + TERM] for at in range(4, len(section), TERM)]
    shuffled = [terms[i] for i in np.random.default_rng(1).permutation(len(terms))]
    key = zkey_file.decode(framed(KEY, {4: section[:4] + b"".join(shuffled)}))
    assert verify(key.vk, bits().public, prove(key, bits().values))


def test_a_mapped_key_proves_after_its_file_is_gone(tmp_path):
    path = tmp_path / "key.zkey"
    path.write_bytes(KEY)
    key = zkey_file.read_zkey(path)
    path.unlink()
    assert verify(key.vk, bits().public, prove(key, bits().values))


def test_a_pinned_key_is_read_only_if_it_is_that_key(tmp_path):
    path = tmp_path / "key.zkey"
    zkey_file.write_zkey(path, zkey_file.decode(KEY))
    digest = zkey_file.file_pin(path)
    assert zkey_file.read_zkey(path, digest).vk == zkey_file.decode(KEY).vk
    path.write_bytes(KEY[:-1] + bytes([KEY[-1] ^ 1]))
    with pytest.raises(DisagreementError, match=f"the pinned one {digest}"):
        zkey_file.read_zkey(path, digest)


MISSING = (3, 4, 5, 6, 7, 8, 9, 10)
ONE = (1 << 256) % FP_MODULUS
OFF_CURVE = ONE.to_bytes(32, "little") * 2  # (1, 1): 1 is not 1 + 3


def point(number: int, index: int, width: int, value: bytes):
    return lambda f: patched(f, number, index * width, value)


CASES = {
    "other protocol": (lambda f: framed(f, {1: struct.pack("<I", 2)}), EncodingError, "protocol is 2, expected 1"),
    "long protocol": (lambda f: framed(f, {1: bytes(5)}), LengthError, "has 5 bytes"),
    "short header": (
        lambda f: framed(f, {2: sections(f)[2][:-1]}),
        LengthError,
        "has 659 bytes, the header implies 660",
    ),
    "width of q": (lambda f: patched(f, 2, 0, b"\x30"), EncodingError, r"\(header\): q: field elements take 48"),
    "q and r swapped": (lambda f: patched(patched(f, 2, 4, R), 2, 40, Q), EncodingError, f"q: modulus is {FR_MODULUS}"),
    "r": (lambda f: patched(f, 2, 40, Q), EncodingError, f"r: modulus is {FP_MODULUS}"),
    "2^32-1 wires": (lambda f: patched(f, 2, 72, b"\xff" * 4), LengthError, r"section 5 \(A\) has 448 bytes"),
    "one wire less": (lambda f: patched(f, 2, 72, b"\x06"), LengthError, r"section 5 \(A\) has 448 bytes, .* 384"),
    "2^32-1 public": (lambda f: patched(f, 2, 76, b"\xff" * 4), EncodingError, "4294967295 public inputs"),
    "one public more": (lambda f: patched(f, 2, 76, b"\x03"), LengthError, r"section 3 \(IC\) has 192 bytes"),
    "domain 2^31": (lambda f: patched(f, 2, 80, b"\0\0\0\x80"), EncodingError, "domain size is 2147483648"),
    "domain 0": (lambda f: patched(f, 2, 80, bytes(4)), EncodingError, "domain size is 0"),
    "domain 15": (lambda f: patched(f, 2, 80, b"\x0f"), EncodingError, "domain size is 15"),
    "domain 2": (lambda f: patched(f, 2, 80, b"\x02"), EncodingError, "domain size is 2, "),
    "domain 32": (lambda f: patched(f, 2, 80, b"\x20"), LengthError, r"section 9 \(H\) has 1024 bytes"),
    "alpha infinite": (lambda f: patched(f, 2, 84, bytes(64)), EncodingError, "alpha_1: point 0 is infinity"),
    "alpha off curve": (lambda f: patched(f, 2, 84, OFF_CURVE), EncodingError, "alpha_1: .*not on the curve"),
    "alpha not reduced": (lambda f: patched(f, 2, 84, Q), EncodingError, "alpha_1: .*"),
    "beta in G1 moved": (
        lambda f: patched(f, 2, 148, G1.generator().raw),
        EncodingError,
        "beta_1 and beta_2 are not the same multiple",
    ),
    "delta in G2 moved": (
        lambda f: patched(f, 2, 660 - 128, (G2.generator() * 99).raw),
        EncodingError,
        "delta_1 and delta_2 are not the same multiple",
    ),
    "delta infinite": (lambda f: patched(f, 2, 660 - 128, bytes(128)), EncodingError, "delta_2: point 0 is infinity"),
    "IC infinite": (point(3, 1, 64, bytes(64)), EncodingError, r"section 3 \(IC\): point 1 is infinity"),
    "IC off curve": (point(3, 2, 64, OFF_CURVE), EncodingError, r"section 3 \(IC\): G1 point 2 is not on the curve"),
    "A off curve": (point(5, 3, 64, OFF_CURVE), EncodingError, r"section 5 \(A\): .*G1 point 3 is not on the curve"),
    "B1 off curve": (point(6, 4, 64, OFF_CURVE), EncodingError, r"section 6 \(B1\): .*not on the curve"),
    "B2 off curve": (point(7, 5, 128, OFF_CURVE * 2), EncodingError, r"section 7 \(B2\): .*G2 point 5 is not on the"),
    "C off curve": (point(8, 0, 64, OFF_CURVE), EncodingError, r"section 8 \(C\): .*not on the curve"),
    "H off curve": (point(9, 15, 64, OFF_CURVE), EncodingError, r"section 9 \(H\): .*G1 point 15 is not on the curve"),
    "H not reduced": (point(9, 0, 64, b"\xff" * 64), EncodingError, r"section 9 \(H\): "),
    "no term count": (lambda f: framed(f, {4: b""}), LengthError, r"section 4 \(coefficients\) has 0 bytes"),
    "2^32-1 terms": (lambda f: patched(f, 4, 0, b"\xff" * 4), LengthError, "its 4294967295 terms take 188978560984"),
    "matrix 2": (lambda f: patched(f, 4, 4, b"\x02"), EncodingError, "matrix 2 of a term is not below 2"),
    "row 16": (lambda f: patched(f, 4, 8, b"\x10"), EncodingError, "row 16 of a term is not below 16"),
    "wire 7": (lambda f: patched(f, 4, 12, b"\x07"), EncodingError, "wire 7 of a term is not below 7"),
    "coefficient r": (lambda f: patched(f, 4, 16, R), EncodingError, "matrix A: coefficient scalar 0"),
    "short history": (lambda f: framed(f, {10: bytes(67)}), LengthError, r"section 10 \(contributions\) has 67 bytes"),
    "unknown status": (lambda f: patched(f, 1001, 0, b"\x02"), EncodingError, "status 2, expected 1"),
    "short status": (lambda f: framed(f, {1001: bytes(4)}), LengthError, r"section 1001 \(zkstate setup\) has 4"),
    **{f"no section {n}": (lambda f, n=n: framed(f, {n: None}), EncodingError, "is missing") for n in MISSING},
    **{
        f"long section {n}": (lambda f, n=n: framed(f, {n: sections(f)[n] + b"\0"}), LengthError, f"section {n} ")
        for n in (2, 3, 4, 5, 6, 7, 8, 9)
    },
    "section twice": (
        lambda f: f[:8] + bytes([f[8] + 1]) + f[9:] + struct.pack("<IQ", 9, 0),
        EncodingError,
        r"section 9 \(H\) is present 2 times",
    ),
    "trailing byte": (lambda f: f + b"\0", LengthError, "1 bytes after the last section"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_damaged_key_is_refused_by_name_at_once(case):
    change, error, message = CASES[case]
    start = time.perf_counter()
    refused(zkey_file.decode, change(KEY), error, f"^some file: .*{message}")
    assert time.perf_counter() - start < 2


def test_a_g2_point_outside_the_subgroup_is_refused():
    ((x, y),) = oracle.outside_subgroup(1)
    off_subgroup = b"".join((c * 2**256 % FP_MODULUS).to_bytes(32, "little") for c in (*x, *y))
    content = patched(KEY, 7, 128 * 3, off_subgroup)
    with pytest.raises(EncodingError, match=r"section 7 \(B2\): .*G2 point 3 is not in the subgroup"):
        zkey_file.decode(content)
    header = patched(KEY, 2, 660 - 128, off_subgroup)
    with pytest.raises(EncodingError, match=r"delta_2: .*subgroup"):
        zkey_file.decode(header, check_points=False)


@given(st.data())
def test_every_cut_is_refused(data):
    with pytest.raises(InputError):
        zkey_file.decode(KEY[: data.draw(st.integers(0, len(KEY) - 1))])


CHECKED = {number: len(part) for number, part in sections(KEY).items() if number in (5, 6, 7, 8, 9)}


@given(st.data())
def test_no_changed_byte_of_a_point_goes_unseen(data):
    """A changed coordinate leaves the curve: exhaustive in sections, sampled in bytes."""
    number = data.draw(st.sampled_from(sorted(CHECKED)))
    at = data.draw(st.integers(0, CHECKED[number] - 1))
    old = sections(KEY)[number][at]
    content = patched(KEY, number, at, bytes([old ^ data.draw(st.integers(1, 255))]))
    with pytest.raises(EncodingError, match=f"section {number} "):
        zkey_file.decode(content)


def test_unchecked_points_still_make_no_false_proof():
    """With a damaged point and no check, the prover notices that its own proof fails."""
    moved = (G1.generator() * 12345).raw
    key = zkey_file.decode(patched(KEY, 9, 0, moved), check_points=False)
    with pytest.raises(WitnessError):
        prove(key, bits().values)

"""`.r1cs` and `.wtns`: files of circom are read, written back byte for byte, and refused when one thing is off."""

import os
import stat
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.proof.frames import framed, joined, patched, refused, sections
from tests.proof.official import official
from zkstate.errors import EncodingError, EnvironmentFailure, InputError, LengthError, WitnessError
from zkstate.kernels import FR_MODULUS, FrVec
from zkstate.proof import r1cs_file, wtns_file

SMALL = "snarkjs/plonk_circuit/circuit.r1cs"
LARGE = "snarkjs/groth16/circuit.r1cs"


def combinations(content: bytes) -> list[list[tuple[int, int]]]:
    """The linear combinations of the constraint section, read term by term."""
    section, at, found = sections(content)[2], 0, []
    while at < len(section):
        (count,) = struct.unpack_from("<I", section, at)
        at += 4
        terms = []
        for _ in range(count):
            terms.append(
                (int.from_bytes(section[at : at + 4], "little"), int.from_bytes(section[at + 4 : at + 36], "little"))
            )
            at += 36
        found.append(terms)
    return found


def first_term(content: bytes) -> int:
    """Where the first term stands in the constraint section, after combinations without terms."""
    return 4 + 4 * next(i for i, terms in enumerate(combinations(content)) if terms)


@pytest.mark.parametrize("name", [SMALL, LARGE])
def test_a_circom_circuit_is_read_term_by_term(name):
    content = official(name)
    file = r1cs_file.decode(content)
    expected = combinations(content)
    r1cs = file.r1cs
    assert 3 * r1cs.n_constraints == len(expected)
    for i, terms in enumerate(expected):
        matrix = (r1cs.a, r1cs.b, r1cs.c)[i % 3]
        assert matrix.row(i // 3) == dict(terms)


def test_the_header_of_the_snarkjs_circuit():
    file = r1cs_file.decode(official(LARGE))
    # `snarkjs r1cs info`: 1003 wires, 1000 constraints, 1 private and 1 public input, 1 output, 1004 labels
    assert (file.r1cs.n_wires, file.r1cs.n_constraints, file.r1cs.n_public) == (1003, 1000, 2)
    assert (file.n_outputs, file.n_private_inputs, file.n_labels) == (1, 1, 1004)
    assert file.labels.tolist() == list(struct.unpack("<1003Q", sections(official(LARGE))[3]))


def test_writing_what_was_read_gives_the_same_sections():
    for name in (SMALL, LARGE):
        content = official(name)
        written = joined(r1cs_file.encode(r1cs_file.decode(content)))
        assert joined(r1cs_file.encode(r1cs_file.decode(written))) == written
        assert sections(written)[1] == sections(content)[1]
        assert sections(written)[3] == sections(content)[3]
        # circom leaves the wires of a combination unsorted, so the terms are compared as sets
        assert [dict(c) for c in combinations(written)] == [dict(c) for c in combinations(content)]
        assert all(terms == sorted(terms) for terms in combinations(written))


def test_the_digest_depends_on_the_constraints_alone():
    first, second = r1cs_file.decode(official(SMALL)), r1cs_file.decode(official(LARGE))
    assert r1cs_file.digest(first.r1cs) != r1cs_file.digest(second.r1cs)
    rewritten = r1cs_file.decode(joined(r1cs_file.encode(first)))
    assert r1cs_file.digest(rewritten.r1cs) == r1cs_file.digest(first.r1cs)


def test_a_witness_is_read_and_written_byte_for_byte():
    content = official("rapidsnark/witness.wtns")
    witness = wtns_file.decode(content)
    values = sections(content)[2]
    assert witness.to_ints() == [int.from_bytes(values[i : i + 32], "little") for i in range(0, len(values), 32)]
    assert joined(wtns_file.encode(witness)) == content


def test_a_witness_file_is_for_its_owner_alone(tmp_path):
    path = tmp_path / "w.wtns"
    previous = os.umask(0)
    try:
        wtns_file.write(path, FrVec.from_ints([1, 7]))
    finally:
        os.umask(previous)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert wtns_file.read(path).to_ints() == [1, 7]
    assert [p.name for p in tmp_path.iterdir()] == ["w.wtns"]


R = FR_MODULUS.to_bytes(32, "little")
OTHER_PRIME = (2**255 - 19).to_bytes(32, "little")
WTNS = joined(wtns_file.encode(FrVec.from_ints([1, 2, 3])))

FRAME_CASES = {
    "empty": (lambda f: b"", LengthError, "0 bytes"),
    "frame cut": (lambda f: f[:11], LengthError, "11 bytes"),
    "magic": (lambda f: b"zkez" + f[4:], EncodingError, "does not start with b'"),
    "version": (lambda f: f[:4] + b"\x09" + f[5:], EncodingError, "version is 9"),
    "2^32-1 sections": (lambda f: f[:8] + b"\xff" * 4 + f[12:], EncodingError, "4294967295 sections"),
    "one section more": (lambda f: f[:8] + bytes([f[8] + 1]) + f[9:], LengthError, "ends inside the header"),
    "one section less": (lambda f: f[:8] + bytes([f[8] - 1]) + f[9:], LengthError, "after the last section"),
    "trailing byte": (lambda f: f + b"\0", LengthError, "1 bytes after the last section"),
    "last byte cut": (lambda f: f[:-1], LengthError, "are left"),
    "length 2^64-1": (lambda f: f[:16] + b"\xff" * 8 + f[24:], LengthError, "declares 18446744073709551615 bytes"),
    "repeated section": (
        lambda f: f[:8] + bytes([f[8] + 1]) + f[9:] + struct.pack("<IQ", 1, 0),
        EncodingError,
        r"section 1 \(header\) is present 2 times",
    ),
    "missing section": (lambda f: f[:12] + b"\x63" + f[13:], EncodingError, "is missing"),
}

R1CS_CASES = {
    "field width": (lambda f: patched(f, 1, 0, b"\x30"), EncodingError, "take 48 bytes"),
    "other field": (lambda f: patched(f, 1, 4, OTHER_PRIME), EncodingError, "modulus is 5789604461865809"),
    "2^32-1 wires": (lambda f: patched(f, 1, 36, b"\xff" * 4), LengthError, r"section 3 \(labels\) has"),
    "more inputs than wires": (lambda f: patched(f, 1, 44, b"\xff" * 4), EncodingError, "do not fit"),
    "2^32-1 constraints": (lambda f: patched(f, 1, 60, b"\xff" * 4), LengthError, "4294967295 rows"),
    "one constraint more": (lambda f: patched(f, 1, 60, b"\x05"), LengthError, r"section 2 \(constraints\)"),
    "one constraint less": (lambda f: patched(f, 1, 60, b"\x03"), LengthError, "combination 9 of 9"),
    "2^32-1 terms": (lambda f: patched(f, 2, 0, b"\xff" * 4), LengthError, "combination 0 of 12"),
    "wire out of range": (lambda f: patched(f, 2, first_term(f), b"\xff" * 4), EncodingError, "names wire 4294967295"),
    "coefficient r": (lambda f: patched(f, 2, first_term(f) + 4, R), EncodingError, "matrix C: coefficient scalar 0"),
    "short header": (lambda f: framed(f, {1: sections(f)[1][:-1]}), LengthError, "has 63 bytes"),
    "long labels": (lambda f: framed(f, {3: sections(f)[3] + bytes(8)}), LengthError, "the header implies 56"),
    "custom gates": (lambda f: framed(f, {4: bytes(4)}), EncodingError, "custom gates"),
}

WTNS_CASES = {
    "other field": (lambda f: patched(f, 1, 4, OTHER_PRIME), EncodingError, "modulus"),
    "2^32-1 values": (lambda f: patched(f, 1, 36, b"\xff" * 4), LengthError, "the header implies 137438953440"),
    "value r": (lambda f: patched(f, 2, 64, R), EncodingError, r"section 2 \(values\): scalar 2"),
    "no values": (lambda f: framed(patched(f, 1, 36, bytes(4)), {2: b""}), WitnessError, "wire 0"),
    "wire 0 is 2": (lambda f: patched(f, 2, 0, b"\x02"), WitnessError, "wire 0 is not the constant 1"),
}


@pytest.mark.parametrize("case", FRAME_CASES)
def test_a_damaged_frame_is_refused_by_name(case):
    change, error, message = FRAME_CASES[case]
    for decode, content in ((r1cs_file.decode, official(SMALL)), (wtns_file.decode, WTNS)):
        refused(decode, change(content), error, f"^some file: .*{message}")


@pytest.mark.parametrize("case", R1CS_CASES)
def test_a_damaged_circuit_is_refused_by_name(case):
    change, error, message = R1CS_CASES[case]
    refused(r1cs_file.decode, change(official(SMALL)), error, f"^some file: .*{message}")


@pytest.mark.parametrize("case", WTNS_CASES)
def test_a_damaged_witness_is_refused_by_name(case):
    change, error, message = WTNS_CASES[case]
    refused(wtns_file.decode, change(WTNS), error, f"^some file: .*{message}")


@given(st.data())
def test_any_changed_byte_is_an_error_or_another_circuit(data):
    content = bytearray(official(SMALL))
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    try:
        file = r1cs_file.decode(bytes(content))
    except InputError:
        return
    assert joined(r1cs_file.encode(file)) != joined(r1cs_file.encode(r1cs_file.decode(official(SMALL))))


@given(st.binary(max_size=200))
def test_random_bytes_are_refused(content):
    with pytest.raises(InputError):
        r1cs_file.decode(content)
    with pytest.raises(InputError):
        wtns_file.decode(b"wtns\2\0\0\0" + content)


def test_an_unknown_section_is_ignored():
    content = official(SMALL)
    extended = framed(content, {77: b"anything"})
    assert joined(r1cs_file.encode(r1cs_file.decode(extended))) == joined(r1cs_file.encode(r1cs_file.decode(content)))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(EnvironmentFailure, match=r"absent\.r1cs: No such file"):
        r1cs_file.read(tmp_path / "absent.r1cs")
    with pytest.raises(EnvironmentFailure, match="nowhere"):
        wtns_file.write(tmp_path / "nowhere" / "w.wtns", FrVec.from_ints([1]))

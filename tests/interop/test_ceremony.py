"""Ceremonies cross between zkstate and snarkjs in both directions and phases, and both refuse the same forgeries."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.cli.program import zkstate
from tests.interop.tools import run, snarkjs
from tests.proof.circuits import cubic
from tests.proof.frames import framed, joined, sections
from tests.proof.ptau import ceremony_ptau
from zkstate.proof import ceremony, ptau_file, r1cs_file, wtns_file, zkey_file
from zkstate.proof.contribution import Author
from zkstate.proof.groth16 import prove
from zkstate.proof.powers import prepare, verify_powers

pytestmark = pytest.mark.interop

BEACON = "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"


@pytest.fixture(scope="module")
def phase1(tmp_path_factory) -> SimpleNamespace:
    """Powers by snarkjs alone: a contribution, a beacon, and what its own preparation adds."""
    root = tmp_path_factory.mktemp("phase1")
    at = SimpleNamespace(root=root, bare=root / "2.ptau", prepared=root / "3.ptau", r1cs=root / "c.r1cs")
    snarkjs("powersoftau", "new", "bn128", "5", root / "0.ptau")
    snarkjs("powersoftau", "contribute", root / "0.ptau", root / "1.ptau", "-e=some entropy", "--name=anna")
    snarkjs("powersoftau", "beacon", root / "1.ptau", at.bare, BEACON, "10", "-n=dice")
    snarkjs("powersoftau", "prepare", "phase2", at.bare, at.prepared)
    r1cs_file.write(at.r1cs, r1cs_file.R1csFile.of(cubic().r1cs))
    wtns_file.write(root / "c.wtns", cubic().values)
    return at


def checked(phase1, zkey: Path, record: Path | None = None) -> SimpleNamespace:
    """What zkstate and snarkjs say of a key."""
    out = [] if record is None else ["--out", record]
    ours = zkstate("setup", "verify", zkey, "--r1cs", phase1.r1cs, "--ptau", phase1.prepared, *out, "--json")
    theirs = run("snarkjs", "zkey", "verify", phase1.r1cs, phase1.prepared, zkey)
    return SimpleNamespace(ours=ours, theirs="ZKey Ok!" in theirs.text)


def test_powers_of_snarkjs_verify_and_prepare_to_the_same_bytes(phase1):
    bare = ptau_file.read(phase1.bare)
    assert verify_powers(bare).reasons == ()
    assert joined(prepare(bare)) == phase1.prepared.read_bytes()
    assert verify_powers(ptau_file.read(phase1.prepared)).reasons == ()


def test_powers_cut_by_snarkjs_verify(phase1):
    snarkjs("powersoftau", "truncate", phase1.prepared)
    cut = ptau_file.read(phase1.prepared.with_name("3_04.ptau"))
    assert (cut.power, cut.ceremony_power) == (4, 5)
    assert verify_powers(cut).reasons == ()


def test_snarkjs_verifies_the_powers_our_other_tests_are_made_of(tmp_path):
    (tmp_path / "known.ptau").write_bytes(ceremony_ptau(4))
    said = snarkjs("powersoftau", "verify", tmp_path / "known.ptau")
    assert "Powers of Tau Ok!" in said


@pytest.mark.parametrize("powers", ["bare", "prepared"])
def test_the_key_before_contributions_is_that_of_snarkjs(phase1, tmp_path, powers):
    assert zkstate(
        "setup", "new", "--r1cs", phase1.r1cs, "--ptau", getattr(phase1, powers), "--out", tmp_path / "ours.zkey"
    ).code == 0  # fmt: skip
    snarkjs("zkey", "new", phase1.r1cs, phase1.prepared, tmp_path / "theirs.zkey")
    mine, theirs = (sections((tmp_path / f"{who}.zkey").read_bytes()) for who in ("ours", "theirs"))
    assert mine == theirs


def test_contributions_alternate_between_the_two(phase1, tmp_path):
    key = [tmp_path / f"{i}.zkey" for i in range(6)]
    for step, argv in enumerate((
        ["new", "--r1cs", phase1.r1cs, "--ptau", phase1.prepared],
        ["contribute", key[0], "--name", "ours"],
        None,
        ["beacon", key[2], "--value", BEACON, "--name", "our dice"],
        None,
        ["contribute", key[4], "--name", "last, ours"],
    )):  # fmt: skip
        if argv is not None:
            outcome = zkstate("setup", *argv, "--out", key[step])
            assert outcome.code == 0, outcome.err
        elif step == 2:
            snarkjs("zkey", "contribute", key[1], key[2], "-e=entropy", "--name=theirs")
        else:
            snarkjs("zkey", "beacon", key[3], key[4], BEACON, "10", "-n=their dice")
        if step:
            found = checked(phase1, key[step])
            assert (found.ours.code, found.theirs) == (0, True), step
    record = tmp_path / "record.json"
    assert checked(phase1, key[5], record).ours.code == 0
    assert zkstate("setup", "export", key[5], "--out", tmp_path / "vk.json").code == 0
    snarkjs("groth16", "prove", key[5], phase1.root / "c.wtns", tmp_path / "proof.json", tmp_path / "public.json")
    files = [tmp_path / name for name in ("vk.json", "public.json", "proof.json")]
    flags = [word for pair in zip(("--vk", "--public", "--proof"), files, strict=True) for word in pair]
    assert zkstate("verify", *flags, "--ceremony", record, believe=False).code == 0
    files[2].write_text(prove(zkey_file.read_zkey(key[5]), cubic().values).to_json())
    assert "OK!" in snarkjs("groth16", "verify", *files)


def test_both_refuse_what_is_not_the_ceremony(phase1, tmp_path):
    fresh, one, two = (tmp_path / f"{name}.zkey" for name in ("fresh", "one", "two"))
    snarkjs("zkey", "new", phase1.r1cs, phase1.prepared, fresh)
    snarkjs("zkey", "contribute", fresh, one, "-e=entropy", "--name=anna")
    snarkjs("zkey", "contribute", one, two, "-e=entropy", "--name=bert")
    content = two.read_bytes()
    parts, record = sections(content), ceremony.contributions_of(zkey_file.read_zkey(two))
    head = parts[10][:64]

    def with_record(*chain):
        return {10: head + ceremony.encode(chain)}

    a, b = record
    forged = {
        "dropped": with_record(b),
        "reordered": with_record(b, a),
        "duplicated": with_record(a, b, b),
        "section C": {8: parts[8][64:128] + parts[8][:64] + parts[8][128:]},
        "section H": {9: parts[9][64:128] + parts[9][:64] + parts[9][128:]},
        "circuit hash": {10: bytes(64) + parts[10][64:]},
    }
    for name, changed in forged.items():
        path = tmp_path / "forged.zkey"
        path.write_bytes(framed(content, changed))
        found = checked(phase1, path)
        assert (found.ours.code, found.theirs) == (1, False), name
    assert checked(phase1, two).ours.code == 0


def test_a_name_crosses_as_it_is(phase1, tmp_path):
    fresh = zkey_file.read_zkey(_new(phase1, tmp_path / "0.zkey"))
    made, _ = ceremony.contribute(fresh, Author("Zoë, 2026"))
    zkey_file.write_zkey(tmp_path / "1.zkey", made)
    said = snarkjs("zkey", "verify", phase1.r1cs, phase1.prepared, tmp_path / "1.zkey")
    assert "contribution #1 Zoë, 2026" in said
    snarkjs("zkey", "contribute", tmp_path / "1.zkey", tmp_path / "2.zkey", "-e=e", "--name=Ünal")
    chain = ceremony.contributions_of(zkey_file.read_zkey(tmp_path / "2.zkey"))
    assert [c.author.name for c in chain] == ["Zoë, 2026", "Ünal"]


def _new(phase1, path: Path) -> Path:
    assert zkstate("setup", "new", "--r1cs", phase1.r1cs, "--ptau", phase1.prepared, "--out", path).code == 0
    return path

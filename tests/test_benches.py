"""The bench harness: answers are compared before a time counts, and a peer that is missing or fails is named."""

import sys
from pathlib import Path

import pytest

BENCHES = Path(__file__).resolve().parents[1] / "benches"
PEER = """
import sys
sys.path.insert(0, {peers!r})
from serving import hashed, integers, serve
def fr_mul(ask):
    a, b = integers(ask, "a"), integers(ask, "b")
    out = [x * y % {modulus} for x, y in zip(a, b)]
    return (lambda _: None), (lambda: hashed(b"".join(x.to_bytes(32, "big") for x in out)))
def ntt(ask):
    raise ValueError("no roots of unity here")
serve("1.0", {{"fr_mul": fr_mul, "ntt": ntt}})
"""


@pytest.fixture
def bench(monkeypatch, tmp_path):
    """The modules of benches/, their inputs kept in a folder of the test."""
    for folder in (BENCHES, BENCHES / "peers"):
        monkeypatch.syspath_prepend(str(folder))
    import compare
    import inputs

    monkeypatch.setattr(inputs, "FOLDER", tmp_path / "inputs")

    def field_of(*engines):
        monkeypatch.setattr(compare, "peers", lambda: list(engines))
        return compare.Field(threads=1, only_path="portable")

    compare.field_of = field_of
    yield compare
    for name in ("compare", "inputs", "engines", "machine"):
        sys.modules.pop(name, None)


def peer(tmp_path, modulus, name="integers"):
    from engines import Engine

    script = tmp_path / f"{name}.py"
    script.write_text(PEER.format(peers=str(BENCHES / "peers"), modulus=modulus))
    return Engine(name, [sys.executable, str(script)], script, {"fr_mul": 1 << 20, "ntt": 1 << 20})


def products(bench):
    import inputs

    (_, a), (_, b) = inputs.scalars(64, 1), inputs.scalars(64, 2)
    return bench.Case("fr_mul", "fr_mul", 64, {"a": a, "b": b}, rounds=2)


def test_a_peer_with_the_same_answer_gets_a_ratio(bench, tmp_path):
    from zkstate.kernels import FR_MODULUS

    field = bench.field_of(peer(tmp_path, FR_MODULUS))
    try:
        (line,) = field.compare(products(bench))
    finally:
        field.close()
    assert (line.peer, line.path, line.size, line.threads) == ("integers", "portable", 64, 1)
    assert line.ratio == line.peer_s / line.ours_s
    assert line.cpu_ratio == line.peer_cpu_s / line.ours_cpu_s


def test_a_different_answer_ends_the_run(bench, tmp_path):
    field = bench.field_of(peer(tmp_path, (1 << 255) - 19))
    try:
        with pytest.raises(AssertionError, match="fr_mul at 64: the answers differ"):
            field.compare(products(bench))
    finally:
        field.close()


def test_missing_and_failing_peers_are_named(bench, tmp_path):
    import inputs
    from engines import ROOT, Engine

    from zkstate.kernels import FR_MODULUS

    missing = Engine("gone", ["gone"], ROOT / "build" / "peers" / "gone", {"ntt": 1 << 20})
    field = bench.field_of(peer(tmp_path, FR_MODULUS), missing)
    _, a = inputs.scalars(64, 1)
    try:
        failed, absent = field.compare(bench.Case("ntt", "ntt", 64, {"a": a}, rounds=1))
    finally:
        field.close()
    assert failed.note == "failed: integers: ntt: ValueError: no roots of unity here"
    assert absent.note == "absent: build/peers/gone is not built, make bench-peers"
    assert failed.peer_s is None
    assert absent.ratio is None


def test_quoted_figures_take_part_in_no_ratio(bench):
    field = bench.field_of()
    try:
        lines = field.compare(bench.Case("pairing_check", "pairing_check", 1, rounds=1))
    finally:
        field.close()
    quoted = [line for line in lines if line.peer in {"mcl", "Constantine"}]
    assert len(quoted) == 2
    assert all(line.ratio is None and line.ours_s is None and line.note.startswith("quoted") for line in quoted)


def test_scalars_are_below_the_modulus_and_spread_over_it(bench):
    import inputs

    from zkstate.kernels import FR_MODULUS

    values = inputs.uniform(4096, 9).to_ints()
    assert max(values) < FR_MODULUS
    shares = [sum(4 * v // FR_MODULUS == quarter for v in values) / 4096 for quarter in range(4)]
    assert all(abs(share - 0.25) < 0.05 for share in shares)

"""BLS12-381 against py_ecc and by its laws; encodings, signatures and lists of keys that must be refused."""

from __future__ import annotations

import copy
import pickle
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from py_ecc import optimized_bls12_381 as oracle
from py_ecc.bls import G2ProofOfPossession as Pop

from zkstate.algebra import bls12_381 as bls
from zkstate.errors import EncodingError, InputError, LengthError
from zkstate.kernels import BlsFrVec, BlsG1Vec, BlsG2Vec, FrVec, ntt

R = bls.FR_MODULUS
SCALARS = st.one_of(st.sampled_from([0, 1, 2, R - 1, R - 2, R // 2, 2**128, 2**64 - 1]), st.integers(0, R - 1))


def oracle_affine(point):
    if oracle.is_inf(point):
        return None
    return tuple(tuple(map(int, c.coeffs)) if hasattr(c, "coeffs") else int(c) for c in oracle.normalize(point))


@pytest.mark.parametrize(("group", "generator"), [(bls.G1, oracle.G1), (bls.G2, oracle.G2)])
@settings(max_examples=15, deadline=None)
@given(k=SCALARS)
def test_multiples_are_those_of_py_ecc(group, generator, k):
    expected = oracle_affine(oracle.multiply(generator, k))
    product = group.generator() * k
    assert product.affine == expected
    assert group.from_vec(group.generator().vec().times_secret(k.to_bytes(32, "big"))) == product
    assert group.decode(product.encode()) == product
    assert (product - product).is_infinity
    assert product + group.infinity() == product


@settings(max_examples=8, deadline=None)
@given(st.lists(st.tuples(SCALARS, SCALARS), min_size=1, max_size=40))
def test_sums_of_multiples_are_those_of_integers(pairs):
    for vec in (BlsG1Vec, BlsG2Vec):
        points = vec.fixed_base(BlsFrVec.from_ints(p for p, _ in pairs))
        scalars = BlsFrVec.from_ints(s for _, s in pairs)
        expected = vec.fixed_base(BlsFrVec.from_ints([sum(p * s for p, s in pairs)]))
        assert points.msm(scalars) == expected
        assert points.scale_each(scalars).sum() == expected


def test_pairing_is_bilinear_and_not_degenerate():
    rng = random.Random(11)
    a, b = rng.randrange(1, R), rng.randrange(1, R)
    g1, g2 = bls.G1.generator(), bls.G2.generator()
    assert bls.pairing_check([(a * g1, b * g2), (-(a * b % R) * g1, g2)])
    assert not bls.pairing_check([(a * g1, b * g2), (-(a * b + 1) * g1, g2)])
    assert not bls.pairing_check([(g1, g2)])
    assert bls.pairing_check([(bls.G1.infinity(), g2), (g1, bls.G2.infinity())])
    assert bls.pairing_check([])
    many = [(k * g1, g2) for k in range(1, 12)]
    assert bls.pairing_check([*many, (-66 * g1, g2)])


def test_signatures_are_those_of_py_ecc():
    rng = random.Random(12)
    secret, message = rng.randrange(1, R), rng.randbytes(40)
    key = bls.SecretKey(secret.to_bytes(32, "big"))
    public, signature = key.public_key(), key.sign(message)
    assert public.encode() == Pop.SkToPk(secret)
    assert signature.encode() == Pop.Sign(secret, message)
    assert bls.verify(public, message, signature)
    assert not bls.verify(public, message + b".", signature)
    assert not bls.verify(public + bls.G1.generator(), message, signature)
    assert str(secret) not in repr(key)
    key.erase()
    for use in (key.public_key, lambda: key.sign(message)):
        with pytest.raises(InputError, match="was erased"):
            use()


def test_possession_is_proven_as_in_py_ecc_and_stops_a_rogue_key():
    secrets = [int.from_bytes(random.Random(n).randbytes(31), "big") for n in range(2)]
    honest, rogue = (bls.SecretKey(secret.to_bytes(32, "big")) for secret in secrets)
    proof = honest.prove_possession()
    assert proof.encode() == Pop.PopProve(secrets[0])
    assert bls.verify_possession(honest.public_key(), proof)
    # The owner of `rogue` publishes rogue − honest, whose sum with the honest key is their own.
    made = rogue.public_key() - honest.public_key()
    message = b"both of us"
    both = bls.PublicKeys.of([honest.public_key(), made])
    assert bls.fast_aggregate_verify(both, message, rogue.sign(message))
    for forged in (rogue.prove_possession() - proof, rogue.prove_possession(), rogue.sign(made.encode()), proof):
        assert not bls.verify_possession(made, forged)
    assert not bls.verify_possession(honest.public_key(), honest.sign(honest.public_key().encode()))
    assert not bls.verify_possession(bls.G1.infinity(), bls.G2.infinity())


@pytest.mark.parametrize("leak", [copy.copy, copy.deepcopy, pickle.dumps])
def test_secret_keys_are_neither_copied_nor_pickled(leak):
    with pytest.raises(TypeError, match="neither copied nor pickled"):
        leak(bls.SecretKey(bytes([1] * 32)))


@pytest.mark.parametrize("group", [bls.G1, bls.G2])
def test_a_point_is_one_point_and_stays_it(group):
    raw = bytearray(group.generator().raw)
    point = group(raw)
    raw[:] = bytes(len(raw))
    assert point == group.generator()
    for many in (b"\xff" * 2 * len(point.encode()), b""):
        with pytest.raises(LengthError, match="not one compressed point"):
            group.decode(many)
    with pytest.raises(LengthError, match="not one point"):
        group(b"\xff" * 2 * len(raw))


def test_aggregates_of_many_keys():
    rng = random.Random(13)
    secrets = [bls.SecretKey(rng.randrange(1, R).to_bytes(32, "big")) for _ in range(9)]
    keys = bls.PublicKeys.of(s.public_key() for s in secrets)
    chosen = [i % 3 != 1 for i in range(9)]
    signature = bls.aggregate(s.sign(b"one") for s, c in zip(secrets, chosen, strict=True) if c)
    assert bls.fast_aggregate_verify(keys, b"one", signature, chosen)
    assert not bls.fast_aggregate_verify(keys, b"one", signature)
    for i in range(9):
        other = [c != (i == j) for j, c in enumerate(chosen)]
        assert not bls.fast_aggregate_verify(keys, b"one", signature, other)
    with pytest.raises(LengthError, match="8 choices among 9"):
        bls.fast_aggregate_verify(keys, b"one", signature, chosen[:8])
    messages = [bytes([i]) for i in range(9)]
    several = bls.aggregate(s.sign(m) for s, m in zip(secrets, messages, strict=True))
    points = [s.public_key() for s in secrets]
    assert bls.aggregate_verify(points, messages, several)
    assert not bls.aggregate_verify(points, messages[::-1], several)


def test_nobody_signs_nothing():
    infinity = bls.G2.infinity()
    none = bls.PublicKeys.of([])
    assert not bls.fast_aggregate_verify(none, b"", infinity)
    assert not bls.aggregate_verify([], [], infinity)
    assert not bls.verify(bls.G1.infinity(), b"", infinity)
    g = bls.G1.generator()
    assert not bls.fast_aggregate_verify(bls.PublicKeys.of([g, -g]), b"", infinity)
    with pytest.raises(EncodingError, match="public key 1 of 2 is infinity"):
        bls.PublicKeys.of([g, bls.G1.infinity()])
    with pytest.raises(LengthError):
        bls.aggregate([])


@pytest.mark.parametrize("secret", [0, R, R + 1, 2**256 - 1])
def test_secret_keys_out_of_range_are_refused_without_being_shown(secret):
    with pytest.raises(EncodingError) as caught:
        bls.SecretKey(secret.to_bytes(32, "big"))
    assert str(secret) not in str(caught.value)
    with pytest.raises(LengthError):
        bls.SecretKey(bytes(31))


@pytest.mark.parametrize("group", [bls.G1, bls.G2])
def test_every_encoding_but_one_is_refused(group):
    good = (group.generator() * 77).encode()
    size = len(good)
    infinity = group.infinity().encode()
    assert infinity == b"\xc0" + bytes(size - 1)
    p = bls.FP_MODULUS.to_bytes(48, "big")
    x = int.from_bytes(good[:48], "big") & (1 << 381) - 1
    bad = [
        bytes(size),
        bytes([good[0] & 0x7F]) + good[1:],
        bytes([good[0] | 0x40]) + good[1:],
        b"\xe0" + infinity[1:],
        infinity[:-1] + b"\x01",
        b"\xc1" + infinity[1:],
        bytes([p[0] | 0x80]) + p[1:] + good[48:],
        (x + bls.FP_MODULUS | 1 << 383).to_bytes(48, "big") + good[48:],
    ]
    if group is bls.G2:
        bad.append(good[:48] + p)
    for data in bad:
        with pytest.raises(EncodingError):
            group.decode(data)
    for length in (0, size - 1, size + 1, 2 * size):
        with pytest.raises(LengthError):
            group.decode((good + good)[:length])
    flipped = bytes([good[0] ^ 0x20]) + good[1:]
    assert group.decode(flipped) == -group.decode(good)


@pytest.mark.parametrize("group", [bls.G1, bls.G2])
def test_points_outside_the_subgroup_are_refused(group):
    """Points of the curve with small x: all but one in h of them lie outside."""
    refused = 0
    for x in range(1, 40):
        data = bytearray(x.to_bytes(len(group.infinity().encode()), "big"))
        data[0] |= 0x80
        with pytest.raises(EncodingError, match=r"is not on the curve|is not in the subgroup") as caught:
            group.decode(bytes(data))
        refused += "subgroup" in str(caught.value)
    assert refused > 5


def compressed(x, larger=False):
    return (x | 1 << 383 | larger << 381).to_bytes(48, "big")


def first_x(wanted):
    """The least x of a point of E with or without an order of r, or of no point."""
    for x in range(1, 10_000):
        try:
            BlsG1Vec.from_compressed(compressed(x))
        except EncodingError as error:
            if wanted in str(error):
                return x
    raise AssertionError(wanted)


@pytest.mark.parametrize("n", [23, 24, 25, 131, 300])
def test_among_many_points_the_first_bad_one_is_named(n):
    """Checked together and one by one alike: outside the subgroup, of order 3, on no curve, no number below p."""
    good = BlsG1Vec.fixed_base(BlsFrVec.from_ints(range(3, 3 + n)))
    data = [good.to_compressed()[at : at + 48] for at in range(0, 48 * n, 48)]
    assert BlsG1Vec.from_compressed(b"".join(data)) == good
    infinite = [*data[: n // 2], b"\xc0" + bytes(47), *data[n // 2 + 1 :]]
    assert BlsG1Vec.from_compressed(b"".join(infinite)).infinities() == [n // 2]
    outside, nowhere = first_x("subgroup"), first_x("on the curve")
    kinds = {"subgroup": [compressed(outside), compressed(outside, True), compressed(0), compressed(0, True)]}
    kinds |= {"on the curve": [compressed(nowhere)], "below its modulus": [compressed(bls.FP_MODULUS), bytes(48)]}
    for words, bad in kinds.items():
        for at, item in [(i, item) for i in (0, 1, 2, 3, n // 2, n - 1) for item in bad]:
            for threads in (1, 2):
                with pytest.raises(EncodingError, match=rf"\b{at}\b.*{words}") as caught:
                    BlsG1Vec.from_compressed(b"".join([*data[:at], item, *data[at + 1 :]]), threads)
                assert words in str(caught.value)


@pytest.mark.parametrize("kind", [BlsFrVec, FrVec])
def test_values_at_roots_of_unity_give_any_other(kind):
    rng = random.Random(9)
    for bits in (0, 1, 2, 3, 7, 12):
        n = 1 << bits
        polynomial = kind.from_ints([rng.randrange(kind.MODULUS) for _ in range(n)])
        at_roots = polynomial.copy()
        ntt(at_roots)
        order = [int(f"{i:0{bits}b}"[::-1], 2) if bits else 0 for i in range(n)]
        values = kind.from_ints([at_roots.to_ints()[j] for j in order])
        before = values.copy()
        for x in (0, 1, kind.MODULUS - 1, rng.randrange(kind.MODULUS)):
            assert values.value_at(x) == polynomial.evaluate(x)
        assert values == before
    for n in (0, 3, 6, 12):
        with pytest.raises(LengthError, match=f"{n} values"):
            kind(n).value_at(1)


def test_vectors_of_one_curve_do_not_meet_those_of_the_other():
    with pytest.raises(TypeError, match="FrVec for BlsG1Vec"):
        BlsG1Vec.generator().msm(FrVec.from_ints([1]))
    assert BlsFrVec.from_ints([1]) != FrVec.from_ints([1])


@pytest.mark.parametrize("n", [1, 2, 8, 256, 8192])
def test_transform_is_evaluation_at_the_roots_of_seven(n):
    rng = random.Random(n)
    values = [rng.randrange(R) for _ in range(n)]
    vec = BlsFrVec.from_ints(values)
    image = vec.copy()
    ntt(image)
    w = pow(7, (R - 1) // n, R)
    for k in {0, 1 % n, n // 2, n - 1}:
        x = pow(w, k, R)
        assert image[k] == sum(v * pow(x, j, R) for j, v in enumerate(values)) % R == vec.evaluate(x)
    ntt(image, inverse=True)
    assert image == vec

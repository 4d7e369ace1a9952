"""BLS12-381 against the official vectors: Ethereum's BLS tests, RFC 9380, EIP-2537, zkcrypto's multiples."""

from __future__ import annotations

from contextlib import suppress

import pytest

from tests.algebra.official_bls import archive, cases, precompile, rfc9380, unhex
from zkstate.algebra import bls12_381 as bls
from zkstate.errors import InputError, LengthError
from zkstate.kernels import BlsFrVec, BlsG1Vec, BlsG2Vec, bls_pairing_check


def keys(texts):
    return bls.PublicKeys.decode(b"".join(map(unhex, texts)))


def points(texts):
    return [bls.G1.decode(unhex(text)) for text in texts]


def sign(given):
    return bls.SecretKey(unhex(given["privkey"])).sign(unhex(given["message"])).encode()


def verify(given):
    return bls.verify(bls.G1.decode(unhex(given["pubkey"])), unhex(given["message"]), signature(given))


def signature(given):
    return bls.G2.decode(unhex(given["signature"]))


def aggregate(given):
    return bls.aggregate([bls.G2.decode(unhex(text)) for text in given]).encode()


def aggregate_verify(given):
    return bls.aggregate_verify(points(given["pubkeys"]), [unhex(m) for m in given["messages"]], signature(given))


def fast_aggregate_verify(given):
    return bls.fast_aggregate_verify(keys(given["pubkeys"]), unhex(given["message"]), signature(given))


def eth_fast_aggregate_verify(given):
    """Altair's: no keys and the signature at infinity are a signature."""
    return (not given["pubkeys"] and signature(given).is_infinity) or fast_aggregate_verify(given)


def eth_aggregate_pubkeys(given):
    if not given:
        raise LengthError("no keys")
    return keys(given).sum().encode()


def batch_verify(given):
    triples = zip(given["pubkeys"], given["messages"], given["signatures"], strict=True)
    return all(verify({"pubkey": k, "message": m, "signature": s}) for k, m, s in triples)


def deserialization_g1(given):
    return bls.G1.decode(unhex(given["pubkey"])).encode() == unhex(given["pubkey"])


def deserialization_g2(given):
    return bls.G2.decode(unhex(given["signature"])).encode() == unhex(given["signature"])


HANDLERS = {
    "sign": (sign, 5),
    "verify": (verify, 10),
    "aggregate": (aggregate, 3),
    "aggregate_verify": (aggregate_verify, 2),
    "fast_aggregate_verify": (fast_aggregate_verify, 5),
    "batch_verify": (batch_verify, 1),
    "deserialization_G1": (deserialization_g1, 5),
    "deserialization_G2": (deserialization_g2, 5),
    "eth_fast_aggregate_verify": (eth_fast_aggregate_verify, 5),
    "eth_aggregate_pubkeys": (eth_aggregate_pubkeys, 3),
}


@pytest.mark.parametrize("handler", HANDLERS)
def test_signatures_as_ethereum_tests_them(handler):
    """A refused encoding stands for the false that these tests expect, and for the null."""
    run, at_least = HANDLERS[handler]
    counted = 0
    for name, given, expected in cases(handler):
        got = None
        with suppress(InputError):
            got = run(given)
        wanted = unhex(expected) if isinstance(expected, str) else expected
        assert got == wanted or (got is None and wanted is False), name
        counted += 1
    assert counted >= at_least


def test_hash_to_g2_as_ethereum_tests_it():
    counted = 0
    for name, given, expected in cases("hash_to_G2"):
        wanted = tuple(tuple(int(part, 16) for part in expected[c].split(",")) for c in "xy")
        domain = b"QUUX-V01-CS02-with-BLS12381G2_XMD:SHA-256_SSWU_RO_"
        assert bls.hash_to_g2(given["msg"].encode(), domain).affine == wanted, name
        counted += 1
    assert counted


@pytest.mark.parametrize("suite", ["RO", "NU"])
@pytest.mark.parametrize("group", ["G1", "G2"])
def test_suites_of_rfc9380(group, suite):
    data = rfc9380(f"BLS12381{group}_XMD_SHA-256_SSWU_{suite}_")
    domain, vec = data["dst"].encode(), BlsG1Vec if group == "G1" else BlsG2Vec
    length = (64 if group == "G1" else 128) * (2 if suite == "RO" else 1)
    assert data["vectors"]
    for case in data["vectors"]:
        message = case["msg"].encode()
        point = vec.hashed(bls.expand_message_xmd(message, domain, length), encode_only=suite == "NU")
        point.validate()
        parts = [[int(part, 16) for part in case["P"][c].split(",")] for c in "xy"]
        assert point.to_affine() == [tuple(part[0] if len(part) == 1 else tuple(part) for part in parts)]
        if suite == "RO":
            hashed = (bls.hash_to_g1 if group == "G1" else bls.hash_to_g2)(message, domain)
            assert hashed.vec() == point


@pytest.mark.parametrize("name", ["expand_message_xmd_SHA256_38", "expand_message_xmd_SHA256_256"])
def test_expand_message_of_rfc9380(name):
    data = rfc9380(name)
    for case in data["tests"]:
        length = int(case["len_in_bytes"], 16)
        got = bls.expand_message_xmd(case["msg"].encode(), data["DST"].encode(), length)
        assert got == bytes.fromhex(case["uniform_bytes"])


def evm_points(data, vec):
    """Points of EIP-2537: words of 64 bytes, real part first. LengthError or EncodingError as the precompile fails."""
    size = 64 * (2 if vec is BlsG1Vec else 4)
    if len(data) % size:
        raise LengthError(f"{len(data)} bytes of points")
    words = [data[i : i + 64] for i in range(0, len(data), 64)]
    if any(any(word[:16]) for word in words):
        raise LengthError("a word of more than 48 bytes")
    words = [word[16:] for word in words]
    if vec is BlsG2Vec:
        words = [words[i + k] for i in range(0, len(words), 4) for k in (1, 0, 3, 2)]
    return vec.from_bytes(b"".join(words))


def to_evm(vec):
    data = vec.to_bytes()
    words = [data[i : i + 48] for i in range(0, len(data), 48)]
    if isinstance(vec, BlsG2Vec):
        words = [words[i + k] for i in range(0, len(words), 4) for k in (1, 0, 3, 2)]
    return b"".join(bytes(16) + word for word in words)


def multi_exp(vec):
    def run(data):
        size = (128 if vec is BlsG1Vec else 256) + 32
        if not data or len(data) % size:
            raise LengthError(f"{len(data)} bytes")
        items = [data[i : i + size] for i in range(0, len(data), size)]
        scalars = BlsFrVec.from_ints(int.from_bytes(item[-32:], "big") for item in items)
        return to_evm(evm_points(b"".join(item[:-32] for item in items), vec).msm(scalars))

    return run


def pairing(data):
    if not data or len(data) % 384:
        raise LengthError(f"{len(data)} bytes")
    items = [data[i : i + 384] for i in range(0, len(data), 384)]
    left = evm_points(b"".join(item[:128] for item in items), BlsG1Vec)
    right = evm_points(b"".join(item[128:] for item in items), BlsG2Vec)
    return int(bls_pairing_check(left, right)).to_bytes(32, "big")


def map_to(vec):
    def run(data):
        words = [data[i : i + 64] for i in range(0, len(data), 64)]
        if len(data) != (64 if vec is BlsG1Vec else 128) or any(
            int.from_bytes(word, "big") >= bls.FP_MODULUS for word in words
        ):
            raise LengthError("no field element")
        return to_evm(vec.hashed(data, encode_only=True))

    return run


PRECOMPILES = {
    "geth_blsG1Mul.json": multi_exp(BlsG1Vec),
    "geth_blsG2Mul.json": multi_exp(BlsG2Vec),
    "geth_blsG1MultiExp.json.xz": multi_exp(BlsG1Vec),
    "geth_blsG2MultiExp.json.xz": multi_exp(BlsG2Vec),
    "geth_fail-blsG1Mul.json": multi_exp(BlsG1Vec),
    "geth_fail-blsG2Mul.json": multi_exp(BlsG2Vec),
    "geth_fail-blsG1MultiExp.json": multi_exp(BlsG1Vec),
    "geth_fail-blsG2MultiExp.json": multi_exp(BlsG2Vec),
    "eip_mul_G1_bls.json": multi_exp(BlsG1Vec),
    "eip_mul_G2_bls.json": multi_exp(BlsG2Vec),
    "eip_fail-mul_G1_bls.json": multi_exp(BlsG1Vec),
    "eip_fail-mul_G2_bls.json": multi_exp(BlsG2Vec),
    "geth_blsPairing.json.xz": pairing,
    "geth_fail-blsPairing.json": pairing,
    "eip_pairing_check_bls.json": pairing,
    "eip_fail-pairing_check_bls.json": pairing,
    "geth_blsMapG1.json": map_to(BlsG1Vec),
    "geth_blsMapG2.json": map_to(BlsG2Vec),
    "geth_fail-blsMapG1.json": map_to(BlsG1Vec),
    "geth_fail-blsMapG2.json": map_to(BlsG2Vec),
    "eip_map_fp_to_G1_bls.json": map_to(BlsG1Vec),
    "eip_map_fp2_to_G2_bls.json": map_to(BlsG2Vec),
    "eip_fail-map_fp_to_G1_bls.json": map_to(BlsG1Vec),
    "eip_fail-map_fp2_to_G2_bls.json": map_to(BlsG2Vec),
}


@pytest.mark.parametrize("name", PRECOMPILES)
def test_precompiles_of_eip2537(name):
    """All but the additions, which take points outside the groups."""
    run, counted = PRECOMPILES[name], 0
    for case in precompile(name):
        data = bytes.fromhex(case["Input"])
        if "ExpectedError" in case:
            with pytest.raises(InputError):
                run(data)
        else:
            assert run(data).hex() == case["Expected"], case["Name"]
        counted += 1
    assert counted


@pytest.mark.parametrize(("vec", "size"), [(BlsG1Vec, 96), (BlsG2Vec, 192)])
def test_the_multiples_of_zkcrypto(vec, size):
    """0 G, 1 G, .. uncompressed, with their flags; and their compressed form where it is there."""
    group = "g1" if vec is BlsG1Vec else "g2"
    files = archive("noble_bls12_381")
    data = next(
        content for name, content in files.items() if name.endswith(f"{group}_uncompressed_valid_test_vectors.dat")
    )
    words = [bytearray(data[i : i + size]) for i in range(0, len(data), size)]
    assert words[0][0] == 0x40
    words[0][0] = 0
    points = vec.from_bytes(b"".join(words))
    assert points == vec.generator().fixed_base(BlsFrVec.from_ints(range(len(words))))
    compressed = points.to_compressed()
    assert vec.from_compressed(compressed) == points
    for name, content in files.items():
        if name.endswith(f"{group}_compressed_valid_test_vectors.dat"):
            assert compressed == content

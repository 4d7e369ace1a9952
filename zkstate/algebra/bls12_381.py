"""BLS12-381: points that are valid from the moment they exist, hashing to them, and BLS signatures of minimal key size.

Signatures are those of Ethereum's consensus: draft-irtf-cfrg-bls-signature-05, proof-of-possession scheme, keys in G1,
signatures in G2, suite BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_. A key is checked when it is decoded, so that lists
of decoded keys can be kept and only summed. The curve offers about 120 bits of security (Barbulescu, Duquesne 2019).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, NoReturn, Self, SupportsIndex, TypeVar

import numpy as np

from zkstate.algebra.point import Point
from zkstate.errors import EncodingError, InputError, LengthError
from zkstate.kernels import BLS_FP_MODULUS as FP_MODULUS
from zkstate.kernels import BLS_FR_MODULUS as FR_MODULUS
from zkstate.kernels import BlsFrVec, BlsG1Vec, BlsG2Vec, bls_pairing_check

__all__ = [
    "FP_MODULUS",
    "FR_MODULUS",
    "G1",
    "G2",
    "POSSESSION_DOMAIN",
    "SIGNATURE_DOMAIN",
    "PublicKeys",
    "SecretKey",
    "aggregate",
    "aggregate_verify",
    "expand_message_xmd",
    "fast_aggregate_verify",
    "hash_to_g1",
    "hash_to_g2",
    "msm",
    "pairing_check",
    "verify",
    "verify_possession",
]

SIGNATURE_DOMAIN = b"BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_"
POSSESSION_DOMAIN = b"BLS_POP_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_"
_SHA256_BYTES, _SHA256_BLOCK = 32, 64
_G1_UNIFORM, _G2_UNIFORM = 128, 256

Vec = TypeVar("Vec", BlsG1Vec, BlsG2Vec)


class _Point(Point[Vec]):
    """A point in ZCash's compressed form."""

    __slots__ = ()

    _scalars = BlsFrVec
    _compressed: ClassVar[int]

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """From the compressed form of ZCash, 48 or 96 bytes. EncodingError if not canonical, on the curve, in G."""
        if len(data) != cls._compressed:
            raise LengthError(f"{len(data)} bytes is not one compressed point of {cls.__name__}")
        return cls.from_vec(cls._vec.from_compressed(data, threads=1))

    def encode(self) -> bytes:
        """The inverse of decode."""
        return self.vec().to_compressed()

    @property
    def affine(self) -> Any:  # noqa: ANN401  # integers for G1, pairs of them for G2
        """Integer coordinates x and y, for G2 each (real, imaginary); None for infinity."""
        return self.vec().to_affine()[0]

    def __repr__(self) -> str:
        return f"{type(self).__name__}.decode(bytes.fromhex({self.encode().hex()!r}))"


class G1(_Point[BlsG1Vec]):
    """A point of G1: y² = x³ + 4 over Fp, of order r."""

    __slots__ = ()

    _vec, _compressed = BlsG1Vec, 48


class G2(_Point[BlsG2Vec]):
    """A point of G2: the subgroup of order r of y² = x³ + 4(1 + i) over Fp2."""

    __slots__ = ()

    _vec, _compressed = BlsG2Vec, 96


def expand_message_xmd(message: bytes, domain: bytes, length: int) -> bytes:
    """`length` uniform bytes of SHA-256. LengthError beyond 255 blocks or an empty domain. RFC 9380, section 5.3.1."""
    blocks = -(-length // _SHA256_BYTES)
    if not length > 0 or blocks > 255 or not domain:
        raise LengthError(f"{length} uniform bytes under a domain of {len(domain)}: wanted 1 to 8160 and a domain")
    if len(domain) > 255:
        domain = hashlib.sha256(b"H2C-OVERSIZE-DST-" + domain).digest()
    suffix = domain + bytes([len(domain)])
    first = hashlib.sha256(bytes(_SHA256_BLOCK) + message + length.to_bytes(2, "big") + b"\0" + suffix).digest()
    last = bytes(_SHA256_BYTES)
    out = []
    for i in range(1, blocks + 1):
        mixed = (int.from_bytes(first, "big") ^ int.from_bytes(last, "big")).to_bytes(_SHA256_BYTES, "big")
        last = hashlib.sha256(mixed + bytes([i]) + suffix).digest()
        out.append(last)
    return b"".join(out)[:length]


def hash_to_g1(message: bytes, domain: bytes) -> G1:
    """BLS12381G1_XMD:SHA-256_SSWU_RO_ of RFC 9380. Time depends on the message."""
    return G1.from_vec(BlsG1Vec.hashed(expand_message_xmd(message, domain, _G1_UNIFORM)))


def hash_to_g2(message: bytes, domain: bytes = SIGNATURE_DOMAIN) -> G2:
    """BLS12381G2_XMD:SHA-256_SSWU_RO_ of RFC 9380. Time depends on the message."""
    return G2.from_vec(_hashed(message, domain))


def _hashed(message: bytes, domain: bytes = SIGNATURE_DOMAIN) -> BlsG2Vec:
    return BlsG2Vec.hashed(expand_message_xmd(message, domain, _G2_UNIFORM))


def msm(points: Sequence[G1], scalars: Iterable[int]) -> G1:
    """Σ scalars[i] · points[i], scalars taken mod r. LengthError if lengths differ. Time depends on the scalars."""
    vec = BlsG1Vec.from_raw(b"".join(point.raw for point in points), check=False)
    return G1.from_vec(vec.msm(BlsFrVec.from_ints(scalars)))


def pairing_check(pairs: Iterable[tuple[G1, G2]]) -> bool:
    """Is the product of e(P, Q) over the pairs 1? True for no pairs."""
    pairs = list(pairs)
    left = BlsG1Vec.from_raw(b"".join(p.raw for p, _ in pairs), check=False)
    right = BlsG2Vec.from_raw(b"".join(q.raw for _, q in pairs), check=False)
    return bls_pairing_check(left, right, threads=1)


class SecretKey:
    """An integer in [1, r), 32 bytes big-endian. Its repr shows nothing, `erase` wipes it, copies are a TypeError."""

    __slots__ = ("_bytes", "_erased")

    def __init__(self, data: bytes) -> None:
        """EncodingError unless the bytes are an integer in [1, r). The error says nothing of them."""
        if len(data) != 32:
            raise LengthError(f"{len(data)} bytes for a secret key, wanted 32")
        if not 0 < int.from_bytes(data, "big") < FR_MODULUS:
            raise EncodingError("a secret key is not in [1, r)")
        self._bytes, self._erased = bytearray(data), False

    def public_key(self) -> G1:
        """Free of branches and addresses that depend on the key."""
        return G1.from_vec(BlsG1Vec.generator().times_secret(self._present()))

    def sign(self, message: bytes) -> G2:
        """Of the message, hashed under SIGNATURE_DOMAIN. Branches and addresses depend on the message alone."""
        return G2.from_vec(_hashed(message).times_secret(self._present()))

    def prove_possession(self) -> G2:
        """Shows that the owner of the public key has this secret. Draft, section 3.3.2; as `sign`."""
        return G2.from_vec(_hashed(self.public_key().encode(), POSSESSION_DOMAIN).times_secret(self._present()))

    def erase(self) -> None:
        """Zero the key in memory. Using it afterwards is an InputError."""
        self._bytes[:], self._erased = bytes(len(self._bytes)), True

    def _present(self) -> bytearray:
        if self._erased:
            raise InputError("this secret key was erased")
        return self._bytes

    def __copy__(self) -> NoReturn:
        raise TypeError("a secret key is neither copied nor pickled: no copy would be erased with it")

    def __deepcopy__(self, memo: dict[int, Any]) -> NoReturn:
        self.__copy__()

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        self.__copy__()

    def __repr__(self) -> str:
        return "SecretKey(…)"


class PublicKeys:
    """Keys decoded and checked once, kept affine, of which any may be summed. No key is infinity (KeyValidate)."""

    __slots__ = ("_vec",)

    def __init__(self, vec: BlsG1Vec) -> None:
        """EncodingError names a key that is infinity. The vector's points were checked when it was made."""
        for i in vec.infinities():
            raise EncodingError(f"public key {i} of {len(vec)} is infinity")
        self._vec = vec

    @classmethod
    def decode(cls, data: bytes, threads: int = 0, check_subgroup: bool = True) -> PublicKeys:
        """From 48 bytes each. EncodingError names the first key that is no point of G1, or infinity.

        `check_subgroup=False` takes any point of the curve: for keys that were checked before, and summed into one
        that is checked again.
        """
        return cls(BlsG1Vec.from_compressed(data, threads, check_subgroup))

    @classmethod
    def of(cls, keys: Iterable[G1]) -> PublicKeys:
        """Of decoded points."""
        return cls(BlsG1Vec.from_raw(b"".join(key.raw for key in keys), check=False))

    def __len__(self) -> int:
        return len(self._vec)

    def sum(self, chosen: Sequence[bool] | None = None) -> G1:
        """Of all, or of those chosen. LengthError for another number of choices."""
        if chosen is None:
            return G1.from_vec(self._vec.sum())
        if len(chosen) != len(self._vec):
            raise LengthError(f"{len(chosen)} choices among {len(self._vec)} keys")
        return G1.from_vec(self._vec.sum(np.flatnonzero(np.array(chosen, dtype=bool)).astype(np.uint32)))


def _is_signed(keys: BlsG1Vec, hashes: BlsG2Vec, signature: G2) -> bool:
    """Is Π e(keys[i], hashes[i]) = e(g1, signature)?"""
    left = BlsG1Vec.concat([keys, -BlsG1Vec.generator()])
    return bls_pairing_check(left, BlsG2Vec.concat([hashes, signature.vec()]), threads=1)


def verify(key: G1, message: bytes, signature: G2) -> bool:
    """Did `key` sign? False for the key at infinity, which no secret key has."""
    return not key.is_infinity and _is_signed(key.vec(), _hashed(message), signature)


def verify_possession(key: G1, proof: G2) -> bool:
    """Does whoever made `key` have its secret? Then it may be aggregated over one message. Draft, section 3.3.3."""
    return not key.is_infinity and _is_signed(key.vec(), _hashed(key.encode(), POSSESSION_DOMAIN), proof)


def aggregate(signatures: Iterable[G2]) -> G2:
    """The sum of signatures. LengthError for none."""
    raw = b"".join(signature.raw for signature in signatures)
    if not raw:
        raise LengthError("an aggregate of no signatures")
    return G2.from_vec(BlsG2Vec.from_raw(raw, check=False).sum())


def aggregate_verify(keys: Sequence[G1], messages: Sequence[bytes], signature: G2) -> bool:
    """Did each key sign its message? False for no keys, and with a key at infinity. LengthError if lengths differ.

    Every key must come with a proof that its owner has the secret: otherwise a key made from another's, with equal
    messages, passes for both.
    """
    if len(keys) != len(messages):
        raise LengthError(f"{len(keys)} keys and {len(messages)} messages")
    if not keys or any(key.is_infinity for key in keys):
        return False
    uniform = b"".join(expand_message_xmd(message, SIGNATURE_DOMAIN, _G2_UNIFORM) for message in messages)
    vec = BlsG1Vec.from_raw(b"".join(key.raw for key in keys), check=False)
    return _is_signed(vec, BlsG2Vec.hashed(uniform), signature)


def fast_aggregate_verify(
    keys: PublicKeys, message: bytes, signature: G2, chosen: Sequence[bool] | None = None
) -> bool:
    """Did all keys (or all chosen) sign one message? False for none of them, and where they cancel.

    Every key must have proven possession of its secret. Errors: LengthError for another number of choices than keys.
    """
    return verify(keys.sum(chosen), message, signature)

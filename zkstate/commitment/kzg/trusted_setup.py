"""The powers of tau of Ethereum's ceremony, read from the installed eth-account package and pinned by digest.

Whoever knew tau could open commitments to anything; it is unknown if one of the 141,416 contributors forgot theirs.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from zkstate.commitment.kzg.order import reversed_order
from zkstate.errors import EnvironmentFailure
from zkstate.kernels import BlsG1Vec, BlsG2Vec

SHA256 = "d39b9f2d047cc9dca2de58f264b6a09448ccd34db967881a6713eacacf0f26b7"
G1_POINTS, G2_POINTS = 4096, 65
_G1_BYTES, _G2_BYTES = 48, 96


def source() -> Traversable:
    """The file in the installed eth-account."""
    return files("eth_account.typed_transactions.blob_transactions") / "kzg_trusted_setup.txt"


@cache
def _lines() -> list[bytes]:
    try:
        data = source().read_bytes()
    except (ModuleNotFoundError, FileNotFoundError):
        raise EnvironmentFailure("Ethereum's trusted setup is missing: install zkstate[chain]") from None
    found = hashlib.sha256(data).hexdigest()
    if found != SHA256:
        raise EnvironmentFailure(f"the trusted setup of the installed eth-account is {found}, wanted {SHA256}")
    return data.split()[2:]


@cache
def lagrange() -> BlsG1Vec:
    """L_i(tau)·G1 over the 4096 roots of unity, in the bit-reversed order of blobs."""
    data = reversed_order(bytes.fromhex(b"".join(_lines()[:G1_POINTS]).decode()), _G1_BYTES)
    return BlsG1Vec.from_compressed(data, check_subgroup=False)  # the digest says that they were checked


@cache
def powers_g2() -> BlsG2Vec:
    """tau^i·G2 for i up to 64."""
    data = b"".join(_lines()[G1_POINTS : G1_POINTS + G2_POINTS])
    return BlsG2Vec.from_compressed(bytes.fromhex(data.decode()), check_subgroup=False)


@cache
def powers_g1() -> BlsG1Vec:
    """tau^i·G1 for i below 4096."""
    data = b"".join(_lines()[G1_POINTS + G2_POINTS :])
    return BlsG1Vec.from_compressed(bytes.fromhex(data.decode()), check_subgroup=False)

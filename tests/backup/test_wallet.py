"""Keys from wallets: eth-account signs as a wallet does, and py-ecc makes what no honest wallet would."""

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils import keccak
from py_ecc.secp256k1 import secp256k1

from zkstate.backup.wallet import WalletRequest
from zkstate.errors import DisagreementError, EncodingError, LengthError

VENUE = bytes(range(32))
SECRET = 0xAC0974BEC39A17E36BA4A6B4D238FF944BACB478CBED5EFCAE784D7BF4F2FF80  # the first account of every devnet
WALLET = Account.from_key(SECRET)
ADDRESS = bytes.fromhex(WALLET.address[2:])
REQUEST = WalletRequest(VENUE)


def signed(request=REQUEST, wallet=WALLET):
    return bytes(wallet.sign_typed_data(full_message=request.typed_data()).signature)


def digest(request=REQUEST):
    message = encode_typed_data(full_message=request.typed_data())
    return keccak(b"\x19" + message.version + message.header + message.body)


def signed_with(nonce):
    """A valid signature of the same message with any nonce: textbook ECDSA over py-ecc's curve."""
    n = secp256k1.N
    x, y = secp256k1.multiply(secp256k1.G, nonce)
    r, z = x % n, int.from_bytes(digest())
    s = pow(nonce, -1, n) * (z + r * SECRET) % n
    v = 27 + y % 2
    if s > n // 2:
        s, v = n - s, 55 - v
    return r.to_bytes(32) + s.to_bytes(32) + bytes([v])


def test_the_message_is_hashed_as_eip_712_says():
    """EIP-712, "Definition of hashStruct" and "encodeData", by hand."""
    domain = keccak(keccak(b"EIP712Domain(string name,string version)") + keccak(b"zkstate") + keccak(b"1"))
    warning = REQUEST.typed_data()["message"]["warning"].encode()
    struct = keccak(
        keccak(b"AccountKey(string warning,bytes32 venue,uint32 account)")
        + keccak(warning) + VENUE + (7).to_bytes(32)
    )  # fmt: skip
    assert digest(WalletRequest(VENUE, 7)) == keccak(b"\x19\x01" + domain + struct)


def test_the_same_wallet_gives_the_same_key_and_any_other_another():
    key = REQUEST.key(ADDRESS, signed(), signed())
    assert key == REQUEST.key(ADDRESS, signed(), signed())
    other = Account.from_key(SECRET + 1)
    keys = {
        key.seed,
        WalletRequest(VENUE, 1).key(ADDRESS, *[signed(WalletRequest(VENUE, 1))] * 2).seed,
        WalletRequest(bytes(32)).key(ADDRESS, *[signed(WalletRequest(bytes(32)))] * 2).seed,
        REQUEST.key(bytes.fromhex(other.address[2:]), *[signed(wallet=other)] * 2).seed,
    }
    assert len(keys) == 4


def test_recovery_ids_of_both_kinds_give_one_key():
    signature = signed()
    small = signature[:64] + bytes([signature[64] - 27])
    assert REQUEST.key(ADDRESS, signature, small) == REQUEST.key(ADDRESS, small, small)


@pytest.mark.parametrize("nonce", [2, 3**100, secp256k1.N - 5])
def test_a_wallet_that_signs_differently_each_time(nonce):
    assert REQUEST.key(ADDRESS, signed_with(nonce), signed_with(nonce)) != REQUEST.key(ADDRESS, signed(), signed())
    with pytest.raises(DisagreementError, match="differently each time"):
        REQUEST.key(ADDRESS, signed(), signed_with(nonce))


def test_a_signature_of_another_message_or_wallet():
    for wrong in (signed(WalletRequest(VENUE, 1)), signed(wallet=Account.from_key(SECRET + 1))):
        with pytest.raises(DisagreementError, match=f"not by 0x{ADDRESS.hex()}"):
            REQUEST.key(ADDRESS, signed(), wrong)


def test_the_other_s_is_refused():
    """(r, n − s) is a signature of the same message too (EIP-2): one wallet must not have two keys."""
    signature = signed()
    s = secp256k1.N - int.from_bytes(signature[32:64])
    mirrored = signature[:32] + s.to_bytes(32) + bytes([55 - signature[64]])
    with pytest.raises(EncodingError, match="canonical"):
        REQUEST.key(ADDRESS, mirrored, mirrored)


@pytest.mark.parametrize(
    "damaged",
    [bytes(65), b"\xff" * 65, signed()[:64] + b"\x05", bytes(32) + signed()[32:], signed()[:32] + bytes(32) + b"\x1b"],
)
def test_what_is_no_signature(damaged):
    with pytest.raises(EncodingError):
        REQUEST.key(ADDRESS, damaged, damaged)


def test_a_signature_of_no_point():
    """r that is no x of the curve: the recovery has no answer."""
    p = secp256k1.P
    r = next(x for x in range(1, 50) if pow(x**3 + 7, (p - 1) // 2, p) != 1)
    none = r.to_bytes(32) + (1).to_bytes(32) + b"\x1b"
    with pytest.raises(EncodingError):
        REQUEST.key(ADDRESS, none, none)


@pytest.mark.parametrize("signature", [b"", bytes(64), bytes(66)])
def test_lengths(signature):
    with pytest.raises(LengthError):
        REQUEST.key(ADDRESS, signature, signature)
    with pytest.raises(LengthError):
        WalletRequest(VENUE[:31])
    with pytest.raises(LengthError):
        WalletRequest(VENUE, 1 << 32)

"""Answers to eth_getProof (EIP-1186), verified: what they claim in plain has to be what their nodes prove."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from zkstate.errors import DisagreementError, EncodingError
from zkstate.registry.chain import ADDRESS_BYTES, WORD_BYTES, address_text
from zkstate.registry.rpc import read_data, read_quantity

from .account import EMPTY_CODE_HASH, Account, verify_account_proof, verify_storage_proof
from .mpt import EMPTY_ROOT

MAX_NODES = 65  # one for each nibble of a 32-byte key, and the root
MAX_NODE_BYTES = 1 << 10  # a branch of 16 hashes has 532

_ZERO = bytes(WORD_BYTES)


@dataclass(frozen=True, slots=True)
class ProvedState:
    """An account, None if it is proved absent, and its storage words, 0 where nothing is stored."""

    account: Account | None
    words: Mapping[int, int]


def verify_answer(state_root: bytes, address: bytes, slots: Sequence[int], answer: object) -> ProvedState:
    """Check an answer for exactly this address and these slots, in this order, against a state root.

    Errors: EncodingError for an answer or node that is malformed; DisagreementError for one that proves
    something else than it states, or than was asked for.
    """
    if not isinstance(answer, Mapping):
        raise EncodingError("eth_getProof: the answer is not an object")
    stated = read_data(answer.get("address"), "proof of address", ADDRESS_BYTES)
    if stated != address:
        raise DisagreementError(f"proof of address {address_text(stated)}; {address_text(address)} was asked for")
    account = verify_account_proof(state_root, address, _nodes(answer.get("accountProof"), "accountProof"))
    _check_claims(answer, account, address_text(address))
    entries = answer.get("storageProof")
    if not isinstance(entries, list) or len(entries) != len(slots):
        found = len(entries) if isinstance(entries, list) else "no list"
        raise DisagreementError(f"storageProof: {found} of {len(slots)} slots that were asked for")
    root = EMPTY_ROOT if account is None else account.storage_root
    words = {slot: _word(root, slot, entry) for slot, entry in zip(slots, entries, strict=True)}
    return ProvedState(account, MappingProxyType(words))


def proof_nodes(answer: object) -> tuple[tuple[bytes, ...], tuple[tuple[bytes, ...], ...]]:
    """The nodes of an answer that `verify_answer` accepted: of the account, and of each slot."""
    assert isinstance(answer, Mapping)
    storage = (_nodes(entry["proof"], f"storage proof {i}") for i, entry in enumerate(answer["storageProof"]))
    return _nodes(answer["accountProof"], "accountProof"), tuple(storage)


def _word(storage_root: bytes, slot: int, entry: object) -> int:
    what = f"storage slot {slot:#x}"
    if not isinstance(entry, Mapping):
        raise EncodingError(f"{what}: the entry is not an object")
    key = _word_or_quantity(entry.get("key"), f"{what}: key")
    if key != slot:
        raise DisagreementError(f"{what}: the answer is for slot {key:#x}")
    word = verify_storage_proof(storage_root, slot, _nodes(entry.get("proof"), what))
    stated = _word_or_quantity(entry.get("value"), f"{what}: value")
    if stated != word:
        raise DisagreementError(f"{what}: the answer states {stated:#x} and proves {word:#x}")
    return word


def _check_claims(answer: Mapping[str, object], account: Account | None, address: str) -> None:
    """The plain members of an answer. For an absent account nodes state the empty hashes, or zeros."""
    proved = account or Account(0, 0, EMPTY_ROOT, EMPTY_CODE_HASH)
    for name, number in (("nonce", proved.nonce), ("balance", proved.balance)):
        stated = read_quantity(answer.get(name), name)
        if stated != number:
            raise DisagreementError(f"account {address}: {name} is stated as {stated} and proved to be {number}")
    for name, digest in (("storageHash", proved.storage_root), ("codeHash", proved.code_hash)):
        given = read_data(answer.get(name), name, WORD_BYTES)
        if given != digest and not (account is None and given == _ZERO):
            raise DisagreementError(
                f"account {address}: {name} is stated as 0x{given.hex()} and proved to be 0x{digest.hex()}"
            )


def _nodes(value: object, what: str) -> tuple[bytes, ...]:
    if not isinstance(value, list) or len(value) > MAX_NODES:
        found = f"{len(value)} nodes" if isinstance(value, list) else "no list of nodes"
        raise EncodingError(f"{what}: {found}; a proof has at most {MAX_NODES}")
    nodes = tuple(read_data(node, f"{what}: node {i}") for i, node in enumerate(value))
    if any(len(node) > MAX_NODE_BYTES for node in nodes):
        raise EncodingError(f"{what}: a node has more than {MAX_NODE_BYTES} bytes")
    return nodes


def _word_or_quantity(value: object, what: str) -> int:
    """Nodes write keys and values of slots in either form."""
    if isinstance(value, str) and len(value) == 2 + 2 * WORD_BYTES:
        return int.from_bytes(read_data(value, what, WORD_BYTES), "big")
    return read_quantity(value, what)

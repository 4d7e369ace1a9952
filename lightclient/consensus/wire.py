"""Objects of the light client protocol as nodes serve them: SSZ behind a fork digest, and JSON of the Beacon API."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from zkstate.errors import EncodingError, LengthError

from .forks import Chain, Fork
from .ssz import Bits, ByteList, Bytes, Container, Rows, Type, Uint
from .types import Bootstrap, Formats, Update, formats

_HEX = re.compile(r"0x(?:[0-9a-fA-F]{2})*")
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,77}")
_LENGTH = 8
_DIGEST = 4
MAX_UPDATES = 128  # in one response (MAX_REQUEST_LIGHT_CLIENT_UPDATES)


def formats_of(digest: bytes, chain: Chain) -> Formats:
    """The containers of a fork digest. EncodingError for one that the chain does not have."""
    fork = chain.digests().get(digest)
    if fork is None:
        raise EncodingError(f"fork digest {digest.hex()} is of no fork of this chain, from Altair to Fulu")
    return formats(fork, chain.committee_size)


def decode_bootstrap(data: bytes, digest: bytes, chain: Chain) -> Bootstrap:
    """LightClientBootstrap. EncodingError or LengthError names the field."""
    bootstrap: Bootstrap = formats_of(digest, chain).bootstrap.decode(data, "bootstrap")
    return bootstrap


def decode_update(data: bytes, digest: bytes, chain: Chain) -> Update:
    """LightClientUpdate."""
    update: Update = formats_of(digest, chain).update.decode(data, "update")
    return update


def decode_finality_update(data: bytes, digest: bytes, chain: Chain) -> Update:
    """LightClientFinalityUpdate, as an update without a next committee."""
    update: Update = formats_of(digest, chain).finality_update.decode(data, "finality_update")
    return update


def decode_optimistic_update(data: bytes, digest: bytes, chain: Chain) -> Update:
    """LightClientOptimisticUpdate, as an update without a next committee and a finalized header."""
    update: Update = formats_of(digest, chain).optimistic_update.decode(data, "optimistic_update")
    return update


def decode_updates(data: bytes, chain: Chain) -> list[Update]:
    """The answer to a request for a range: [length, digest, update] over and over. At most 128 of them."""
    found: list[Update] = []
    at = 0
    while at < len(data):
        if len(found) == MAX_UPDATES:
            raise LengthError(f"more than {MAX_UPDATES} updates in one answer")
        length = int.from_bytes(data[at : at + _LENGTH], "little")
        body = data[at + _LENGTH : at + _LENGTH + length]
        if len(body) != length or length < _DIGEST:
            raise LengthError(f"update {len(found)} claims {length} bytes, and {len(body)} follow")
        found.append(decode_update(body[_DIGEST:], body[:_DIGEST], chain))
        at += _LENGTH + length
    return found


# ---- JSON ----


def fork_named(name: str) -> Fork:
    """The fork that a node names in its answer (`version`). EncodingError for one this code does not know."""
    try:
        return Fork[name.upper()]
    except KeyError:
        raise EncodingError(f"version {name!r} is no fork from Altair to Fulu") from None


def read_bootstrap(value: Mapping[str, Any], fork: Fork, chain: Chain) -> Bootstrap:
    """From the `data` of a JSON answer. EncodingError or LengthError names the field."""
    bootstrap: Bootstrap = _read(formats(fork, chain.committee_size).bootstrap, value, "bootstrap")
    return bootstrap


def read_update(value: Mapping[str, Any], fork: Fork, chain: Chain) -> Update:
    """An update, one of finality or an optimistic one, by the fields it has."""
    kinds = formats(fork, chain.committee_size)
    kind = (
        kinds.update
        if "next_sync_committee" in value
        else kinds.finality_update
        if "finalized_header" in value
        else kinds.optimistic_update
    )
    update: Update = _read(kind, value, "update")
    return update


def _read(kind: Type, value: object, what: str) -> Any:  # noqa: ANN401  # each type has its own values
    if isinstance(kind, Container):
        if not isinstance(value, Mapping):
            raise EncodingError(f"{what} is no object")
        missing = [name for name, _ in kind.fields if name not in value]
        if missing:
            raise EncodingError(f"{what} lacks {missing[0]}")
        return kind.of(**{name: _read(field, value[name], f"{what}.{name}") for name, field in kind.fields})
    if isinstance(kind, Uint):
        if not isinstance(value, str) or not _DECIMAL.fullmatch(value):
            raise EncodingError(f"{what} is no decimal integer in a string")
        if int(value) >> 8 * kind.size:
            raise EncodingError(f"{what} has more than {8 * kind.size} bits")
        return int(value)
    if isinstance(kind, Rows):
        if not isinstance(value, list) or len(value) != kind.count:
            raise LengthError(f"{what} is no list of {kind.count}")
        return b"".join(_read(Bytes(kind.width), item, f"{what}[{i}]") for i, item in enumerate(value))
    if not isinstance(value, str) or not _HEX.fullmatch(value):
        raise EncodingError(f"{what} is no hex string")
    assert isinstance(kind, Bytes | Bits | ByteList)
    return kind.decode(bytes.fromhex(value[2:]), what)

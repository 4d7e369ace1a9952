"""The file of an epoch's reserves on one chain: statements of control, a block, and answers of eth_getProof at it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from zkstate.errors import EncodingError, LengthError
from zkstate.publication.header import Header
from zkstate.reserves.control import Control, Hex32
from zkstate.reserves.tokens import Tokens, read_json

RESERVES = "reserves"
MAX_RESERVES_BYTES = 64 << 20
MAX_ADDRESSES = 1 << 10
Answer = dict[str, Any]


class Reserves(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`accounts` has an answer for each address, `holdings` one for each token with the balance slot of each address.

    Both in the order of `controls` and of `tokens`; `block` is the RLP of the header of the block of all answers.
    """

    kind: Literal["zkstate reserves"]
    version: Literal[1]
    header_hash: Hex32
    tokens: Tokens
    block: Annotated[str, msgspec.Meta(pattern=r"\A([0-9a-f]{2}){1,4096}\Z")]
    controls: Annotated[tuple[Control, ...], msgspec.Meta(min_length=1, max_length=MAX_ADDRESSES)]
    accounts: Annotated[tuple[Answer, ...], msgspec.Meta(max_length=MAX_ADDRESSES)]
    holdings: tuple[Answer, ...]

    def encode(self) -> bytes:
        return msgspec.json.encode(self)

    @classmethod
    def decode(cls, data: bytes, name: str = RESERVES) -> Reserves:
        """Read a file. Errors: LengthError, EncodingError; what the answers prove is not looked at."""
        if len(data) > MAX_RESERVES_BYTES:
            raise LengthError(f"{name}: {len(data)} bytes; the limit is {MAX_RESERVES_BYTES}")
        found = read_json(data, cls, name)
        if (len(found.accounts), len(found.holdings)) != (len(found.controls), len(found.tokens.tokens)):
            raise EncodingError(
                f"{name}: {len(found.accounts)} accounts for {len(found.controls)} addresses, and "
                f"{len(found.holdings)} holdings for {len(found.tokens.tokens)} tokens"
            )
        return found


def most_bytes(path: str, header: Header) -> int:  # noqa: ARG001 (the shape of a limit)
    """The limit of a file named `<chain id>.json`, of all for "". EncodingError for any other path."""
    if not path:
        return 16 * MAX_RESERVES_BYTES
    name, dot, ending = path.partition(".")
    if not (name.isascii() and name.isdecimal() and len(name) <= 20 and dot and ending == "json"):
        raise EncodingError(f"{path[:80]!r} is no file of reserves")
    return MAX_RESERVES_BYTES


def reserve_files(folder: Path) -> list[Path]:
    """The files of reserves in a folder, by chain."""
    found = [path for path in folder.glob("*.json") if path.name != "index.json"]
    return sorted(found, key=lambda path: (len(path.name), path.name))

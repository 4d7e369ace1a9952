"""A statement that a venue controls an address, signed by its key for one epoch, one chain and a time."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from zkstate.errors import InputError
from zkstate.publication.header import Header
from zkstate.registry.signatures import signer

Hex32 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Address = Annotated[str, msgspec.Meta(pattern=r"\A0x[0-9a-f]{40}\Z")]
U64 = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
PURPOSE = "What this address holds backs what the venue owes its users."


class Control(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who says it, of which epoch and chain, until when (seconds since 1970), and the signature in hex."""

    scheme: Literal["eip191", "eip712"]
    venue: Hex32
    epoch: U64
    header_hash: Hex32
    chain_id: U64
    address: Address
    expiry: U64
    signature: Annotated[str, msgspec.Meta(pattern=r"\A([0-9a-f]{130})?\Z")]

    @classmethod
    def request(cls, header: Header, scheme: str, chain_id: int, address: str, expiry: int) -> Control:
        """What is to be signed, for an epoch."""
        fields = {"scheme": scheme, "chain_id": chain_id, "address": address, "expiry": expiry, "signature": ""}
        return msgspec.convert(challenge(header) | fields, cls)

    def text(self) -> str:
        """The message of `personal_sign` (EIP-191)."""
        return (
            f"zkstate reserves v1\n{PURPOSE}\nvenue: 0x{self.venue}\nepoch: {self.epoch}\n"
            f"header: 0x{self.header_hash}\nchain: {self.chain_id}\naddress: {self.address}\nexpires: {self.expiry}"
        )

    def typed_data(self) -> dict[str, object]:
        """The message of `eth_signTypedData_v4` (EIP-712)."""
        domain = [("name", "string"), ("version", "string"), ("chainId", "uint256")]
        fields = [
            ("purpose", "string"), ("venue", "bytes32"), ("epoch", "uint64"), ("header", "bytes32"),
            ("account", "address"), ("expiry", "uint64"),
        ]  # fmt: skip
        return {
            "types": {
                "EIP712Domain": [{"name": name, "type": kind} for name, kind in domain],
                "Reserve": [{"name": name, "type": kind} for name, kind in fields],
            },
            "primaryType": "Reserve",
            "domain": {"name": "zkstate", "version": "1", "chainId": self.chain_id},
            "message": {
                "purpose": PURPOSE, "venue": f"0x{self.venue}", "epoch": self.epoch, "header": f"0x{self.header_hash}",
                "account": self.address, "expiry": self.expiry,
            },
        }  # fmt: skip

    def objection(self, header: Header, chain_id: int, at: int) -> str | None:
        """Why it does not show control for this epoch, on this chain, at this time; None if it does."""
        due = challenge(header)
        if self.venue != due["venue"]:
            return f"{self.address}: the statement is of venue {self.venue}, not of {due['venue']}"
        if (self.epoch, self.header_hash) != (due["epoch"], due["header_hash"]):
            stated = f"epoch {self.epoch}, header {self.header_hash}"
            return f"{self.address}: the statement is for {stated}, not for {header.epoch}, {due['header_hash']}"
        if self.chain_id != chain_id:
            return f"{self.address}: the statement is for chain {self.chain_id}, not {chain_id}"
        if self.expiry < at:
            return f"{self.address}: the statement expired at {self.expiry}, before the block of {at}"
        try:
            found = self._signer()
        except InputError as error:
            return f"{self.address}: {error}"
        if found != bytes.fromhex(self.address[2:]):
            return f"{self.address}: the statement is signed by 0x{found.hex()}, or of other words"
        return None

    def is_signed(self) -> bool:
        """Whether the address signed it, for whatever epoch."""
        try:
            return self._signer() == bytes.fromhex(self.address[2:])
        except InputError:
            return False

    def _signer(self) -> bytes:
        message = self.text() if self.scheme == "eip191" else self.typed_data()
        return signer(message, bytes.fromhex(self.signature))


def challenge(header: Header) -> dict[str, object]:
    """What binds a statement to an epoch."""
    return {"venue": f"{header.venue:064x}", "epoch": header.epoch, "header_hash": header.hash.hex()}

"""The options that say to whom a proof is addressed, the same for `prove` and `verify`."""

from __future__ import annotations

from typing import Any

from circuits.context import Context
from zkstate.cli.arguments import Namespace, Parser, address, hex_bytes, unix_time, whole
from zkstate.registry.chain import ADDRESS_BYTES
from zkstate.registry.vault import vault_challenge

FIELDS = ("chain_id", "registry", "recipient", "challenge", "expiry")


def declare_context(parser: Parser) -> None:
    challenge = parser.add_mutually_exclusive_group()
    challenge.add_argument("--challenge", type=hex_bytes(32))
    challenge.add_argument("--vault", dest="challenge", type=_vault)
    parser.add_argument("--recipient", type=address)
    parser.add_argument("--registry", type=address)
    parser.add_argument("--chain-id", type=whole(0, (1 << 64) - 1))
    parser.add_argument("--expiry", type=unix_time)


def _vault(text: str) -> bytes:
    """A vault's address as the challenge it stands for."""
    return vault_challenge(address(text))


def is_vault(challenge: bytes | None) -> bool:
    """Whether a challenge is the address of a vault, padded."""
    return challenge is not None and any(challenge) and not any(challenge[:-ADDRESS_BYTES])


def given_context(args: Namespace) -> dict[str, Any]:
    """The fields of a `Context` that were given, by name."""
    return {name: value for name in FIELDS if (value := getattr(args, name)) is not None}


def context_result(context: Context) -> dict[str, object]:
    """To whom a proof is addressed, in JSON."""
    return {
        "digest": f"{context.digest:#066x}",
        "chain_id": context.chain_id,
        "registry": f"0x{context.registry.hex()}",
        "recipient": f"0x{context.recipient.hex()}",
        "challenge": f"0x{context.challenge.hex()}",
        "expiry": context.expiry,
    }

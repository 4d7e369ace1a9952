"""ExitVault as its users call it: the venue deploys it, traders claim what their exits show, governance releases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zkstate.errors import DisagreementError, InputError
from zkstate.proof.groth16 import Proof
from zkstate.registry.artefacts import artefact
from zkstate.registry.calls import deploy, read_numbers, read_words, word
from zkstate.registry.chain import (
    ADDRESS_BYTES,
    WORD_BYTES,
    Chain,
    Receipt,
    address_text,
    checked_address,
    parse_address,
)
from zkstate.registry.registry import DEFAULT_ROLLBACK_DELAY_S
from zkstate.registry.verifier import proof_words
from zkstate.state.schema import Instrument

CONTRACT = "ExitVault"
NATIVE = bytes(ADDRESS_BYTES)  # in place of a token: the chain's own coin
NATIVE_DECIMALS = 18
MAX_TOKEN_DECIMALS = 36
MAX_ASSETS = 64
DEFAULT_SUSPENSION_LIMIT_S = 2 * DEFAULT_ROLLBACK_DELAY_S
DEFAULT_RELEASE_DELAY_S = 14 * 86400


@dataclass(frozen=True, slots=True)
class VaultAsset:
    """What pays for an instrument: `amount * multiplier // divisor` units of a token."""

    instrument: int
    token: bytes
    multiplier: int
    divisor: int

    @classmethod
    def of(cls, instrument: Instrument, token: bytes, token_decimals: int) -> VaultAsset:
        """The scale from an asset's decimals to the token's. InputError for a market, or decimals out of range."""
        if not instrument.is_asset:
            raise InputError(f"{instrument.symbol} is a {instrument.kind}: only assets can leave")
        if not 0 <= token_decimals <= MAX_TOKEN_DECIMALS:
            raise InputError(f"token {address_text(token)} has {token_decimals} decimals, outside 0..36")
        shift = token_decimals - instrument.decimals
        return cls(instrument.id, checked_address(token), 10 ** max(shift, 0), 10 ** max(-shift, 0))

    def units(self, amount: int) -> int:
        """What is paid for an amount, in units of the token."""
        return amount * self.multiplier // self.divisor


@dataclass(frozen=True, slots=True)
class ExitCall:
    """A proof of `exit` with what a vault needs beside it; `key_digest` (hex) says under which key it was made."""

    key_digest: str
    proof: Proof
    instrument: int
    amount: int
    nullifier: int
    recipient: bytes
    expiry: int = 0

    def call_data(self) -> bytes:
        """The call of `claim`, for whichever wallet sends it."""
        return artefact(CONTRACT).call_data(
            "claim",
            bytes.fromhex(self.key_digest),
            *proof_words(self.proof),
            self.instrument,
            self.amount,
            self.nullifier,
            checked_address(self.recipient),
            self.expiry,
        )


@dataclass(frozen=True, slots=True)
class Payment:
    """What a claim or a collection paid, and what stays owed, in units of the token."""

    token: bytes
    recipient: bytes
    paid: int
    owed: int
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Debt:
    """What is owed for a nullifier."""

    recipient: bytes
    token: bytes
    units: int


@dataclass(frozen=True, slots=True)
class Vault:
    """A deployed ExitVault. What is read here, the chain is believed.

    Errors: RefusedError with the rule that a transaction breaks; SourceError where a node does not deliver.
    """

    chain: Chain
    address: bytes

    @classmethod
    def deploy(
        cls,
        chain: Chain,
        registry: bytes,
        verifiers: Sequence[bytes],
        assets: Sequence[VaultAsset],
        *,
        suspension_limit_s: int = DEFAULT_SUSPENSION_LIMIT_S,
        release_delay_s: int = DEFAULT_RELEASE_DELAY_S,
    ) -> tuple[Vault, Receipt]:
        """A new vault for one registry, which pays on the keys of these verifiers in these assets."""
        address, receipt = deploy(
            chain,
            CONTRACT,
            (
                checked_address(registry),
                [checked_address(verifier) for verifier in verifiers],
                [(each.instrument, each.token, each.multiplier, each.divisor) for each in assets],
                suspension_limit_s,
                release_delay_s,
            ),
            {
                "REGISTRY": registry.rjust(WORD_BYTES, b"\0"),
                "SUSPENSION_LIMIT": word(suspension_limit_s),
                "RELEASE_DELAY": word(release_delay_s),
            },
        )
        return cls(chain, address), receipt

    @property
    def challenge(self) -> bytes:
        """The challenge of a context that this vault pays on."""
        return vault_challenge(self.address)

    def claim(self, call: ExitCall) -> Payment:
        """Send a claim. RefusedError with the vault's rule, or the verifier's "proof is false"."""
        return self._payment(self.chain.transact(self.address, call.call_data()), "ExitPaid")

    def collect(self, nullifier: int, to: bytes | None = None) -> Payment:
        """Pay what is owed for a nullifier as far as the vault holds it; only the recipient may choose where `to`."""
        return self._payment(self._send("collect", nullifier, *(() if to is None else (to,))), "DebtPaid")

    def propose_release(self, token: bytes, to: bytes, units: int) -> Receipt:
        """Announce that the venue takes collateral out."""
        return self._send("propose_release", token, to, units)

    def cancel_release(self) -> Receipt:
        return self._send("cancel_release")

    def execute_release(self) -> Receipt:
        return self._send("execute_release")

    def registry(self) -> bytes:
        return self._word("REGISTRY")[-ADDRESS_BYTES:]

    def is_open(self) -> bool:
        """Whether exits are paid now."""
        return bool(self._number("is_open"))

    def is_spent(self, nullifier: int) -> bool:
        """Whether an exit with this nullifier was claimed."""
        return bool(self._number("spent", nullifier))

    def debt(self, nullifier: int) -> Debt:
        """What is owed for a nullifier; zeros if nothing is."""
        recipient, token, units = self._read("debts", nullifier)
        return Debt(_address(recipient), _address(token), units)

    def owed(self, token: bytes) -> int:
        """All that is owed in a token."""
        return self._number("owed", token)

    def paid_epoch(self) -> tuple[int, bytes]:
        """The newest epoch that was paid from, 0 for none, and its header hash."""
        return self._number("paid_epoch"), self._word("paid_header")

    def asset(self, instrument: int) -> VaultAsset | None:
        """What pays for an instrument, or None."""
        number, token, multiplier, divisor = self._read("assets", instrument)
        return VaultAsset(number, _address(token), multiplier, divisor) if number else None

    def verifier(self, key_digest: str) -> bytes | None:
        """The verifier of a key, or None if the vault does not pay on it."""
        found = self._word("verifiers", bytes.fromhex(key_digest))[-ADDRESS_BYTES:]
        return found if any(found) else None

    def pending_release(self) -> tuple[bytes, bytes, int, int] | None:
        """Token, recipient, units and the moment from which governance may take them; None if none is proposed."""
        token, to, units, ready_at = self._read("release")
        return (_address(token), _address(to), units, ready_at) if ready_at else None

    def _payment(self, receipt: Receipt, event: str) -> Payment:
        contract = artefact(CONTRACT)
        topic = contract.topic(event)
        for log in receipt.logs:
            if log.address == self.address and log.topics[:1] == (topic,):
                told = contract.event(event, log)
                return Payment(
                    parse_address(told["token"]), parse_address(told["recipient"]), told["paid"], told["owed"], receipt
                )
        raise DisagreementError(f"{self.chain.name}: the transaction to {address_text(self.address)} has no {event}")

    def _send(self, function: str, *arguments: object) -> Receipt:
        return self.chain.transact(self.address, artefact(CONTRACT).call_data(function, *arguments))

    def _read(self, function: str, *arguments: object) -> tuple[int, ...]:
        return read_numbers(self.chain, self.address, CONTRACT, function, *arguments)

    def _number(self, function: str, *arguments: object) -> int:
        return int.from_bytes(self._word(function, *arguments), "big")

    def _word(self, function: str, *arguments: object) -> bytes:
        return read_words(self.chain, self.address, CONTRACT, function, *arguments)


def _address(word: int) -> bytes:
    return word.to_bytes(WORD_BYTES, "big")[-ADDRESS_BYTES:]


def vault_challenge(vault: bytes) -> bytes:
    """The challenge that ties a proof to one vault: its address, padded on the left (docs/spec.md, section 7)."""
    return checked_address(vault).rjust(WORD_BYTES, b"\0")

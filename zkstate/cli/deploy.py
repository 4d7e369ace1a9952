"""What `publish --deploy` puts on a chain: a registry, and with --asset the verifiers and the vault that pay exits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from circuits import catalogue, keys
from circuits.attestation import CEREMONY_REQUIRED
from circuits.proving import proving_key
from zkstate.cli.arguments import Namespace, Parser, address, is_given, seconds
from zkstate.cli.named import read_named, read_record
from zkstate.cli.terminal import Terminal
from zkstate.errors import DisagreementError, InputError
from zkstate.proof.keys import VerifyingKey
from zkstate.proof.record import CeremonyRecord
from zkstate.publication.header import SignedHeader
from zkstate.publication.layout import INSTRUMENTS
from zkstate.publication.regular import read_below
from zkstate.publication.tables import check_instruments
from zkstate.registry.chain import WORD_BYTES, Chain, address_text, parse_address
from zkstate.registry.registry import DEFAULT_ROLLBACK_DELAY_S, DEFAULT_STALENESS_LIMIT_S, Registry
from zkstate.registry.vault import (
    DEFAULT_RELEASE_DELAY_S,
    MAX_ASSETS,
    NATIVE,
    NATIVE_DECIMALS,
    Vault,
    VaultAsset,
)
from zkstate.registry.verifier import ProofVerifier
from zkstate.state.schema import Instrument
from zkstate.state.table import MAX_TABLE_BYTES

STATEMENT = "exit"
MAX_KEY_BYTES = 1 << 20
NODE_SIGNS = (
    "the node signs for an account of its own, so the addresses of new contracts are its word alone: compare them "
    "elsewhere before money goes there, or give --publisher-key"
)
_DECIMALS = bytes.fromhex("313ce567")  # decimals(), the optional part of ERC-20
_CIRCUIT = re.compile(r"exit-[0-9a-z-]+")
_TOKEN = re.compile(r"(0x[0-9a-fA-F]*):([0-9]{1,2})", re.ASCII)
_DURATIONS = ("staleness_limit", "rollback_delay", "suspension_limit", "release_delay")
_REGISTRY_TERMS = ("governance", "staleness_limit", "rollback_delay")
_VAULT_TERMS = ("exit_key", "ceremony", "allow_insecure_setup", "suspension_limit", "release_delay")


def declare_deploy(parser: Parser) -> None:
    parser.add_argument("--deploy", action="store_true")
    parser.add_argument("--governance", type=address)
    for name in _DURATIONS:
        parser.add_argument(_option(name), type=seconds)
    parser.add_argument("--asset", action="append", default=[])
    parser.add_argument("--exit-key", action="append", default=[])
    parser.add_argument("--ceremony", action="append", type=Path, default=[])
    parser.add_argument("--allow-insecure-setup", action="store_true")


@dataclass(frozen=True, slots=True)
class Paid:
    """What a vault pays for an instrument, and the decimals of its token as the venue gave them."""

    instrument: Instrument
    asset: VaultAsset
    decimals: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be deployed, read and judged before anything is sent: keys of exits, and what pays for each asset."""

    keys: tuple[tuple[str, VerifyingKey], ...]
    assets: tuple[Paid, ...]
    suspension_limit_s: int
    release_delay_s: int

    def check(self, chain: Chain, registry: Registry | None) -> None:
        """Compare with what the chain says, as far as it exists: nothing is taken from there.

        Errors: DisagreementError for a token with other decimals than given, InputError for a suspension limit below
        the rollback delay of the registry.
        """
        if registry is not None:
            _check_suspension(self.suspension_limit_s, registry.rollback_delay())
        for paid in self.assets:
            if paid.asset.token != NATIVE:
                _check_decimals(chain, paid)


def planned(args: Namespace, public: Path, signed: SignedHeader) -> Plan | None:
    """The vault that the options ask for, or None. InputError for options that go with nothing, or not together."""
    for name in _REGISTRY_TERMS:
        if is_given(getattr(args, name)) and not args.deploy:
            raise InputError(f"{_option(name)} is for a new registry: give --deploy")
    for name in _DURATIONS:
        if getattr(args, name) == 0:
            raise InputError(f"{_option(name)} 0: the contracts take no less than a second")
    if not args.asset:
        for name in _VAULT_TERMS:
            if getattr(args, name) not in (None, False, []):
                raise InputError(f"{_option(name)} is for a vault: give --asset, for what it is to pay")
        return None
    if args.rpc is None:
        raise InputError("--asset makes a vault on a chain, and no --rpc is given")
    table = check_instruments(read_below(public, INSTRUMENTS, MAX_TABLE_BYTES), signed.header)
    by_symbol = {instrument.symbol: instrument for instrument in table.instruments if instrument.symbol}
    assets = tuple(_asset(text, by_symbol) for text in args.asset)
    _check_each("--asset", [paid.instrument.symbol for paid in assets])
    if len(assets) > MAX_ASSETS:
        raise InputError(f"--asset is given {len(assets)} times, and a vault takes {MAX_ASSETS}")
    if not args.exit_key:
        raise InputError("a vault pays on the keys of `exit`: give --exit-key")
    records = [record for path in args.ceremony if (record := read_record(path)) is not None]
    exit_keys = tuple(_key(text, records, args.allow_insecure_setup) for text in args.exit_key)
    _check_each("--exit-key", [circuit for circuit, _ in exit_keys])
    return Plan(exit_keys, assets, _suspension_limit(args), _given(args.release_delay, DEFAULT_RELEASE_DELAY_S))


def registry_terms(args: Namespace) -> dict[str, Any]:
    """Of a new registry, as `Registry.deploy` takes them."""
    return {
        "governance": args.governance,
        "staleness_limit_s": _given(args.staleness_limit, DEFAULT_STALENESS_LIMIT_S),
        "rollback_delay_s": _given(args.rollback_delay, DEFAULT_ROLLBACK_DELAY_S),
    }


def deploy_vault(plan: Plan, registry: Registry, terminal: Terminal) -> dict[str, object]:
    """Deploy the verifiers and the vault; each is told as soon as it is there, in case a later one fails."""
    chain = registry.chain
    verifiers = {}
    for circuit, key in plan.keys:
        verifier, _ = ProofVerifier.deploy(chain, key)
        terminal.say(f"verifier of {circuit}: {address_text(verifier.address)}")
        verifiers[circuit] = verifier.address
    vault, receipt = Vault.deploy(
        chain,
        registry.address,
        tuple(verifiers.values()),
        [paid.asset for paid in plan.assets],
        suspension_limit_s=plan.suspension_limit_s,
        release_delay_s=plan.release_delay_s,
    )
    return {
        "vault": address_text(vault.address),
        "vault_gas": receipt.gas_used,
        "verifiers": {circuit: address_text(found) for circuit, found in verifiers.items()},
        "assets": [
            {
                "symbol": paid.instrument.symbol,
                "instrument": paid.asset.instrument,
                "token": address_text(paid.asset.token),
                "multiplier": str(paid.asset.multiplier),
                "divisor": str(paid.asset.divisor),
            }
            for paid in plan.assets
        ],
    }


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _given(value: int | None, default: int) -> int:
    return default if value is None else value


def _check_each(option: str, names: Sequence[str]) -> None:
    """Every asset and every circuit once: the vault binds no second one, after the first contracts were paid for."""
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{option}: {name} is given twice")


def _suspension_limit(args: Namespace) -> int:
    """Of a registry that is there, the delay would be what the node says, and the vault is bound to it for ever."""
    if not args.deploy:
        if args.suspension_limit is None:
            raise InputError(
                "a vault for a registry that is there needs --suspension-limit, at least its rollback delay"
            )
        return int(args.suspension_limit)
    rollback_delay = _given(args.rollback_delay, DEFAULT_ROLLBACK_DELAY_S)
    limit = _given(args.suspension_limit, 2 * rollback_delay)
    _check_suspension(limit, rollback_delay)
    return limit


def _check_suspension(limit_s: int, rollback_delay_s: int) -> None:
    if limit_s < rollback_delay_s:
        raise InputError(f"--suspension-limit, {limit_s} s, is shorter than the rollback delay, {rollback_delay_s} s")


def _asset(text: str, by_symbol: dict[str, Instrument]) -> Paid:
    """SYMBOL=ADDRESS:DECIMALS for a token, or SYMBOL=native."""
    symbol, _, place = text.rpartition("=")
    token = _TOKEN.fullmatch(place)
    if symbol not in by_symbol or (token is None and place != "native"):
        raise InputError(
            f"--asset {text}: wanted SYMBOL=ADDRESS:DECIMALS or SYMBOL=native, of an asset in {INSTRUMENTS}"
        )
    instrument = by_symbol[symbol]
    if not instrument.is_asset:
        raise InputError(f"--asset {text}: {symbol} is a {instrument.kind}: only assets can leave")
    if token is None:
        return Paid(instrument, VaultAsset.of(instrument, NATIVE, NATIVE_DECIMALS), NATIVE_DECIMALS)
    address = parse_address(token[1])
    if address == NATIVE:
        raise InputError(f"--asset {text}: the zero address is no token; the chain's own coin is called native")
    decimals = int(token[2])
    return Paid(instrument, VaultAsset.of(instrument, address, decimals), decimals)


def _key(text: str, records: list[CeremonyRecord], insecure: bool) -> tuple[str, VerifyingKey]:
    """A key of `exit` that may be relied on, with the name of its circuit: a file, or a circuit's insecure key."""
    path = Path(text)
    if not path.exists() and _CIRCUIT.fullmatch(text):
        if not insecure:
            raise InputError(f"--exit-key {text} names a circuit, whose key is insecure: {CEREMONY_REQUIRED}")
        circuit = keys.trusted_circuit(text)
        return text, proving_key(catalogue.parse(text), circuit).vk
    key = VerifyingKey.from_json(read_named(path, MAX_KEY_BYTES), text)
    digest = key.digest()
    for name, known in keys.known().items():
        if known.verification_key == digest and name.split("-")[0] == STATEMENT:
            if not (insecure or known.status.trusted):
                raise InputError(f"{text} is {known.status.value}: {CEREMONY_REQUIRED}")
            return name, key
    for record in records:
        name = record.circuit.name
        pinned = keys.known().get(name)
        ours = pinned is not None and pinned.circuit == record.circuit.digest and name.split("-")[0] == STATEMENT
        if ours and not list(record.refusals(key)):
            return name, key
    raise InputError(f"{text} has digest {digest}, which is of no `exit` known here: {CEREMONY_REQUIRED}")


def _check_decimals(chain: Chain, paid: Paid) -> None:
    """The scale of the vault follows from the decimals for ever, so the node's word alone does not set it."""
    answer = chain.call(paid.asset.token, _DECIMALS)
    if answer != paid.decimals.to_bytes(WORD_BYTES, "big"):
        said = answer[:40].hex() or "nothing"
        raise DisagreementError(
            f"{chain.name}: token {address_text(paid.asset.token)} of {paid.instrument.symbol} answers decimals() with "
            f"{said}, and --asset says {paid.decimals}"
        )

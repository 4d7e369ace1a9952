"""What `publish --deploy` puts on a chain: a registry, and with --asset the verifiers and the vault that pay exits."""

from __future__ import annotations

import re
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
    MAX_TOKEN_DECIMALS,
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
_DECIMALS = bytes.fromhex("313ce567")  # decimals(), the optional part of ERC-20
_CIRCUIT = re.compile(r"exit-[0-9a-z-]+")
_REGISTRY_TERMS = ("governance", "staleness_limit", "rollback_delay")
_VAULT_TERMS = ("exit_key", "ceremony", "allow_insecure_setup", "suspension_limit", "release_delay")


def declare_deploy(parser: Parser) -> None:
    parser.add_argument("--deploy", action="store_true")
    parser.add_argument("--governance", type=address)
    for name in ("staleness-limit", "rollback-delay", "suspension-limit", "release-delay"):
        parser.add_argument(f"--{name}", type=seconds)
    parser.add_argument("--asset", action="append", default=[])
    parser.add_argument("--exit-key", action="append", default=[])
    parser.add_argument("--ceremony", action="append", type=Path, default=[])
    parser.add_argument("--allow-insecure-setup", action="store_true")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be deployed, read and judged before anything is sent: keys of exits, and a token for each asset."""

    keys: tuple[tuple[str, VerifyingKey], ...]
    assets: tuple[tuple[Instrument, bytes], ...]


def planned(args: Namespace, public: Path, signed: SignedHeader) -> Plan | None:
    """The vault that the options ask for, or None. InputError for options that go with nothing."""
    for name in _REGISTRY_TERMS:
        if is_given(getattr(args, name)) and not args.deploy:
            raise InputError(f"--{name.replace('_', '-')} is for a new registry: give --deploy")
    if not args.asset:
        for name in _VAULT_TERMS:
            if getattr(args, name) not in (None, False, []):
                raise InputError(f"--{name.replace('_', '-')} is for a vault: give --asset, for what it is to pay")
        return None
    if args.rpc is None:
        raise InputError("--asset makes a vault on a chain, and no --rpc is given")
    table = check_instruments(read_below(public, INSTRUMENTS, MAX_TABLE_BYTES), signed.header)
    by_symbol = {instrument.symbol: instrument for instrument in table.instruments if instrument.symbol}
    assets = tuple(_asset(text, by_symbol) for text in args.asset)
    if not args.exit_key:
        raise InputError("a vault pays on the keys of `exit`: give --exit-key")
    records = [record for path in args.ceremony if (record := read_record(path)) is not None]
    return Plan(tuple(_key(text, records, args.allow_insecure_setup) for text in args.exit_key), assets)


def registry_terms(args: Namespace) -> dict[str, Any]:
    """Of a new registry, as `Registry.deploy` takes them."""
    return {
        "governance": args.governance,
        "staleness_limit_s": args.staleness_limit or DEFAULT_STALENESS_LIMIT_S,
        "rollback_delay_s": args.rollback_delay or DEFAULT_ROLLBACK_DELAY_S,
    }


def deploy_vault(plan: Plan, registry: Registry, args: Namespace, terminal: Terminal) -> dict[str, object]:
    """Deploy the verifiers and the vault; each is told as soon as it is there, in case a later one fails."""
    chain = registry.chain
    assets = [VaultAsset.of(asset, token, _decimals(chain, asset.symbol, token)) for asset, token in plan.assets]
    verifiers = {}
    for circuit, key in plan.keys:
        verifier, _ = ProofVerifier.deploy(chain, key)
        terminal.say(f"verifier of {circuit}: {address_text(verifier.address)}")
        verifiers[circuit] = verifier.address
    vault, receipt = Vault.deploy(
        chain,
        registry.address,
        tuple(verifiers.values()),
        assets,
        suspension_limit_s=2 * registry.rollback_delay() if args.suspension_limit is None else args.suspension_limit,
        release_delay_s=args.release_delay or DEFAULT_RELEASE_DELAY_S,
    )
    return {
        "vault": address_text(vault.address),
        "vault_gas": receipt.gas_used,
        "verifiers": {circuit: address_text(found) for circuit, found in verifiers.items()},
        "assets": [
            {
                "symbol": instrument.symbol,
                "instrument": asset.instrument,
                "token": address_text(asset.token),
                "multiplier": str(asset.multiplier),
                "divisor": str(asset.divisor),
            }
            for asset, (instrument, _) in zip(assets, plan.assets, strict=True)
        ],
    }


def _asset(text: str, by_symbol: dict[str, Instrument]) -> tuple[Instrument, bytes]:
    """SYMBOL=TOKEN, where TOKEN is an address or `native`."""
    symbol, equals, place = text.rpartition("=")
    if not equals or symbol not in by_symbol:
        raise InputError(f"--asset {text}: wanted SYMBOL=ADDRESS or SYMBOL=native, of an asset in {INSTRUMENTS}")
    instrument = by_symbol[symbol]
    if not instrument.is_asset:
        raise InputError(f"--asset {text}: {symbol} is a {instrument.kind}: only assets can leave")
    token = NATIVE if place == "native" else parse_address(place)
    if place != "native" and token == NATIVE:
        raise InputError(f"--asset {text}: the zero address is no token; the chain's own coin is called native")
    return instrument, token


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


def _decimals(chain: Chain, symbol: str, token: bytes) -> int:
    """How many decimals a token says that it has."""
    if token == NATIVE:
        return NATIVE_DECIMALS
    answer = chain.call(token, _DECIMALS)
    if len(answer) != WORD_BYTES or int.from_bytes(answer, "big") > MAX_TOKEN_DECIMALS:
        said = answer[:40].hex() or "nothing"
        raise DisagreementError(f"{chain.name}: token {address_text(token)} of {symbol} answers decimals() with {said}")
    return int.from_bytes(answer, "big")

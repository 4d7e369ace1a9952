"""zkstate claim: have a vault pay what a proof of exit shows."""

from __future__ import annotations

import time
from pathlib import Path

from circuits.attestation import Attestation, expected_inputs, holds
from circuits.exit_claim import ExitClaim
from zkstate.cli.arguments import Namespace, Parser, address, existing, whole
from zkstate.cli.headers import time_text
from zkstate.cli.terminal import Terminal, show_facts
from zkstate.cli.verify import read_attestation, read_portable
from zkstate.errors import DisagreementError, InputError
from zkstate.registry.chain import address_text
from zkstate.registry.client import JsonRpcChain, KeyFile, NodeAccount
from zkstate.registry.vault import ExitCall, Vault, vault_challenge

USAGE = """\
usage: zkstate claim PROOF --vault ADDRESS [--rpc URL [--chain-id N] [--sender-key FILE]] [--json]

Have an ExitVault pay a proof of exit to the recipient that the proof names. Without --rpc, print the transaction for a
wallet to send: anyone may, and nobody can turn it to another recipient.

  PROOF              what zkstate prove exit wrote, for this vault: a folder, or one file. A Groth16 proof, with
                     --vault, --registry, --chain-id and --recipient
  --vault ADDRESS    the vault
  --rpc URL          a node to send the transaction through
  --chain-id N       send nothing unless the node is on this chain; that of the proof, anyhow
  --sender-key FILE  who pays for gas: 64 hex digits in a file that only you can read; else an account of the node

What the vault lacks stays owed to the recipient; collect(NULLIFIER) pays it once the vault has it.
Exit code 0 if paid or printed, 1 if the proof is false or expired, 2 if it is not one for this vault, 4 if the vault
refuses: its rule is named (docs/registry.md).

Example, after the examples of snapshot, publish and recover, with any addresses:

  zkstate prove exit --account account.json --asset USDT --recipient 0x9fe46736679d2d9a65f0992f2272de9f3c7fa6e0 \\
      --vault 0x5fbdb2315678afecb367f032d93f642f64180aa3 --registry 0xe7f1725e7734ce288f8367e1bb143e90bb3f0512 \\
      --chain-id 31337 --allow-insecure-setup --out exit-proof
  zkstate claim exit-proof --vault 0x5fbdb2315678afecb367f032d93f642f64180aa3
"""


def declare(parser: Parser) -> None:
    parser.add_argument("proof", type=existing)
    parser.add_argument("--vault", type=address, required=True)
    parser.add_argument("--rpc")
    parser.add_argument("--chain-id", type=whole(1, (1 << 64) - 1))
    parser.add_argument("--sender-key", type=existing)


def run(args: Namespace, terminal: Terminal) -> int:
    for option in ("chain_id", "sender_key"):
        if getattr(args, option) is not None and args.rpc is None:
            raise InputError(f"--{option.replace('_', '-')} is for a transaction, and no --rpc is given")
    place: Path = args.proof
    attestation = read_attestation(place) if place.is_dir() else read_portable(place)
    call = exit_call(attestation, args.vault)
    context = attestation.context
    if args.chain_id not in (None, context.chain_id):
        raise InputError(f"--chain-id {args.chain_id}: the proof is for chain {context.chain_id}")
    told: dict[str, object] = {
        "verb": "claim",
        "vault": address_text(args.vault),
        "chain_id": context.chain_id,
        "recipient": address_text(call.recipient),
        "claim": attestation.claim.sentence(attestation.table),
        "nullifier": f"{call.nullifier:#066x}",
    }
    if reason := _refused(attestation):
        terminal.say(reason)
        terminal.emit(told | {"refused": reason}, lambda console: show_facts(console, [("refused", reason)]))
        return 1
    if args.rpc is None:
        told |= {"to": address_text(args.vault), "value": "0", "data": f"0x{call.call_data().hex()}"}
    else:
        told |= _sent(call, attestation, args)
    facts = [(name.replace("_", " "), str(value)) for name, value in told.items() if name != "verb"]
    terminal.emit(told, lambda console: show_facts(console, facts))
    return 0


def exit_call(attestation: Attestation, vault: bytes) -> ExitCall:
    """The claim that a proof makes at a vault. InputError if it is of something else, or addressed elsewhere."""
    claim, context = attestation.claim, attestation.context
    if not isinstance(claim, ExitClaim):
        raise InputError(f"the proof is of a {claim.statement}: a vault pays an exit")
    key, proof = attestation.groth16
    if context.challenge != vault_challenge(vault):
        raise InputError(
            f"the proof is made for challenge {context.challenge.hex()}, and vault {address_text(vault)} pays on "
            f"{vault_challenge(vault).hex()}: prove it again with --vault"
        )
    for name, value in (
        ("chain-id", context.chain_id),
        ("registry", context.registry),
        ("recipient", context.recipient),
    ):
        if not (any(value) if isinstance(value, bytes) else value):
            raise InputError(f"the proof names no {name}: prove it again with --{name}")
    return ExitCall(
        key.digest(), proof, claim.instrument, claim.amount, claim.nullifier, context.recipient, context.expiry
    )


def _refused(attestation: Attestation) -> str | None:
    """Why the vault would pay nothing on this proof, as far as that can be told without asking it."""
    context = attestation.context
    if list(expected_inputs(attestation).values()) != list(attestation.public_inputs) or not holds(attestation):
        return "the proof is false of its own statement"
    if context.expiry and context.expiry < time.time():
        return f"the proof expired at {time_text(context.expiry)}"
    return None


def _sent(call: ExitCall, attestation: Attestation, args: Namespace) -> dict[str, object]:
    """What the vault did. What it would answer with `proof is false` alone is said before."""
    context = attestation.context
    sender = NodeAccount() if args.sender_key is None else KeyFile(args.sender_key)
    vault = Vault(JsonRpcChain(args.rpc, sender, chain_id=context.chain_id), args.vault)
    if vault.registry() != context.registry:
        raise DisagreementError(
            f"vault {address_text(args.vault)} follows registry {address_text(vault.registry())}, and the proof is "
            f"made for {address_text(context.registry)}"
        )
    payment = vault.claim(call)
    receipt = payment.receipt
    return {
        "token": address_text(payment.token) if any(payment.token) else "native",
        "paid": str(payment.paid),
        "owed": str(payment.owed),
        "transaction": None if receipt.transaction_hash is None else f"0x{receipt.transaction_hash.hex()}",
        "block": receipt.block_number,
        "gas": receipt.gas_used,
    }

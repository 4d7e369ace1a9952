"""The demo told: report.json, and the same for people."""

from __future__ import annotations

import platform
from pathlib import Path

from rich.console import Console
from rich.rule import Rule

import zkstate
from circuits.attestation import TRANSPARENT_FILE
from zkstate.cli.account import show_account
from zkstate.cli.headers import age_text
from zkstate.cli.recover import recovery_result
from zkstate.cli.story import BUNDLE_FILE, KEY_FILE, MIRROR_FOLDER, TRANSPARENT_FOLDER, Story
from zkstate.cli.terminal import duration_text, show_facts, show_judgement, size_text
from zkstate.cli.trusted import trust_facts
from zkstate.cli.verdict import TRANSPARENT_SECURITY, Verdict
from zkstate.kernels import thread_count
from zkstate.registry.chain import address_text


def report(story: Story) -> dict[str, object]:
    """Everything measured and judged. Paths are relative to the demo's folder."""
    venue, header = story.venue, story.recovery.bundle.header
    return {
        "verb": "demo",
        "accepted": story.accepted,
        "ledger": {
            "venue": header.venue_name,
            "synthetic": header.synthetic,
            "accounts": header.account_count,
            "instruments": len(venue.ledger.table),
            "rows": int(venue.ledger.rows.start[-1]),
            "orders": int(venue.ledger.orders.start[-1]),
            "notes": list(story.notes),
        },
        "publication": {
            "mirror": MIRROR_FOLDER,
            "files": venue.published.files,
            "bytes": venue.snapshot.public_bytes,
            "chain": venue.registry.chain.name,
            "chain_id": venue.registry.chain.chain_id,
            "registry": address_text(venue.registry.address),
            "gas": None if venue.publication is None else venue.publication.gas_used,
        },
        "deleted": {"files": venue.deleted_files, "bytes": venue.deleted_bytes},
        "recovery": {"name": venue.trader, "bundle": BUNDLE_FILE, "key": KEY_FILE, **recovery_result(story.recovery)},
        "proof": {
            "circuit": story.attestation.circuit,
            "public_inputs": [str(x) for x in story.attestation.public_inputs],
        },
        "transparent": Verdict(
            story.transparent, story.transparent_finding, story.judged_at, header_pinned=True, context_given=True
        ).result(),
        "offline": verdict(story).result() | {"changed_inputs_refused": story.forgeries_refused[0]},
        "on_chain": {
            "accepted": story.contract_accepts,
            "changed_inputs_refused": story.forgeries_refused[1],
            "verification_gas": story.verification.gas_used,
            "deployment_gas": story.deployment.gas_used,
        },
        "rpo_s": story.recovery.rpo_s,
        "rto_s": round(story.recovery.rto_s, 6),
        "sizes": story.sizes,
        "seconds": story.seconds,
        "machine": machine(),
    }


def verdict(story: Story) -> Verdict:
    """The offline verdict, with what the trader of the demo pinned."""
    return Verdict(story.attestation, story.finding, story.judged_at, header_pinned=True, context_given=True)


def render(console: Console, story: Story, out: Path) -> None:
    """The story in order, the account, the verdict, and what to try next."""
    venue, recovery = story.venue, story.recovery
    seconds = {name: duration_text(took) for name, took in story.seconds.items()}
    header = recovery.bundle.header
    instruments = len(venue.ledger.table)
    data = "synthetic: generated, of no real venue" if header.synthetic else "as given"
    refused = "every changed input refused" if all(story.forgeries_refused) else "A CHANGED INPUT WAS ACCEPTED"
    gas = f"{story.verification.gas_used:,} gas on the {venue.registry.chain.name}"
    _chapter(console, "1  the venue commits and publishes")
    show_facts(
        console,
        [
            (
                "ledger",
                f"{header.venue_name}, {header.account_count:,} accounts, {instruments} instruments ({data})",
            ),
            ("state root", f"{header.state_root:#066x}, in {seconds['snapshot']}"),
            (
                "mirror",
                f"{out / MIRROR_FOLDER}: {venue.published.files} files, {size_text(venue.snapshot.public_bytes)}",
            ),
            ("registry", f"{address_text(venue.registry.address)} on the {venue.registry.chain.name}"),
        ],
    )
    _chapter(console, "2  the venue disappears")
    show_facts(
        console,
        [
            ("deleted", f"ledger, keys and salts: {venue.deleted_files} files, {size_text(venue.deleted_bytes)}"),
            ("left", f"the mirror, the registry, and the trader's key ({out / KEY_FILE})"),
        ],
    )
    _chapter(console, f"3  {venue.trader} recovers")
    show_facts(
        console,
        [
            ("in", f"{duration_text(recovery.rto_s)} (RTO), reading {size_text(recovery.bytes_read)} from the mirror"),
            ("state age", f"{age_text(recovery.rpo_s)} (RPO)"),
            *trust_facts(recovery.bundle.trust, recovery.bundle.recovered_at),
        ],
    )
    show_account(console, recovery.bundle.account, recovery.bundle.table, recovery.bundle.header.time)
    _chapter(console, "4  proves the margin, and hides the rest")
    show_facts(console, [(name.strip(), took) for name, took in seconds.items() if name.startswith("  ")])
    _chapter(console, "5  anyone verifies")
    reasons = story.transparent_finding.reasons + story.finding.reasons
    show_judgement(console, story.accepted, reasons, verdict(story).facts())
    size = size_text(story.sizes[f"{TRANSPARENT_FOLDER}/{TRANSPARENT_FILE}"])
    show_facts(
        console,
        [
            ("without a key", f"{size}, {seconds['verify offline']} offline, circuit compiled; {refused}"),
            ("", TRANSPARENT_SECURITY),
            ("Groth16", f"{seconds['verify offline, for the chain']} offline; {refused}"),
            ("on chain", f"{gas}; {refused}"),
        ],
    )
    _chapter(console, "try it yourself")
    challenge = story.attestation.context.challenge.hex()
    show_facts(
        console,
        [
            ("ours", f"zkstate verify {out / TRANSPARENT_FOLDER} --challenge {challenge}"),
            ("for the chain", f"zkstate verify {out} --challenge {challenge} --allow-insecure-setup"),
            ("not ours", f"cd {out} && snarkjs groth16 verify verification_key.json public.json proof.json"),
            ("report", str(out / "report.json")),
        ],
    )


def _chapter(console: Console, title: str) -> None:
    console.print()
    if console.is_terminal:
        console.print(Rule(title, align="left"))
    else:
        console.out(title, highlight=False)


def machine() -> dict[str, object]:
    """What this ran on."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        named = [line for line in cpuinfo.read_text("utf-8").splitlines() if line.startswith("model name")]
        model = named[0].partition(":")[2].strip() if named else model
    return {
        "system": platform.platform(terse=True),
        "processor": model,
        "threads": thread_count(0),
        "python": platform.python_version(),
        "zkstate": zkstate.__version__,
    }

"""The disaster of the demo: almost everything is gone, and a trader comes back with shares and what is left.

The venue's machine is deleted. Of five mirrors two are gone, one lies, one is slow, one serves. Of two nodes one
invents a chain. The key is three of five shares. All of it is real: files, shares, HTTP and JSON-RPC on the loopback, a
contract in an EVM, proofs of its storage, the program's own recovery, prover and verifier.
"""

from __future__ import annotations

import shutil
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from circuits.attestation import Attestation, Expectation, Finding, examine
from circuits.claims import HealthClaim
from circuits.context import Context
from circuits.proving import attest
from lightclient.nodes import NodeReport
from lightclient.recover import Limits, Recovery, recover
from lightclient.registry_reader import RegistryReader
from lightclient.source import Fleet, SourceReport
from zkstate.atomic import PRIVATE_FILE, PRIVATE_FOLDER, write_new
from zkstate.backup.shares import Group, join, split
from zkstate.cli.between import opening_of
from zkstate.cli.disaster_chain import DrillNode, inventing
from zkstate.cli.disaster_servers import honest, lying, serving, slow, unanswered
from zkstate.cli.headers import age_text
from zkstate.cli.ledgers import open_ledger
from zkstate.cli.recover import recovery_result
from zkstate.cli.story import BUNDLE_FILE, Stopwatch, choose_account
from zkstate.cli.terminal import duration_text, show_judgement, size_text
from zkstate.errors import DisagreementError, ZkstateError
from zkstate.publication.epoch import write_epoch
from zkstate.publication.header import SIGNED_BYTES, Header, SignedHeader
from zkstate.publication.layout import HEADER, epoch_folder
from zkstate.publication.mirrors import mirror_at
from zkstate.publication.operator import Operator
from zkstate.publication.progress import Progress
from zkstate.publication.publish import publish_folder
from zkstate.registry.embedded import EmbeddedChain, embedded_chain
from zkstate.registry.registry import Registry

NEEDED, GUARDIANS = 3, 5
SHARES, PROOF = "shares", "proof"
# What each is, and what it has to be found to have done.
FATES = {
    "gone: nobody listens": "silent",
    "gone: an empty server": "had nothing",
    "lies: one bit of every file": "lied",
    "slow: a minute a file": "silent",
    "serves": "served",
}
NODE_FATES = {"lies: a chain of its own": "lied", "serves": "served"}
REQUEST_S = 5.0
PATIENCE_S = 60.0  # for a second hearing: a busy machine is not to look like a dead mirror


@dataclass(frozen=True, slots=True)
class Survivor:
    """A mirror or node as it was, and what the recovery found it to be."""

    what: str
    place: str
    fate: str
    due: str
    found: str
    served: int
    bytes_read: int


@dataclass(frozen=True, slots=True)
class Disaster:
    """What happened and what came back."""

    recovery: Recovery
    attestation: Attestation
    finding: Finding
    survivors: tuple[Survivor, ...]
    deleted_files: int
    shares_used: tuple[str, ...]
    seconds: dict[str, float]
    rpo_s: int
    rto_s: float

    @property
    def accepted(self) -> bool:
        """The proof holds, and every mirror and node was found to be what it was."""
        return not self.reasons

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is not accepted."""
        wrong = (s for s in self.survivors if s.found != s.due)
        taken = (f"{s.what} {s.place} is found to have {s.found}; {s.due} is due: {s.fate}" for s in wrong)
        return *self.finding.reasons, *taken


def survive(folder: Path, accounts: int, progress: Progress) -> Disaster:
    """Play the disaster below `folder`. The venue's part takes no time from the recovery's."""
    watch, stop, chain = Stopwatch(progress), threading.Event(), embedded_chain()
    with ExitStack() as stack:
        with watch.step("the venue publishes to five mirrors, then loses its machine"):
            registry, deleted = _venue(folder, accounts, chain)
        node = DrillNode(chain, registry.address, 1)
        mirrors = [folder / f"mirror-{i}" for i in range(1, 6)]
        shutil.rmtree(mirrors[1] / "epochs")
        answers = (lying(mirrors[2]), slow(mirrors[3], stop), honest(mirrors[4]))
        nobody = stack.enter_context(unanswered())
        empty = stack.enter_context(serving(honest(mirrors[1]), stop))
        places = [nobody, empty, *(stack.enter_context(serving(answer, stop)) for answer in answers)]
        nodes = [stack.enter_context(serving(answer, stop)) for answer in (inventing(node), node.answer)]
        began = time.perf_counter()
        with watch.step("the key, from 3 of 5 shares"):
            paths = sorted((folder / SHARES).iterdir())[1 : 1 + NEEDED]
            key = join({path.name: path.read_text() for path in paths})
        with watch.step("the account, from what is left"):
            reader = RegistryReader(nodes, registry.address, block_hash=node.block_hash, timeout_s=REQUEST_S)
            limits = Limits(request_s=REQUEST_S)
            recovery = recover(key, [mirror_at(place) for place in places], reader, limits=limits, progress=progress)
            recovery.bundle.write(folder / BUNDLE_FILE)
        with watch.step("a proof of health"):
            context = Context(chain.chain_id, registry.address)
            proof = attest(
                opening_of(recovery.bundle), recovery.bundle.signed, HealthClaim(), context, transparent=True
            )
        with watch.step("its verification"):
            expected = Expectation(recovery.bundle.header.hash, context)
            finding = examine(Attestation.decode(proof.encode()), expected, int(time.time()))
        rto = time.perf_counter() - began
        survivors = (*_mirrors(recovery, places), *_nodes(reader.reports()))
    (folder / PROOF).mkdir()
    for name, content in proof.encode().items():
        write_new(folder / PROOF / name, content)
    used = tuple(path.name for path in paths)
    return Disaster(recovery, proof, finding, survivors, deleted, used, watch.seconds, recovery.rpo_s, rto)


def _venue(folder: Path, accounts: int, chain: EmbeddedChain) -> tuple[Registry, int]:
    """Snapshot, five mirrors, a registry, the trader's shares; then nothing of the venue is left. Files deleted."""
    home = folder / "venue"
    home.mkdir(mode=PRIVATE_FOLDER)
    ledger = open_ledger(f"synthetic:{accounts}", time=int(time.time()))
    operator = Operator.read_or_create(home / "operator")
    snapshot = write_epoch(ledger, operator, home / "epoch")
    for i in range(1, 6):
        publish_folder(snapshot.public, folder / f"mirror-{i}")
    registry, _ = Registry.deploy(chain, snapshot.signed.header.venue)
    registry.publish(snapshot.signed.header.encode())
    key = operator.account_key(choose_account(ledger))
    (folder / SHARES).mkdir(mode=PRIVATE_FOLDER)
    for i, words in enumerate(split(key, [Group(NEEDED, GUARDIANS)], 1)[0], 1):
        write_new(folder / SHARES / f"guardian-{i}.txt", words.encode(), PRIVATE_FILE)
    files = sum(path.is_file() for path in home.rglob("*"))
    shutil.rmtree(home)
    return registry, files


def _mirrors(recovery: Recovery, places: list[str]) -> list[Survivor]:
    reports = {report.name: report for report in recovery.sources}
    found = []
    for place, (fate, due) in zip(places, FATES.items(), strict=True):
        report = reports[place]
        words = _conduct(report)
        if words == "silent" != due:  # the recovery had no need to wait for it; who judges it does
            words = _conduct(_hear(place, recovery.bundle.signed.header))
        found.append(Survivor("mirror", place, fate, due, words, report.served, report.bytes_read))
    return found


def _conduct(report: SourceReport) -> str:
    if report.lied:
        return "lied"
    if report.missing and not report.served:
        return "had nothing"
    return "served" if report.served and not report.silent else "silent"


def _hear(place: str, header: Header) -> SourceReport:
    """What a mirror does that is asked for the header alone, and waited for."""

    def check(data: bytes) -> None:
        if SignedHeader.decode(data).header != header:
            raise DisagreementError(f"{place} holds another header of epoch {header.epoch}")

    fleet = Fleet([mirror_at(place)], request_s=PATIENCE_S, grace_s=0)
    with suppress(ZkstateError):
        fleet.fetch(f"{epoch_folder(header.epoch)}/{HEADER}", SIGNED_BYTES, check)
    return fleet.reports()[0]


def _nodes(reports: tuple[NodeReport, ...]) -> list[Survivor]:
    return [
        Survivor("node", report.name, fate, due, "lied" if report.fault else "served", 0, 0)
        for report, (fate, due) in zip(reports, NODE_FATES.items(), strict=True)
    ]


def report(disaster: Disaster) -> dict[str, object]:
    """Everything measured and judged."""
    return {
        "verb": "demo", "disaster": True, "accepted": disaster.accepted, "reasons": list(disaster.reasons),
        "rpo_s": disaster.rpo_s, "rto_s": round(disaster.rto_s, 6), "seconds": disaster.seconds,
        "deleted_files": disaster.deleted_files, "shares": list(disaster.shares_used),
        "survivors": [
            {"what": s.what, "place": s.place, "fate": s.fate, "found": s.found, "served": s.served,
             "bytes_read": s.bytes_read}
            for s in disaster.survivors
        ],
        "recovery": {"bundle": BUNDLE_FILE, **recovery_result(disaster.recovery)},
        "proof": {"folder": PROOF, "circuit": disaster.attestation.circuit},
    }  # fmt: skip


def render(console: Console, disaster: Disaster, out: Path) -> None:
    """Who was what and who was found out, how long each step took, RPO and RTO."""
    who = Table("", "was", "was found to have", "files served", "read", box=None, pad_edge=False)
    for survivor in disaster.survivors:
        size = size_text(survivor.bytes_read) if survivor.what == "mirror" else ""
        served = str(survivor.served) if survivor.what == "mirror" else ""
        who.add_row(f"{survivor.what} {survivor.place}", survivor.fate, survivor.found, served, size)
    console.print(who)
    steps = Table("", "took", box=None, pad_edge=False)
    for name, seconds in disaster.seconds.items():
        steps.add_row(name, duration_text(seconds))
    console.print(steps)
    facts = [
        ("RPO", f"{age_text(disaster.rpo_s)}: the age of the state that came back"),
        ("RTO", f"{duration_text(disaster.rto_s)}: from shares in hand to a verified proof"),
        ("key from", ", ".join(disaster.shares_used)),
        ("shows" if disaster.accepted else "claims", disaster.attestation.claim.sentence(disaster.attestation.table)),
        ("left in", str(out)),
    ]
    show_judgement(console, disaster.accepted, disaster.reasons, facts)

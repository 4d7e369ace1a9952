"""The story of the demo, step by step: each uses only what the one before left for the world to see."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from circuits.attestation import TRANSPARENT_FILE, Attestation, Expectation, Finding, examine, holds
from circuits.claims import HealthClaim
from circuits.context import Context
from circuits.proving import attest
from lightclient.recover import Recovery, recover
from lightclient.registry_reader import RegistryReader
from zkstate.atomic import write_new
from zkstate.cli.between import opening_of
from zkstate.cli.ledgers import open_ledger
from zkstate.errors import InputError
from zkstate.kernels import FR_MODULUS
from zkstate.proof.groth16 import verify
from zkstate.publication.epoch import Snapshot, write_epoch
from zkstate.publication.mirrors import FolderMirror
from zkstate.publication.operator import Operator
from zkstate.publication.progress import Progress
from zkstate.publication.publish import Published, publish_folder
from zkstate.publication.trust import TrustRoot
from zkstate.registry.chain import Chain, Receipt
from zkstate.registry.client import JsonRpcChain, KeyFile, NodeAccount
from zkstate.registry.embedded import EmbeddedTrustRoot, embedded_chain
from zkstate.registry.registry import Registry
from zkstate.registry.verifier import ProofVerifier
from zkstate.state.health import assess_all
from zkstate.state.identity import AccountKey
from zkstate.state.ledger import Ledger
from zkstate.state.ledger_read import read_ledger
from zkstate.state.ledger_write import write_ledger
from zkstate.state.margin import assess

VENUE_FOLDER, LEDGER_FILE = "venue", "ledger.jsonl"
MIRROR_FOLDER, KEY_FILE, BUNDLE_FILE = "mirror", "account.key", "account.json"
TRANSPARENT_FOLDER = "transparent"  # the proof directory of the proof without a key
SHOWN_ROWS = range(5, 9)
CANDIDATES = 256


@dataclass(slots=True)
class Stopwatch:
    """Seconds of each step, in order; the progress callback hears of each."""

    listen: Progress
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self.listen(name, 0, 0)
        began = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - began, 6)

    def stages(self) -> Callable[[str], None]:
        """A callback for work that names its stages as it enters them: each gets the seconds until the next."""
        began, current = time.perf_counter(), ""

        def enter(stage: str) -> None:
            nonlocal began, current
            now = time.perf_counter()
            if current:
                self.seconds[f"  {current}"] = round(now - began, 6)
            began, current = now, stage
            if stage:
                self.listen(stage, 0, 0)

        return enter


@dataclass(frozen=True, slots=True)
class Venue:
    """What the venue had before it disappeared, and what it left."""

    ledger: Ledger
    trader: str
    snapshot: Snapshot
    published: Published
    registry: Registry
    publication: Receipt | None
    deleted_files: int
    deleted_bytes: int


@dataclass(frozen=True, slots=True)
class Story:
    """All that happened, for the report and for people."""

    venue: Venue
    recovery: Recovery
    transparent: Attestation
    attestation: Attestation
    finding: Finding
    transparent_finding: Finding
    deployment: Receipt
    verification: Receipt
    contract_accepts: bool
    forgeries_refused: tuple[bool, bool]
    seconds: dict[str, float]
    sizes: dict[str, int]
    judged_at: int
    notes: tuple[str, ...]

    @property
    def accepted(self) -> bool:
        """Both proofs accepted, by all verifiers, which also refused every changed public input."""
        judged = self.transparent_finding.accepted and self.finding.accepted and self.contract_accepts
        return judged and all(self.forgeries_refused)


def tell(
    folder: Path,
    *,
    ledger: str,
    account: str | None,
    ratio_ppm: int,
    node: str | None,
    publisher_key: Path | None,
    progress: Progress,
) -> Story:
    """Play the whole story below `folder`: the venue's part, its end, then what a trader can do without it."""
    watch = Stopwatch(progress)
    chain: Chain
    if node is None:
        chain = embedded = embedded_chain()
    else:
        chain = JsonRpcChain(node, NodeAccount() if publisher_key is None else KeyFile(publisher_key))
    venue = _venue(folder, ledger, account, chain, watch)
    root: TrustRoot
    if node is None:
        root = EmbeddedTrustRoot(embedded, venue.registry.address)
    else:
        root = RegistryReader([node], venue.registry.address, chain_id=chain.chain_id)
    with watch.step("recover"):
        key = AccountKey.read(folder / KEY_FILE)
        recovery = recover(key, [FolderMirror(folder / MIRROR_FOLDER)], root, progress=progress)
        recovery.bundle.write(folder / BUNDLE_FILE)
    context = Context(chain.chain_id, venue.registry.address, challenge=os.urandom(32))
    opening, claim = opening_of(recovery.bundle), HealthClaim(ratio_ppm)
    with watch.step("prove"):
        enter = watch.stages()
        transparent = attest(opening, recovery.bundle.signed, claim, context, transparent=True, progress=enter)
        enter("")
    with watch.step("prove for the chain"):
        enter = watch.stages()
        attestation = attest(opening, recovery.bundle.signed, claim, context, progress=enter)
        enter("")
    files, transparent_files = attestation.encode(), transparent.encode()
    (folder / TRANSPARENT_FOLDER).mkdir()
    for place, contents in ((folder, files), (folder / TRANSPARENT_FOLDER, transparent_files)):
        for name, content in contents.items():
            write_new(place / name, content)
    expectation = Expectation(recovery.bundle.header.hash, context)
    judged_at = int(time.time())
    with watch.step("verify offline"):
        transparent_finding = examine(Attestation.decode(transparent_files), expectation, judged_at)
    with watch.step("verify offline, for the chain"):
        finding = examine(Attestation.decode(files), expectation, judged_at)
    verifying_key, proof = attestation.groth16
    with watch.step("deploy verifier"):
        contract, deployment = ProofVerifier.deploy(chain, verifying_key)
    with watch.step("verify on chain"):
        accepts = contract.is_valid(proof, attestation.public_inputs)
        verification = contract.verify(proof, attestation.public_inputs)
    with watch.step("try changed inputs"):
        refused = _refuse_changes(attestation, transparent, contract)
    sizes = {name: len(content) for name, content in files.items()}
    sizes[f"{TRANSPARENT_FOLDER}/{TRANSPARENT_FILE}"] = len(transparent_files[TRANSPARENT_FILE])
    sizes |= {"mirror": venue.snapshot.public_bytes, BUNDLE_FILE: (folder / BUNDLE_FILE).stat().st_size}
    return Story(
        venue=venue,
        recovery=recovery,
        transparent=transparent,
        attestation=attestation,
        finding=finding,
        transparent_finding=transparent_finding,
        deployment=deployment,
        verification=verification,
        contract_accepts=accepts,
        forgeries_refused=refused,
        seconds=watch.seconds,
        sizes=sizes,
        judged_at=judged_at,
        notes=venue.ledger.notes,
    )


def _venue(folder: Path, place: str, account: str | None, chain: Chain, watch: Stopwatch) -> Venue:
    """The venue's part, up to the deletion of everything it has but the mirror and the registry."""
    home = folder / VENUE_FOLDER
    home.mkdir(mode=0o700)
    with watch.step("open the venue's ledger"):
        given = replace(open_ledger(place, time=int(time.time())), owners=None, view_keys=None)
        write_ledger(given, home / LEDGER_FILE)
        ledger = replace(read_ledger(home / LEDGER_FILE), notes=given.notes)
    trader = choose_account(ledger) if account is None else ledger.names[ledger.index_of(account)]
    operator = Operator.read_or_create(home / "operator")
    with watch.step("snapshot"):
        snapshot = write_epoch(ledger, operator, home / "epoch", progress=watch.listen)
    with watch.step("publish to a mirror"):
        published = publish_folder(snapshot.public, folder / MIRROR_FOLDER, watch.listen)
    with watch.step("publish to a registry"):
        header = snapshot.signed.header
        registry, _ = Registry.deploy(chain, header.venue)
        receipt = registry.publish(header.encode())
    operator.account_key(trader).write(folder / KEY_FILE)
    with watch.step("delete the venue"):
        sizes = [path.stat().st_size for path in home.rglob("*") if path.is_file()]
        shutil.rmtree(home)
    return Venue(ledger, trader, snapshot, published, registry, receipt, len(sizes), sum(sizes))


def choose_account(ledger: Ledger) -> str:
    """A healthy account: if possible with 5 to 8 rows, a requirement and open orders, and of such the tightest.

    InputError if no account is healthy.
    """
    health = assess_all(ledger)
    rows = ledger.rows.counts
    if not health.healthy.any():
        raise InputError("no account of this ledger is healthy, so there is no margin to prove")
    few = (rows >= SHOWN_ROWS.start) & (rows < SHOWN_ROWS.stop) & (ledger.size_classes == 8)
    needing = (health.need != 0).any(axis=0)
    score = 8 * few + 4 * needing + 2 * (ledger.orders.counts > 0) + 1
    score = np.where(health.healthy, score, 0)
    best = np.flatnonzero(score == score.max())[:CANDIDATES].tolist()
    ratios = {i: assess(ledger.rows_of(i), ledger.table).ratio_ppm for i in best}
    tightest: int = min(best, key=lambda i: (ratios[i] is None, ratios[i]))
    return ledger.names[tightest]


def _refuse_changes(attestation: Attestation, transparent: Attestation, contract: ProofVerifier) -> tuple[bool, bool]:
    """Whether our verifiers and the contract refuse the proofs when any one public input is changed."""
    key, proof = attestation.groth16
    offline, on_chain = True, True
    for i, value in enumerate(attestation.public_inputs):
        changed = list(attestation.public_inputs)
        changed[i] = (value + 1) % FR_MODULUS
        offline &= not verify(key, changed, proof)
        offline &= not holds(replace(transparent, public_inputs=tuple(changed)))
        on_chain &= not contract.is_valid(proof, changed)
    return offline, on_chain

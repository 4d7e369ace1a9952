"""What one process needs to prove batches of one epoch, and a batch from its columns to its file.

A batch is a function of the epoch, the seed of the run and the sums before it, its masks apart, which are fresh every
time: so it can be proved anywhere, again, and in any order.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from zkstate.atomic import replace_file
from zkstate.errors import EnvironmentFailure, InputError, SourceError, WitnessError
from zkstate.publication.epoch import PRIVATE
from zkstate.publication.header import SIGNED_BYTES, Header, SignedHeader
from zkstate.publication.holdings import HOLDINGS, Holdings
from zkstate.publication.layout import HEADER, INSTRUMENTS, PUBLIC
from zkstate.publication.regular import read_below
from zkstate.publication.tables import check_instruments, read_scenarios
from zkstate.solvency.circuits import planned
from zkstate.solvency.classes import check_rules
from zkstate.solvency.files import CLAIM, SOLVENCY, VERSION, BatchFile, batch_path, read_batch
from zkstate.solvency.plan import Part, Plan
from zkstate.solvency.provers import Prover, prover_of
from zkstate.solvency.publics import Published, Sums
from zkstate.solvency.tables import ReadTable
from zkstate.solvency.verifiers import Verifier
from zkstate.solvency.witness import Accounts, Blinds
from zkstate.state.table import MAX_TABLE_BYTES

BOUNDS_FILE = "solvency-bounds.npy"


@dataclass(frozen=True, slots=True)
class Job:
    """Which epoch is proved, how, and by what seed. Passed to every process of a run; the seed is secret."""

    epoch: Path
    system: str
    rows: int
    keys: Path | None
    seed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Done:
    """A batch that is on disk and holds; `kept` if it was there before."""

    index: int
    kept: bool
    seconds: float
    size: int


@dataclass(frozen=True)
class Workshop:
    """An epoch mapped into one process, with a prover for one class at a time."""

    job: Job
    _provers: dict[int, Prover] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def header(self) -> Header:
        return SignedHeader.decode(read_below(self.job.epoch / PUBLIC, HEADER, SIGNED_BYTES)).header

    @cached_property
    def holdings(self) -> Holdings:
        found = Holdings.open(self.job.epoch / PRIVATE / HOLDINGS)
        if len(found) != self.header.account_count:
            raise InputError(f"holdings of {len(found)} accounts, the header counts {self.header.account_count}")
        return found

    @cached_property
    def table(self) -> ReadTable:
        content = read_below(self.job.epoch / PUBLIC, INSTRUMENTS, MAX_TABLE_BYTES)
        instruments = check_instruments(content, self.header)
        return ReadTable.of(instruments, read_scenarios(self.job.epoch / PUBLIC, self.header, instruments))

    @cached_property
    def published(self) -> Published:
        bounds = np.load(self.job.epoch / PRIVATE / BOUNDS_FILE, mmap_mode="r", allow_pickle=False)
        return Published(self.header, self.table, self.holdings.parts.leaves, bounds)

    @cached_property
    def plan(self) -> Plan:
        classes = np.asarray(self.holdings.parts.classes)
        check_rules(classes, self.job.system, self.header)
        return planned(self.table, classes, self.job.system, self.job.rows)

    @cached_property
    def parts(self) -> list[Part]:
        return list(self.plan.parts())

    @property
    def folder(self) -> Path:
        """Where the proof is written."""
        return self.job.epoch / SOLVENCY

    @cached_property
    def _blind_seed(self) -> bytes:
        """One for each version, and way to class accounts and to cut batches: no blind hides two different sums."""
        cut = repr((VERSION, self.job.system, sorted(self.plan.sizes.items()))).encode() + self.plan.classes.tobytes()
        return hashlib.blake2b(self.job.seed + cut, digest_size=32, person=b"zkstate blinds").digest()

    def prover(self, kind: int) -> Prover:
        """The prover of a class; that of another class is let go."""
        if kind not in self._provers:
            self._provers.clear()
            size = self.plan.sizes[kind]
            self._provers[kind] = prover_of(self.table, kind, size, self.job.system, self.job.keys)
        return self._provers[kind]

    def accounts(self, index: int) -> Accounts:
        """The accounts of a batch."""
        return Accounts.of(self.published, self.parts[index], self.holdings)

    def settle(self, index: int, before: Sums) -> Done:
        """Have a batch on disk: the one that is there if it holds, else a new one, verified before it is written."""
        start = time.perf_counter()
        prover = self.prover(self.parts[index].kind)
        kept = self.kept(index, before, prover)
        if kept is not None:
            return kept
        batch = self.proved(index, before)
        if not self.holds(index, before, batch, prover):
            part = self.parts[index]
            raise EnvironmentFailure(f"{part}: the proof made of a good witness does not hold: check this machine")
        return self.write(index, batch, start)

    def proved(self, index: int, before: Sums) -> BatchFile:
        """A new proof of a batch, not verified. WitnessError names the batch and the rule that its accounts break."""
        try:
            return self.prover(self.parts[index].kind).prove(self.accounts(index), before, self.blinds(index))
        except WitnessError as error:
            raise WitnessError(f"{self.parts[index]}: {error}") from None

    def kept(self, index: int, before: Sums, judge: Verifier) -> Done | None:
        """The batch that is on disk, if there is one and it holds."""
        start, part = time.perf_counter(), self.parts[index]
        try:
            found = read_batch(self.folder, part.kind, part.number, judge.proof_bytes)
        except (SourceError, InputError):
            return None
        if not self.holds(index, before, found, judge):
            return None
        return Done(index, kept=True, seconds=time.perf_counter() - start, size=len(found.encode()))

    def holds(self, index: int, before: Sums, batch: BatchFile, judge: Verifier) -> bool:
        """Whether a batch, whoever made it, is this one: it commits to these sums, and its proof is true of them."""
        blinds = self.blinds(index)
        after = (before + self.accounts(index).added).commitment(blinds.after)
        if (batch.before, batch.after) != (before.commitment(blinds.before), after):
            return False
        return judge.holds(self.published, [(self.parts[index], batch)])[0]

    def write(self, index: int, batch: BatchFile, start: float) -> Done:
        """Put a batch that holds on disk; `start` is when its making began, by `time.perf_counter`.

        A claim that is there is of what stood in its place, perhaps by another version of this program: it goes first.
        """
        part, content = self.parts[index], batch.encode()
        (self.folder / CLAIM).unlink(missing_ok=True)
        replace_file(self.folder / batch_path(part.kind, part.number), content)
        return Done(index, kept=False, seconds=time.perf_counter() - start, size=len(content))

    def blinds(self, index: int) -> Blinds:
        """What hides the sums before and after a batch."""
        return Blinds.of(self._blind_seed, index, len(self.parts))

"""The verifier of a solvency proof: every batch, and the chain of leaves, ids, sums, tables and header around them.

It believes the header and nothing else but, for Groth16 and Mirage, the verification keys that its caller takes: tables
and leaves are held against the header as they are read here, whatever `publication.audit` read before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from circuits.batch import batch_name
from zkstate.constraint import compile_blocks
from zkstate.constraint.compiler import build
from zkstate.errors import DisagreementError, EncodingError, InputError, LengthError, MissingError, SourceError
from zkstate.kernels import FR_MODULUS
from zkstate.proof import r1cs_file
from zkstate.proof.keys import SetupStatus, VerifyingKey
from zkstate.proof.transparent import proof_file
from zkstate.publication.header import Header
from zkstate.publication.layout import INSTRUMENTS, TOTALS
from zkstate.publication.progress import Progress, silent
from zkstate.publication.regular import read_below
from zkstate.publication.tables import MAX_TOTALS_BYTES, check_instruments, check_totals, read_scenarios
from zkstate.solvency import files
from zkstate.solvency.classes import check_rules, class_name
from zkstate.solvency.coverage import Counted
from zkstate.solvency.files import BatchFile, Claim, key_path
from zkstate.solvency.known import KnownValues
from zkstate.solvency.plan import BOUND_BYTES, LAYOUTS, Part, Plan, decode_bounds
from zkstate.solvency.publics import START, Published, Sums, published_leaves
from zkstate.solvency.tables import ReadTable
from zkstate.solvency.verifiers import Committing, Keyed, Transparent, Verifier
from zkstate.state.ledger import Totals
from zkstate.state.schema import PORTFOLIO
from zkstate.state.table import MAX_TABLE_BYTES, InstrumentTable

GROUP, GROUP_BYTES = 256, 16 << 20  # batches whose proofs are held and judged together

Judge = Callable[[str, Callable[[], bytes], VerifyingKey], tuple[SetupStatus, str | None]]
"""Of a circuit's name and digest, and its key: how that was made, and why it is not taken, if so."""

RESERVES_NOT_SHOWN = "that the venue has what it owes"
RULE_AT = 2  # where `not_shown` says which rule judged
NOT_SHOWN = (
    "that prices, tiers and scenarios are right: only that the venue committed to them",
    "that open orders are reserved, or initial margin met: accounts are held to maintenance",
    "what each is owed through positions: profit is one net sum, of gains less losses and isolated collateral",
    "that entry values are what was agreed, and so the health of who holds positions: one made up moves the profit",
    RESERVES_NOT_SHOWN,
    "that users are among the accounts: each finds their own with zkstate recover, if they made its key themselves",
    "that a key that the venue issued serves one user alone",
)
TIERS_ALONE = "that anyone meets the portfolio rule: all are held to tiers"
PORTFOLIO_CHOSEN = (
    "that the rule that judges an account is the one agreed on: the venue chose it, {} by the portfolio rule; whoever "
    "has an account is told by verify --account-key"
)


def not_shown(by_portfolio: str | None) -> list[str]:
    """What a proof that holds does not show.

    `by_portfolio` says how many accounts that rule judges, "" for none; None where nothing says who is judged by what.
    """
    if by_portfolio is None:
        return list(NOT_SHOWN)
    rule = PORTFOLIO_CHOSEN.format(by_portfolio) if by_portfolio else TIERS_ALONE
    return [*NOT_SHOWN[:RULE_AT], rule, *NOT_SHOWN[RULE_AT:]]


@dataclass(frozen=True, slots=True)
class Solvency:
    """What was found. `reasons` names the batch and the rule of whatever fails; none says that all of it holds.

    `by_portfolio` counts the accounts that the portfolio rule judged, in place of tiers; None if the classes are none.
    """

    claim: Claim
    reasons: tuple[str, ...]
    accounts: int
    batches: int
    size: int
    setup: SetupStatus
    table: InstrumentTable
    totals: Totals
    by_portfolio: int | None
    counted: Counted | None = field(repr=False, compare=False)

    @property
    def accepted(self) -> bool:
        return not self.reasons


def verify_solvency(
    public: Path, folder: Path, header: Header, judge: Judge, progress: Progress = silent, jobs: int = 1
) -> Solvency:
    """Judge the proof in a folder against the published files of its epoch under a header that is believed.

    `jobs` proofs are judged at the same time.
    Errors: MissingError, SourceError for files that cannot be read, InputError for a malformed claim.
    """
    claim = Claim.decode(read_below(folder, files.CLAIM, files.MAX_CLAIM_BYTES))
    table = check_instruments(read_below(public, INSTRUMENTS, MAX_TABLE_BYTES), header)
    totals = check_totals(read_below(public, TOTALS, MAX_TOTALS_BYTES), header)
    risky = any(kind >= PORTFOLIO for kind in claim.sizes)
    scenarios = read_scenarios(public, header, table) if risky else None
    read = ReadTable.of(table, scenarios)
    check = _Check(public, folder, header, claim, read, totals, judge, progress, jobs)
    reasons = tuple(check.run())
    by_portfolio = None if check.counted is None else check.counted.plan.by_portfolio
    return Solvency(
        claim, reasons, header.account_count, check.batches, check.size, check.setup, table, totals, by_portfolio,
        check.counted,
    )  # fmt: skip


class _Check:
    """One verification."""

    def __init__(
        self, public: Path, folder: Path, header: Header, claim: Claim, table: ReadTable, totals: Totals,
        judge: Judge, progress: Progress, jobs: int,
    ) -> None:  # fmt: skip
        self.public, self.folder, self.header, self.claim, self.table = public, folder, header, claim, table
        self.totals, self.judge, self.progress, self.jobs = totals, judge, progress, jobs
        self.batches = self.size = 0
        self.setup = SetupStatus.TRANSPARENT
        self.counted: Counted | None = None
        self.own: tuple[int, Verifier | str] = (0, "")  # the class judged last, and what judges it

    def run(self) -> Iterator[str]:
        if self.claim.header_hash != self.header.hash.hex():
            yield f"the proof is of the header {self.claim.header_hash}, not of {self.header.hash.hex()}"
            return
        stated, listed = len(self.totals.credits), self.table.instruments - 1
        if stated != listed:
            yield f"{TOTALS} has {stated} instruments, and the table {listed}"
            return
        try:
            published, plan = self._lists()
        except (EncodingError, LengthError, MissingError, DisagreementError) as error:
            yield str(error)
            return
        self.counted = Counted(plan, published.bounds)
        last, where = START, "the start"
        total = sum(plan.count(kind) for kind in plan.sizes)
        found: list[tuple[Part, BatchFile]] = []
        refused = False
        for part in plan.parts():
            self.progress("verify batches", self.batches, total)
            if found and (part.kind != self.own[0] or len(found) == self._group()):
                yield from self._judged(published, found)
                found = []
            verifier = self._verifier(part)
            if isinstance(verifier, str):
                if not part.number:
                    yield verifier
                refused = True
                continue
            try:
                batch = files.read_batch(self.folder, part.kind, part.number, verifier.proof_bytes)
            except (SourceError, InputError) as error:
                yield f"{part}: {error}"
                return
            self.batches += 1
            self.size += len(batch.encode())
            if batch.before != last and not refused:
                yield f"{part}: its sums do not go on from those of {where}"
            last, where = batch.after, str(part)
            found.append((part, batch))
        yield from self._judged(published, found)
        claimed = (self.claim.unhealthy, int(self.claim.shortfall), int(self.claim.profit) % FR_MODULUS)
        ends = Sums(published.held(self.totals), *claimed)
        if last != ends.commitment(0) and not refused:
            yield f"{where}: the sums do not end at the published totals, unhealthy accounts, shortfall and profit"

    def _group(self) -> int:
        """How many batches of the class in hand are held at once."""
        verifier = self.own[1]
        return GROUP if isinstance(verifier, str) else max(1, min(GROUP, GROUP_BYTES // verifier.proof_bytes))

    def _lists(self) -> tuple[Published, Plan]:
        """The leaves with their classes and bounds."""
        count = self.header.account_count
        classes = read_below(self.folder, files.CLASSES, count)
        if len(classes) != count:
            raise LengthError(f"{files.CLASSES} has {len(classes)} entries, there are {count} accounts")
        bounds = decode_bounds(read_below(self.folder, files.BOUNDS, BOUND_BYTES * count), count)
        self.size += len(classes) + BOUND_BYTES * count
        leaves = published_leaves(self.public, self.header)
        if not leaves.any(axis=1).all():
            raise EncodingError(f"a leaf is 0, and there are {count} accounts")
        kinds = np.frombuffer(classes, np.uint8)
        check_rules(kinds, self.claim.system, self.header)
        plan = Plan(kinds, self.claim.sizes, LAYOUTS[self.claim.system])
        return Published(self.header, self.table, leaves, bounds), plan

    def _judged(self, published: Published, found: list[tuple[Part, BatchFile]]) -> Iterator[str]:
        """The proofs of some batches of one class."""
        if not found:
            return
        verifier = self.own[1]
        if isinstance(verifier, str):
            return
        size = -(-len(found) // self.jobs)
        groups = [found[at : at + size] for at in range(0, len(found), size)]

        def judged(group: list[tuple[Part, BatchFile]]) -> list[bool]:
            return verifier.holds(published, group)

        with ThreadPoolExecutor(self.jobs) as pool:  # threads: nearly all of it is in kernels, which hold no lock
            verdicts = [holds for group in pool.map(judged, groups) for holds in group]
        for (part, _), holds in zip(found, verdicts, strict=True):
            if not holds:
                yield f"{part}: its proof does not hold for these leaves, bounds, classes, tables and sums"

    def _verifier(self, part: Part) -> Verifier | str:
        """The verifier of a class, or why there is none."""
        if self.own[0] != part.kind:
            self.own = (part.kind, self._made(part))
        return self.own[1]

    def _made(self, part: Part) -> Verifier | str:
        if self.claim.system == "transparent":
            log_blocks = LAYOUTS[self.claim.system].blocks(part.accounts).bit_length() - 1
            refusal = self._head_refusal(part, log_blocks)
            # compiled, not taken from a cache, which others may have written
            return refusal or Transparent.of(compile_blocks(self.table.block(part.kind, log_blocks)), log_blocks)
        name = class_name(part.kind)
        try:
            if self.claim.system == "mirage":
                return self._committing(part)
            return self._keyed(part)
        except (InputError, MissingError) as error:
            return f"class {name}: {error}"

    def _keyed(self, part: Part) -> Verifier | str:
        """Of Groth16 batches."""
        statement = self.table.statement(part.rows, part.accounts)
        n_public = sum(item.is_public for item in statement.inputs())
        found = self._key(part, batch_name(statement), n_public, lambda: r1cs_file.digest(build(statement).r1cs))
        return found if isinstance(found, str) else Keyed(found)

    def _committing(self, part: Part) -> Verifier | str:
        """Of Mirage batches."""
        circuit = self.table.unrolled(part.kind, part.accounts)
        name = self.table.unrolled_name(part.kind, part.accounts)
        found = self._key(
            part, name, circuit.n_public, lambda: r1cs_file.circuit_digest(circuit.r1cs, circuit.n_committed)
        )
        return found if isinstance(found, str) else Committing(found, KnownValues(circuit))

    def _key(self, part: Part, name: str, n_public: int, digest: Callable[[], bytes]) -> VerifyingKey | str:
        """The key of a class, or why it is not taken. Errors: InputError, MissingError."""
        title = class_name(part.kind)
        content = read_below(self.folder, key_path(part.kind), files.MAX_KEY_BYTES)
        key = VerifyingKey.from_json(content, f"the key of {name}", protocol=self.claim.system)
        if key.n_public != n_public:
            return f"class {title}: the key takes {key.n_public} public inputs: it is of another circuit"
        if key.setup is SetupStatus.FRESH:
            self.setup = SetupStatus.FRESH
            return f"class {title}: the key is {key.setup.value}"
        status, refusal = self.judge(name, digest, key)
        if self.setup.trusted:  # the least trusted of all keys counts
            self.setup = status
        return key if refusal is None else f"class {title}: {refusal}"

    def _head_refusal(self, part: Part, log_blocks: int) -> str | None:
        """Why the first proof of a class can be of no batch like it, by its head alone: before a circuit is made."""
        path = files.batch_path(part.kind, part.number)
        try:
            proof = files.read_batch(self.folder, part.kind, part.number, proof_file.MAX_BYTES).proof
            _, parameters = proof_file.read_header(proof, path)
        except (InputError, SourceError) as error:
            return f"{part}: {error}"
        shape, most = parameters.shape, self.table.most_of_block(part.kind, log_blocks)
        if shape.n_public or shape.log_blocks != log_blocks:
            found = f"{shape.n_public} public inputs and 2^{shape.log_blocks} blocks"
            return f"{part}: the proof has {found}, and a batch none and 2^{log_blocks}"
        if shape.n_constraints > most:
            found = f"{shape.n_constraints} constraints a block"
            return f"{part}: the proof is of {found}, and such a batch has at most {most}"
        if len(proof) != (due := proof_file.HEADER_BYTES + parameters.proof_bytes):
            return f"{part}: the proof has {len(proof)} bytes, and by its head {due}"
        return None

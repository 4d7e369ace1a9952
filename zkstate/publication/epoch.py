"""A snapshot: a ledger becomes the complete folder of one epoch, whole or not at all.

OUT/public/     header.bin, manifest.json, tables, tiles, records: what mirrors serve (docs/spec.md §6)
OUT/private/    salts.key: the secret behind the leaves' salts, mode 0600; heads.bin: where the accounts' histories
                stand, computed.bin: what need not be computed again, and, where the record key may serve
                again, record-secrets.bin: that key, all for the next epoch; holdings: every account, for a
                solvency proof. All stay with the venue
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from zkstate.atomic import PRIVATE_FILE, PRIVATE_FOLDER, new_folder, write_new
from zkstate.errors import DisagreementError, EnvironmentFailure, InputError, LedgerError
from zkstate.publication.erasure import Code
from zkstate.publication.header import SYNTHETIC, Header, SignedHeader, sign
from zkstate.publication.holdings import HOLDINGS, write_holdings
from zkstate.publication.journals import JOURNALS
from zkstate.publication.layout import HEADER, INSTRUMENTS, MANIFEST, ORDER_BOOK, PUBLIC, SCENARIOS, SHARDS, TOTALS
from zkstate.publication.manifest import Manifest
from zkstate.publication.operator import Operator
from zkstate.publication.progress import Progress, silent
from zkstate.publication.record_secrets import SECRETS_FILE, RecordSecrets, same_hour
from zkstate.publication.records import Sealer, record_bits_for, write_buckets
from zkstate.publication.sealing import agree_all, seal_journals, seal_records
from zkstate.publication.shards import plan_shards
from zkstate.publication.tables import encode_order_book, encode_totals
from zkstate.publication.tiles import write_tiles
from zkstate.state import commit, tree
from zkstate.state.computed import Computed, Known, Memory
from zkstate.state.identity import write_secret
from zkstate.state.journal_heads import Heads, continued, heads_of
from zkstate.state.ledger import Ledger
from zkstate.state.scenarios import encode_scenarios
from zkstate.state.table import encode_table

PRIVATE = "private"
SALTS_FILE = "salts.key"
HEADS_FILE = "heads.bin"
COMPUTED_FILE = "computed.bin"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A written epoch: its folder, its signed header, what was written, the seconds of each step, and how many keys,
    digests of rows and of orders and secrets shared with view keys were those that the epoch before had computed.
    """

    folder: Path
    signed: SignedHeader
    files: int
    public_bytes: int
    seconds: dict[str, float]
    reused: dict[str, int]

    @property
    def public(self) -> Path:
        """The folder to publish."""
        return self.folder / PUBLIC


@dataclass(slots=True)
class _Stopwatch:
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - start, 6)


def write_epoch(
    ledger: Ledger,
    operator: Operator,
    out: Path,
    *,
    previous: Header | None = None,
    heads: Heads | None = None,
    code: Code | None = None,
    salt_secret: bytes | None = None,
    journal_head: int = 0,
    computed: Computed | None = None,
    record_secrets: RecordSecrets | None = None,
    keep_record_key: bool = False,
    retire: Callable[[], None] = lambda: None,
    jobs: int = 1,
    entropy: Callable[[int], bytes] = os.urandom,
    progress: Progress = silent,
) -> Snapshot:
    """Commit to a ledger and write its epoch below `out`, which must not exist yet.

    Accounts without keys get those that the operator issues to their names. The epoch follows `previous`, or
    is 1; with `heads`, what that epoch left in its private folder, histories continue from there, and otherwise from
    where the ledger says. With `code` the header commits to shards of the files too. With a journal of the venue
    (`venue_journal.py`) the salts' secret and the journal's head are those of the segment that closes the epoch. With
    `computed`, what the epoch before left, nothing in it is computed again; that, and on how many processes records are
    sealed, changes no byte.

    The record key is fresh, and its private half lives in this call and those processes alone, unless the venue keeps
    it with `keep_record_key`: it then lies in the private folder, and the next epoch, if it is of the same UTC hour and
    is given it as `record_secrets`, takes it again. `retire` is called when all is written and nothing is visible yet:
    it removes the secrets of the epoch before. A failure or a kill leaves no `out`.
    Errors: LedgerError for a ledger that cannot be committed to, DisagreementError if `previous` is another venue's
    header or has not the record key of `record_secrets`, InputError for a record key that is to be kept with salts that
    are not drawn here, EnvironmentFailure if the disk refuses or `out` exists.
    """
    if keep_record_key and salt_secret is not None:
        raise InputError(
            "a record key is kept only where the salts are drawn for one snapshot alone: not with a journal"
        )
    if out.exists() or out.is_symlink():
        raise EnvironmentFailure(f"{out} exists already; a snapshot is never overwritten: remove it or choose another")
    epoch, previous_root = _continue(ledger, operator, previous)
    kept = _kept(record_secrets, previous, ledger.time) if keep_record_key else None
    watch, memory = _Stopwatch(), Memory.of(computed)
    if ledger.owners is None:
        with watch.step("issue keys"):
            progress("issue keys", 0, len(ledger))
            ledger = memory.issue_keys(ledger, operator.issuing_master)
            progress("issue keys", len(ledger), len(ledger))
    ledger = continued(ledger, heads, None if previous is None else (previous.state_root, previous.time))
    venue = commit.venue_id(operator.public_key, ledger.venue)
    salt_secret = entropy(tree.SECRET_BYTES) if salt_secret is None else salt_secret
    with watch.step("commit accounts"):
        progress("commit accounts", 0, len(ledger))
        with watch.step("digests"):
            digests = memory.digests(ledger)
        accounts = tree.build(ledger, venue, epoch, salt_secret, digests=digests)
        del digests
        progress("commit accounts", len(ledger), len(ledger))

    with watch.step("write"), new_folder(out) as folder:
        public, private = folder / PUBLIC, folder / PRIVATE
        public.mkdir()
        private.mkdir(mode=PRIVATE_FOLDER)
        write_secret(private / SALTS_FILE, salt_secret, "salts secret")
        with watch.step("write tables"):
            totals, order_book = ledger.totals(), encode_order_book(ledger)
            (public / INSTRUMENTS).parent.mkdir()
            write_new(public / INSTRUMENTS, encode_table(ledger.table))
            write_new(public / TOTALS, encode_totals(totals))
            write_new(public / ORDER_BOOK, order_book)
            if ledger.scenarios is not None:
                write_new(public / SCENARIOS, encode_scenarios(ledger.scenarios))
        with watch.step("write holdings"):
            write_holdings(private / HOLDINGS, ledger, accounts)
            write_new(private / COMPUTED_FILE, memory.after.encode(), PRIVATE_FILE)
            memory.release()
        with watch.step("write tiles"):
            write_tiles(accounts.tree, public, progress)
        record_key = X25519PrivateKey.from_private_bytes(entropy(32) if kept is None else kept.private)
        with watch.step("agree on keys"):
            known = Known.nothing(32) if kept is None else kept.shared
            shared, memory.reused["secrets"] = agree_all(ledger, record_key, known, progress, jobs)
            if keep_record_key:
                after = RecordSecrets(record_key.private_bytes_raw(), Known.of(ledger.keys()[1], shared))
                write_new(private / SECRETS_FILE, after.encode(), PRIVATE_FILE)
                del after
            del kept, known
        committed = Header(
            operator_key=operator.public_key,
            record_key=record_key.public_key().public_bytes_raw(),
            venue_name=ledger.venue,
            epoch=epoch,
            time=ledger.time,
            previous_state_root=previous_root,
            accounts_root=accounts.root,
            instruments_root=ledger.table.root,
            totals_root=commit.totals_root(totals.credits, totals.debits),
            scenarios_root=0 if ledger.scenarios is None else ledger.scenarios.root,
            order_book_root=commit.order_book_root(order_book),
            journal_head=journal_head,
            data_root=bytes(32),  # of the files, which are sealed under the state root
            account_count=len(ledger),
            table_depth=ledger.table.depth,
            record_bits=0,
            flags=SYNTHETIC if ledger.synthetic else 0,
        )
        with watch.step("seal records"):
            entries = seal_records(ledger, accounts, shared, Sealer(committed.state_root), progress, jobs)
        with watch.step("write records"):
            record_bits = record_bits_for(sum(map(len, entries)))
            write_buckets(entries, record_bits, public, progress)
        del entries
        with watch.step("seal journals"):
            sealed = seal_journals(ledger, shared, Sealer(committed.state_root, JOURNALS), progress)
            if sealed:
                write_buckets(sealed, record_bits, public, progress, JOURNALS)
        del sealed, shared
        with watch.step("hash files"):
            manifest = Manifest.of_folder(public, progress)
        if code is not None:
            with watch.step("plan shards"):
                plan = plan_shards(public, manifest, code, progress).encode()
                write_new(public / SHARDS, plan)
                manifest = manifest.including(SHARDS, plan)
        header = replace(committed, data_root=manifest.root, record_bits=record_bits)
        signed = sign(header, operator.signing_key)
        write_new(public / MANIFEST, manifest.encode())
        write_new(public / HEADER, signed.encode())
        write_new(private / HEADS_FILE, heads_of(ledger, header.state_root).encode(), PRIVATE_FILE)
        retire()
        progress("sync", 0, 1)
    progress("sync", 1, 1)
    size = sum(entry.size for entry in manifest.files) + len(manifest.encode()) + len(signed.encode())
    return Snapshot(out, signed, len(manifest.files) + 2, size, watch.seconds, memory.reused)


def _continue(ledger: Ledger, operator: Operator, previous: Header | None) -> tuple[int, int]:
    """The epoch number and previous state root of the snapshot that follows `previous`."""
    if previous is None:
        return 1, 0
    if (previous.operator_key, previous.venue_name) != (operator.public_key, ledger.venue):
        raise DisagreementError(
            f"the previous header is of {previous.venue_name!r} under key {previous.operator_key.hex()}, "
            f"this snapshot of {ledger.venue!r} under {operator.public_key.hex()}"
        )
    if ledger.time <= previous.time:
        # No registry takes it, and to sign the epoch a second time with a later one is an equivocation.
        raise LedgerError(
            f"the ledger's time {ledger.time} is not after that of epoch {previous.epoch}, {previous.time}: "
            "state a later one"
        )
    return previous.epoch + 1, previous.state_root


def _kept(secrets: RecordSecrets | None, previous: Header | None, time: int) -> RecordSecrets | None:
    """The record key that this epoch may take from the one before; None where it draws its own."""
    if secrets is None or previous is None or not same_hour(previous.time, time):
        return None
    secrets.check_of(previous)
    return secrets

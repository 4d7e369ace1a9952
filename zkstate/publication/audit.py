"""An auditor's look at an epoch folder: its files are those listed, and what the header commits to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path

from zkstate.commitment.merkle import ACCOUNTS_ARITY, ACCOUNTS_NODE, MerkleTree
from zkstate.errors import DisagreementError, InputError, MissingError
from zkstate.kernels import FR_BYTES, FrVec
from zkstate.publication import journals
from zkstate.publication.header import Header, SignedHeader
from zkstate.publication.layout import INSTRUMENTS, ORDER_BOOK, SCENARIOS, TOTALS, journal_path, record_path, tile_path
from zkstate.publication.manifest import Finding, check_folder, first
from zkstate.publication.progress import Progress, silent
from zkstate.publication.records import MAX_BUCKET_BYTES, parse_bucket
from zkstate.publication.regular import read_below
from zkstate.publication.tables import (
    MAX_ORDER_BOOK_BYTES,
    MAX_TOTALS_BYTES,
    check_instruments,
    check_order_book,
    check_scenarios,
    check_totals,
)
from zkstate.publication.tiles import TILE_NODES, encode_tiles, tile_count
from zkstate.state.scenarios import MAX_SCENARIOS_BYTES
from zkstate.state.table import MAX_TABLE_BYTES


def audit_folder(folder: Path, signed: SignedHeader, progress: Progress = silent) -> list[Finding]:
    """Everything about an epoch that can be checked without a key; an empty list says all of it holds.

    Manifest and files; the tables under their roots; every tile out of the leaves, up to the accounts root; one
    record for every leaf and none besides. What records hold is for their owners to see, and that balances are
    in range is for a solvency proof. Errors: as `check_folder`.
    """
    findings = check_folder(folder, signed, progress)
    if findings:
        return findings
    header = signed.header
    return first(chain(_check_tables(folder, header), _check_accounts(folder, header, progress)))


def _check_tables(folder: Path, header: Header) -> Iterator[Finding]:
    for path, check, limit in (
        (INSTRUMENTS, check_instruments, MAX_TABLE_BYTES),
        (TOTALS, partial(_check_totals, folder), MAX_TOTALS_BYTES),
        (ORDER_BOOK, check_order_book, MAX_ORDER_BOOK_BYTES),
    ):
        yield from _check_table(folder, path, limit, partial(check, header=header))
    present = (folder / SCENARIOS).exists()
    if present != (header.scenarios_root != 0):
        stated = f"scenarios_root is {header.scenarios_root:#066x}"
        yield Finding("root", SCENARIOS, stated, "a table" if present else "no table")
    elif present:
        check = partial(_check_scenarios, folder, header)
        yield from _check_table(folder, SCENARIOS, MAX_SCENARIOS_BYTES, check)


def _check_totals(folder: Path, data: bytes, header: Header) -> None:
    """An instrument that the totals leave out would be owed to nobody."""
    stated = len(check_totals(data, header).credits)
    listed = len(check_instruments(read_below(folder, INSTRUMENTS, MAX_TABLE_BYTES), header))
    if stated != listed:
        raise DisagreementError(f"{TOTALS} has {stated} instruments, and the table {listed}")


def _check_scenarios(folder: Path, header: Header, data: bytes) -> None:
    instruments = check_instruments(read_below(folder, INSTRUMENTS, MAX_TABLE_BYTES), header)
    check_scenarios(data, header, instruments)


def _check_table(folder: Path, path: str, limit: int, check: Callable[[bytes], object]) -> Iterator[Finding]:
    try:
        check(read_below(folder, path, limit))
    except (InputError, DisagreementError) as error:
        yield Finding("root", path, "the table the header commits to", str(error))


def _check_accounts(folder: Path, header: Header, progress: Progress) -> Iterator[Finding]:
    progress("rebuild tree", 0, header.account_count)
    tile_bytes = TILE_NODES * FR_BYTES
    tiles = [read_below(folder, tile_path(0, i), tile_bytes) for i in range(tile_count(header.account_count, 0))]
    leaves = b"".join(tiles)
    if len(leaves) != header.account_count * FR_BYTES:
        yield Finding("size", "tiles/0", f"{header.account_count} leaves", f"{len(leaves)} bytes")
        return
    try:
        tree = MerkleTree(FrVec.from_bytes(leaves), ACCOUNTS_ARITY, header.accounts_depth, ACCOUNTS_NODE)
    except InputError as error:
        yield Finding("node", "tiles/0", "field elements", str(error))
        return
    if tree.root != header.accounts_root:
        yield Finding("root", "tiles/0", f"accounts_root {header.accounts_root:#066x}", f"{tree.root:#066x}")
        return
    for path, content in encode_tiles(tree):
        if read_below(folder, path, tile_bytes) != content:
            yield Finding("node", path, "the nodes above its leaves", "others")
    progress("rebuild tree", header.account_count, header.account_count)
    yield from _check_records(folder, header, leaves, progress)
    yield from _check_journals(folder, header)


def _check_records(folder: Path, header: Header, leaves: bytes, progress: Progress) -> Iterator[Finding]:
    missing = Counter(leaves[at : at + FR_BYTES] for at in range(0, len(leaves), FR_BYTES))
    buckets = 1 << header.record_bits
    for bucket in range(buckets):
        path = record_path(bucket)
        try:
            entries = parse_bucket(read_below(folder, path, MAX_BUCKET_BYTES), bucket, header.record_bits)
        except InputError as error:
            yield Finding("record", path, "a bucket of records", str(error))
            continue
        for leaf, count in Counter(entry.stated for entry in entries).items():
            left = missing[leaf] - count  # a leaf at a time: taking counters from each other walks through all leaves
            if left < 0:
                yield Finding("record", path, "records of leaves, one each", f"one more of leaf {leaf.hex()}")
            missing[leaf] = max(left, 0)
        progress("match records", bucket + 1, buckets)
    if lacking := missing.total():
        yield Finding("record", "records", "a record for every leaf", f"none for {lacking} leaves")


def _check_journals(folder: Path, header: Header) -> Iterator[Finding]:
    """All buckets of journals or none, each well formed, and no more entries than accounts."""
    if not (folder / journal_path(0)).parent.exists():
        return
    count = 0
    for bucket in range(1 << header.record_bits):
        path = journal_path(bucket)
        try:
            data = read_below(folder, path, journals.MAX_BUCKET_BYTES)
            count += len(parse_bucket(data, bucket, header.record_bits, journals.JOURNALS))
        except MissingError:
            yield Finding("journal", path, "all buckets of journals, or none", "none")
        except InputError as error:
            yield Finding("journal", path, "a bucket of journals", str(error))
    if count > header.account_count:
        yield Finding("journal", "journals", f"at most one for each of {header.account_count} accounts", str(count))

"""A venue whose accounts have histories: one ledger an epoch, each going on where the one before stopped."""

from dataclasses import replace

import numpy as np

from tests.publication.venue import OPERATOR, TABLE, TIME, ledger
from tests.state.journals import columns_of
from zkstate.publication.epoch import HEADS_FILE, PRIVATE, write_epoch
from zkstate.publication.publish import publish_folder
from zkstate.state.journal import DEPOSIT, FILL, FUNDING, LIQUIDATION, TRANSFER, WITHDRAWAL, Entry
from zkstate.state.journal_heads import Heads

HOUR = 3600


def some_entries(rng, count, time):
    """Random entries in the hour up to `time`: assets move, markets trade."""
    out = []
    for second in sorted(rng.integers(1, HOUR, count).tolist()):
        kind = int(rng.integers(DEPOSIT, LIQUIDATION + 1))
        instrument = int(rng.integers(1, 41) if kind <= TRANSFER else rng.integers(41, len(TABLE) + 1))
        size = int(rng.integers(1, 10**9))
        amount = {FUNDING: 0, WITHDRAWAL: -size}.get(kind, size)
        if kind in (TRANSFER, FILL, LIQUIDATION):
            amount *= int(rng.choice([-1, 1]))
        value, fee = int(rng.integers(-(10**18), 10**18)), int(rng.integers(-(10**14), 10**15))
        out.append(Entry(kind, instrument, amount, value, fee, time - HOUR + second, 10**11 * instrument))
    return tuple(out)


def journaled(epoch, counts, accounts=40):
    """The ledger of an epoch in which account i has counts[i] new entries, none if there is no such place."""
    rng = np.random.default_rng(1000 + epoch)
    time = TIME + HOUR * epoch
    made = [some_entries(rng, counts[i] if i < len(counts) else 0, time) for i in range(accounts)]
    return replace(ledger(accounts), time=time, journal=columns_of(made, [(0, 0)] * accounts))


def heads_in(folder):
    return Heads.decode((folder / PRIVATE / HEADS_FILE).read_bytes())


def publish_histories(folder, counts_by_epoch, accounts=40):
    """Publish one epoch for each list of counts, into one mirror; (ledgers, snapshots)."""
    ledgers, snapshots = [], []
    for epoch, counts in enumerate(counts_by_epoch, start=1):
        ledgers.append(journaled(epoch, counts, accounts))
        previous = {}
        if snapshots:
            before = snapshots[-1]
            previous = {"previous": before.signed.header, "heads": heads_in(before.folder)}
        snapshots.append(write_epoch(ledgers[-1], OPERATOR, folder / f"epoch-{epoch}", **previous))
        publish_folder(snapshots[-1].public, folder / "mirror")
    return ledgers, snapshots

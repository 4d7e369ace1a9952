"""A venue's journal: events replayed, segments read, sealed and opened; CPU seconds and MB/s.

    python benches/bench_venue.py [--json] [--events 1000000] [--accounts 10000] [--repeat 3]

The replayed state is compared with that of the machine that made the events before anything counts. `replay` is all of
it, as a recovery does it without the roots of epochs; `roots` is what closing one epoch over all events adds to that,
on all cores, and `whole` the two of them in wall time. The parts below are timed one by one, and `reference` is the
machine in Python.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from machine import machine

from zkstate.publication.operator import Operator
from zkstate.publication.venue_journal import PRICES, begin, check_chain, list_segments, read_segment, replay_folder
from zkstate.state import tree
from zkstate.state.synthetic import synthetic_ledger
from zkstate.state.synthetic_events import Trading, begin_quietly
from zkstate.state.venue import Venue
from zkstate.state.venue_close import epoch_ledger, state_after
from zkstate.state.venue_events import check_form, check_links
from zkstate.state.venue_replay import ReplayedVenue
from zkstate.state.venue_state import state_of

SEED = 1


def elapsed(call):
    """(wall seconds, what it gave)."""
    start = time.perf_counter()
    value = call()
    return time.perf_counter() - start, value


def timed(call):
    """(CPU seconds, what it gave)."""
    start = time.process_time()
    value = call()
    return time.process_time() - start, value


def parts(folder, key, ledger, made):
    """CPU seconds of what a replay consists of."""
    paths = list_segments(folder)
    read_s, segments = timed(lambda: [read_segment(path) for path in paths])
    open_s, _ = timed(lambda: [segment.open(key) for segment in segments])
    venue, reference = ReplayedVenue(state_of(ledger)), Venue(state_of(ledger))
    form_s, _ = timed(lambda: check_form(made, 1))
    links_s, _ = timed(lambda: check_links(made, 0, 1))
    all_s, _ = timed(lambda: venue.replay(made))
    reference_s, _ = timed(lambda: reference.replay(made))
    if venue.tables is None:
        raise SystemExit("the core did not take in every event")
    return {
        "part_read_s": read_s,
        "part_open_s": open_s,
        "part_form_s": form_s,
        "part_links_s": links_s,
        "part_machine_s": all_s - form_s - links_s,
        "reference_s": reference_s,
    }


def measure(events, accounts, repeat):
    """Figures of one journal."""
    ledger, key = begin_quietly(synthetic_ledger(SEED, accounts)), X25519PrivateKey.generate()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        journal = begin(folder, ledger, Operator.generate(), [key.public_key().public_bytes_raw()], PRICES)
        made = Trading(journal.venue, SEED, ledger.time + 3600).events(events)
        append_s, _ = timed(lambda: journal.append(made))
        size = sum(path.stat().st_size for path in list_segments(folder))
        expected = state_after(journal.venue, epoch_ledger(journal.venue, journal.venue.time)).encode()
        replays, reads, closes, whole = [], [], [], []
        for _ in range(repeat):
            replay_wall_s, (replay_s, replay) = elapsed(lambda: timed(lambda: replay_folder(folder, key)))
            ledger_s, after = timed(lambda venue=replay.venue: epoch_ledger(venue, venue.time))
            if state_after(replay.venue, after).encode() != expected:
                raise SystemExit("the replay leads to another state")
            close = lambda ledger=after: tree.build(ledger, 1, 1, bytes(tree.SECRET_BYTES))  # noqa: E731
            close_wall_s, (close_s, _) = elapsed(lambda close=close: timed(close))
            closes.append(close_s)
            whole.append(replay_wall_s + ledger_s + close_wall_s)
            replays.append(replay_s)
            reads.append(timed(lambda: check_chain(folder))[0])
        found = parts(folder, key, ledger, made)
    return {
        "events": len(made),
        "accounts": accounts,
        "bytes": size,
        "append_s": append_s,
        "replay_s": statistics.median(replays),
        "replay_mb_s": size / 1e6 / statistics.median(replays),
        "replay_mb_s_best": size / 1e6 / min(replays),
        "us_per_event": 1e6 * statistics.median(replays) / len(made),
        "ledger_s": ledger_s,
        "roots_s": statistics.median(closes),
        "whole_wall_s": statistics.median(whole),
        "whole_mb_s": size / 1e6 / statistics.median(whole),
        "check_s": statistics.median(reads),
        "check_mb_s": size / 1e6 / statistics.median(reads),
        **found,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    found = measure(args.events, args.accounts, args.repeat)
    if args.json:
        print(json.dumps({"machine": machine(), **found}, indent=1))
        return
    for name, value in found.items():
        print(f"{name:<14} {value:,.3f}" if isinstance(value, float) else f"{name:<14} {value:,}")


if __name__ == "__main__":
    main()

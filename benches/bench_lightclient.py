"""Following a year of sync committees of 512 keys from a file: seconds of decoding and of verifying each period.

    python benches/bench_lightclient.py [--json] [--periods 321] [--repeat 3]

A chain of Fulu whose committees are drawn from a pool of keys that are held here; 3 members in 100 do not sign. The
state at the end is compared with the last update before anything is reported.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from dataclasses import dataclass

from machine import machine

from lightclient.consensus import follow, wire
from lightclient.consensus.chains import MAINNET
from lightclient.consensus.forks import EXECUTION_PAYLOAD_GINDEX, ROWS, Chain, Fork
from lightclient.consensus.ssz import hash_pair
from lightclient.consensus.sync import LightClient
from lightclient.consensus.types import (
    EMPTY_EXECUTION,
    KEY_BYTES,
    BeaconHeader,
    Header,
    SyncAggregate,
    SyncCommittee,
    Update,
    execution_header,
    formats,
    signing_root,
)
from zkstate.algebra import bls12_381 as bls

POOL, SIZE, ABSENT = 768, 512, 15
ROW = ROWS[Fork.FULU]


@dataclass(frozen=True, slots=True)
class Committee:
    """A committee and the secrets of its members."""

    public: SyncCommittee
    secrets: tuple[int, ...]


def pool(rng):
    secrets = [rng.randrange(1, bls.FR_MODULUS) for _ in range(POOL)]
    return [(secret, bls.SecretKey(secret.to_bytes(32, "big")).public_key()) for secret in secrets]


def drawn(rng, members):
    chosen = rng.sample(members, SIZE)
    total = bls.PublicKeys.of(key for _, key in chosen).sum()
    public = SyncCommittee(b"".join(key.encode() for _, key in chosen), total.encode())
    return Committee(public, tuple(secret for secret, _ in chosen))


def tree(leaves, gindex=1):
    if gindex in leaves:
        return leaves[gindex]
    deeper = any(
        g.bit_length() > gindex.bit_length() and g >> g.bit_length() - gindex.bit_length() == gindex for g in leaves
    )
    return hash_pair(tree(leaves, 2 * gindex), tree(leaves, 2 * gindex + 1)) if deeper else bytes(32)


def branch(leaves, gindex):
    return b"".join(tree(leaves, (gindex >> i) ^ 1) for i in range(gindex.bit_length() - 1))


def block(slot, leaves):
    inside = {EXECUTION_PAYLOAD_GINDEX: execution_header(ROW.blob_gas).root(EMPTY_EXECUTION)}
    beacon = BeaconHeader(slot, 7, bytes(32), tree(leaves), tree(inside))
    return Header(beacon, EMPTY_EXECUTION, branch(inside, EXECUTION_PAYLOAD_GINDEX))


def update_of(chain, period, current, following, rng):
    """Attested in the middle of the period, with a finalized header of it."""
    slot = period * chain.slots_per_period + 4000
    finalized = block(slot - 80, {ROW.current_sync_committee: current.public.root})
    leaves = {
        ROW.current_sync_committee: current.public.root,
        ROW.next_sync_committee: following.public.root,
        ROW.finalized_root: finalized.beacon.root,
    }
    attested = block(slot, leaves)
    absent = set(rng.sample(range(SIZE), ABSENT))
    secret = sum(x for i, x in enumerate(current.secrets) if i not in absent) % bls.FR_MODULUS
    message = signing_root(attested.beacon, chain.sync_committee_domain(slot + 1))
    signature = bls.SecretKey(secret.to_bytes(32, "big")).sign(message)
    return Update(
        attested,
        SyncAggregate(tuple(i not in absent for i in range(SIZE)), signature.encode()),
        slot + 1,
        following.public,
        branch(leaves, ROW.next_sync_committee),
        finalized,
        branch(leaves, ROW.finalized_root),
    )


def year(periods, rng):
    """A light client at the start, and the answers of a node as one file of SSZ for each page."""
    chain = Chain(
        genesis_validators_root=MAINNET.genesis_validators_root,
        genesis_version=bytes(4),
        forks=tuple((fork, 0, bytes([fork, 0, 0, 0])) for fork in Fork),
    )
    members = pool(rng)
    committees = [drawn(rng, members) for _ in range(periods + 1)]
    first = block(8, {ROW.current_sync_committee: committees[0].public.root})
    digest = next(digest for digest, fork in chain.digests().items() if fork is Fork.FULU)
    kind, pages = formats(Fork.FULU, SIZE).update, {}
    last = None
    for start, count in follow.pages(0, periods - 1):
        page = b""
        for period in range(start, start + count):
            last = update_of(chain, period, committees[period], committees[period + 1], rng)
            body = digest + kind.encode(last)
            page += len(body).to_bytes(8, "little") + body
        pages[start] = page
    return LightClient(chain, first, committees[0].public, None, first), pages, last


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--periods", type=int, default=321)
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    client, pages, last = year(args.periods, random.Random(1))
    chain, now = client.chain, args.periods * client.chain.slots_per_period - 1
    wall, cpu = [], []
    for _ in range(args.repeat):
        began, began_cpu = time.perf_counter(), time.process_time()
        progress = follow.catch_up(
            client, lambda start, _: wire.decode_updates(pages[start], chain), now, max_age_slots=1 << 62
        )
        wall.append(time.perf_counter() - began)
        cpu.append(time.process_time() - began_cpu)
        assert progress.refused == ()
        assert progress.client.finalized == last.finalized_header
    report = {
        "periods": args.periods,
        "keys": SIZE,
        "bytes": sum(map(len, pages.values())),
        "key_bytes": KEY_BYTES * SIZE * args.periods,
        "wall_s": {"median": statistics.median(wall), "min": min(wall), "max": max(wall)},
        "cpu_s": {"median": statistics.median(cpu), "min": min(cpu), "max": max(cpu)},
        "machine": machine(),
    }
    if args.json:
        print(json.dumps(report, indent=2))
        return
    print(
        f"{args.periods} periods of {SIZE} keys, {report['bytes'] / 1e6:.1f} MB: {report['wall_s']['median']:.2f} s "
        f"({report['wall_s']['min']:.2f} to {report['wall_s']['max']:.2f}), {report['cpu_s']['median']:.2f} s of CPU, "
        f"{1e3 * report['cpu_s']['median'] / args.periods:.2f} ms a period"
    )


if __name__ == "__main__":
    main()

"""A beacon chain of our own over execution blocks of our choice, signed by committees whose keys we hold; served."""

from __future__ import annotations

import http.server
import json
from contextlib import contextmanager
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlsplit

from lightclient.consensus.forks import EXECUTION_PAYLOAD_GINDEX, ROWS, Chain, Fork
from lightclient.consensus.ssz import Bits, Container, Rows, Uint
from lightclient.consensus.types import (
    EMPTY_EXECUTION,
    BeaconHeader,
    Bootstrap,
    Header,
    SyncAggregate,
    Update,
    execution_header,
    formats,
)
from tests.lightclient.consensus.committees import SIZE, branch, committee, node, signed
from tests.publication.servers import serving

FORK = Fork.FULU
ROW = ROWS[FORK]
ROUTES = "/eth/v1/beacon/light_client/"
SECONDS = 12


def chain_at(now, slot):
    """A chain on which `slot` begins at the time `now`."""
    forks = tuple((fork, 0, bytes([fork, 0, 0, 9])) for fork in Fork)
    return Chain(
        genesis_validators_root=b"\x77" * 32,
        genesis_version=b"\0\0\0\x09",
        forks=forks,
        committee_size=SIZE,
        slots_per_epoch=8,
        epochs_per_period=8,
        genesis_time=int(now) - SECONDS * slot,
        chain_id=131277322940537,
        name="testnet",
    )


def network_file(chain, path):
    """The constants of a chain as `recover --network` reads them."""
    config = {
        "CONFIG_NAME": chain.name,
        "PRESET_BASE": "minimal",
        "DEPOSIT_CHAIN_ID": str(chain.chain_id),
        "GENESIS_FORK_VERSION": f"0x{chain.genesis_version.hex()}",
        "SYNC_COMMITTEE_SIZE": str(chain.committee_size),
        "SLOTS_PER_EPOCH": str(chain.slots_per_epoch),
        "EPOCHS_PER_SYNC_COMMITTEE_PERIOD": str(chain.epochs_per_period),
        "SECONDS_PER_SLOT": str(chain.seconds_per_slot),
        "genesis_validators_root": f"0x{chain.genesis_validators_root.hex()}",
        "genesis_time": str(chain.genesis_time),
    }
    for fork, epoch, version in chain.forks:
        config |= {f"{fork.name}_FORK_EPOCH": str(epoch), f"{fork.name}_FORK_VERSION": f"0x{version.hex()}"}
    path.write_text(json.dumps(config))
    return path


def executed(header):
    """The payload header of a py-evm block."""
    return replace(
        EMPTY_EXECUTION,
        parent_hash=header.parent_hash,
        state_root=header.state_root,
        receipts_root=header.receipt_root,
        block_number=header.block_number,
        block_hash=header.hash,
        timestamp=header.timestamp,
    )


@dataclass(frozen=True)
class BeaconChain:
    """Blocks of every slot over one execution block, on a chain as `chain_at` makes it."""

    chain: Chain
    execution: object = EMPTY_EXECUTION

    def block(self, slot, finalized=None, execution=None, body=b""):
        """A header, and the leaves of its state."""
        period = self.chain.period(slot)
        leaves = {
            ROW.current_sync_committee: committee(period).root,
            ROW.next_sync_committee: committee(period + 1).root,
        }
        if finalized is not None:
            leaves[ROW.finalized_root] = finalized.beacon.root
        payload = self.execution if execution is None else execution
        inside = {EXECUTION_PAYLOAD_GINDEX: execution_header(ROW.blob_gas).root(payload)}
        if body:
            inside[24] = body.ljust(32, b"\0")
        beacon = BeaconHeader(slot, 7, b"\x22" * 32, node(leaves, 1), node(inside, 1))
        return Header(beacon, payload, branch(inside, EXECUTION_PAYLOAD_GINDEX)), leaves

    def bootstrap(self, slot):
        header, leaves = self.block(slot)
        gindex = ROW.current_sync_committee
        return Bootstrap(header, committee(self.chain.period(slot)), branch(leaves, gindex))

    def update(self, attested, finalized, *, committee_too=True, signers=SIZE, by=None, **finalized_as):
        """Signed in the slot after the attested one."""
        final, _ = self.block(finalized, **finalized_as)
        header, leaves = self.block(attested, final)
        period = self.chain.period(attested)
        return signed(
            Update(
                header,
                SyncAggregate((False,) * SIZE, bytes(96)),
                attested + 1,
                committee(period + 1) if committee_too else None,
                branch(leaves, ROW.next_sync_committee) if committee_too else b"",
                final,
                branch(leaves, ROW.finalized_root),
            ),
            signers,
            by,
            self.chain,
        )

    def finality(self, attested, finalized, **how):
        return self.update(attested, finalized, committee_too=False, **how)


def to_json(kind, value):
    """As nodes write it."""
    if isinstance(kind, Container):
        return {name: to_json(field, getattr(value, name)) for name, field in kind.fields}
    if isinstance(kind, Uint):
        return str(value)
    if isinstance(kind, Rows):
        return [f"0x{value[i : i + kind.width].hex()}" for i in range(0, len(value), kind.width)]
    return f"0x{(kind.encode(value) if isinstance(kind, Bits) else value).hex()}"


def answer(kind, value, fork=FORK):
    """An object with its version, of the kind with this name in Formats."""
    return {"version": fork.name.lower(), "data": to_json(getattr(formats(fork, SIZE), kind), value)}


@dataclass(frozen=True)
class Library:
    """What an honest node has: bootstraps by root, updates by period, the newest finality update, all as JSON."""

    bootstraps: dict
    updates: dict
    finality: dict | None

    @classmethod
    def of(cls, beacons, checkpoint, updates, finality):
        return cls(
            {f"0x{checkpoint.header.beacon.root.hex()}": answer("bootstrap", checkpoint)},
            {beacons.chain.period(one.attested_header.slot): answer("update", one) for one in updates},
            None if finality is None else answer("finality_update", finality),
        )

    def get(self, route, query):
        """The answer to a request, None for 404."""
        if route.startswith("bootstrap/"):
            return self.bootstraps.get(route.removeprefix("bootstrap/"))
        if route == "updates":
            first, count = int(query["start_period"][0]), int(query["count"][0])
            assert count <= 128
            return [self.updates[period] for period in range(first, first + count) if period in self.updates]
        return self.finality


def serve(get, prefix="", routes=ROUTES):
    """The URL of a beacon node that answers each request below `routes` with get(route, query), as Library does."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            parts = urlsplit(self.path)
            assert parts.path.startswith(prefix + routes)
            found = get(parts.path.removeprefix(prefix + routes), parse_qs(parts.query))
            body = json.dumps({"code": 404, "message": "not found"} if found is None else found).encode()
            self.send_response(404 if found is None else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    return serving(Handler)


@contextmanager
def saved(library, folder):
    """The same answers as files."""
    folder.mkdir()
    for i, one in enumerate(library.bootstraps.values()):
        (folder / f"bootstrap-{i}.json").write_text(json.dumps(one))
    (folder / "updates.json").write_text(json.dumps(list(library.updates.values())))
    if library.finality is not None:
        (folder / "finality_update.json").write_text(json.dumps(library.finality))
    yield folder

"""The strongest trust root of recover: a light client from the reader's checkpoint, and what it leaves for others."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

from lightclient.beacon import beacons_at
from lightclient.consensus import store
from lightclient.consensus.forks import Chain
from lightclient.consensus.sync import LightClient
from lightclient.evidence import Evidence, replay
from lightclient.finality import MAX_FINALITY_AGE_S, Conflict, Followed, follow
from lightclient.network import read_network
from lightclient.registry_reader import RegistryReader
from zkstate.atomic import replace_file
from zkstate.cli.arguments import Namespace, Parser, hex_bytes, is_given, network, seconds
from zkstate.errors import InputError
from zkstate.publication.header import SignedHeader

_OPTIONS = ("beacon", "checkpoint", "network", "light_client", "checkpoint_age", "finality_age", "evidence_out")


def declare_light(parser: Parser) -> None:
    parser.add_argument("--beacon", action="append", default=[])
    parser.add_argument("--checkpoint", type=hex_bytes(32))
    parser.add_argument("--network", type=network)
    parser.add_argument("--light-client", type=Path)
    parser.add_argument("--checkpoint-age", type=seconds)
    parser.add_argument("--finality-age", type=seconds)
    parser.add_argument("--evidence-out", type=Path)


def is_light(args: Namespace) -> bool:
    """Was any option of the light client given?"""
    return any(bool(value) or (is_given(value) and value != []) for value in (getattr(args, name) for name in _OPTIONS))


@dataclass(frozen=True, slots=True)
class LightRoot:
    """A registry reader at a finalized block, and the light client that led to it."""

    reader: RegistryReader
    followed: Followed
    chain: Chain
    registry: bytes
    checkpoint_age: int

    def evidence(self, signed: SignedHeader, blobs: tuple[bytes, ...]) -> bytes:
        """The bundle that shows this header to others, with the epoch's blobs if there are any, replayed before it is
        handed over.
        """
        client, bootstrap = self.followed.client, self.followed.bootstrap
        assert bootstrap is not None
        evidence = Evidence(
            self.chain.genesis_validators_root,
            client.checkpoint,
            int(time.time()),
            bootstrap,
            self.followed.updates,
            self.registry,
            self.reader.proofs(signed.header.epoch, signed.header.hash),
            signed,
            blobs,
        )
        data = evidence.encode(self.chain)
        replay(
            Evidence.decode(data, self.chain),
            self.chain,
            checkpoint=client.checkpoint,
            registry=self.registry,
            now=time.time(),
            max_checkpoint_age_s=self.checkpoint_age,
        )
        return data

    def warnings(self) -> list[str]:
        """What the trader should know about the beacon nodes."""
        return [
            *(f"left out: {report.fault}" for report in self.followed.reports if report.fault),
            *(f"conflict: {conflict}" for conflict in self.followed.conflicts),
        ]

    def result(self) -> dict[str, object]:
        """The same in JSON."""
        return {
            "beacon": [{"name": report.name, "fault": report.fault} for report in self.followed.reports],
            "conflicts": [str(conflict) for conflict in self.followed.conflicts],
        }


def light_root(args: Namespace) -> LightRoot:
    """Follow the light client as the arguments say, keep its state and what contradicts itself, and read the registry.

    Errors: InputError for options that do not go together; those of `follow` and of the state file.
    """
    _check(args)
    chain = read_network(args.network)
    if args.chain_id not in (None, chain.chain_id):
        raise InputError(f"--chain-id {args.chain_id}, and {chain.name} has {chain.chain_id}")
    begin = _beginning(args, chain)
    checkpoint_age = chain.checkpoint_age_s if args.checkpoint_age is None else args.checkpoint_age
    followed = follow(
        [source for place in args.beacon for source in beacons_at(place, float(args.timeout))],
        chain,
        begin,
        timeout_s=float(args.timeout),
        max_checkpoint_age_s=checkpoint_age,
        max_finality_age_s=MAX_FINALITY_AGE_S if args.finality_age is None else args.finality_age,
    )
    for conflict in followed.conflicts:
        _keep(args.light_client or args.out, conflict, chain)
    finalized = followed.finalized
    if args.light_client is not None:
        store.save(args.light_client, followed.client)
    reader = RegistryReader(
        args.rpc, args.registry, chain_id=args.chain_id, finalized=finalized, timeout_s=float(args.timeout)
    )
    return LightRoot(reader, followed, chain, args.registry, checkpoint_age)


def _check(args: Namespace) -> None:
    if not args.beacon or not args.rpc or args.registry is None:
        raise InputError("a light client needs --beacon, --rpc and --registry")
    if is_given(args.block_hash):
        raise InputError("--block-hash pins a block that the light client finds itself: leave one of them out")
    if is_given(args.evidence_out) and is_given(args.light_client):
        raise InputError("--evidence-out starts from the checkpoint itself: leave --light-client out")


def _beginning(args: Namespace, chain: Chain) -> bytes | LightClient:
    """The saved state to go on from, or the checkpoint's root."""
    checkpoint: bytes | None = args.checkpoint
    if args.light_client is not None and args.light_client.exists():
        client = store.load(args.light_client, chain)
        if checkpoint not in (None, client.checkpoint):
            raise InputError(
                f"{args.light_client} goes on from checkpoint 0x{client.checkpoint.hex()}, and --checkpoint says "
                f"0x{checkpoint.hex()}: name another file"
            )
        return client
    if checkpoint is None:
        raise InputError("--checkpoint is needed: the root of a finalized block that you got from somewhere you trust")
    return checkpoint


def _keep(beside: Path, conflict: Conflict, chain: Chain) -> None:
    """Both sides, in a file that is named by its content."""
    data = conflict.encode(chain)
    replace_file(beside.with_name(f"{beside.name}.conflict-{hashlib.sha256(data).hexdigest()[:16]}"), data)

"""The trust root of recover that needs no network: evidence that somebody kept, under the reader's pins."""

from __future__ import annotations

import time
from dataclasses import dataclass

from lightclient.blobs import BlobSource
from lightclient.evidence_root import EvidenceBlobs, EvidenceRoot
from zkstate.cli.arguments import Namespace, Parser, existing, is_given, unix_time
from zkstate.cli.evidence import replayed
from zkstate.errors import InputError

_OTHERS = ("header", "rpc", "beacon", "light_client", "evidence_out", "block_hash", "chain_id", "blob_node")


def declare_kept(parser: Parser) -> None:
    parser.add_argument("--evidence", type=existing)
    parser.add_argument("--at", type=unix_time)


@dataclass(frozen=True, slots=True)
class Kept:
    """What to believe, and the blobs that came with it."""

    root: EvidenceRoot
    blobs: tuple[BlobSource, ...]


def kept_root(args: Namespace) -> Kept | None:
    """What the evidence shows, if any is given. Errors: InputError for options that say otherwise; as `replayed`."""
    if args.evidence is None:
        if args.at is not None:
            raise InputError("--at is the time that evidence is judged as of: give --evidence")
        return None
    for name in _OTHERS:
        if is_given(value := getattr(args, name)) and value != []:
            raise InputError(
                f"--evidence is what to believe, and nobody is asked: leave --{name.replace('_', '-')} out"
            )
    found = replayed(args.evidence, args, args.registry, int(time.time()), option="--registry")
    if not found.blobs and not args.mirror and not args.blob_archive:
        raise InputError("the evidence has no blobs: give --mirror with the published files, or --blob-archive")
    return Kept(EvidenceRoot(found, args.at), (EvidenceBlobs(found),) if found.blobs else ())

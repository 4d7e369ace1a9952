"""Options about blobs: `publish` puts an epoch into them and keeps them, `recover` takes it out again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lightclient.blob_nodes import NodeSource
from lightclient.blobs import ArchiveSource, BlobMirror, BlobRegistry, BlobSource
from zkstate.cli.arguments import Namespace, Parser
from zkstate.errors import InputError
from zkstate.publication.blob_archive import keep_blobs
from zkstate.publication.blobs import pack_epoch
from zkstate.publication.mirrors import mirror_at
from zkstate.publication.trust import TrustRoot


def declare_sending(parser: Parser) -> None:
    parser.add_argument("--blobs", action="store_true")
    parser.add_argument("--blob-archive", type=Path, action="append", default=[])
    parser.add_argument("--blob-cells", type=Path, action="append", default=[])


def packed(args: Namespace, public: Path) -> Sequence[bytes]:
    """The blobs of the epoch, if it is to travel in any. InputError, before anything is sent, if it cannot."""
    if not args.blobs:
        if args.blob_archive or args.blob_cells:
            raise InputError("--blob-archive and --blob-cells keep what --blobs sends: give --blobs")
        return ()
    if args.rpc is None or args.publisher_key is None:
        raise InputError("--blobs needs --rpc and --publisher-key: nodes do not sign transactions with blobs")
    return pack_epoch(public)


def kept(blobs: Sequence[bytes], args: Namespace) -> dict[str, object]:
    """Put the blobs where `recover` finds them later, and what the result says of them."""
    if not blobs:
        return {}
    return {"blobs": len(blobs), "blobs_root": f"0x{keep_blobs(blobs, args.blob_archive, args.blob_cells).hex()}"}


def declare_taking(parser: Parser) -> None:
    parser.add_argument("--blob-archive", action="append", default=[])
    parser.add_argument("--blob-node", action="append", default=[])


def blob_mirrors(args: Namespace, trust_root: TrustRoot, held: Sequence[BlobSource] = ()) -> list[BlobMirror]:
    """The epoch's blobs as a mirror, if places for them are given or some are held."""
    if not args.blob_archive and not args.blob_node and not held:
        return []
    if not isinstance(trust_root, BlobRegistry):
        raise InputError("blobs are held to what a registry says of them: give --rpc and --registry")
    timeout_s = float(args.timeout)
    sources: list[BlobSource] = [*held, *(ArchiveSource(mirror_at(place)) for place in args.blob_archive)]
    sources += [NodeSource.at(url, args.registry, None, timeout_s) for url in args.rpc]
    sources += [NodeSource.at(url, args.registry, node, timeout_s) for url in args.rpc for node in args.blob_node]
    return [BlobMirror(trust_root, sources)]

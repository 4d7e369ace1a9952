"""Files that the user named on the command line: regular ones, links to them included, within limits."""

from __future__ import annotations

from pathlib import Path

from zkstate.cli.arguments import Namespace
from zkstate.errors import DisagreementError, InputError, SourceError
from zkstate.proof.record import SIZE_LIMIT, CeremonyRecord
from zkstate.publication.header import SIGNED_BYTES, SignedHeader
from zkstate.publication.regular import read_below


def read_named(path: Path, limit: int) -> bytes:
    """The content of a file. InputError if it is no regular file, cannot be read, or has more than `limit` bytes."""
    place = path.resolve()
    try:
        return read_below(place.parent, place.name, limit)
    except SourceError as error:
        raise InputError(str(error)) from error


def read_header(path: Path) -> SignedHeader:
    """A signed header. Errors as `read_named` and `SignedHeader.decode`, naming the file."""
    data = read_named(path, SIGNED_BYTES)
    try:
        return SignedHeader.decode(data)
    except InputError as error:
        raise InputError(f"{path} is not a header: {error}") from error
    except DisagreementError as error:
        raise DisagreementError(f"{path}: {error}") from error


def pinned_header(args: Namespace) -> bytes | None:
    """The hash of the header that --header and --header-hash expect, if any. InputError if they disagree."""
    stated: bytes | None = args.header_hash
    if args.header is None:
        return stated
    found = read_header(args.header).header.hash
    if stated not in (None, found):
        raise InputError(f"{args.header} has hash {found.hex()}, and --header-hash says {args.header_hash.hex()}")
    return found


def read_record(path: Path | None) -> CeremonyRecord | None:
    """The ceremony record a user named, if any."""
    return None if path is None else CeremonyRecord.decode(read_named(path, SIZE_LIMIT), str(path))

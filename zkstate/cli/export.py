"""`recover --export`: a book for another venue's desk, with what stands behind it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from circuits.context import Context
from circuits.migration import EXPORT_FILE, Export, File, claim_of_account
from circuits.proving import Progress, attest
from lightclient.bundle import Bundle
from zkstate.atomic import PRIVATE_FOLDER, new_folder, write_new
from zkstate.cli.arguments import Namespace, Parser, hex_bytes, unix_time
from zkstate.cli.between import opening_of
from zkstate.errors import EnvironmentFailure, InputError
from zkstate.state.valuation_files import PARQUET, WRITERS


def declare_export(parser: Parser) -> None:
    parser.add_argument("--export", type=Path)
    parser.add_argument("--challenge", type=hex_bytes(32))
    parser.add_argument("--expiry", type=unix_time)


def check_export(args: Namespace) -> None:
    """InputError for an export without somebody to export to, before anything is asked of anybody."""
    if args.export is None and (args.challenge is not None or args.expiry is not None):
        raise InputError("--challenge and --expiry go with --export")
    if args.export is not None and (args.challenge is None or args.expiry is None or not any(args.challenge)):
        raise InputError("--export answers somebody: give --challenge HEX, which the other venue chose, and --expiry")


def write_export(bundle: Bundle, out: Path, challenge: bytes, expiry: int, progress: Progress) -> tuple[str, ...]:
    """Write the folder; returns the forms of the table in it, Parquet only where pyarrow is.

    EnvironmentFailure if the disk refuses.
    """
    bare = Export(challenge, bundle.header.hash, bundle.account, bundle.path, ())
    table = bare.lines(bundle.header, bundle.table)
    forms: dict[str, bytes] = {}
    for name, write in WRITERS.items():
        try:
            forms[name] = write(table)
        except EnvironmentFailure:
            if name != PARQUET:
                raise
    listed = tuple(File(name, hashlib.sha256(data).hexdigest()) for name, data in forms.items())
    export = Export(challenge, bundle.header.hash, bundle.account, bundle.path, listed)
    claim = claim_of_account(bundle.account, bundle.table)
    context = export.addressed(Context(expiry=expiry))
    proof = attest(opening_of(bundle), bundle.signed, claim, context, transparent=True, progress=progress)
    with new_folder(out) as folder:
        folder.chmod(PRIVATE_FOLDER)
        for name, data in {**proof.encode(), **forms, EXPORT_FILE: export.encode()}.items():
            write_new(folder / name, data)
    return tuple(forms)

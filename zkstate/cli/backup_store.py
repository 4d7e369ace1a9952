"""zkstate backup make, verify, restore, drill: a folder that holds what a trader would miss."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lightclient.bundle import MAX_BUNDLE_BYTES, Bundle
from lightclient.registry_reader import RegistryReader
from lightclient.trust import PinnedHeader
from zkstate.atomic import PRIVATE_FILE, PRIVATE_FOLDER, disk_errors, new_folder, write_new
from zkstate.backup import store as stores
from zkstate.backup.rotation import Keep
from zkstate.backup.sealed import outline, unseal
from zkstate.backup.store import Contents
from zkstate.backup.store_keys import StoreKey
from zkstate.backup.store_read import MIRROR, SEALED_LIMIT, STRIPPED
from zkstate.backup.store_use import StoreReport, check, chosen, elsewhere, hold_to_chain, private_files, restore
from zkstate.backup.stripped import filled, is_stripped, keepable, strip
from zkstate.backup.version import MAX_FILE, Version
from zkstate.cli.arguments import Namespace, Parser, address, existing, whole
from zkstate.cli.headers import age_text
from zkstate.cli.keys import new_passphrase, read_key, read_passphrase
from zkstate.cli.named import read_header, read_named
from zkstate.cli.terminal import Terminal, duration_text, show_facts, show_judgement, size_text
from zkstate.cli.trusted import trust_facts, trust_result
from zkstate.errors import DisagreementError, InputError
from zkstate.publication.header import Header, SignedHeader
from zkstate.publication.layout import HEADER, PUBLIC
from zkstate.publication.manifest import check_folder
from zkstate.publication.regular import read_below
from zkstate.publication.trust import Trust, TrustRoot
from zkstate.state.identity import AccountKey, read_private

BUNDLE = "account.json"
KEPT = ("keep", "keep_daily", "keep_weekly", "keep_monthly")
OPTIONS = ("store", "account", "epoch", "file", "sealed", "key", "replace_key", "carry", "rpc", "registry", *KEPT)
_OPENING = ("passphrase", "key", "unlock")
_BELIEVED = ("header", "rpc", "registry")

USAGE = """\
  make          add a version to the folder --store, which is made if it is not there:
    --account BUNDLE     an account bundle, kept as account.json
    --epoch DIR          a published epoch, such as a mirror's epochs/00000001 (again for more)
    --file FILE          anything private: evidence, proofs, bundles of earlier epochs (again for more); keys, shares
                         and wallets' signatures are refused, as far as they are recognised
    --sealed FILE        what `seal` made, under another passphrase than the store's (again for more)
    --key KEY            let the account's key open the store too, so that shares or a wallet are enough: who has it
                         then has all of the state. --replace-key: in place of another account's key
    --carry              and all that the newest version holds, but for what is given anew
    --keep N, --keep-daily N, --keep-weekly N, --keep-monthly N    remove versions that no rule keeps
                In bundles, of --account or --file, the secret is left out; it comes back with the account's key
  verify        check every object of the versions that are there. With --passphrase or --key also: that they are yours,
                and that none is gone that the newest of them left. With --header, or --rpc and --registry: that epochs
                are those the chain holds, its newest among them. That newer versions were removed cannot be seen
  restore       bring back the newest version, or --number, to --out DIR: mirror/, sealed/ and, with --passphrase or
                --key, the private files. Without its account's key a bundle comes as NAME.stripped
  drill         restore what is public to a place that is removed again and what is private, which --passphrase or
                --key opens, to memory; check all of it, and say how long it took
"""

Action = Callable[[Namespace, Terminal], int]
_Opened = tuple[StoreKey | None, AccountKey | None]


def declare(parser: Parser) -> None:
    parser.add_argument("--store", type=Path)
    parser.add_argument("--account", type=existing)
    for name in ("--epoch", "--file", "--sealed"):
        parser.add_argument(name, type=existing, action="append")
    parser.add_argument("--key", type=existing)
    parser.add_argument("--replace-key", action="store_true", default=None)
    parser.add_argument("--carry", action="store_true", default=None)
    parser.add_argument("--rpc", action="append")
    parser.add_argument("--registry", type=address)
    for name in KEPT:
        parser.add_argument(f"--{name.replace('_', '-')}", type=whole(0, 1_000_000))


def make(args: Namespace, terminal: Terminal) -> int:
    account_key = None if args.key is None else read_key(args.key, args.unlock)
    rules = {name: getattr(args, name) or 0 for name in KEPT}
    keep = Keep(*rules.values()) if any(getattr(args, name) is not None for name in KEPT) else None
    if args.passphrase is None and (account_key is None or not args.store.exists()):
        raise InputError("backup make: give --passphrase, or --key where the account's key was let in before")
    if args.replace_key and (args.key is None or args.passphrase is None):
        raise InputError("backup make: --replace-key needs --key, the new one, and --passphrase")
    fresh = not args.store.exists()
    passphrase = None
    if args.passphrase is not None:
        passphrase = new_passphrase(args.passphrase) if fresh else read_passphrase(args.passphrase)
    contents = _contents(args, account_key, passphrase)
    with ExitStack() as stack:
        store = stack.enter_context(new_folder(args.store)) if fresh else args.store
        new_key = stores.lay_out(store, passphrase or b"") if fresh else None
        stack.enter_context(stores.locked(store, writing=True))
        key = new_key or _store_key(store, passphrase, account_key)
        newcomer = account_key if passphrase is not None and account_key is not None else None
        if newcomer is not None and not args.replace_key and stores.lets_in(store, key, newcomer):
            newcomer = None
        progress = stack.enter_context(terminal.progress("make"))
        made = stores.make(store, key, contents, int(time.time()), keep, progress, carry=bool(args.carry))
        if newcomer is not None:
            stores.let_in(store, key, newcomer)
    facts = [
        ("version", f"{made.version.number} in {args.store}{', which is new' if fresh else ''}"),
        ("objects", f"{made.objects}, {made.added} of them new with {size_text(made.added_bytes)}"),
        ("removed", f"{len(made.removed)} versions, {made.dropped_objects} objects that nothing needs any more"),
        *(("warning", words) for words in made.warnings),
    ]
    result = {
        "verb": "backup", "action": "make", "store": str(args.store), "number": made.version.number,
        "objects": made.objects, "added": made.added, "added_bytes": made.added_bytes,
        "removed": list(made.removed), "dropped_objects": made.dropped_objects, "warnings": list(made.warnings),
    }  # fmt: skip
    terminal.emit(result, lambda console: show_facts(console, facts))
    return 0


def verify(args: Namespace, terminal: Terminal) -> int:
    trust_root = _trust_root(args)
    key, _ = _opened(args)
    with stores.locked(args.store, writing=False), terminal.progress("backup verify") as progress:
        report = check(args.store, key, trust_root, progress)
    now = int(time.time())
    terminal.emit(
        {"verb": "backup", "action": "verify", **_result(report, now)},
        lambda console: show_judgement(console, report.sound, report.findings, _facts(report, now)),
    )
    return 0 if report.sound else DisagreementError.exit_code


def restored(args: Namespace, terminal: Terminal) -> int:
    opened = _opened(args)
    with (
        terminal.progress("backup restore") as progress,
        stores.locked(args.store, writing=False),
        new_folder(args.out) as folder,
    ):
        folder.chmod(PRIVATE_FOLDER)
        version = chosen(args.store, args.number, opened[0])
        names = []
        for name, data in _brought_back(args, version, opened, folder, progress):
            write_new(folder / name, data, PRIVATE_FILE)
            names.append(name)
        others = elsewhere(args.store, version, opened[0])
    facts = [
        ("restored", f"version {version.number} to {args.out}"),
        ("private files", ", ".join(names) or "none: give --passphrase or --key"),
        *_not_in_it(others),
    ]
    if opened[0] is None:
        facts.append(("not shown", "who wrote this version: give --passphrase or --key"))
    if lacking := _lacking(names):
        facts.append(("lacks its secret", f"{', '.join(lacking)}: give --key, the key of that account"))
    result = {
        "verb": "backup", "action": "restore", "out": str(args.out), "number": version.number, "files": names,
        "without_secret": lacking, "elsewhere": others,
    }  # fmt: skip
    terminal.emit(result, lambda console: show_facts(console, facts))
    return 0


def drill(args: Namespace, terminal: Terminal) -> int:
    """Public and sealed files are written and removed again; private ones stay in memory."""
    trust_root = _trust_root(args)
    if args.passphrase is None and args.key is None:
        raise InputError("backup drill: give --passphrase or --key: without, nothing private would be brought back")
    opened = _opened(args)
    began = time.perf_counter()
    with (
        _passing_place() as place,
        terminal.progress("backup drill") as progress,
        stores.locked(args.store, writing=False),
    ):
        version = chosen(args.store, args.number, opened[0])
        private = {name: len(data) for name, data in _brought_back(args, version, opened, place, progress)}
        others = elsewhere(args.store, version, opened[0])
        headers = [_checked_epoch(folder) for folder in sorted((place / MIRROR).glob("epochs/*"))]
        size = sum(path.stat().st_size for path in place.rglob("*") if path.is_file()) + sum(private.values())
    seconds = time.perf_counter() - began
    now = int(time.time())
    reasons = [f"{name}: give --key, the key of that account" for name in _lacking(private)]
    trust = None
    if trust_root is not None:
        unlike, _, trust = hold_to_chain(headers, trust_root)
        reasons += unlike
    age = now - max((header.time for header in headers), default=0)
    facts = [
        ("restored", f"{len(headers)} epochs, {len(private)} private files, {size_text(size)}; nothing was left"),
        *_not_in_it(others),
        ("RTO", duration_text(seconds)),
        ("RPO", age_text(age) if headers else "no epoch"),
        *_trust_facts(trust, now),
    ]
    result = {
        "verb": "backup", "action": "drill", "accepted": not reasons, "reasons": reasons, "files": list(private),
        "number": version.number, "elsewhere": others,
        "epochs": [header.epoch for header in headers], "bytes": size, "rto_s": round(seconds, 6),
        "rpo_s": age if headers else None, "trust": None if trust is None else trust_result(trust, now),
    }  # fmt: skip
    terminal.emit(result, lambda console: show_judgement(console, not reasons, reasons, facts))
    return 0 if not reasons else DisagreementError.exit_code


ACTIONS: dict[str, tuple[Action, tuple[str, ...], tuple[str, ...]]] = {
    "make": (make, ("store",), (*_OPENING, "replace_key", "account", "epoch", "file", "sealed", "carry", *KEPT)),
    "verify": (verify, ("store",), (*_OPENING, *_BELIEVED)),
    "restore": (restored, ("store", "out"), (*_OPENING, "number")),
    "drill": (drill, ("store",), (*_OPENING, *_BELIEVED, "number")),
}
"""Each action with the options that it needs and takes."""


def _contents(args: Namespace, account_key: AccountKey | None, passphrase: bytes | None) -> Contents:
    for folder in args.epoch or ():
        if not (folder / HEADER).exists():
            more = f": give {folder / PUBLIC}" if (folder / PUBLIC / HEADER).exists() else ""
            raise InputError(f"--epoch: {folder} is no published epoch, without {HEADER}{more}")
    files = [(path.name, keepable(read_named(path, MAX_FILE), str(path))) for path in args.file or ()]
    if args.account is not None:
        bundle = Bundle.decode(read_private(args.account, MAX_BUNDLE_BYTES, "account bundle"))
        if account_key is not None and account_key.owner != bundle.account.owner:
            raise DisagreementError(f"{args.account} is not the account of the key in {args.key}")
        files.append((BUNDLE, strip(bundle)))
    if args.sealed and passphrase is None:
        raise InputError("backup make: --sealed needs --passphrase, which must not open the sealed file")
    sealed = [_other_passphrase(path, passphrase or b"") for path in args.sealed or ()]
    return Contents(tuple(args.epoch or ()), tuple(sealed), tuple(files))


def _other_passphrase(path: Path, passphrase: bytes) -> bytes:
    """A sealed file, refused if the store's passphrase opens it: one theft would open both."""
    data = read_private(path, SEALED_LIMIT, "sealed file")
    if len(data) > SEALED_LIMIT:
        raise InputError(f"{path} has more than {SEALED_LIMIT} bytes")
    kind, _ = outline(data, str(path))
    try:
        unseal(kind, data, passphrase, str(path))
    except InputError:
        return data
    raise InputError(f"{path} opens with the passphrase of the store: seal it under another")


def _store_key(store: Path, passphrase: bytes | None, account_key: AccountKey | None) -> StoreKey:
    if passphrase is not None:
        return stores.unlock(store, passphrase)
    if account_key is None:
        raise InputError("give --passphrase or --key to open the store")
    return stores.unlock_by_account(store, account_key)


def _opened(args: Namespace) -> _Opened:
    """The keys that the options open, each file read once: it may be typed."""
    if args.unlock is not None and args.key is None:
        raise InputError("--unlock opens the key of --key, which is missing")
    passphrase = None if args.passphrase is None else read_passphrase(args.passphrase)
    account_key = None if args.key is None else read_key(args.key, args.unlock)
    if passphrase is None and account_key is None:
        return None, None
    return _store_key(args.store, passphrase, account_key), account_key


def _brought_back(
    args: Namespace, version: Version, opened: _Opened, out: Path, progress: Callable[[str, int, int], None]
) -> Iterator[tuple[str, bytes]]:
    """Restore into `out` what is not under the store's key, then give the private files, bundles with their secret.

    A bundle whose account's key was not given comes without, under a name that says so.
    """
    key, account_key = opened
    files = () if key is None else version.files(key, f"version {version.number}")
    restore(args.store, version, out, files, progress)
    if key is None:
        return
    for name, data in private_files(args.store, files, key):
        if not is_stripped(data):
            yield name, data
        elif account_key is None or (whole := filled(data, account_key)) is None:
            yield f"{name}{STRIPPED}", data
        else:
            yield name, whole.encode()


def _not_in_it(others: Sequence[str]) -> list[tuple[str, str]]:
    """What a version lacks that others hold: one that is restored without a look at them would miss it."""
    return [("not in it" if i == 0 else "", words) for i, words in enumerate(others)]


def _lacking(names: Iterable[str]) -> list[str]:
    return [name for name in names if name.endswith(STRIPPED)]


@contextmanager
def _passing_place() -> Iterator[Path]:
    with disk_errors("there is no place for a drill"):
        place = Path(tempfile.mkdtemp(prefix="zkstate-drill-"))
    try:
        yield place
    finally:
        with disk_errors(f"what the drill restored was not removed; it is in {place}"):
            shutil.rmtree(place)


def _checked_epoch(folder: Path) -> Header:
    signed = SignedHeader.decode(read_below(folder, HEADER, 1 << 12))
    if findings := check_folder(folder, signed):
        raise DisagreementError(f"the restored epoch {signed.header.epoch} is not whole: {findings[0]}")
    return signed.header


def _trust_root(args: Namespace) -> TrustRoot | None:
    if (args.rpc is None) != (args.registry is None) or (args.rpc is not None and args.header is not None):
        raise InputError("give --header, or --rpc with --registry, as what to believe")
    if args.header is not None:
        return PinnedHeader(read_header(args.header))
    return None if args.rpc is None else RegistryReader(args.rpc, args.registry)


def _trust_facts(trust: Trust | None, now: int) -> list[tuple[str, str]]:
    return [("trust", "nothing was given to believe")] if trust is None else trust_facts(trust, now)


def _result(report: StoreReport, now: int) -> dict[str, object]:
    return {
        "accepted": report.sound, "reasons": list(report.findings), "versions": list(report.versions),
        "epochs": [header.epoch for header in report.headers], "objects": report.objects,
        "object_bytes": report.object_bytes, "unneeded_objects": report.unneeded, "not_shown": list(report.unchecked),
        "trust": None if report.trust is None else trust_result(report.trust, now),
    }  # fmt: skip


def _facts(report: StoreReport, now: int) -> Sequence[tuple[str, str]]:
    newest = max(report.headers, key=lambda header: header.epoch, default=None)
    return [
        ("versions", f"{len(report.versions)}, the newest {report.versions[-1]}"),
        ("objects", f"{report.objects} with {size_text(report.object_bytes)}"),
        ("newest epoch", "none" if newest is None else f"{newest.epoch}, {age_text(now - newest.time)} old"),
        *_trust_facts(report.trust, now),
        *(("not shown" if i == 0 else "", words) for i, words in enumerate(report.unchecked)),
    ]

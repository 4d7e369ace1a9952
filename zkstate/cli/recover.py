"""zkstate recover: rebuild an account from what was published."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from rich.console import Console

from lightclient.annex import fetch_annex
from lightclient.bundle import Bundle
from lightclient.recover import Limits, Recovery, recover
from lightclient.registry_reader import RegistryReader
from lightclient.shards import rebuild
from lightclient.source import Fleet
from lightclient.trust import PinnedHeader
from zkstate.atomic import replace_file
from zkstate.cli.account import account_result, history_result, history_text, show_account
from zkstate.cli.annexes import ANNEXES
from zkstate.cli.arguments import Namespace, Parser, address, existing, hex_bytes, is_given, seconds, whole
from zkstate.cli.blobs import blob_mirrors, declare_taking
from zkstate.cli.export import check_export, declare_export, write_export
from zkstate.cli.headers import age_text, header_facts, header_result
from zkstate.cli.keys import read_key
from zkstate.cli.named import read_header
from zkstate.cli.recover_evidence import declare_kept, kept_root
from zkstate.cli.recover_light import LightRoot, declare_light, is_light, light_root
from zkstate.cli.recover_venue import HELP, declare_venue, run_venue
from zkstate.cli.terminal import Terminal, duration_text, show_facts, size_text
from zkstate.cli.trusted import trust_facts, trust_result
from zkstate.errors import DisagreementError, InputError, MissingError, SourceError, ZkstateError
from zkstate.publication.header import Header
from zkstate.publication.layout import MAX_EPOCH, PUBLIC
from zkstate.publication.mirrors import mirror_at
from zkstate.publication.progress import Progress
from zkstate.publication.trust import TrustRoot
from zkstate.state.identity import AccountKey

_USAGE = """\
usage: zkstate recover --key FILE [--unlock FILE] --mirror PLACE [--mirror PLACE ...] TRUST --out BUNDLE
                       [--history-since N] [--max-age DURATION] [--timeout DURATION]
                       [--export DIR --challenge HEX --expiry TIME] [--json]
       zkstate recover --files --mirror PLACE [--mirror PLACE ...] TRUST --out DIR [--timeout DURATION] [--json]
       zkstate recover --venue --journal-key FILE --mirror PLACE [--mirror PLACE ...] TRUST --out DIR [--json]
       zkstate recover --new-key FILE [--json]

Rebuild one account from what the venue published, believing nothing but the trust root.

  --key FILE         the account key: one line of 64 hex digits in a file that only you can read
  --unlock FILE      the passphrase of a key that `backup seal` sealed, one line in such a file, or - to type it
  --mirror PLACE     a folder or an http(s) address with published epochs; several may be given, and any of
                     them may be wrong, slow or gone
  --blob-archive PLACE  a folder or an http(s) address with an epoch's blobs, or some of their cells
  --blob-node URL    a beacon node to ask for them; each blob is held to what the registry says, as the files in it are
  --out BUNDLE       where the account bundle is written. It holds the account's secret: keep it private
  --max-age DURATION refuse a state older than this, such as 36h
  --history-since N  bring the entries of the account's history after epoch N, which a proof about several epochs
                     needs, not only those of the newest epoch
  --timeout DURATION how long one request to one mirror may take (10s)
  --export DIR       also write the account for another venue's desk: portfolio.csv, .json and (with pyarrow) .parquet
                     with marks and greeks, the account opened, and a proof. It shows the account, and no secret; with
                     --challenge HEX, 32 bytes which that venue chose, and --expiry TIME
  --files            rebuild the whole folder of the newest epoch from mirrors that have it or shards of it, with its
                     proof of solvency where one is published: for verify, or to publish it again
{venue}
  --new-key FILE     make an account key, and print the owner and view key to hand to the venue

TRUST, one of, strongest first:

  --checkpoint ROOT --beacon PLACE [--beacon PLACE ...] --rpc URL [--rpc URL ...] --registry ADDRESS
                     a light client follows Ethereum's sync committees from the root of a finalized block, which you
                     choose, to the newest finalized block, and the registry is proved against that. A PLACE is a
                     beacon node's URL, or a folder of its answers (bootstrap*.json, updates*.json,
                     finality_update*.json); none is believed, and one honest node or whole set of files is enough.
                     With it:
    --network NAME|FILE    another network than mainnet: sepolia, hoodi, gnosis, or a file of its constants
    --light-client FILE    keep the light client's state there, and go on from it next time
    --checkpoint-age D     how old the checkpoint or the saved state may be (14d; sepolia 27h, gnosis 10h)
    --finality-age D       how old the newest finalized block may be (1h)
    --evidence-out FILE    write all of it in one file, which zkstate verify checks without a network
  --evidence FILE --checkpoint ROOT --registry ADDRESS [--network NAME|FILE] [--at TIME]
                     what --evidence-out wrote, replayed without a network; an epoch that travelled in blobs and was
                     read from them is in it whole, and needs no mirror. --at judges ages as of that time
  --rpc URL [--rpc URL ...] --registry ADDRESS [--block-hash HASH] [--chain-id N]
                     the newest epoch in the registry, proved against a block hash that the nodes agree on,
                     or that you give; believe only nodes of chain N
  --header FILE      a header.bin that you got from somewhere you trust; no chain is asked

Example, after the examples of snapshot and publish:

  zkstate recover --key trader.key --mirror mirror --header mirror/epochs/00000001/header.bin --out account.json
"""
USAGE = _USAGE.replace("{venue}", HELP)


def declare(parser: Parser) -> None:
    parser.add_argument("--key", type=existing)
    parser.add_argument("--unlock", type=Path)
    parser.add_argument("--new-key", type=Path)
    parser.add_argument("--files", action="store_true")
    parser.add_argument("--mirror", action="append", default=[])
    parser.add_argument("--header", type=existing)
    parser.add_argument("--rpc", action="append", default=[])
    parser.add_argument("--registry", type=address)
    parser.add_argument("--block-hash", type=hex_bytes(32))
    declare_taking(parser)
    parser.add_argument("--chain-id", type=whole(0, (1 << 64) - 1))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--max-age", type=seconds)
    parser.add_argument("--history-since", type=whole(0, MAX_EPOCH))
    parser.add_argument("--timeout", type=seconds, default=10)
    declare_light(parser)
    declare_kept(parser)
    declare_export(parser)
    declare_venue(parser)


def run(args: Namespace, terminal: Terminal) -> int:
    if args.new_key is not None:
        others = (args.key, args.unlock, args.out, args.header, args.registry, args.block_hash, args.chain_id)
        others_too = (
            args.max_age,
            args.history_since,
            args.export,
            args.challenge,
            args.expiry,
            args.evidence,
            args.at,
        )
        places = args.mirror or args.blob_archive or args.blob_node
        if places or args.rpc or is_light(args) or any(map(is_given, (*others, *others_too))):
            raise InputError("--new-key makes a key and does nothing else")
        return _new_key(args.new_key, terminal)
    if args.venue:
        own = (args.key, args.unlock, args.max_age, args.history_since, args.files, args.export)
        if any(map(is_given, own)) or args.blob_archive or args.blob_node:
            raise InputError("--venue replays a journal and takes no account key, age, history or blobs")
        return run_venue(args, _any_root(args), terminal)
    if args.journal_key is not None:
        raise InputError("--journal-key is for --venue")
    if args.files:
        return _files(args, terminal)
    if args.key is None or not (args.mirror or args.blob_archive or args.blob_node or args.evidence) or not args.out:
        raise InputError("--key, --mirror and --out are needed, or a place for blobs (see --help)")
    if args.timeout == 0:
        raise InputError("--timeout 0 leaves no time to answer: give at least 1s")
    check_export(args)
    kept = kept_root(args)
    light = light_root(args) if kept is None and is_light(args) and args.header is None else None
    root = kept.root if kept is not None else trust_root(args) if light is None else light.reader
    limits = Limits(max_age_s=args.max_age, request_s=float(args.timeout))
    key = read_key(args.key, args.unlock)
    blobs = blob_mirrors(args, root, () if kept is None else kept.blobs)
    with terminal.progress("recover") as progress:
        recovery = recover(
            key,
            [*map(mirror_at, args.mirror), *blobs],
            root,
            limits=limits,
            history_since=args.history_since,
            progress=progress,
        )
    recovery.bundle.write(args.out)
    found_false = [f"blobs: {fault}" for mirror in blobs for fault in mirror.faults]
    for words in [*warnings(recovery), *found_false, *([] if light is None else light.warnings())]:
        terminal.say(words)
    if light is not None and args.evidence_out is not None:
        taken = (mirror.blobs(recovery.bundle.header.epoch) for mirror in blobs)
        _write_evidence(light, recovery, next(filter(None, taken), ()), args, terminal)
    if args.export is not None:
        with terminal.progress("export") as progress:
            forms = write_export(
                recovery.bundle, args.export, args.challenge, args.expiry, lambda stage: progress(stage, 0, 0)
            )
        terminal.say(f"exported to {args.export}: {', '.join(forms)}; it shows the whole account to who reads it")
    result = {"verb": "recover", "out": str(args.out), **recovery_result(recovery)}
    result |= {} if light is None else light.result()
    result |= {} if kept is None else {"newest_epoch": kept.root.found.state.latest_epoch, "judged_at": args.at}
    terminal.emit(result, lambda console: _render(console, recovery, args.out))
    return 0


def _write_evidence(
    light: LightRoot, recovery: Recovery, blobs: tuple[bytes, ...], args: Namespace, terminal: Terminal
) -> None:
    """Last, and with a failure of its own: the account is worth having without it."""
    try:
        replace_file(args.evidence_out, light.evidence(recovery.bundle.signed, blobs))
    except ZkstateError:
        terminal.say(f"the account is recovered, to {args.out}; {args.evidence_out} is not written:")
        raise


def _any_root(args: Namespace) -> TrustRoot:
    """What the options say to believe, whichever it is."""
    if (kept := kept_root(args)) is not None:
        return kept.root
    return light_root(args).reader if is_light(args) and args.header is None else trust_root(args)


def _files(args: Namespace, terminal: Terminal) -> int:
    if any(map(is_given, (args.key, args.unlock, args.max_age, args.history_since, args.export))):
        raise InputError("--files rebuilds what is public and takes no key, age or history")
    if not args.mirror or args.out is None:
        raise InputError("--mirror and --out are needed (see --help)")
    if args.blob_archive or args.blob_node or args.evidence_out is not None:
        raise InputError("--files reads mirrors alone: leave --blob-archive, --blob-node and --evidence-out out")
    limits = Limits(request_s=float(args.timeout))
    with terminal.progress("recover") as progress:
        epoch, header_hash, trust = _any_root(args).latest_epoch()
        fleet = Fleet([mirror_at(place) for place in args.mirror], request_s=limits.request_s, grace_s=limits.grace_s)
        signed = rebuild(fleet, epoch, header_hash, args.out / PUBLIC, progress)
        annexes = _annexes(args, signed.header, terminal, progress)
    for source in fleet.reports():
        for words in source.lied:
            terminal.say(f"lied: {words}")
    now = int(time.time())
    result = {"verb": "recover", "out": str(args.out), **header_result(signed.header), "annexes": annexes}
    result["trust"] = trust_result(trust, now)
    facts = [
        ("files", f"{args.out}: publish them again with zkstate publish"),
        ("with them", ", ".join(annexes) or "no proof of solvency: no mirror gave a whole one"),
        *header_facts(signed.header),
        *trust_facts(trust, now),
    ]
    terminal.emit(result, lambda console: show_facts(console, facts))
    return 0


def _annexes(args: Namespace, header: Header, terminal: Terminal, progress: Progress) -> list[str]:
    """Fetch what mirrors hold beside an epoch, and say which of it there is."""
    found = []
    for name, (limit, judge) in ANNEXES.items():
        public, mirrors = args.out / PUBLIC, [mirror_at(place) for place in args.mirror]
        try:
            notes = fetch_annex(
                mirrors, name, header, limit, partial(judge, public, header), args.out / name,
                request_s=float(args.timeout), progress=progress,
            )  # fmt: skip
        except MissingError:
            continue
        except (SourceError, DisagreementError) as error:
            notes = [f"{name} is not brought: {error}"]
        else:
            found.append(name)
        for words in notes:
            terminal.say(words)
    return found


def _new_key(path: Path, terminal: Terminal) -> int:
    key = AccountKey.generate()
    key.write(path)
    public = {"owner": f"{key.owner:064x}", "view_key": key.view_public.hex()}
    facts = [("key", f"{path}: keep it private, and keep a copy"), *public.items()]
    terminal.emit({"verb": "recover", "new_key": str(path), **public}, lambda console: show_facts(console, facts))
    return 0


def trust_root(args: Namespace) -> TrustRoot:
    """What --header, or --rpc and --registry, say is to be believed."""
    if is_light(args):
        raise InputError("--header and a light client are two things to believe: leave one of them out")
    on_chain = bool(args.rpc) or any(map(is_given, (args.registry, args.block_hash, args.chain_id)))
    if on_chain == (args.header is not None):
        raise InputError("give either --rpc and --registry, or --header, as what to believe")
    if args.header is not None:
        return PinnedHeader(read_header(args.header))
    if not args.rpc or args.registry is None:
        raise InputError("--rpc and --registry go together")
    return RegistryReader(
        args.rpc,
        args.registry,
        chain_id=args.chain_id,
        block_hash=args.block_hash,
        timeout_s=float(args.timeout),
    )


def warnings(recovery: Recovery) -> Sequence[str]:
    """What the trader should know about the sources and the venue."""
    believed = recovery.bundle.header.hash.hex()
    words = [f"passed over {skipped}" for skipped in recovery.skipped]
    words += [f"lied: {lie}" for source in recovery.sources for lie in source.lied]
    words += [f"silent: {silence}" for source in recovery.sources for silence in source.silent]
    words += [
        f"the venue signed two states for epoch {other.header.epoch}: {believed} and {other.header.hash.hex()}"
        for other in recovery.equivocations
    ]
    if recovery.history_lacks is not None:
        words.append(f"the bundle lacks entries of the account's history: {recovery.history_lacks}")
    return words


def recovery_result(recovery: Recovery) -> dict[str, object]:
    """What came back and how, in JSON. Nothing in it is secret but the trader's own positions."""
    bundle = recovery.bundle
    return {
        **header_result(bundle.header),
        "newest_epoch": recovery.newest_epoch,
        "skipped": list(recovery.skipped),
        "equivocations": [other.encode().hex() for other in recovery.equivocations],
        "trust": trust_result(bundle.trust, bundle.recovered_at),
        "account": account_result(bundle.account, bundle.table, bundle.header.time),
        "history": history_result(bundle),
        "history_lacks": recovery.history_lacks,
        "rpo_s": recovery.rpo_s,
        "rto_s": round(recovery.rto_s, 6),
        "seconds": recovery.seconds,
        "bytes_read": recovery.bytes_read,
        "sources": [
            {
                "name": source.name,
                "bytes_read": source.bytes_read,
                "served": source.served,
                "lied": list(source.lied),
                "silent": list(source.silent),
                "missing": list(source.missing),
            }
            for source in recovery.sources
        ],
    }


def recovery_facts(recovery: Recovery) -> list[tuple[str, str]]:
    """What came back and how, for people."""
    bundle: Bundle = recovery.bundle
    newest = recovery.newest_epoch
    passed_over = f"epoch {newest} is on record and no mirror has it whole: this is an older state"
    return [
        *header_facts(bundle.header),
        *([("newest", passed_over)] if newest != bundle.header.epoch else []),
        *trust_facts(bundle.trust, bundle.recovered_at),
        ("history", history_text(bundle)),
        ("state age", f"{age_text(recovery.rpo_s)} (RPO)"),
        ("recovered in", f"{duration_text(recovery.rto_s)} (RTO), {size_text(recovery.bytes_read)} read"),
    ]


def _render(console: Console, recovery: Recovery, out: Path) -> None:
    show_facts(console, [*recovery_facts(recovery), ("bundle", f"{out}: keep it private")])
    console.print()
    show_account(console, recovery.bundle.account, recovery.bundle.table, recovery.bundle.header.time)

"""zkstate verify: check a proof, a published epoch or a pair of headers, offline."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

from circuits import portable
from circuits.attestation import (
    FILES,
    MAX_FILE_BYTES,
    OTHER_FILE,
    PROOF_FILE,
    STATEMENT_FILE,
    TRANSPARENT_FILE,
    Attestation,
    Expectation,
    examine,
)
from circuits.context import Context
from circuits.migration import EXPORT_FILE
from zkstate.cli.arguments import Namespace, Parser, directory, existing, hex_bytes, is_given, seconds, whole
from zkstate.cli.context import FIELDS, declare_context, given_context
from zkstate.cli.evidence import OPTIONS, declare_evidence, is_evidence, replayed, verify_evidence
from zkstate.cli.exported import examine_export
from zkstate.cli.headers import check_age, header_facts, header_result
from zkstate.cli.named import pinned_header, read_header, read_named, read_record
from zkstate.cli.own_account import OPTIONS as OWN
from zkstate.cli.own_account import declare_own, find_own
from zkstate.cli.plain import PlainProof, judge, read_key
from zkstate.cli.plain_transparent import PlainTransparent, judge_files
from zkstate.cli.reserves_pins import OPTIONS as RESERVE_OPTIONS
from zkstate.cli.reserves_pins import declare_reserves
from zkstate.cli.reserves_verify import find_assets
from zkstate.cli.solvency_verify import run_verify
from zkstate.cli.terminal import Terminal, show_judgement
from zkstate.cli.verdict import Verdict
from zkstate.cli.verify_journal import is_journal, verify_journal
from zkstate.errors import DisagreementError, InputError
from zkstate.publication.annex import beside, epoch_with
from zkstate.publication.audit import audit_folder
from zkstate.publication.header import MAGIC as HEADER_MAGIC
from zkstate.publication.header import SIGNED_BYTES, SignedHeader, equivocation
from zkstate.publication.layout import HEADER, MANIFEST, PUBLIC
from zkstate.publication.regular import read_below
from zkstate.reserves.document import RESERVES
from zkstate.solvency.files import CLAIM, SOLVENCY

USAGE = """\
usage: zkstate verify PROOF_DIR [PINS] [SETUP] [EXPECTED CONTEXT] [--json]
       zkstate verify ATTESTATION --challenge HEX [PINS] [SETUP] [EXPECTED CONTEXT] [--json]
       zkstate verify EXPORT --challenge HEX [PINS] [EXPECTED CONTEXT] [--json]
       zkstate verify EPOCH_DIR [--header FILE] [--header-hash HEX] [--max-age DURATION] [YOUR ACCOUNT] [--json]
       zkstate verify SOLVENCY [--solvency DIR] [--header FILE] [--header-hash HEX] [--max-age D]
                               [--jobs N] [YOUR ACCOUNT] [SETUP] [--json]
       zkstate verify JOURNAL [--header FILE] [--json]
       zkstate verify HEADER HEADER [--json]
       zkstate verify EVIDENCE PINS OF EVIDENCE [--max-age DURATION] [--json]
       zkstate verify CIRCOM_DIR [--key FILE] [SETUP] [--json]
       zkstate verify CIRCOM_DIR --r1cs FILE [--json]
       zkstate verify --vk FILE --public FILE --proof FILE [SETUP] [--json]

Check offline, and say what is shown and what is not.

  PROOF_DIR   what zkstate prove wrote: the claim, the header it is about, the public inputs and the proof, which is
              transparent (proof.bin: no key, and the circuit is compiled here) or Groth16 (proof.json)
  ATTESTATION the same in one file, as zkstate prove --attestation wrote it in answer to your challenge
  EXPORT      what zkstate recover --export wrote: the opened account under the header, every form of its table against
              that, and the proof, which answers your challenge and all of the export. The forms may be left out but one
  EPOCH_DIR   a published epoch: every file against the manifest, the tables, tree and records against the header
  SOLVENCY    an epoch with its proof of solvency: a folder with public/ and solvency/, an epoch on a mirror that has
              the proof too, or with --solvency DIR a published epoch and the proof beside it. All of EPOCH_DIR, and
              every batch, whether together they are all accounts once, and end at the published totals and the
              claimed shortfall and profit. A SETUP of groth16 or mirage may be a folder of records. --jobs N judges
              N proofs at once, by default one for each core
  JOURNAL     segments of a venue's journal: signatures, chain and hashes; with --header, whether they lead there
  HEADER      two copies of header.bin: whether they convict a venue of signing two states for one epoch
  EVIDENCE    what zkstate recover --evidence-out wrote: that a venue's registry held a header in a finalized block
  CIRCOM_DIR  verification_key.json, public.json and proof.json of any Groth16 circuit over BN254, as prove --zkey and
              snarkjs write them; or the three by name with --vk, --public and --proof. Or proof.bin and public.json, as
              prove --r1cs writes them, judged by your own copy of the circuit. No statement is checked

PINS, what you know without the proof:

  --header FILE         the header the proof must be about         --header-hash HEX  or its hash
  --other-header FILE   the header of the other epoch, where the proof is about two
  --key FILE            the verification key; without it, the one this version knows for the circuit
  --max-age DURATION    refuse a state older than this, such as 36h

PINS OF EVIDENCE, which can also stand behind the header of a proof, with --evidence FILE:

  --checkpoint ROOT         the root of the finalized block that it starts from, which you got from somewhere you trust
  --venue-registry ADDRESS  the registry contract of the venue
  --network NAME|FILE       another network than mainnet: sepolia, hoodi, gnosis, or a file of its constants
  --checkpoint-age D        how old the checkpoint may be (14d; sepolia 27h, gnosis 10h)
  --finality-age D          how old the block may be that it shows the registry in: what came later it cannot show
  --at TIME                 judge ages as of this time: you believe that the evidence was there by then

YOUR ACCOUNT in an EPOCH_DIR or SOLVENCY, looked up in its files, and with a proof whether that counts its leaf:

  --account-key FILE    your account key: finds and opens your record there; --unlock FILE if it is sealed
  --account BUNDLE      what zkstate recover wrote: the account has to be that one
  --holds SYMBOL=AMOUNT what you think it holds, once for each instrument; anything else is an objection

RESERVES beside an epoch (reserves/ there, or on the mirror), held against what the venue owes, asset by asset:

  --reserves PLACE      a file of zkstate prove reserves, or a folder of them
  --tokens FILE         the coin and tokens that you take, and where these keep balances: without it, the venue's word;
                        with one for any chain, a chain without a list counts for nothing
  --block CHAIN:HASH    the block that you take for one of that chain; --reserves-rpc URL asks nodes, and --evidence
                        FILE with its pins stands behind the block that it ends in. With a block of any chain, one
                        that none of these speaks for counts for nothing
  --net                 compare with what is owed less what accounts owe; otherwise with all that is owed
  --max-gap D           how far the block may be from the epoch's time (1d)
  --other-reserves FILE another venue's file: it must not claim the same addresses

SETUP, how far the key of a Groth16 proof may be believed. Without either, only keys that this version knows from a
verified ceremony are; a transparent proof has none:

  --ceremony RECORD         what zkstate setup verify left, from you or from someone you believe
  --allow-insecure-setup    take any key that is pinned, even one that lets anyone forge: for trying things out

EXPECTED CONTEXT, each checked where given: --challenge (or --vault), --recipient, --chain-id,
--registry, --expiry.

Exit code 0 if accepted, 1 if well-formed but false, 2 if unusable, 4 if too old or contradicting itself.

Example, after the example of prove:

  zkstate verify proof --header mirror/epochs/00000001/header.bin
"""


def declare(parser: Parser) -> None:
    parser.add_argument("place", nargs="*", type=existing)
    for name in ("--vk", "--public", "--proof", "--key", "--header", "--other-header", "--ceremony", "--r1cs"):
        parser.add_argument(name, type=existing)
    parser.add_argument("--solvency", type=directory)
    parser.add_argument("--jobs", type=whole(1, 256))
    parser.add_argument("--header-hash", type=hex_bytes(32))
    parser.add_argument("--allow-insecure-setup", action="store_true")
    parser.add_argument("--max-age", type=seconds)
    declare_context(parser)
    declare_evidence(parser)
    declare_own(parser)
    declare_reserves(parser)


def run(args: Namespace, terminal: Terminal) -> int:
    triple = (args.vk, args.public, args.proof)
    if any(triple) and not (all(triple) and not args.place):
        raise InputError("--vk, --public and --proof go together, and without a folder")
    if all(triple):
        _only(args, "three plain files", "ceremony")
        return _verify_plain(PlainProof.read(*triple), args, terminal)
    if len(args.place) == 2:
        _only(args, "two headers")
        return _compare_headers(args.place, terminal)
    if len(args.place) != 1:
        raise InputError("name one proof folder, attestation or epoch folder, or two headers (see --help)")
    place: Path = args.place[0]
    if not place.is_dir() and not place.is_file():
        raise InputError(f"{place} is neither a regular file nor a folder")
    if not place.is_dir() and is_evidence(place):
        _only(args, "evidence", "max_age", *OPTIONS)
        if args.evidence is not None:
            raise InputError("--evidence stands behind a proof: evidence itself is named without it")
        return verify_evidence(place, args, terminal, int(time.time()))
    if not place.is_dir():
        attestation = read_portable(place)
        if args.challenge is None:
            raise InputError("verify of an attestation: give --challenge, the one you chose, or it may answer another")
        return _verify_proof(attestation, args, terminal)
    return _verify_folder(place, args, terminal)


def _verify_folder(place: Path, args: Namespace, terminal: Terminal) -> int:
    """What the folder is shows in the files it has."""
    if is_journal(place):
        _only(args, "a journal", "header")
        return verify_journal(place, args, terminal)
    if args.solvency is not None or epoch_with(place, SOLVENCY) is not None:
        return _verify_solvency(place, args, terminal)
    if (place / STATEMENT_FILE).exists():
        export = place if os.path.lexists(place / EXPORT_FILE) else None
        return _verify_proof(read_attestation(place), args, terminal, export)
    if (place / MANIFEST).exists():
        _only(args, "an epoch", "header", "header_hash", "max_age", *OWN, *RESERVE_OPTIONS, *OPTIONS)
        return _verify_epoch(place, args, terminal)
    if (place / TRANSPARENT_FILE).exists():
        _only(args, "a transparent proof without a statement", "r1cs")
        if args.r1cs is None:
            raise InputError(
                "verify of a transparent proof without a statement: give --r1cs, the circuit it is to be of"
            )
        return int(not judge_files(PlainTransparent.below(place), args.r1cs, terminal))
    if (place / PROOF_FILE).exists():
        _only(args, "a proof without a statement", "key", "ceremony")
        return _verify_plain(PlainProof.below(place), args, terminal)
    raise InputError(
        f"{place} is neither a proof folder ({STATEMENT_FILE} or {PROOF_FILE}) nor an epoch folder ({MANIFEST})"
    )


def _only(args: Namespace, what: str, *takes: str) -> None:
    """Refuse an option that this kind of check would ignore: its user would believe it was checked."""
    for name in {
        "key",
        "r1cs",
        "solvency",
        "jobs",
        "header",
        "other_header",
        "header_hash",
        "ceremony",
        "max_age",
        *FIELDS,
        *OPTIONS,
        *OWN,
        *RESERVE_OPTIONS,
    } - set(takes):
        if is_given(getattr(args, name)):
            raise InputError(f"verify of {what} does not check --{name.replace('_', '-')}: leave it out")


def read_attestation(folder: Path) -> Attestation:
    """The attestation in a proof directory; other files there are not looked at."""
    return Attestation.decode(
        {
            name: read_below(folder, name, MAX_FILE_BYTES)
            for name in (*FILES, TRANSPARENT_FILE, OTHER_FILE)
            if (folder / name).exists()
        }
    )


def read_portable(path: Path) -> Attestation:
    """The attestation in one file. Errors as `read_named` and `portable.decode`, naming the file."""
    data = read_named(path, portable.MAX_PORTABLE_BYTES)
    if data.startswith(HEADER_MAGIC):
        raise InputError(f"{path} is one header, and shows nothing alone: give the folder of its epoch, or two headers")
    try:
        return portable.decode(data)
    except InputError as error:
        raise InputError(f"{path} is no folder, no evidence, and no attestation that can be read: {error}") from error
    except DisagreementError as error:
        raise DisagreementError(f"{path}: {error}") from error


def _verify_proof(attestation: Attestation, args: Namespace, terminal: Terminal, export: Path | None = None) -> int:
    given, now = given_context(args), int(time.time())
    challenge = given.pop("challenge", None) if export is not None else None
    if args.r1cs is not None:
        raise InputError("--r1cs: the statement names its circuit, and it is compiled here")
    for name in ("key", "ceremony"):
        if attestation.key is None and getattr(args, name) is not None:
            raise InputError(f"--{name}: the proof is transparent, and there is no key")
    evidence, pinned_hash = None, pinned_header(args)
    if args.evidence is not None:
        evidence = replayed(args.evidence, args, args.venue_registry, now)
        found = evidence.signed.header.hash
        if pinned_hash not in (None, found):
            raise InputError(f"the evidence is about header {found.hex()}, and {pinned_hash.hex()} is pinned beside it")
        pinned_hash = found
    elif any(is_given(getattr(args, name)) for name in OPTIONS):
        raise InputError("the pins of evidence need --evidence")
    expectation = Expectation(
        header_hash=pinned_hash,
        context=replace(attestation.context, **given) if given else None,
        key_digest=None if args.key is None else read_key(args.key).digest(),
        trusted_setup_only=not args.allow_insecure_setup,
        ceremony=read_record(args.ceremony),
        other_hash=None if args.other_header is None else read_header(args.other_header).header.hash,
    )
    if expectation.other_hash is not None and attestation.other is None:
        raise InputError(f"--other-header: a {attestation.claim.statement} proof is about one epoch")
    finding = (
        examine(attestation, expectation, now)
        if export is None
        else examine_export(export, attestation, expectation, challenge, now)
    )
    pinned = expectation.header_hash is not None
    if attestation.other is not None:
        pinned = pinned and expectation.other_hash is not None
    # A chain, a registry or an expiry alone addresses a proof to nobody.
    addressed = any(given.get(name) not in (None, getattr(Context(), name)) for name in ("challenge", "recipient"))
    addressed = addressed or challenge is not None
    verdict = Verdict(attestation, finding, now, pinned, addressed, evidence, exported=export is not None)
    if finding.accepted:
        check_age("the proof is about", attestation.header, args.max_age, now)
    terminal.emit(verdict.result(), verdict.render)
    return 0 if finding.accepted else 1


def _verify_epoch(folder: Path, args: Namespace, terminal: Terminal) -> int:
    signed = SignedHeader.decode(read_below(folder, HEADER, SIGNED_BYTES))
    header = signed.header
    pinned = pinned_header(args)
    with terminal.progress("verify epoch") as progress:
        findings = [str(finding) for finding in audit_folder(folder, signed, progress)]
    if pinned is not None and pinned != header.hash:
        findings.insert(0, f"header hash is {header.hash.hex()}, and {pinned.hex()} is expected")
    own = None if findings else find_own(folder, header, args)
    assets = None if findings else find_assets(folder, header, _reserves_of(folder, header.epoch), args)
    findings += [*([] if own is None else own.reasons), *([] if assets is None else assets.reasons)]
    if not findings:
        check_age("the epoch is", header, args.max_age, int(time.time()))
    not_shown = [
        "that balances are in range, accounts healthy, or totals the sums of the accounts",
        "that this header is the newest, or the only one of its epoch",
    ]
    found = ({} if own is None else own.result()) | ({} if assets is None else assets.result())
    result = {"verb": "verify", "kind": "epoch", "accepted": not findings, "reasons": findings}
    facts = [
        *header_facts(header),
        *([] if own is None else own.facts()),
        *([] if assets is None else assets.facts()),
        *(("not shown" if i == 0 else "", words) for i, words in enumerate(not_shown)),
    ]
    terminal.emit(
        result | header_result(header) | found | {"not_shown": not_shown},
        lambda console: show_judgement(console, not findings, findings, facts),
    )
    return int(bool(findings))


def _verify_solvency(place: Path, args: Namespace, terminal: Terminal) -> int:
    _only(
        args,
        "solvency",
        "header",
        "header_hash",
        "max_age",
        "ceremony",
        "solvency",
        "jobs",
        *OWN,
        *RESERVE_OPTIONS,
        *OPTIONS,
    )
    public, folder = (
        (place, args.solvency) if args.solvency is not None else (epoch_with(place, SOLVENCY) or (place, place))
    )
    if public == place / PUBLIC and not os.path.lexists(folder / CLAIM):
        raise InputError(
            f"{place} has no finished proof of solvency: make one with zkstate prove solvency, or verify {public} alone"
        )
    code, header = run_verify(public, folder, _reserves_of, pinned_header(args), args, terminal)
    if code == 0:
        check_age("the epoch is", header, args.max_age, int(time.time()))
    return code


def _reserves_of(public: Path, epoch: int) -> Path | None:
    """Where the reserves of a published epoch stand: in one folder with it, or on a mirror folder."""
    return public.parent / RESERVES if public.name == PUBLIC else beside(public, RESERVES, epoch)


def _compare_headers(paths: list[Path], terminal: Terminal) -> int:
    first, second = (read_header(path) for path in paths)
    convicts = equivocation(first, second)
    reasons = [] if convicts else ["the two headers do not contradict each other"]
    facts = [*header_facts(first.header), ("other", ""), *header_facts(second.header)]
    result = {"verb": "verify", "kind": "equivocation", "accepted": convicts, "reasons": reasons}
    headers = {"headers": [header_result(first.header), header_result(second.header)]}
    terminal.emit(result | headers, lambda console: show_judgement(console, convicts, reasons, facts))
    return int(not convicts)


def _verify_plain(plain: PlainProof, args: Namespace, terminal: Terminal) -> int:
    verdict = judge(
        plain,
        None if args.key is None else read_key(args.key).digest(),
        read_record(args.ceremony),
        key_named=args.vk is not None,
        allow_insecure=args.allow_insecure_setup,
    )
    verdict.emit(terminal)
    return int(not verdict.accepted)

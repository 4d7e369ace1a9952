"""zkstate prove: show one thing about an account and hide the rest."""

from __future__ import annotations

import time
from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from pathlib import Path

from circuits import portable
from circuits.attestation import CEREMONY_REQUIRED
from circuits.claim import Claim
from circuits.claims import CLAIMS, BalanceClaim, PositionClaim
from circuits.context import Context
from circuits.proving import attest
from lightclient.bundle import Bundle
from zkstate.atomic import create_file, new_folder, write_new
from zkstate.cli.arguments import Namespace, Parser, decimal, directory, existing, is_given, parts_per_million
from zkstate.cli.between import TwoEpochs, exit_claim, history_claim, liquidation_claim, opening_of
from zkstate.cli.context import declare_context, given_context, is_vault
from zkstate.cli.headers import time_text
from zkstate.cli.named import read_record
from zkstate.cli.plain import PlainProof
from zkstate.cli.plain_transparent import TAKES as TRANSPARENT_TAKES
from zkstate.cli.plain_transparent import PlainTransparent, prove_files
from zkstate.cli.prove_circom import TAKES as CIRCOM_TAKES
from zkstate.cli.prove_circom import prove_circom
from zkstate.cli.reserves_prove import OPTIONS as RESERVE_OPTIONS
from zkstate.cli.reserves_prove import declare_reserves, run_reserves
from zkstate.cli.solvency_prove import OPTIONS as VENUE_OPTIONS
from zkstate.cli.solvency_prove import declare_solvency, run_prove
from zkstate.cli.terminal import Terminal, show_facts
from zkstate.cli.verdict import claim_facts, claim_result
from zkstate.errors import EnvironmentFailure, InputError
from zkstate.publication.progress import Progress
from zkstate.reserves.document import RESERVES
from zkstate.solvency.files import STATEMENT
from zkstate.state import decimals
from zkstate.state.schema import I64, I128, VALUE_DECIMALS, Instrument

USAGE = """\
usage: zkstate prove margin    --account BUNDLE [--ratio R] [--initial]          --out DIR
       zkstate prove health    --account BUNDLE [--ratio R]                      --out DIR
       zkstate prove initial   --account BUNDLE [--ratio R]                      --out DIR
       zkstate prove portfolio --account BUNDLE [--ratio R] [--initial]          --out DIR
       zkstate prove balance   --account BUNDLE --asset SYMBOL BOUNDS            --out DIR
       zkstate prove position  --account BUNDLE --market SYMBOL BOUNDS [ENTRY]   --out DIR
       zkstate prove history     --account BUNDLE --since BUNDLE [--instrument SYMBOL]       --out DIR
       zkstate prove liquidation --account BUNDLE --until BUNDLE [--ratio R]                 --out DIR
       zkstate prove exit        --account BUNDLE --asset SYMBOL [--exactly X] --recipient A --out DIR
                               [CONTEXT] [--system transparent | [--system groth16] KEY] [--json]
       zkstate prove solvency EPOCH [--jobs N] [--batch-rows N] [--system SYSTEM] [KEYS] [CLUSTER] [--json]
       zkstate prove reserves EPOCH --address A [--address A ...] --chain-id N --expiry T --out DIR [--json]
       zkstate prove reserves EPOCH --controls FILE --tokens FILE --rpc URL [--block-hash HASH] [--json]
       zkstate prove STATEMENT ..  --attestation FILE --challenge HEX --expiry T [CONTEXT] KEY [--json]
       zkstate prove --zkey ZKEY --wtns WTNS [--r1cs R1CS] [--ceremony RECORD | --allow-insecure-setup] --out DIR
       zkstate prove --r1cs R1CS --wtns WTNS --out DIR

Make a zero-knowledge proof about one account. It shows the claim and hides everything else.
The last two prove any circuit of circom with a witness of snarkjs: with a key by Groth16 (--r1cs has a bad witness
named by row), without one by the transparent system.

  margin              equity is at least R times the maintenance requirement (R is 1 if not given), or with
                      --initial times the initial one, at the committed prices; isolated positions do not count
  health              as margin, and each isolated position covers its own requirement too
  initial             as health for the initial requirement, with all open orders reserved
  portfolio           equity is at least R times what the worst of the venue's scenarios requires as maintenance
                      margin, or with --initial as initial margin
  balance             the amount of an asset lies within BOUNDS; a debt is negative
  position            the size in a market lies within BOUNDS; a short one is negative
  history             what the entries since an earlier epoch add up to, by kind: of one instrument, or of all
  liquidation         equity at the epoch of BUNDLE was at least R times maintenance, and the next thing that happened
                      but funding and deposits, by the later bundle, was a liquidation
  exit                so much of an asset, or the most there is, can leave the account to the recipient, once
  solvency            of a whole venue: every account in EPOCH, the folder that snapshot wrote, is counted and held to
                      maintenance, by tiers or, where the ledger says so, by the portfolio rule (not by groth16); who
                      is unhealthy is counted with what they lack, and what is owed through positions is added up.
                      Written to EPOCH/solvency, which is published; a run that was killed goes on where it stopped
  reserves            of a venue: that it controls addresses, and what they hold at one block. First what their keys
                      are to sign, for this epoch, until T; then, with the signatures in FILE, proofs from a node of
                      the coin and tokens in --tokens (docs/spec.md, 14), written to EPOCH/reserves: at the newest
                      block that the node calls finalized, or the one of --block-hash
  BOUNDS              --exactly X, --at-least X, --at-most X, or both of the latter, in whole units: 1.5
  ENTRY               --entry-at-least X, --entry-at-most X: bounds of the entry value, in quote
  --account BUNDLE    the account bundle that zkstate recover wrote
  --since, --until    a bundle of the same account of an earlier or a later epoch; the later of the two holds the
                      entries between them (zkstate recover --history-since)
  --out DIR           where the proof directory is written; must not exist
  --attestation FILE  instead of it: all in one file, for a venue that is to open the same position, say

  --system            transparent: no key and nobody to trust with one; 110 to 580 KB, for use off chain.
                      groth16: 200 bytes, which a contract verifies, and a KEY. By default transparent, or groth16 if a
                      KEY or --attestation is given. mirage: solvency alone, with --keys; more than three times as many
                      accounts a second as by groth16, in proofs that no tool of circom verifies

  --jobs N            processes to prove solvency with, by default one for each core
  --batch-rows N      rows of accounts to a batch, by default 32768: more take more memory. By groth16 256 and by mirage
                      1536, and as many more as the domain of such a circuit has room for
  CLUSTER             --cluster ADDRESS: the scheduler of dask whose workers prove solvency, tls://host:port with
                      --tls-ca FILE --tls-cert FILE --tls-key FILE (PEM), or tcp://host:port on this machine; elsewhere
                      with --cluster-plain, in a network where you trust everybody. --cluster-folder DIR is where
                      workers find the accounts of their batches, by default EPOCH/private (docs/spec.md, 13)
  KEYS                --keys DIR: for each circuit its key, batch-8x48-e512.zkey say; or --allow-insecure-setup

KEY is one of

  --key ZKEY --ceremony RECORD    a proving key of this circuit, and what zkstate setup verify left of its ceremony
  --allow-insecure-setup          the key in --key whatever it is, or else the insecure key of this version, made and
                                  cached: anyone can forge proofs under it. For trying things out

CONTEXT ties the proof to one use, so that it cannot be replayed elsewhere. What is not given is open:

  --challenge HEX     32 bytes that the verifier chose          --chain-id N       a chain
  --recipient ADDRESS who may use it                            --registry ADDRESS a contract
  --expiry T          until when it holds: seconds since 1970 or ISO 8601 with a zone
  --vault ADDRESS     the vault that is to pay an exit, in place of --challenge

Example, after the example of recover:

  zkstate prove margin --account account.json --out proof
"""


SYSTEMS = ("transparent", "groth16", "mirage")

# The statements that compare equity with a requirement, and the options they take.
RATIOS = {
    "margin": ("ratio", "initial"),
    "health": ("ratio",),
    "initial": ("ratio",),
    "portfolio": ("ratio", "initial"),
}
_BOUNDS = ("exactly", "at_least", "at_most")
TAKES = {
    **RATIOS,
    "balance": ("asset", *_BOUNDS),
    "position": ("market", *_BOUNDS, "entry_at_least", "entry_at_most"),
    "history": ("since", "instrument"),
    "liquidation": ("until", "ratio"),
    "exit": ("asset", "exactly"),
}


def declare(parser: Parser) -> None:
    parser.add_argument("statement", choices=(*CLAIMS, STATEMENT, RESERVES), nargs="?")
    parser.add_argument("epoch", type=directory, nargs="?")
    declare_solvency(parser)
    parser.add_argument("--account", type=existing)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--attestation", type=Path)
    for name in ("--zkey", "--wtns", "--r1cs"):
        parser.add_argument(name, type=existing)
    parser.add_argument("--system", choices=SYSTEMS)
    parser.add_argument("--key", type=existing)
    parser.add_argument("--ceremony", type=existing)
    parser.add_argument("--allow-insecure-setup", action="store_true")
    parser.add_argument("--ratio", type=parts_per_million)
    parser.add_argument("--initial", action="store_true")
    parser.add_argument("--asset")
    parser.add_argument("--market")
    parser.add_argument("--instrument")
    parser.add_argument("--since", type=existing)
    parser.add_argument("--until", type=existing)
    for name in ("exactly", "at-least", "at-most", "entry-at-least", "entry-at-most"):
        parser.add_argument(f"--{name}", type=decimal)
    declare_context(parser)
    declare_reserves(parser)


def run(args: Namespace, terminal: Terminal) -> int:
    if args.statement == STATEMENT:
        return run_prove(args, terminal)
    if args.statement == RESERVES:
        return run_reserves(args, terminal)
    _refuse_venue_options(args)
    if args.statement is None and args.zkey is None and args.wtns is None:
        raise InputError(f"name a statement ({', '.join(CLAIMS)}), or give --zkey and --wtns, or --r1cs and --wtns")
    if (args.out is None) == (args.attestation is None):
        raise InputError("give --out, or --attestation to have all in one file")
    target: Path = args.out or args.attestation
    if target.exists():
        raise EnvironmentFailure(f"{target} exists already: remove it or choose another")
    if args.statement is None:
        return _run_circom(args, terminal)
    for name in ("zkey", "wtns", "r1cs"):
        if getattr(args, name) is not None:
            raise InputError(f"prove {args.statement} does not take --{name}: its circuit and witness are made here")
    if args.account is None:
        raise InputError(f"prove {args.statement}: give --account, the bundle that zkstate recover wrote")
    transparent = _is_transparent(args)
    record = read_record(args.ceremony)
    if record is not None and args.key is None:
        raise InputError("--ceremony is the record of a key: give it with --key")
    if record is None and not args.allow_insecure_setup and not transparent:
        raise InputError(f"no verified ceremony made a key for this: {CEREMONY_REQUIRED}")
    bundle = Bundle.read(args.account)
    stated = _stated(args, bundle)
    context = Context(**given_context(args))
    if context.expiry and context.expiry < time.time():
        raise InputError(f"--expiry {context.expiry} has passed: it was {time_text(context.expiry)}")
    if args.attestation is not None:
        portable.check_addressed(context)
    with terminal.progress("prove") as progress:
        listen = partial(_step, progress)
        attestation = attest(
            opening_of(bundle),
            bundle.signed,
            stated.claim,
            context,
            other=stated.other,
            between=stated.between,
            key_file=args.key,
            ceremony=record,
            transparent=transparent,
            progress=listen,
        )
    if args.attestation is None:
        write_files(attestation.encode(), target)
    else:
        create_file(target, portable.encode(attestation))
    result = claim_result(attestation) | {"verb": "prove", "out": str(target)}
    facts = [*claim_facts(attestation, shown=True), ("proof", str(target))]
    terminal.emit(result, lambda console: show_facts(console, facts))
    return 0


def _refuse_venue_options(args: Namespace) -> None:
    """InputError for an option that speaks of a whole venue."""
    for name in RESERVE_OPTIONS:
        if getattr(args, name) is not None:
            raise InputError(f"only prove reserves takes {_option(name)}")
    for name in ("epoch", *VENUE_OPTIONS):
        if is_given(getattr(args, name)):
            raise InputError(f"only prove solvency takes {'a folder' if name == 'epoch' else _option(name)}")


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _is_transparent(args: Namespace) -> bool:
    """Whether the proof takes no key: by --system, else by whether anything about keys is given."""
    given = [name for name in ("key", "ceremony", "allow_insecure_setup") if is_given(getattr(args, name))]
    if args.system == "mirage":
        raise InputError("--system mirage is for prove solvency alone")
    if args.system is None:
        return not given and args.attestation is None
    if args.system == "transparent":
        for name in given:
            raise InputError(f"--system transparent takes no key: leave out --{name.replace('_', '-')}")
        if args.attestation is not None:
            raise InputError("--attestation holds Groth16 proofs: give --system groth16, or --out")
    return bool(args.system == "transparent")


def _step(progress: Progress, words: str) -> None:
    progress(words, 0, 0)


def _run_circom(args: Namespace, terminal: Terminal) -> int:
    if args.system == "mirage":
        raise InputError("--system mirage is for prove solvency alone")
    transparent = args.zkey is None and args.r1cs is not None and args.system != "groth16"
    for name in vars(args).keys() - {*(TRANSPARENT_TAKES if transparent else CIRCOM_TAKES), "out", "json"}:
        if is_given(getattr(args, name)) and (name, args.system) != ("system", "groth16"):
            raise InputError(f"prove of a circuit of circom does not take --{name.replace('_', '-')}")
    plain: PlainProof | PlainTransparent
    if transparent:
        if args.wtns is None:
            raise InputError("prove of a circuit of circom: give --wtns")
        plain = prove_files(args.r1cs, args.wtns, terminal)
    else:
        plain = prove_circom(args, terminal)
    write_files(plain.encode(), args.out)
    result = {"verb": "prove", "out": str(args.out), **plain.result()}
    terminal.emit(result, lambda console: show_facts(console, [*plain.facts(), ("proof", str(args.out))]))
    return 0


def write_files(files: Mapping[str, bytes], folder: Path) -> None:
    """The files of a proof directory, all or none."""
    with new_folder(folder) as unfinished:
        for name, content in files.items():
            write_new(unfinished / name, content)


def _stated(args: Namespace, bundle: Bundle) -> TwoEpochs:
    """The claim that the options make, with what lies between two epochs if it is about two."""
    _only(args, args.statement)
    if args.statement == "history":
        instrument = None if args.instrument is None else _find(bundle, args.instrument)
        return history_claim(bundle, _other(args.since, "since", args.statement), instrument)
    if args.statement == "liquidation":
        ratio = 1_000_000 if args.ratio is None else args.ratio
        return liquidation_claim(bundle, _other(args.until, "until", args.statement), ratio)
    if args.statement == "exit":
        if args.recipient is None:
            raise InputError("prove exit: give --recipient, or whoever sees the proof first is paid")
        if is_vault(args.challenge) and (args.registry is None or not args.chain_id):
            raise InputError("prove exit --vault: give --registry and --chain-id too: the vault pays on nothing less")
        if args.asset is None:
            raise InputError("prove exit: give --asset")
        return exit_claim(bundle, _find(bundle, args.asset), args.exactly)
    return TwoEpochs(_claim(args, bundle))


def _other(path: Path | None, option: str, statement: str) -> Bundle:
    if path is None:
        raise InputError(f"prove {statement}: give --{option}, the account bundle of the other epoch")
    return Bundle.read(path)


def _claim(args: Namespace, bundle: Bundle) -> Claim:
    if args.statement in RATIOS:
        flags = {"initial": int(args.initial)} if "initial" in RATIOS[args.statement] else {}
        return CLAIMS[args.statement](1_000_000 if args.ratio is None else args.ratio, **flags)
    symbol = args.asset or args.market
    if symbol is None:
        raise InputError(f"prove {args.statement}: give --{'asset' if args.statement == 'balance' else 'market'}")
    instrument = _find(bundle, symbol)
    lo, hi = _bounds(args.exactly, args.at_least, args.at_most, instrument.decimals, I64, symbol)
    if args.statement == "balance":
        return BalanceClaim(instrument.id, lo, hi)
    entry = _bounds(None, args.entry_at_least, args.entry_at_most, VALUE_DECIMALS, I128, "entry value", required=False)
    return PositionClaim(instrument.id, lo, hi, *entry)


def _only(args: Namespace, statement: str) -> None:
    """Refuse an option of another statement rather than ignore it."""
    for name in {name for names in TAKES.values() for name in names} - set(TAKES[statement]):
        if is_given(getattr(args, name)):
            raise InputError(f"prove {statement} does not take --{name.replace('_', '-')}")


def _find(bundle: Bundle, symbol: str) -> Instrument:
    for instrument in bundle.instruments:
        if instrument.symbol == symbol:
            return instrument
    near = [i.symbol for i in bundle.instruments if i.symbol.lower() == symbol.lower()]
    hint = f"; did you mean {near[0]}" if near else ""
    raise InputError(f"{bundle.header.venue_name} lists no instrument {symbol!r}{hint}")


def _bounds(
    exactly: Decimal | None,
    lowest: Decimal | None,
    highest: Decimal | None,
    scale: int,
    limit: int,
    what: str,
    *,
    required: bool = True,
) -> tuple[int, int]:
    """Bounds in units of 10^-scale; an open side is the end of the signed range below `limit`."""
    if exactly is not None:
        if lowest is not None or highest is not None:
            raise InputError(f"{what}: --exactly leaves no room for another bound")
        lowest = highest = exactly
    if required and lowest is None and highest is None:
        raise InputError(f"{what}: give --exactly, --at-least or --at-most")
    low = -limit if lowest is None else decimals.parse(f"{lowest:f}", scale)
    high = limit - 1 if highest is None else decimals.parse(f"{highest:f}", scale)
    return low, high

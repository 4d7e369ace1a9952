"""What `verify` and `audit` say of reserves: their options, and the verdict beside what the venue owes."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from zkstate.cli.arguments import Namespace, Parser, existing, hex_bytes, is_given, seconds
from zkstate.cli.evidence import replayed
from zkstate.cli.headers import time_text
from zkstate.cli.named import read_named
from zkstate.cli.terminal import Facts
from zkstate.cli.trusted import trust_result
from zkstate.errors import InputError
from zkstate.publication.header import Header
from zkstate.publication.layout import INSTRUMENTS, TOTALS
from zkstate.publication.regular import read_below
from zkstate.publication.tables import MAX_TOTALS_BYTES, check_instruments, check_totals
from zkstate.publication.trust import Trust
from zkstate.reserves.collect import block_trust
from zkstate.reserves.compare import Line, claimed_elsewhere, claimed_twice, compare
from zkstate.reserves.document import MAX_RESERVES_BYTES, Reserves, reserve_files
from zkstate.reserves.tokens import MAX_TOKENS_BYTES, Tokens
from zkstate.reserves.verify import MAX_GAP_S, Proved, add_up, verify_reserves
from zkstate.state.table import MAX_TABLE_BYTES

OPTIONS = ("reserves", "tokens", "block", "reserves_rpc", "net", "max_gap", "other_reserves")
NOT_SHOWN = (
    "that reserves are not borrowed, pledged or promised elsewhere: only who holds keys, and what was there at a block",
    "that an address is not another venue's too, beyond the files given with --other-reserves",
    "reserves off chain, in contract wallets (EIP-1271), or on chains without such proofs",
)


def declare_reserves(parser: Parser) -> None:
    parser.add_argument("--reserves", type=existing, action="append")
    parser.add_argument("--tokens", type=existing, action="append")
    parser.add_argument("--block", type=_block, action="append")
    parser.add_argument("--reserves-rpc", action="append")
    parser.add_argument("--net", action="store_true")
    parser.add_argument("--max-gap", type=seconds)
    parser.add_argument("--other-reserves", type=existing, action="append")


@dataclass(slots=True)
class Assets:
    """The reserves of an epoch beside its liabilities. `trusts` say why the block of each chain is believed."""

    proved: tuple[Proved, ...]
    lines: list[Line]
    trusts: list[tuple[int, Trust]]
    net: bool
    reasons: list[str] = field(default_factory=list)
    not_shown: list[str] = field(default_factory=list)

    def short(self) -> list[Line]:
        """The assets that reserves do not cover."""
        return [line for line in self.lines if not (line.covered_net if self.net else line.covered)]

    def result(self) -> dict[str, object]:
        """In JSON; amounts are decimals in whole units."""
        return {
            "reserves": {
                "accepted": not self.reasons,
                "compared_with": "net" if self.net else "gross",
                "assets": [line_result(line) for line in self.lines],
                "chains": [
                    {
                        "chain_id": each.chain_id,
                        "block_number": each.block.number,
                        "block_hash": f"0x{each.block.hash.hex()}",
                        "block_time": each.block.timestamp,
                        "addresses": sorted({held.address for held in each.held}),
                        "trust": trust_result(trust, each.block.timestamp),
                    }
                    for each, (_, trust) in zip(self.proved, self.trusts, strict=True)
                ],
                "not_shown": self.not_shown,
            }
        }

    def facts(self) -> Facts:
        """For people."""
        told = [
            f"{amount_text(line.reserve)} {line.symbol}, {amount_text(line.owed)} owed, {amount_text(line.due)} due: "
            + ("covered" if line.covered else "covered net" if line.covered_net else "SHORT")
            for line in self.lines
        ]
        blocks = [
            f"{len({held.address for held in each.held})} addresses of chain {each.chain_id}, "
            f"{time_text(each.block.timestamp)}, ({trust.level}) {trust.text}"
            for each, (_, trust) in zip(self.proved, self.trusts, strict=True)
        ]
        return [
            *(("reserves" if i == 0 else "", words) for i, words in enumerate([*told, *blocks])),
            *(("not shown" if i == 0 else "", words) for i, words in enumerate(self.not_shown)),
        ]


def line_result(line: Line) -> dict[str, object]:
    """One asset in JSON."""
    return {
        "symbol": line.symbol,
        "owed": amount_text(line.owed),
        "due": amount_text(line.due),
        "reserve": amount_text(line.reserve),
        "covered": line.covered,
        "covered_net": line.covered_net,
    }


def find_assets(
    public: Path, header: Header, folder: Path | None, args: Namespace, *, needed: bool = True
) -> Assets | None:
    """The reserves that the options name, or that stand in a folder; None if there are none.

    Errors: InputError for files that are unusable; SourceError if no node has a block.
    """
    named = [path for place in args.reserves or () for path in (reserve_files(place) if place.is_dir() else [place])]
    places = named or ([] if folder is None or not folder.is_dir() else reserve_files(folder))
    if not places:
        for name in OPTIONS if needed else ():
            if is_given(getattr(args, name)):
                raise InputError(
                    f"--{name.replace('_', '-')} is about reserves, and there are none here: give --reserves"
                )
        return None
    pinned = _pinned(args.tokens or ())
    found = [Reserves.decode(read_named(path, MAX_RESERVES_BYTES), str(path)) for path in places]
    gap = MAX_GAP_S if args.max_gap is None else args.max_gap
    proved = tuple(verify_reserves(each, header, pinned, gap) for each in found)
    reasons = [reason for each in proved for reason in each.reasons]
    held, twice = claimed_twice(proved)
    reasons += twice
    for path in args.other_reserves or ():
        other = Reserves.decode(read_named(path, MAX_RESERVES_BYTES), str(path))
        if other.header_hash != header.hash.hex():
            reasons += claimed_elsewhere(proved, other)
    table = check_instruments(read_below(public, INSTRUMENTS, MAX_TABLE_BYTES), header)
    totals = check_totals(read_below(public, TOTALS, MAX_TOTALS_BYTES), header)
    trusts = [(each.chain_id, _trust(each, args, reasons)) for each in proved]
    not_shown = [*(words for each in proved for words in each.unpinned), *NOT_SHOWN]
    if args.net:
        not_shown.append("that debts will be paid: reserves are compared with what is owed less what accounts owe")
    assets = Assets(proved, compare(table, totals, add_up(held)), trusts, args.net, reasons, not_shown)
    for line in assets.short():
        owed = line.owed - line.due if args.net else line.owed
        missing = amount_text(owed - line.reserve)
        assets.reasons.append(
            f"{line.symbol}: reserves of {amount_text(line.reserve)} for {amount_text(owed)}: {missing} are missing"
        )
    return assets


def _trust(proved: Proved, args: Namespace, reasons: list[str]) -> Trust:
    """Why the block of a chain is believed: evidence, a pin, nodes, or the venue's word alone."""
    block = proved.block
    if args.evidence is not None:
        found = replayed(args.evidence, args, args.venue_registry, int(time.time()))
        if found.trust.block_hash == block.hash:
            return found.trust
    pins: Mapping[int, bytes] = dict(args.block or ())
    if proved.chain_id in pins:
        if pins[proved.chain_id] != block.hash:
            reasons.append(
                f"block of chain {proved.chain_id} is 0x{block.hash.hex()}, not 0x{pins[proved.chain_id].hex()}"
            )
        return Trust("c", "a block hash the reader chose", block.number, block.hash, block_time=block.timestamp)
    if args.reserves_rpc:
        return block_trust(args.reserves_rpc, proved.chain_id, block)
    words = "the venue's word that this block is on the chain: give --block or --reserves-rpc"
    return Trust("d", words, block.number, block.hash, block_time=block.timestamp)


def _pinned(paths: Sequence[Path]) -> dict[int, Tokens]:
    """The reader's lists of tokens, by chain."""
    pinned: dict[int, Tokens] = {}
    for path in paths:
        tokens = Tokens.decode(read_named(path, MAX_TOKENS_BYTES), str(path))
        if tokens.chain_id in pinned:
            raise InputError(f"--tokens: two lists for chain {tokens.chain_id}")
        pinned[tokens.chain_id] = tokens
    return pinned


def amount_text(amount: Fraction) -> str:
    """A decimal, exactly: every amount is a whole number of some power of ten."""
    scale = 0
    while amount.denominator != 1:
        amount, scale = amount * 10, scale + 1
    digits = f"{abs(amount.numerator):0{scale + 1}d}"
    text = f"{digits[:-scale]}.{digits[-scale:]}" if scale else digits
    return f"-{text}" if amount < 0 else text


def _block(text: str) -> tuple[int, bytes]:
    """CHAIN:HASH."""
    chain, colon, digest = text.partition(":")
    if not (chain.isascii() and chain.isdecimal() and len(chain) <= 20 and colon):
        raise argparse.ArgumentTypeError(f"{text!r} is not CHAIN:HASH, such as 1:0x..")
    return int(chain), hex_bytes(32)(digest)

"""What `verify` and `audit` say of reserves: the verdict beside what the venue owes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from zkstate.cli.arguments import Namespace
from zkstate.cli.headers import time_text
from zkstate.cli.named import read_named
from zkstate.cli.reserves_pins import Pins, idle
from zkstate.cli.terminal import Facts
from zkstate.cli.trusted import trust_result
from zkstate.errors import DisagreementError, InputError, SourceError
from zkstate.publication.annex import check_annex
from zkstate.publication.header import Header
from zkstate.publication.layout import INSTRUMENTS, TOTALS
from zkstate.publication.manifest import Finding
from zkstate.publication.regular import read_below
from zkstate.publication.tables import MAX_TOTALS_BYTES, check_instruments, check_totals
from zkstate.publication.trust import Trust
from zkstate.reserves.compare import Line, claimed_elsewhere, compare, one_block_each
from zkstate.reserves.document import MAX_RESERVES_BYTES, Reserves, most_bytes, reserve_files
from zkstate.reserves.verify import Proved, add_up, verify_reserves
from zkstate.state.table import MAX_TABLE_BYTES

NOT_SHOWN = (
    "that reserves are not borrowed, pledged, promised elsewhere or frozen by who issued a token: only what keys hold",
    "that an address is not another venue's too, beyond the files given with --other-reserves",
    "what is owed through positions and not as an asset: reserves are held against assets alone",
    "reserves off chain, in contract wallets (EIP-1271), or on chains without such proofs",
)


@dataclass(slots=True)
class Assets:
    """The reserves of an epoch beside its liabilities. `trusts` say why the block of each chain is believed."""

    proved: tuple[Proved, ...]
    lines: list[Line]
    trusts: list[tuple[int, Trust]]
    net: bool
    by_word: bool  # whether a block, or what counts as an asset, is the word of the venue or of one node
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
                "by_word": self.by_word,
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
            + (", if words are believed" if self.by_word and line.covered_net else "")
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


def find_assets(public: Path, header: Header, folder: Path | None, args: Namespace) -> Assets | None:
    """The reserves that the options name, or that stand in a folder; None if there are none.

    Errors: InputError for files that are unusable, or options about reserves without any; as `judge_assets`.
    """
    pins = Pins.read(args)
    assets = judge_assets(public, header, folder, pins, args.reserves or ())
    if assets is None and pins.given:
        empty = ", ".join(str(place) for place in args.reserves or ())
        raise InputError(
            f"{idle(pins.given[0])}: {f'{empty} holds no file of reserves' if empty else 'give --reserves'}"
        )
    if assets is not None:
        assets.reasons += [*pins.contradicted([header]), *pins.unused()]
    return assets


def judge_assets(
    public: Path, header: Header, folder: Path | None, pins: Pins, named: Sequence[Path] = ()
) -> Assets | None:
    """The reserves in files or folders that are named, or in a folder; None if there are none.

    Errors: InputError for files that are malformed; DisagreementError for an index of files that are not there;
    SourceError if no node has a block.
    """
    places = list(named) or ([] if folder is None or not os.path.lexists(folder) else [folder])
    reasons: list[str] = []
    for place in places:
        if place.is_dir():
            reasons += [f"reserves: {finding}" for finding in _findings(place, header)]
    paths = [path for place in places for path in (reserve_files(place) if place.is_dir() else [place])]
    if not paths:
        if reasons:
            raise DisagreementError(reasons[0])
        return None
    files = []
    for path in paths:
        each = Reserves.decode(_content(path, followed=path in named), str(path))
        proved = verify_reserves(each, header, pins.tokens, pins.max_gap)
        trust, objection = pins.believe(proved)
        if path not in named and path.name != f"{proved.chain_id}.json":
            objection = f"{path.name} is of chain {proved.chain_id}: it has to be {proved.chain_id}.json"
        reasons += [*proved.reasons, *([] if objection is None else [objection])]
        files.append((proved if objection is None else replace(proved, held=()), trust))
    counted, twice = one_block_each([proved for proved, _ in files])
    reasons += twice
    for other in pins.others:
        reasons += claimed_elsewhere(counted, other, header)
    table = check_instruments(read_below(public, INSTRUMENTS, MAX_TABLE_BYTES), header)
    totals = check_totals(read_below(public, TOTALS, MAX_TOTALS_BYTES), header)
    held = add_up([each for proved in counted for each in proved.held])
    trusts = [(each.chain_id, trust) for each, (_, trust) in zip(counted, files, strict=True)]
    by_word = any(each.unpinned for each in counted) or any(trust.level == "d" for _, trust in trusts)
    believed = (
        words for each, (_, trust) in zip(counted, trusts, strict=True) for words in _believed(each, trust, header)
    )
    not_shown = [*believed, *(words for each in counted for words in each.unpinned), *NOT_SHOWN]
    if len(counted) > 1:
        times = [each.block.timestamp for each in counted]
        not_shown.append(f"that nothing moved between chains: their blocks are up to {max(times) - min(times)} s apart")
    if pins.net:
        not_shown.append("that debts will be paid: reserves are compared with what is owed less what accounts owe")
    assets = Assets(tuple(counted), compare(table, totals, held), trusts, pins.net, by_word, reasons, not_shown)
    for line in assets.short():
        owed = line.owed - line.due if pins.net else line.owed
        missing = amount_text(owed - line.reserve)
        assets.reasons.append(
            f"{line.symbol}: reserves of {amount_text(line.reserve)} for {amount_text(owed)}: {missing} are missing"
        )
    return assets


def _findings(folder: Path, header: Header) -> list[Finding]:
    """What contradicts the index of a folder. InputError for one that cannot be read."""
    try:
        return check_annex(folder, header, most_bytes)
    except SourceError as error:
        raise InputError(str(error)) from error


def _content(path: Path, *, followed: bool) -> bytes:
    """A file that the reader named, or one of a folder that others filled, where no link is followed. InputError."""
    if followed:
        return read_named(path, MAX_RESERVES_BYTES)
    try:
        return read_below(path.parent, path.name, MAX_RESERVES_BYTES)
    except SourceError as error:
        raise InputError(str(error)) from error


def _believed(proved: Proved, trust: Trust, header: Header) -> list[str]:
    """What is only believed of the block of a chain, and what may have moved since."""
    block = proved.block
    name, gap = f"block {block.number} of chain {proved.chain_id}", block.timestamp - header.time
    found = []
    if trust.level == "d":
        found.append(f"that {name} is one of that chain, with this state: {trust.text}")
    elif trust.level == "b":
        found.append(f"that {name} is final: nodes have it, and say no more")
    if gap:
        found.append(
            f"that reserves were there at the epoch's time: {name} is {abs(gap)} s {'after' if gap > 0 else 'before'} "
            "it, and what came in or went out between is not in what is owed"
        )
    return found


def amount_text(amount: Fraction) -> str:
    """A decimal, exactly: every amount is a whole number of some power of ten."""
    scale = 0
    while amount.denominator != 1:
        amount, scale = amount * 10, scale + 1
    digits = f"{abs(amount.numerator):0{scale + 1}d}"
    text = f"{digits[:-scale]}.{digits[-scale:]}" if scale else digits
    return f"-{text}" if amount < 0 else text

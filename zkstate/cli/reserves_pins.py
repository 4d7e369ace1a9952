"""What a reader of reserves believes beforehand: lists of tokens, blocks, evidence, nodes, and other venues' files."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from lightclient.network import read_network
from zkstate.cli.arguments import Namespace, Parser, existing, hex_bytes, is_given, seconds
from zkstate.cli.evidence import OPTIONS as EVIDENCE_OPTIONS
from zkstate.cli.evidence import replayed
from zkstate.cli.named import read_named
from zkstate.errors import InputError
from zkstate.publication.header import Header
from zkstate.publication.trust import Trust
from zkstate.reserves.collect import block_trust
from zkstate.reserves.document import MAX_RESERVES_BYTES, Reserves
from zkstate.reserves.tokens import MAX_TOKENS_BYTES, Tokens
from zkstate.reserves.verify import MAX_GAP_S, Proved

OPTIONS = ("reserves", "tokens", "block", "reserves_rpc", "net", "max_gap", "other_reserves")


def declare_reserves(parser: Parser) -> None:
    parser.add_argument("--reserves", type=existing, action="append")
    parser.add_argument("--tokens", type=existing, action="append")
    parser.add_argument("--block", type=_block, action="append")
    parser.add_argument("--reserves-rpc", action="append")
    parser.add_argument("--net", action="store_true")
    parser.add_argument("--max-gap", type=seconds)
    parser.add_argument("--other-reserves", type=existing, action="append")


@dataclass(frozen=True, slots=True)
class Registered:
    """What evidence shows: in a block of a chain a registry held this header, and `newest` was its newest epoch."""

    chain_id: int
    trust: Trust
    header: Header
    newest: int


@dataclass(slots=True)
class Pins:
    """The options, read; `given` are their names.

    `used` has what was held against reserves, and ("header", ..) once a header is the one that the registry held.
    """

    tokens: Mapping[int, Tokens] = field(default_factory=dict)
    blocks: Mapping[int, frozenset[bytes]] = field(default_factory=dict)
    evidence: Registered | None = None
    nodes: Sequence[str] = ()
    others: Sequence[Reserves] = ()
    net: bool = False
    max_gap: int = MAX_GAP_S
    given: Sequence[str] = ()
    used: set[tuple[str, int, bytes]] = field(default_factory=set)

    @classmethod
    def read(cls, args: Namespace) -> Self:
        """What the options say. Errors: those of the files that they name, and of replaying evidence."""
        blocks: dict[int, frozenset[bytes]] = {}
        for chain, digest in args.block or ():
            blocks[chain] = blocks.get(chain, frozenset()) | {digest}
        evidence = None
        if args.evidence is not None:
            found = replayed(args.evidence, args, args.venue_registry, int(time.time()))
            chain = read_network(args.network).chain_id
            evidence = Registered(chain, found.trust, found.signed.header, found.state.latest_epoch)
        elif any(is_given(getattr(args, name)) for name in EVIDENCE_OPTIONS):
            raise InputError("the pins of evidence need --evidence")
        return cls(
            _pinned(args.tokens or ()),
            blocks,
            evidence,
            args.reserves_rpc or (),
            tuple(
                Reserves.decode(read_named(path, MAX_RESERVES_BYTES), str(path)) for path in args.other_reserves or ()
            ),
            args.net,
            MAX_GAP_S if args.max_gap is None else args.max_gap,
            [name for name in (*OPTIONS, "evidence") if is_given(getattr(args, name))],
        )

    def believe(self, proved: Proved) -> tuple[Trust, str | None]:
        """Why the block of a chain is believed, and why nothing at it counts, if so.

        Evidence, a pinned hash, nodes, or the venue's word alone; the word of a venue is not taken for a chain that the
        reader left out of the blocks given. Errors: as `block_trust`.
        """
        block, chain = proved.block, proved.chain_id
        stated = f"block of chain {chain} is 0x{block.hash.hex()}"
        self.used.add(("tokens", chain, b""))
        wanted = self.blocks.get(chain)
        if wanted is not None and block.hash not in wanted:
            objection = f"{stated}, not {' or '.join(f'0x{each.hex()}' for each in sorted(wanted))}"
            return _word("not a block given with --block", proved), objection
        self.used.add(("block", chain, block.hash))
        if self.evidence is not None and self.evidence.trust.block_hash == block.hash:
            if self.evidence.chain_id != chain:
                objection = f"{stated}, and that block is of chain {self.evidence.chain_id}, as the evidence shows"
                return _word("a block of another chain", proved), objection
            self.used.add(("evidence", chain, b""))
            return self.evidence.trust, None
        if wanted is not None:
            words = "a block hash the reader chose"
            return Trust("c", words, block.number, block.hash, block_time=block.timestamp), None
        if self.nodes:
            return block_trust(self.nodes, chain, block)
        if self.blocks:
            return _word("a chain that --block leaves out", proved), f"{stated}, and --block gives none of that chain"
        return _word("the venue's word that this block is on the chain: give --block or --reserves-rpc", proved), None

    def contradicted(self, headers: Sequence[Header]) -> list[str]:
        """Which of these headers the registry's contradicts: of its epoch and another, or of another venue."""
        found: list[str] = []
        if self.evidence is None:
            return found
        held = self.evidence.header
        for header in headers:
            if header.venue != held.venue:
                found.append(
                    f"the evidence is of {_venue(held)}, and epoch {header.epoch} is of {_venue(header)}: another venue"
                )
            elif header.epoch == held.epoch and header.hash != held.hash:
                found.append(
                    f"the registry held header {held.hash.hex()} of epoch {held.epoch}, as the evidence shows, and "
                    f"here it is {header.hash.hex()}: the venue signed both"
                )
            elif header.hash == held.hash:
                self.used.add(("header", 0, header.hash))
        return found

    def unused(self) -> list[str]:
        """What was given and held against nothing: its reader would believe that it was."""
        kinds = {kind for kind, _, _ in self.used}
        if "tokens" not in kinds:  # every block of reserves marks them
            words = [idle(name) for name in self.given if name != "evidence"]
        else:
            words = [
                f"--tokens: a list for chain {chain}, and there are no reserves on it"
                for chain in self.tokens
                if ("tokens", chain, b"") not in self.used
            ]
            words += [
                f"--block {chain}:0x{digest.hex()}: no reserves are at that block"
                for chain, digests in self.blocks.items()
                for digest in sorted(digests)
                if ("block", chain, digest) not in self.used
            ]
        if self.evidence is not None and not kinds & {"header", "evidence"}:
            words.append(
                f"--evidence ends in block {self.evidence.trust.block_number} of chain {self.evidence.chain_id}: no "
                f"reserves are at that block, and the header of epoch {self.evidence.header.epoch} that the registry "
                "held is not here"
            )
        return words


def idle(name: str) -> str:
    """That an option is about reserves where there are none."""
    return f"--{name.replace('_', '-')} is about reserves, and there are none here"


def _venue(header: Header) -> str:
    return f"{header.venue_name}, operator key {header.operator_key.hex()}"


def _word(words: str, proved: Proved) -> Trust:
    return Trust("d", words, proved.block.number, proved.block.hash, block_time=proved.block.timestamp)


def _pinned(paths: Sequence[Path]) -> dict[int, Tokens]:
    """The reader's lists of tokens, by chain."""
    pinned: dict[int, Tokens] = {}
    for path in paths:
        tokens = Tokens.decode(read_named(path, MAX_TOKENS_BYTES), str(path))
        if tokens.chain_id in pinned:
            raise InputError(f"--tokens: two lists for chain {tokens.chain_id}")
        pinned[tokens.chain_id] = tokens
    return pinned


def _block(text: str) -> tuple[int, bytes]:
    """CHAIN:HASH."""
    chain, colon, digest = text.partition(":")
    if not (chain.isascii() and chain.isdecimal() and len(chain) <= 20 and colon):
        raise argparse.ArgumentTypeError(f"{text!r} is not CHAIN:HASH, such as 1:0x..")
    return int(chain), hex_bytes(32)(digest)

"""Reserves beside liabilities, asset by asset, exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from zkstate.publication.header import Header
from zkstate.reserves.document import Reserves
from zkstate.reserves.verify import Proved
from zkstate.state.ledger import Totals
from zkstate.state.schema import Instrument
from zkstate.state.table import InstrumentTable


@dataclass(frozen=True, slots=True)
class Line:
    """One asset in whole units: what accounts hold (owed to them), what they owe, and what is proved to be there.

    `price` is the committed price in quote.
    """

    symbol: str
    owed: Fraction
    due: Fraction
    reserve: Fraction
    price: Fraction

    @property
    def covered(self) -> bool:
        """Whether the reserve is at least all that accounts hold."""
        return self.reserve >= self.owed

    @property
    def covered_net(self) -> bool:
        """Whether it is, if accounts pay what they owe of the same asset."""
        return self.reserve >= self.owed - self.due


def compare(table: InstrumentTable, totals: Totals, reserve: Mapping[str, Fraction]) -> list[Line]:
    """A line for each asset that somebody holds, owes, or that there are reserves of.

    Assets that stand for parts of another one (`whole_of`, as in exchange sheets) are added to it. Reserves of what is
    no asset of the venue are left out.
    """
    owed: dict[int, Fraction] = {}
    due: dict[int, Fraction] = {}
    for asset, credit, debit in zip(table.instruments, totals.credits, totals.debits, strict=False):
        if not asset.is_asset:
            continue
        whole = whole_of(asset, table).id
        unit = 10**asset.decimals
        owed[whole] = owed.get(whole, Fraction(0)) + Fraction(credit, unit)
        due[whole] = due.get(whole, Fraction(0)) + Fraction(debit, unit)
    lines = []
    for whole, held in owed.items():
        asset = table[whole]
        there = reserve.get(asset.symbol, Fraction(0))
        if held or due[whole] or there:
            price = Fraction(asset.price, 10**asset.price_decimals)
            lines.append(Line(asset.symbol, held, due[whole], there, price))
    return lines


def whole_of(asset: Instrument, table: InstrumentTable) -> Instrument:
    """The asset that an instrument is, or is a part of: of its decimals and price, and named `whole:part`.

    Were any underlying enough, a thousand of what is dear could be covered by a thousand of what is cheap.
    """
    of = table[asset.underlying]
    alike = (of.decimals, of.price) == (asset.decimals, asset.price) and asset.symbol.startswith(f"{of.symbol}:")
    return of if of.id and of.is_asset and alike and not of.underlying else asset


def claimed_elsewhere(proved: Sequence[Proved], other: Reserves, header: Header) -> list[str]:
    """The addresses that another venue's file claims too, by statements that their keys signed.

    Those of the header's own venue, for another epoch, are no such claim.
    """
    ours = {(each.chain_id, each.address) for one in proved for each in one.held}
    return [
        f"{control.address} of chain {control.chain_id}: venue {control.venue} claims it too"
        for control in other.controls
        if (control.chain_id, control.address) in ours
        and control.venue != f"{header.venue:064x}"
        and control.is_signed()
    ]


def one_block_each(proved: Sequence[Proved]) -> tuple[list[Proved], list[str]]:
    """The files, with nothing held in those that do not count beside one before them, and why they do not.

    A chain has one block: what moved from one address to another between two would count twice. A block, and so a state
    root, has one chain.
    """
    kept: list[Proved] = []
    reasons: list[str] = []
    chains: set[int] = set()
    roots: dict[bytes, int] = {}
    for each in proved:
        root, chain = each.block.state_root, each.chain_id
        if chain in chains:
            reasons.append(f"two files are of chain {chain}: only the first counts, since coins move between blocks")
        elif root in roots:
            reasons.append(f"chains {roots[root]} and {chain} have one state root, {root.hex()}: only the first counts")
        doubled = chain in chains or root in roots
        kept.append(replace(each, held=()) if doubled else each)
        chains.add(chain)
        roots.setdefault(root, chain)
    return kept, reasons

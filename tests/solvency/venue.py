"""A small venue with two size classes, debts, tiers, isolated positions and unhealthy accounts; and its solvency."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from tests.publication.venue import OPERATOR
from tests.state.ledgers import ledger_of
from zkstate.proof.keys import SetupStatus
from zkstate.publication.epoch import write_epoch
from zkstate.publication.header import Header, SignedHeader
from zkstate.publication.holdings import Holdings, write_holdings
from zkstate.solvency.engine import Outcome, prove_epoch
from zkstate.solvency.plan import draw_bounds
from zkstate.solvency.publics import Published
from zkstate.solvency.tables import ReadTable
from zkstate.solvency.verify import Solvency, verify_solvency
from zkstate.state import tree
from zkstate.state.ledger import Ledger, issue_keys
from zkstate.state.scenarios import Risk, ScenarioTable, Shock
from zkstate.state.schema import ASSET, PPM, SHORT_ONLY, Instrument, ladder
from zkstate.state.table import InstrumentTable

# of a batch: room for six small accounts or two of eight rows, and with a key for as many as fill a domain
ROWS = {"transparent": 32, "groth16": 8, "mirage": 8}
SIZES = {"transparent": {4: 6, 8: 2}, "groth16": {4: 2, 8: 1}, "mirage": {4: 3, 8: 1}}

TABLE = InstrumentTable.of(
    [
        Instrument(1, "USD", ASSET, 8, 10**8, 10**8, 0, ladder([(0, 10**6, 0)])),
        Instrument(2, "COIN", ASSET, 8, 3 * 10**9, 3 * 10**9, 0, ladder([(0, 900_000, 0), (10**9, 400_000, 0)])),
        Instrument(3, "PERP", 0, 4, 10**12, 10**12 + 5, 17, ladder([(0, 5_000, 10_000), (10**9, 50_000, 10**5)])),
        Instrument(4, "CALL", SHORT_ONLY, 4, 10**11, 10**12, 0, ladder([(0, 80_000, 10**5)]), 2 * 10**9, 10**12, 2, 1),
        Instrument(5, "OTHER", ASSET, 8, 10**7, 10**7, 0, ladder([(0, 500_000, 0)])),
        Instrument(6, "NEXT", 0, 4, 10**11, 10**11, -9, ladder([(0, 20_000, 40_000)])),
    ]
)


def ledger(small: int = 10, large: int = 3, seed: int = 1) -> Ledger:
    """`small` accounts of up to four rows and `large` ones of five or six."""
    rng = np.random.default_rng(seed)
    accounts = []
    for i in range(small + large):
        ids = sorted(rng.choice(6, int(rng.integers(1, 5)) if i < small else 5 + i % 2, replace=False) + 1)
        rows = []
        for k in map(int, ids):
            amount = int(rng.integers(1, 10**10)) * int(rng.choice([-1, 1, 1]))
            market = not TABLE[k].is_asset
            entry = amount * TABLE[k].price * int(rng.integers(80, 120)) // 100 if market else 0
            rows.append((k, amount, entry, int(rng.integers(-50, 50)) if market else 0, int(market and k == 6)))
        accounts.append(rows)
    return issue_keys(ledger_of(TABLE, accounts, keys=False), OPERATOR.issuing_master)


def positions_profit(of: Ledger) -> int:
    """What customers are owed through positions, 10^-16 quote, row by row."""
    total = 0
    for at in range(len(of)):
        for row in of.rows_of(at):
            market = of.table[row.instrument]
            if not market.is_asset:
                total += row.amount * (market.price - market.funding + row.funding_at_entry) - row.entry
    return total


SHOCKS = tuple(Shock(PPM + 50_000 * step, PPM) for step in range(-8, 9) if step)  # more than a chunk has room for
RATES = ((0, 0), (0, 0), (20_000, 20_000), (0, 5_000), (0, 0), (7_000, 9_000))  # contingencies, long and short
RISKS = tuple(
    Risk(tuple(i.price * shock.price_ppm // PPM - i.price if i.id > 1 else 0 for shock in SHOCKS), *own, *own)
    for i, own in zip(TABLE.instruments, RATES, strict=True)
)
SCENARIOS = ScenarioTable(SHOCKS, 1_300_000, 1_000_000, RISKS, TABLE.depth)


def risky_ledger(small: int = 10, large: int = 3, seed: int = 1) -> Ledger:
    """The same under scenarios, two of three accounts held to the portfolio rule."""
    portfolio = np.arange(small + large) % 3 > 0
    return replace(ledger(small, large, seed), scenarios=SCENARIOS, portfolio=portfolio)


@dataclass(frozen=True)
class Epoch:
    """The folder of an epoch, the ledger it was made of, and how it is proved."""

    folder: Path
    ledger: Ledger
    system: str = "transparent"

    @property
    def public(self) -> Path:
        return self.folder / "public"

    @property
    def proof(self) -> Path:
        return self.folder / "solvency"

    @property
    def header(self) -> Header:
        return SignedHeader.decode((self.public / "header.bin").read_bytes()).header

    def batches(self) -> list[Path]:
        """The files of all batches."""
        return sorted(self.proof.glob("batches/*/*.bin"))

    def batch(self, rows: int | str, number: int) -> Path:
        return self.proof / f"batches/{rows}/{number:06d}.bin"

    def copy(self, to: Path) -> "Epoch":
        """The same, to damage."""
        shutil.copytree(self.folder, to / "epoch")
        return replace(self, folder=to / "epoch")

    def prove(self, jobs: int = 1, rows: int | None = None) -> Outcome:
        return prove_epoch(self.folder, self.system, rows or ROWS[self.system], jobs)

    def verify(self) -> Solvency:
        """Whatever the key: these tests make their own."""
        return verify_solvency(self.public, self.proof, self.header, lambda _name, _digest, key: (key.setup, None))


def commit(folder: Path, of: Ledger, system: str = "transparent") -> Epoch:
    """The epoch of a ledger."""
    write_epoch(of, OPERATOR, folder)
    return Epoch(folder, of, system)


__all__ = ["ROWS", "SIZES", "TABLE", "Epoch", "SetupStatus", "commit", "ledger", "risky_ledger"]


def published(folder: Path, of: Ledger) -> tuple[Published, Holdings]:
    """An epoch's columns without its files: (published, holdings)."""
    accounts = tree.build(of, 1, 1, bytes(32))
    write_holdings(folder, of, accounts)
    holdings = Holdings.open(folder)
    bounds = draw_bounds(np.asarray(holdings.parts.ids), bytes(32))
    header = SimpleNamespace(hash=bytes(32))
    return Published(header, ReadTable.of(of.table, of.scenarios), holdings.parts.leaves, bounds), holdings

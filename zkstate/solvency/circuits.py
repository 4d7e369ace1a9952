"""The circuits of an epoch's batches by a system with keys: what a ceremony is held for, one for each class.

Published files are enough where the classes are: those beside a proof, of whatever system, or the holdings of a venue.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from circuits.batch import batch_name
from zkstate.constraint.compiler import build
from zkstate.constraint.r1cs import R1cs
from zkstate.errors import DisagreementError, LengthError
from zkstate.proof import r1cs_file
from zkstate.publication.header import SIGNED_BYTES, Header, SignedHeader
from zkstate.publication.holdings import Holdings
from zkstate.publication.layout import HEADER, INSTRUMENTS
from zkstate.publication.regular import read_below
from zkstate.publication.tables import check_instruments, read_scenarios
from zkstate.solvency.classes import check_classes, check_rules, rows_of
from zkstate.solvency.files import CLAIM, CLASSES, MAX_CLAIM_BYTES, Claim
from zkstate.solvency.plan import LAYOUTS, Plan
from zkstate.solvency.tables import ReadTable
from zkstate.state.schema import PORTFOLIO
from zkstate.state.table import MAX_TABLE_BYTES


@dataclass(frozen=True)
class BatchCircuit:
    """The circuit of all batches of a class, by the name under which `prove solvency --keys` looks for its key."""

    kind: int
    accounts: int
    name: str
    r1cs: R1cs
    n_committed: int

    @cached_property
    def digest(self) -> bytes:
        """That of `r1cs_file.circuit_digest`, which a record of its ceremony names."""
        return r1cs_file.circuit_digest(self.r1cs, self.n_committed)


def circuit_of(table: ReadTable, kind: int, accounts: int, system: str) -> BatchCircuit:
    """The circuit of a batch of a class with so many accounts: built anew, as others may have written a cache.

    LengthError for one that nobody should be made to compile.
    """
    if system == "mirage":
        unrolled = table.unrolled(kind, accounts)
        name = table.unrolled_name(kind, accounts)
        return BatchCircuit(kind, accounts, name, unrolled.r1cs, unrolled.n_committed)
    statement = table.statement(rows_of(kind), accounts)
    return BatchCircuit(kind, accounts, batch_name(statement), build(statement).r1cs, 0)


def planned(table: ReadTable, classes: NDArray[np.uint8], system: str, rows: int) -> Plan:
    """Batches of about so many rows, or, by a system with keys, of as many more as fill the domain of their circuit."""
    filled = table.filled_blocks if system == "mirage" else table.filled
    return Plan.of(classes, rows, LAYOUTS[system], filled)


@dataclass(frozen=True)
class EpochFiles:
    """An epoch as its batches are cut: the published part, the folder of its proof and the holdings, if it has them."""

    public: Path
    proof: Path
    holdings: Path

    @cached_property
    def header(self) -> Header:
        return SignedHeader.decode(read_below(self.public, HEADER, SIGNED_BYTES)).header

    @cached_property
    def claim(self) -> Claim | None:
        """What is claimed of a finished proof, None without one. DisagreementError if it is of another header."""
        if not (self.proof / CLAIM).exists():
            return None
        claim = Claim.decode(read_below(self.proof, CLAIM, MAX_CLAIM_BYTES))
        if claim.header_hash != self.header.hash.hex():
            found = f"of the header {claim.header_hash}, not of {self.header.hash.hex()}"
            raise DisagreementError(f"{self.proof / CLAIM} is {found}")
        return claim

    @cached_property
    def classes(self) -> NDArray[np.uint8]:
        """The class of every leaf, by the list beside a proof or else the holdings. LengthError, EncodingError."""
        count = self.header.account_count
        if self.claim is not None:
            found = np.frombuffer(read_below(self.proof, CLASSES, count), np.uint8)
        else:
            found = np.asarray(Holdings.open(self.holdings).parts.classes)
        if len(found) != count:
            raise LengthError(f"classes of {len(found)} accounts, the header counts {count}")
        check_classes(found)
        return found

    def sizes(self, table: ReadTable, system: str, rows: int | None) -> dict[int, int]:
        """How many accounts a batch of each class has: as a proof by this system has it, unless `rows` is given."""
        check_rules(self.classes, system, self.header)
        layout = LAYOUTS[system]
        if self.claim is not None and self.claim.system == system and rows is None:
            return Plan(self.classes, self.claim.sizes, layout).sizes
        return planned(table, self.classes, system, rows or layout.usual).sizes

    def circuits(self, system: str, rows: int | None) -> Iterator[BatchCircuit]:
        """Those of a system with keys, class by class, one in memory at a time.

        Errors: MissingError without classes, LengthError, DisagreementError, EncodingError.
        """
        content = read_below(self.public, INSTRUMENTS, MAX_TABLE_BYTES)
        instruments = check_instruments(content, self.header)
        risky = bool((self.classes >= PORTFOLIO).any())
        scenarios = read_scenarios(self.public, self.header, instruments) if risky else None
        table = ReadTable.of(instruments, scenarios)
        for kind, accounts in self.sizes(table, system, rows).items():
            yield circuit_of(table, kind, accounts, system)

"""A batch that a process elsewhere proves: the file that it is made of, and what a worker does with one.

Such a file has the accounts of one batch, the sums before it, its blinds and what its epoch published of the table: no
other account, and not the seed of the run. A worker is sent its path (docs/spec.md, section 13).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import numpy as np

from zkstate.errors import (
    DisagreementError,
    EncodingError,
    EnvironmentFailure,
    LengthError,
    SourceError,
    WitnessError,
)
from zkstate.kernels import FR_BYTES, FR_MODULUS
from zkstate.publication.header import Header
from zkstate.publication.holdings import Holdings
from zkstate.publication.regular import read_below
from zkstate.publication.tables import check_instruments, check_scenarios
from zkstate.solvency.classes import class_name
from zkstate.solvency.plan import LAYOUTS, Part
from zkstate.solvency.provers import Prover, prover_of
from zkstate.solvency.publics import Published, Sums
from zkstate.solvency.tables import ReadTable
from zkstate.solvency.witness import Accounts, Blinds
from zkstate.state.scenarios import MAX_SCENARIOS_BYTES
from zkstate.state.schema import PORTFOLIO, SIZE_CLASSES
from zkstate.state.table import MAX_TABLE_BYTES

MAX_ACCOUNTS_BYTES = 32 << 20  # 2^17 rows of 35 bytes, and 2^14 accounts of 273, are 9 MiB
MAX_TASK_BYTES = MAX_TABLE_BYTES + MAX_SCENARIOS_BYTES + MAX_ACCOUNTS_BYTES
UNTRUE = WitnessError.__name__

_Element = Annotated[bytes, msgspec.Meta(min_length=FR_BYTES, max_length=FR_BYTES)]
_ONE_AT_A_TIME = ThreadPoolExecutor(1)


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file; `bounds` are the lower and the upper one of each leaf, `scenarios` empty but for the portfolio rule."""

    kind: Literal["zkstate batch task"]
    version: Literal[2]
    header: bytes
    table: bytes
    scenarios: bytes
    rows: int
    number: int
    accounts: int
    holdings: dict[str, bytes]
    bounds: bytes
    held: _Element
    unhealthy: Annotated[int, msgspec.Meta(ge=0, lt=1 << 32)]
    shortfall: _Element
    profit: _Element
    blinds: Annotated[list[_Element], msgspec.Meta(min_length=3, max_length=3)]

    def __repr__(self) -> str:
        return "_Document(hidden)"


@dataclass(frozen=True)
class Task:
    """Everything that a batch is made of; `table` is the instrument table as published, `scenarios` the scenario table.

    `scenarios` is empty where the portfolio rule does not judge.
    """

    table: bytes
    scenarios: bytes
    accounts: Accounts
    before: Sums
    blinds: Blinds

    def __repr__(self) -> str:
        return f"Task({self.accounts.part})"

    def encode(self) -> bytes:
        """The file."""
        part, bounds = self.accounts.part, self.accounts.published.bounds
        each = np.stack([bounds[part.leaves], bounds[part.leaves + 1]], axis=1)
        document = _Document(
            "zkstate batch task", 2, self.accounts.published.header.encode(), self.table,
            self.scenarios, part.rows, part.number, part.accounts, self.accounts.holdings.encode(), each.tobytes(),
            self.before.held.to_bytes(FR_BYTES), self.before.unhealthy, self.before.shortfall.to_bytes(FR_BYTES),
            self.before.profit.to_bytes(FR_BYTES),
            [value.to_bytes(FR_BYTES) for value in (self.blinds.before, self.blinds.after, self.blinds.reads)],
        )  # fmt: skip
        return msgspec.msgpack.encode(document)

    @classmethod
    def decode(cls, content: bytes, system: str) -> Task:
        """Read a file of a batch by a proof system. Errors: EncodingError, LengthError, DisagreementError."""
        try:
            document = msgspec.msgpack.decode(content, type=_Document)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise EncodingError("it is no batch task") from None  # the cause could show a value
        elements = (document.held, document.shortfall, document.profit, *document.blinds)
        numbers = [int.from_bytes(each) for each in elements]
        if max(numbers) >= FR_MODULUS:
            raise EncodingError("an element of a batch task is not below the field's modulus")
        held, shortfall, profit, *blinds = numbers
        header, holdings = Header.decode(document.header), Holdings.decode(document.holdings)
        table = _table(document.table, document.scenarios, document.header)
        count, layout = len(holdings), LAYOUTS[system]
        if not 0 < count <= document.accounts or len(document.bounds) != 2 * 32 * count:
            raise LengthError(
                f"{count} accounts, places for {document.accounts}, {len(document.bounds)} bytes of bounds"
            )
        if document.rows not in SIZE_CLASSES:
            raise EncodingError(f"a batch task of class {document.rows}, none of {SIZE_CLASSES}")
        layout.check(document.rows, document.accounts, document.accounts)
        if (holdings.rows.counts > document.rows).any() or document.number < 0:
            raise LengthError(f"an account of a batch of class {document.rows} has more rows")
        if (holdings.rows.instrument >= table.instruments).any():
            raise EncodingError(f"a row names an instrument that the table of {table.instruments} does not have")
        # in place of all leaves of the epoch: each stands twice, before its lower bound and before its upper one
        leaves = np.repeat(holdings.parts.leaves, 2, axis=0)
        bounds = np.frombuffer(document.bounds, np.uint8).reshape(-1, 32)
        kind = document.rows + (PORTFOLIO if document.scenarios else 0)
        part = Part(kind, document.number, document.accounts, 2 * np.arange(count))
        accounts = Accounts(Published(header, table, leaves, bounds), part, holdings)
        sums = Sums(held, document.unhealthy, shortfall, profit)
        return cls(document.table, document.scenarios, accounts, sums, Blinds(*blinds))


def prove_task(digest: str, batch: tuple[int, int], path: str, system: str, keys: str | None) -> bytes | str:
    """What a worker does: the bytes of the batch file, or in words why there are none, which name no secret.

    `digest` is of the circuit, or of the verification key; `batch` is class and number, `keys` a folder here. A process
    proves one batch at a time, however many threads it has.
    """
    proof = _ONE_AT_A_TIME.submit(_proved, digest, batch, Path(path), system, keys)
    error = proof.exception()
    if error is None:
        return proof.result()
    if isinstance(error, SourceError | DisagreementError | EnvironmentFailure):
        return str(error)
    return type(error).__name__  # its words may name what an account holds, and dask logs what is raised


def _proved(digest: str, batch: tuple[int, int], path: Path, system: str, keys: str | None) -> bytes:
    task = Task.decode(read_below(path.parent, path.name, MAX_TASK_BYTES), system)
    part = task.accounts.part
    if (part.kind, part.number) != batch:
        raise DisagreementError(f"{path} is {part}, not batch {batch[1]} of class {class_name(batch[0])}")
    header = task.accounts.published.header.encode()
    prover = _prover((task.table, task.scenarios, header), part.kind, part.accounts, system, keys)
    if prover.digest != digest:
        raise DisagreementError(f"the circuit or key here is {prover.digest}, not {digest}: is it another version?")
    return prover.prove(task.accounts, task.before, task.blinds).encode()


@lru_cache(maxsize=1)
def _table(content: bytes, scenarios: bytes, header: bytes) -> ReadTable:
    under = Header.decode(header)
    table = check_instruments(content, under)
    return ReadTable.of(table, check_scenarios(scenarios, under, table) if scenarios else None)


@lru_cache(maxsize=1)
def _prover(tables: tuple[bytes, bytes, bytes], kind: int, accounts: int, system: str, keys: str | None) -> Prover:
    return prover_of(_table(*tables), kind, accounts, system, None if keys is None else Path(keys))

"""Every circuit by name: a statement, a size class and the depths of the two trees.

A circuit is named `margin-16`; depths other than 10 (accounts) and 2 (table) are spelled out, `margin-16-d12-t3`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from zkstate.errors import InputError
from zkstate.state.commit import DEFAULT_ACCOUNTS_DEPTH, MAX_ACCOUNTS_DEPTH
from zkstate.state.schema import SIZE_CLASSES
from zkstate.state.table_tree import TABLE_DEPTHS

from .account import CommittedStatement
from .balance import Balance
from .exit import Exit
from .health import Health
from .history import History
from .initial import Initial
from .liquidation import Liquidation
from .margin import Margin
from .portfolio import Portfolio
from .position import Position
from .priced import PricedStatement

STATEMENTS: dict[str, type[CommittedStatement]] = {
    "balance": Balance,
    "position": Position,
    "margin": Margin,
    "health": Health,
    "initial": Initial,
    "portfolio": Portfolio,
    "history": History,
    "liquidation": Liquidation,
    "exit": Exit,
}
ACCOUNTS_DEPTH, (TABLE_DEPTH, MAX_TABLE_DEPTH) = DEFAULT_ACCOUNTS_DEPTH, TABLE_DEPTHS
_NAME = re.compile(r"([a-z]+)-(4|8|16|64)(?:-d([1-9][0-9]?))?(?:-t([23]))?")


def get(
    statement: str, rows: int, accounts_depth: int = ACCOUNTS_DEPTH, table_depth: int = TABLE_DEPTH
) -> CommittedStatement:
    """The statement of a name and size class. InputError if there is none such."""
    if statement not in STATEMENTS:
        raise InputError(f"no statement is called {statement!r}: choose from {', '.join(STATEMENTS)}")
    if rows not in SIZE_CLASSES:
        raise InputError(f"no size class has {rows} rows: choose from {', '.join(map(str, SIZE_CLASSES))}")
    if not ACCOUNTS_DEPTH <= accounts_depth <= MAX_ACCOUNTS_DEPTH:
        raise InputError(f"accounts depth {accounts_depth} is outside {ACCOUNTS_DEPTH}..{MAX_ACCOUNTS_DEPTH}")
    if not TABLE_DEPTH <= table_depth <= MAX_TABLE_DEPTH:
        raise InputError(f"table depth {table_depth} is outside {TABLE_DEPTH}..{MAX_TABLE_DEPTH}")
    cls = STATEMENTS[statement]
    if issubclass(cls, PricedStatement):
        return cls(rows, accounts_depth, table_depth)
    return cls(rows, accounts_depth)


def name(statement: CommittedStatement) -> str:
    """The circuit's name, from which `parse` makes the statement again."""
    kind = next(known for known, cls in STATEMENTS.items() if cls is type(statement))
    depth = "" if statement.accounts_depth == ACCOUNTS_DEPTH else f"-d{statement.accounts_depth}"
    table_depth = statement.table_depth if isinstance(statement, PricedStatement) else TABLE_DEPTH
    return f"{kind}-{statement.size}{depth}" + ("" if table_depth == TABLE_DEPTH else f"-t{table_depth}")


def parse(text: str) -> CommittedStatement:
    """The statement a circuit name stands for. InputError for anything `name` would not write."""
    match = _NAME.fullmatch(text)
    if match is None:
        raise InputError(f"{text!r} is no circuit name: wanted something like margin-16")
    kind, rows, depth, table_depth = match.groups()
    statement = get(kind, int(rows), int(depth or ACCOUNTS_DEPTH), int(table_depth or TABLE_DEPTH))
    if name(statement) != text:
        raise InputError(f"{text!r} is no circuit name: the same circuit is called {name(statement)!r}")
    return statement


def standard() -> Iterator[CommittedStatement]:
    """Every statement in every size class, at the usual depths."""
    for statement in STATEMENTS:
        for rows in SIZE_CLASSES:
            yield get(statement, rows)

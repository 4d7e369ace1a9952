"""Maintenance brackets as exchanges publish them, as tiers of a market."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from zkstate import nesting
from zkstate.errors import EncodingError
from zkstate.state.schema import PPM, UNBOUNDED, Tier, ladder

_COLUMNS = ["min_notional", "max_notional", "maintenance_margin_rate", "max_leverage", "cum"]
_BOUND_SCALE = 10**4
_OFFSET_SCALE = 10**10
_MAX_BYTES = 64 << 20
_MAX_DIGITS = 18  # a product with a scale is then exact in Decimal's 28


def read_brackets(path: Path) -> dict[str, tuple[Tier, ...]]:
    """Tiers by contract of a table {"columns": .., "tiers": {contract: [[from, to, rate, leverage, cum], ..]}}.

    The initial rate is 1 / leverage, rounded up to a part per million; the last bracket is open above. EncodingError if
    a number is not exact in our units, brackets leave gaps, or a stated `cum` is not the offset that follows.
    """
    if path.stat().st_size > _MAX_BYTES:
        raise EncodingError(f"{path.name} is larger than {_MAX_BYTES} bytes")
    content = path.read_bytes()
    nesting.check(content, path.name)
    try:
        form = json.loads(content, parse_float=Decimal, parse_constant=_refuse)
        columns, contracts = form["columns"], form["tiers"].items()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise EncodingError(f"{path.name}: not a bracket table: {error}") from None
    if columns != _COLUMNS:
        raise EncodingError(f"{path.name}: columns are {columns}, not {_COLUMNS}")
    return {contract: _tiers(brackets, f"{path.name}, {contract}") for contract, brackets in contracts}


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a number")


def _exact(value: Any, scale: int, where: str) -> int:  # noqa: ANN401  # any JSON value
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise EncodingError(f"{where}: {value!r} is not a number")
    number = Decimal(value)
    if len(number.as_tuple().digits) > _MAX_DIGITS or not -_MAX_DIGITS < number.adjusted() < _MAX_DIGITS:
        raise EncodingError(f"{where}: a number of more than {_MAX_DIGITS} digits")
    scaled = number * scale
    if scaled != int(scaled):
        raise EncodingError(f"{where}: {value} is not a whole number of 1/{scale}")
    return int(scaled)


def _tiers(brackets: Any, contract: str) -> tuple[Tier, ...]:  # noqa: ANN401  # any JSON value
    if not isinstance(brackets, list) or not all(isinstance(b, list) and len(b) == len(_COLUMNS) for b in brackets):
        raise EncodingError(f"{contract}: brackets are not lists of {len(_COLUMNS)} numbers")
    steps, offsets, end = [], [], 0
    for k, (low, high, rate, leverage, cum) in enumerate(brackets):
        where = f"{contract}, bracket {k}"
        lower, upper = _exact(low, _BOUND_SCALE, where), _exact(high, _BOUND_SCALE, where)
        if lower != end or not lower < upper < UNBOUNDED:
            raise EncodingError(f"{where}: {low} to {high} does not follow {end / _BOUND_SCALE}")
        most = _exact(leverage, PPM, where)
        if most <= 0:
            raise EncodingError(f"{where}: leverage {leverage} is not positive")
        steps.append((lower, _exact(rate, PPM, where), -(-PPM * PPM // most)))
        offsets.append(_exact(cum, _OFFSET_SCALE, where))
        end = upper
    tiers = ladder(steps)
    for k, (tier, stated) in enumerate(zip(tiers, offsets, strict=True)):
        if tier.offset != stated:
            raise EncodingError(f"{contract}, bracket {k}: cum states {stated}, but {tier.offset} follows (10^-10)")
    return tiers

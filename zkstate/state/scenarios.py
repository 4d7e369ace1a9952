"""Scenario risk table: what one unit of each instrument gains or loses in each scenario (docs/spec.md §3, §6).

It is committed to by the header's `scenarios_root` and published as `tables/scenarios.json`. Units: factors, shocks and
rates in parts per million, changes as prices (10^-(16-d) quote per whole unit, so amount times change is 10^-16 quote).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

import msgspec

from zkstate import kernels
from zkstate.commitment import domain, poseidon
from zkstate.commitment.merkle import MerklePath
from zkstate.errors import EncodingError, LengthError
from zkstate.state.schema import I64, MAX_INSTRUMENTS, PPM, within
from zkstate.state.table import InstrumentTable
from zkstate.state.table_tree import TABLE_DEPTHS, TableTree, capacity

MAX_SCENARIOS = 32
PLACES = 33  # three to an element
WORDS = 12
MAX_SCENARIOS_BYTES = 8 << 20
_PER_WORD = 3
_U32 = 1 << 32


@dataclass(frozen=True, slots=True)
class Shock:
    """What a scenario multiplies the price of every underlying and every implied volatility by."""

    price_ppm: int
    volatility_ppm: int

    def __post_init__(self) -> None:
        within("scenario price_ppm", self.price_ppm, 0, _U32)
        within("scenario volatility_ppm", self.volatility_ppm, 0, _U32)


@dataclass(frozen=True, slots=True)
class Risk:
    """One instrument's change of value in each scenario, and its contingency rates by the sign of the amount."""

    changes: tuple[int, ...]
    maintenance_long: int = 0
    maintenance_short: int = 0
    initial_long: int = 0
    initial_short: int = 0

    def __post_init__(self) -> None:
        for s, change in enumerate(self.changes):
            within(f"change {s}", change, -I64, I64)
        for side in ("long", "short"):
            maintenance, initial = getattr(self, f"maintenance_{side}"), getattr(self, f"initial_{side}")
            within(f"maintenance_{side}", maintenance, 0, PPM + 1)
            within(f"initial_{side}", initial, maintenance, PPM + 1)

    def rate(self, amount: int, *, initial: bool) -> int:
        """The contingency rate of an amount."""
        if amount < 0:
            return self.initial_short if initial else self.maintenance_short
        return self.initial_long if initial else self.maintenance_long


def words(instrument: int, risk: Risk) -> tuple[int, ...]:
    """c_0 .. c_11, the field elements a risk digest hashes."""
    head = instrument
    for rate in (risk.maintenance_long, risk.maintenance_short, risk.initial_long, risk.initial_short):
        head = head << 20 | rate
    places = [change + I64 for change in risk.changes] + [I64] * (PLACES - len(risk.changes))
    return (head, *_packed(places, 64))


def _packed(places: list[int], width: int) -> list[int]:
    """Three places to an element, the first the highest."""
    return [(places[k] << width | places[k + 1]) << width | places[k + 2] for k in range(0, len(places), _PER_WORD)]


@dataclass(frozen=True, slots=True)
class ScenarioTable:
    """Risks of instruments 1, 2, 3, .. under the shocks, and the factors of the worst loss.

    `depth` is that of the instrument table. EncodingError or LengthError unless every risk has one change a scenario.
    """

    shocks: tuple[Shock, ...]
    initial_factor: int
    maintenance_factor: int
    risks: tuple[Risk, ...]
    depth: int
    _built: list[TableTree] = field(default_factory=list, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 1 <= len(self.shocks) <= MAX_SCENARIOS:
            raise LengthError(f"{len(self.shocks)} scenarios: a table has 1 to {MAX_SCENARIOS}")
        within("maintenance_factor", self.maintenance_factor, 0, _U32)
        within("initial_factor", self.initial_factor, self.maintenance_factor, _U32)
        if self.depth not in TABLE_DEPTHS:
            raise EncodingError(f"table depth is {self.depth}, not {TABLE_DEPTHS[0]} or {TABLE_DEPTHS[1]}")
        if len(self.risks) >= capacity(self.depth):
            raise LengthError(f"{len(self.risks)} risks do not fit a table of depth {self.depth}")
        for number, risk in enumerate(self.risks, start=1):
            if len(risk.changes) != len(self.shocks):
                raise LengthError(
                    f"instrument {number} has {len(risk.changes)} changes, but there are {len(self.shocks)} scenarios"
                )

    def __len__(self) -> int:
        return len(self.risks)

    def __getitem__(self, instrument: int) -> Risk:
        if not 0 <= instrument <= len(self.risks):
            raise EncodingError(f"instrument {instrument} is not in a scenario table of {len(self.risks)}")
        return self.risks[instrument - 1] if instrument else Risk((0,) * len(self.shocks))

    def check_beside(self, table: InstrumentTable) -> None:
        """EncodingError unless an instrument table has as many instruments and the same depth."""
        if (len(table), table.depth) != (len(self), self.depth):
            raise EncodingError(
                f"the scenario table has {len(self)} instruments and depth {self.depth}, "
                f"the instrument table {len(table)} and depth {table.depth}"
            )

    def factor(self, *, initial: bool) -> int:
        """Parts per million of the worst loss that are required."""
        return self.initial_factor if initial else self.maintenance_factor

    @property
    def tree(self) -> TableTree:
        """The tree over the risk digests, built on first use."""
        if not self._built:
            elements = [word for i in range(len(self) + 1) for word in words(i, self[i])]
            digests = kernels.poseidon_many(domain.tag("risk"), kernels.FrVec.from_ints(elements), WORDS)
            self._built.append(TableTree("risks", digests, self.depth))
        return self._built[0]

    def digest(self, instrument: int) -> int:
        """The risk digest of one instrument."""
        self[instrument]
        return self.tree.digest(instrument)

    def path(self, instrument: int) -> MerklePath:
        """The path from an instrument's risk digest to its node of the tree's top."""
        self[instrument]
        return self.tree.path(instrument)

    @property
    def head(self) -> tuple[int, ...]:
        """What `scenarios_root` hashes before `risks_root`: one element of counts and factors, eleven of shocks."""
        places = [part for shock in self.shocks for part in (shock.price_ppm, shock.volatility_ppm)]
        places += [0] * (2 * PLACES - len(places))
        pairs = [places[k] << 32 | places[k + 1] for k in range(0, len(places), 2)]
        counts = (len(self.shocks) << 32 | self.initial_factor) << 32 | self.maintenance_factor
        return (counts, *_packed(pairs, 64))

    @property
    def root(self) -> int:
        """`scenarios_root` of the header."""
        return poseidon.poseidon(domain.tag("scenarios"), [*self.head, self.tree.root])


_Change = Annotated[str, msgspec.Meta(pattern=r"\A(0|-?[1-9][0-9]{0,18})\Z")]
_Small = Annotated[int, msgspec.Meta(ge=0, lt=_U32)]


class _RiskForm(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    instrument: _Small
    maintenance_long: _Small
    maintenance_short: _Small
    initial_long: _Small
    initial_short: _Small
    changes: Annotated[list[_Change], msgspec.Meta(max_length=MAX_SCENARIOS)]


class _ShockForm(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    price_ppm: _Small
    volatility_ppm: _Small


class _Form(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    version: Literal[1]
    initial_factor: _Small
    maintenance_factor: _Small
    scenarios: Annotated[list[_ShockForm], msgspec.Meta(min_length=1, max_length=MAX_SCENARIOS)]
    risks: Annotated[list[_RiskForm], msgspec.Meta(max_length=MAX_INSTRUMENTS)]


_DECODER = msgspec.json.Decoder(_Form)


def encode_scenarios(table: ScenarioTable) -> bytes:
    """`tables/scenarios.json` (docs/spec.md §6)."""
    risks = [
        _RiskForm(
            i, r.maintenance_long, r.maintenance_short, r.initial_long, r.initial_short, [str(c) for c in r.changes]
        )
        for i, r in enumerate(table.risks, start=1)
    ]
    shocks = [_ShockForm(shock.price_ppm, shock.volatility_ppm) for shock in table.shocks]
    return msgspec.json.encode(_Form(1, table.initial_factor, table.maintenance_factor, shocks, risks))


def decode_scenarios(data: bytes, depth: int) -> ScenarioTable:
    """The table of `tables/scenarios.json` beside an instrument table of `depth`.

    EncodingError unless `data` is its one canonical encoding, LengthError for a file too large.
    """
    if len(data) > MAX_SCENARIOS_BYTES:
        raise LengthError(f"scenario table of {len(data)} bytes; at most {MAX_SCENARIOS_BYTES}")
    try:
        form = _DECODER.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise EncodingError(f"scenario table: {error}") from None
    for place, risk in enumerate(form.risks, start=1):
        if risk.instrument != place:
            raise EncodingError(f"scenario table: instrument {risk.instrument} stands at place {place}")
    table = ScenarioTable(
        tuple(Shock(shock.price_ppm, shock.volatility_ppm) for shock in form.scenarios),
        form.initial_factor,
        form.maintenance_factor,
        tuple(
            Risk(
                tuple(int(change) for change in r.changes),
                r.maintenance_long,
                r.maintenance_short,
                r.initial_long,
                r.initial_short,
            )
            for r in form.risks
        ),
        depth,
    )
    if encode_scenarios(table) != data:
        raise EncodingError("scenario table is not in its one canonical form (spaces, order, repetition)")
    return table

"""The values a state is made of, each valid once constructed (docs/spec.md §2-§4).

Units: amounts 10^-d of the asset or contract, prices and funding indices 10^-(16-d) quote, values and entry values
10^-16 quote, tier bounds 10^-4 quote, rates parts per million, tier offsets 10^-10 quote, times seconds since 1970.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from zkstate.errors import EncodingError, LengthError
from zkstate.kernels import FR_MODULUS
from zkstate.state.text import is_plain

U16, U64 = 1 << 16, 1 << 64
I64, I128 = 1 << 63, 1 << 127
ID_BOUND = 1 << 248
UNBOUNDED = U64 - 1
PPM = 1_000_000
VALUE_DECIMALS = 16
MAX_TIERS = 13
MAX_INSTRUMENTS = 4095
MAX_SYMBOL_BYTES = 64
SIZE_CLASSES = (4, 8, 16, 64)
MAX_ROWS = SIZE_CLASSES[-1]
PORTFOLIO = 128  # added to the size class of an account that the portfolio rule judges

ASSET = 1
SHORT_ONLY = 2
ROUNDED = 4
BUY, SELL = 0, 1
CALL, PUT = 1, 2


def size_class(rows: int, orders: int) -> int:
    """The least of 4, 8, 16, 64 that holds both counts; LengthError above 64."""
    for n in SIZE_CLASSES:
        if rows <= n and orders <= n:
            return n
    raise LengthError(f"{rows} rows and {orders} orders: an account holds at most {MAX_ROWS} of each")


def within(what: str, value: int, low: int, bound: int) -> None:
    """EncodingError unless low <= value < bound."""
    if not low <= value < bound:
        raise EncodingError(f"{what} is {value}, outside {low}..{bound - 1}")


@dataclass(frozen=True, slots=True)
class Tier:
    """One bracket: notional values in [lower, upper) at `rate`, or at `initial_rate` for opening."""

    lower: int
    upper: int
    rate: int
    initial_rate: int
    offset: int

    def __post_init__(self) -> None:
        within("tier lower bound", self.lower, 0, U64)
        within("tier upper bound", self.upper, 0, U64)
        within("tier rate", self.rate, 0, PPM + 1)
        within("tier initial rate", self.initial_rate, 0, PPM + 1)
        within("tier offset", self.offset, -(1 << 84) + 1, 1 << 84)
        if self.lower >= self.upper:
            raise EncodingError(f"tier bounds {self.lower}..{self.upper} do not increase")


def ladder(steps: Sequence[tuple[int, int, int]]) -> tuple[Tier, ...]:
    """Tiers from (lower, rate, initial_rate) steps: each upper bound is the next lower one, the last is unbounded.

    Offsets are derived, offset_k = offset_(k-1) + lower_k (rate_k - rate_(k-1)), so that the value counted is
    continuous across a bound. EncodingError unless the bounds start at 0 and strictly increase; LengthError unless
    there are 1 to 13.
    """
    if not 1 <= len(steps) <= MAX_TIERS:
        raise LengthError(f"{len(steps)} tiers: an instrument has 1 to {MAX_TIERS}")
    if steps[0][0] != 0:
        raise EncodingError(f"the first tier starts at {steps[0][0]}, not at 0")
    uppers = [step[0] for step in steps[1:]] + [UNBOUNDED]
    tiers: list[Tier] = []
    for (lower, rate, initial_rate), upper in zip(steps, uppers, strict=True):
        offset = tiers[-1].offset + lower * (rate - tiers[-1].rate) if tiers else 0
        tiers.append(Tier(lower, upper, rate, initial_rate, offset))
    return tuple(tiers)


@dataclass(frozen=True, slots=True)
class Instrument:
    """An asset or a market. Id 0 is the null instrument; `underlying` is another id, 0 for none."""

    id: int
    symbol: str
    flags: int
    decimals: int
    price: int
    notional_price: int
    funding: int
    tiers: tuple[Tier, ...]
    expiry: int = 0
    strike: int = 0
    underlying: int = 0
    option: int = 0

    def __post_init__(self) -> None:
        try:
            self._check()
        except EncodingError as error:
            raise EncodingError(f"instrument {self.id} ({self.symbol!r}): {error}") from None

    def _check(self) -> None:
        within("id", self.id, 0, MAX_INSTRUMENTS + 1)
        if self.id == 0:
            if self.symbol:
                raise EncodingError("the null instrument has no symbol")
        else:
            check_symbol(self.symbol)
        within("decimals", self.decimals, 0, VALUE_DECIMALS + 1)
        within("price", self.price, 0, U64)
        within("notional price", self.notional_price, 0, U64)
        within("funding index", self.funding, -I64, I64)
        within("expiry", self.expiry, 0, U64)
        within("strike", self.strike, 0, U64)
        within("underlying", self.underlying, 0, MAX_INSTRUMENTS + 1)
        within("option kind", self.option, 0, PUT + 1)
        if self.flags not in (0, ASSET, SHORT_ONLY, ASSET | ROUNDED):
            raise EncodingError(
                f"flags are {self.flags}, not 0, 1 (asset), 2 (margin only when short) or 5 (asset that rounds)"
            )
        if self.is_asset:
            if self.notional_price != self.price:
                raise EncodingError(f"an asset's notional price {self.notional_price} is not its price {self.price}")
            if self.funding or self.expiry or self.strike or self.option:
                raise EncodingError("an asset has no funding index, expiry, strike or option kind")
        if bool(self.option) != bool(self.strike) or (self.option and not self.expiry):
            raise EncodingError("an option has an expiry and a strike, and nothing else has a strike")
        if self.underlying == self.id != 0:
            raise EncodingError("an instrument is not its own underlying")
        self._check_tiers()

    def _check_tiers(self) -> None:
        derived = ladder([(tier.lower, tier.rate, tier.initial_rate) for tier in self.tiers])
        for k, (given, expected) in enumerate(zip(self.tiers, derived, strict=True)):
            if given != expected:
                raise EncodingError(
                    f"tier {k} has upper bound {given.upper} and offset {given.offset}; "
                    f"its neighbours make them {expected.upper} and {expected.offset}"
                )
        for k, (before, after) in enumerate(pairwise(self.tiers), start=1):
            if self.is_asset and after.rate > before.rate:
                raise EncodingError(f"tier {k} counts {after.rate} ppm, more than the {before.rate} below it")
            if not self.is_asset and after.rate < before.rate:
                raise EncodingError(f"tier {k} needs {after.rate} ppm, less than the {before.rate} below it")
            if not self.is_asset and after.initial_rate < before.initial_rate:
                raise EncodingError(
                    f"tier {k} needs {after.initial_rate} ppm initially, less than the {before.initial_rate} below it"
                )
        if self.is_asset and any(tier.initial_rate for tier in self.tiers):
            raise EncodingError("an asset has no initial rates")
        for k, tier in enumerate(self.tiers):
            if not self.is_asset and tier.initial_rate < tier.rate:
                raise EncodingError(f"tier {k} needs {tier.initial_rate} ppm initially, less than {tier.rate} after")

    @property
    def is_asset(self) -> bool:
        """Held rather than traded on margin: its value counts as equity."""
        return bool(self.flags & ASSET)

    @property
    def kind(self) -> str:
        """`asset`, `option`, `future` (it expires) or `perpetual`."""
        if self.is_asset:
            return "asset"
        if self.option:
            return "option"
        return "future" if self.expiry else "perpetual"

    @property
    def price_decimals(self) -> int:
        """Decimal places of `price`, `notional_price`, `funding` and `strike`."""
        return VALUE_DECIMALS - self.decimals


def check_symbol(symbol: str) -> None:
    """EncodingError unless 1 to 64 UTF-8 bytes of printable characters without spaces."""
    try:
        size = len(symbol.encode())
    except UnicodeEncodeError:
        raise EncodingError(f"symbol {symbol!r} is not UTF-8") from None
    if not 1 <= size <= MAX_SYMBOL_BYTES:
        raise EncodingError(f"symbol {symbol[:MAX_SYMBOL_BYTES]!r} has {size} bytes, not 1 to {MAX_SYMBOL_BYTES}")
    if not is_plain(symbol) or any(c.isspace() for c in symbol):
        raise EncodingError(f"symbol {symbol!r} has a space or an unprintable character")


NULL_INSTRUMENT = Instrument(0, "", ASSET, 0, 0, 0, 0, ladder([(0, 0, 0)]))


@dataclass(frozen=True, slots=True)
class Row:
    """What an account holds of one instrument; `isolated`, `entry` and `funding_at_entry` are 0 for assets.

    An isolated row is a pot of its own: the collateral allocated to it is subtracted from its entry value.
    """

    instrument: int
    amount: int
    entry: int = 0
    funding_at_entry: int = 0
    isolated: bool = False

    def __post_init__(self) -> None:
        within("row instrument", self.instrument, 1, U16)
        within("row amount", self.amount, -I64, I64)
        within("row entry value", self.entry, -I128, I128)
        within("row funding at entry", self.funding_at_entry, -I64, I64)


@dataclass(frozen=True, slots=True)
class Order:
    """An open order; side 0 buys, 1 sells."""

    instrument: int
    side: int
    price: int
    size: int

    def __post_init__(self) -> None:
        within("order instrument", self.instrument, 1, U16)
        within("order side", self.side, 0, 2)
        within("order price", self.price, 0, U64)
        within("order size", self.size, 1, U64)

    @property
    def sort_key(self) -> tuple[int, int, int, int]:
        """Orders of an account ascend in this, which is the order of their encodings."""
        return (self.instrument, self.side, self.price, self.size)


@dataclass(frozen=True, slots=True)
class Account:
    """One account as an epoch commits to it: everything its leaf is the hash of, and the leaf's place.

    `new_entries` is how many of the `history_length` entries this epoch added; the leaf does not hold it.
    """

    index: int
    id: int
    owner: int
    salt: int
    rows: tuple[Row, ...]
    orders: tuple[Order, ...] = ()
    history_head: int = 0
    history_length: int = 0
    new_entries: int = 0

    def __post_init__(self) -> None:
        within("account index", self.index, 0, 1 << 32)
        within("account id", self.id, 0, ID_BOUND)
        within("account owner", self.owner, 0, FR_MODULUS)
        within("account salt", self.salt, 0, ID_BOUND)
        within("history head", self.history_head, 0, FR_MODULUS)
        within("history length", self.history_length, 0, U64)
        within("new entries", self.new_entries, 0, self.history_length + 1)
        size_class(len(self.rows), len(self.orders))
        for before, after in pairwise(self.rows):
            if before.instrument >= after.instrument:
                raise EncodingError(
                    f"row of instrument {after.instrument} follows {before.instrument}: ids strictly increase"
                )
        for earlier, later in pairwise(self.orders):
            if earlier.sort_key > later.sort_key:
                raise EncodingError(f"order {later.sort_key} follows {earlier.sort_key}: orders are sorted")
        held, ordered = {row.instrument for row in self.rows}, {order.instrument for order in self.orders}
        if ordered - held:
            raise EncodingError(f"there is an order of instrument {min(ordered - held)}, and no row of it")
        for row in self.rows:
            if row.amount == 0 and row.instrument not in ordered:
                raise EncodingError(f"the row of instrument {row.instrument} has amount 0, and no order of it is open")

    @property
    def size_class(self) -> int:
        """The number of rows and of orders the account is padded to."""
        return size_class(len(self.rows), len(self.orders))

    def held(self, instrument: int) -> Row | None:
        """The row of an instrument, or None."""
        return next((row for row in self.rows if row.instrument == instrument), None)

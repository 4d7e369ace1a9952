"""Value, implied volatility and greeks of a European option on a forward price (Black 1976), to 50 digits.

V = D (F N(d1) - K N(d2)) for a call, D (K N(-d2) - F N(-d1)) for a put, d1,2 = (ln(F/K) ± v²t/2) / (v √t), where D is
the discount factor exp(-r t). Black and Scholes 1973 is the case F = S exp(r t). Everything is in decimal arithmetic of
one precision, so that every machine gets the same digits and a value rounded to a committed integer is the rounded real
value. None of it ever runs in a circuit. Units: prices in quote, time in years, rates and variances per year.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext

from zkstate.errors import EncodingError
from zkstate.state.schema import CALL

DIGITS = 50
_CONTEXT = Context(prec=DIGITS + 20, rounding=ROUND_HALF_EVEN, Emin=-999_999, Emax=999_999)
_PI = Decimal("3.141592653589793238462643383279502884197169399375105820974944592307816406286208998628035")
_TAIL = 18  # N(-18) is below 10^-72
VOLATILITY_STEP = Decimal("1e-12")
MAX_VOLATILITY = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class Option:
    """A European option with what its value depends on; `kind` is CALL or PUT. Expired if `years` is not above 0."""

    kind: int
    strike: Decimal
    forward: Decimal
    years: Decimal
    volatility: Decimal
    rate: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Greeks:
    """Derivatives of value: by the forward price, once and twice, by volatility (for 1.00 of it), by time (a day)."""

    delta: Decimal
    gamma: Decimal
    vega: Decimal
    theta: Decimal

    def __add__(self, other: Greeks) -> Greeks:
        return Greeks(
            self.delta + other.delta, self.gamma + other.gamma, self.vega + other.vega, self.theta + other.theta
        )

    def scaled(self, amount: Decimal) -> Greeks:
        """Those of an amount."""
        return Greeks(self.delta * amount, self.gamma * amount, self.vega * amount, self.theta * amount)


def normal_cdf(x: Decimal) -> Decimal:
    """The standard normal distribution function.

    N(x) = 1/2 + φ(x) (x + x³/3 + x⁵/(3·5) + ..), whose terms all have the sign of x: nothing cancels (Marsaglia 2004).
    """
    with localcontext(_CONTEXT):
        if abs(x) >= _TAIL:
            return Decimal(int(x > 0))
        total = term = x
        odd = 1
        while abs(term) > abs(total).scaleb(-DIGITS - 15):
            odd += 2
            term = term * x * x / odd
            total += term
        return Decimal("0.5") + total * normal_density(x)


def normal_density(x: Decimal) -> Decimal:
    """The standard normal density."""
    with localcontext(_CONTEXT):
        return (-x * x / 2).exp() / (2 * _PI).sqrt()


def value(option: Option) -> Decimal:
    """The value of one unit; what exercise gives if it has expired or does not move."""
    with localcontext(_CONTEXT):
        sign = 1 if option.kind == CALL else -1
        discount, moved = _discount(option), _deviation(option)
        if not moved or not option.forward:
            return discount * max(Decimal(0), sign * (option.forward - option.strike))
        d1 = (option.forward / option.strike).ln() / moved + moved / 2
        forward, strike = normal_cdf(sign * d1), normal_cdf(sign * (d1 - moved))
        return discount * sign * (option.forward * forward - option.strike * strike)


def greeks(option: Option) -> Greeks:
    """Delta, gamma, vega and theta of one unit (Hull, Options, Futures, and Other Derivatives, chapters 18 and 19).

    Theta keeps the forward price fixed and is for a day of 1/365 year. An option that has expired or does not move has
    delta alone.
    """
    with localcontext(_CONTEXT):
        sign = 1 if option.kind == CALL else -1
        discount, moved = _discount(option), _deviation(option)
        if not moved or not option.forward:
            exercised = sign * (option.forward - option.strike) > 0
            return Greeks(discount * sign * int(exercised), Decimal(0), Decimal(0), Decimal(0))
        d1 = (option.forward / option.strike).ln() / moved + moved / 2
        density = discount * normal_density(d1)
        vega = option.forward * density * option.years.sqrt()
        decay = -vega * option.volatility / (2 * option.years) + option.rate * value(option)
        return Greeks(
            discount * sign * normal_cdf(sign * d1), density / (option.forward * moved), vega, decay / Decimal(365)
        )


def implied_volatility(option: Option, price: Decimal) -> Decimal:
    """The least volatility, a multiple of 10^-12, at which the option is worth `price` or more; its own is not read.

    0 for a price that exercise gives already. EncodingError for a price that no volatility up to 10,000 reaches.
    """
    low, high = 0, int(MAX_VOLATILITY / VOLATILITY_STEP)
    if value(_at(option, 0)) >= price:
        return Decimal(0)
    if value(_at(option, high)) < price:
        raise EncodingError(f"no volatility makes an option of strike {option.strike} worth {price}")
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if value(_at(option, middle)) >= price else (middle, high)
    return high * VOLATILITY_STEP


def _at(option: Option, steps: int) -> Option:
    return Option(option.kind, option.strike, option.forward, option.years, steps * VOLATILITY_STEP, option.rate)


def _discount(option: Option) -> Decimal:
    return (-option.rate * max(option.years, Decimal(0))).exp()


def _deviation(option: Option) -> Decimal:
    """v √t: what the logarithm of the price moves until expiry."""
    return option.volatility * max(option.years, Decimal(0)).sqrt()

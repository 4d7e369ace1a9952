"""The PMRM_2 cases in ../shared/data/derive as accounts of ours: one instrument a line, valued by zkstate's own engine.

A case's scenario is a change of spot, volatilities and a damping factor; the change of an option is its value under it,
times the discount that the case gives to the sign of its expiry's sum, less its mark. That sign is the account's own,
so these tables are made for one account each; a venue-wide table can hold the undiscounted changes alone.
"""

import json
from decimal import Decimal
from fractions import Fraction

from tests.shared import shared_path
from zkstate.state.options import Option, value
from zkstate.state.portfolio import assess_portfolio
from zkstate.state.scenarios import Risk, ScenarioTable, Shock
from zkstate.state.schema import ASSET, CALL, PUT, Instrument, Row, ladder
from zkstate.state.table import InstrumentTable

FOLDER = "data/derive/pmrm2"
PLACES = 8  # decimals of amounts and of prices
YEAR = 31_536_000
FULL, NOTHING = ladder([(0, 10**6, 0)]), ladder([(0, 0, 0)])


def cases():
    """(name, content) of every case."""
    found = sorted(shared_path(FOLDER).glob("*.json"))
    return [(path.stem, json.loads(path.read_text())) for path in found]


def units(number, places=PLACES):
    return int(
        (Decimal(str(number)) if isinstance(number, float) else Decimal(number)).scaleb(places).to_integral_value()
    )


def ppm(number):
    return round(number * 10**6)


def rate(number):
    """A contingency rate; one above 100 percent has no place in a table and becomes 100."""
    return min(10**6, ppm(number))


class Case:
    """One case: the account's rows and tables, and what its file says of them."""

    def __init__(self, content):
        self.scenario, self.parameters, self.result = (content[k] for k in ("Scenario", "Parameters", "Result"))
        self.options = self.scenario["Options"]
        self.feeds = {feed["FeedExpiry"]: feed for feed in self.scenario["OptionFeeds"]}
        self.instruments, self.risks, self.rows = [], [], []
        self.gross = Fraction(0)
        self._marks = [self._value(k, 1, "None") for k in range(len(self.options))]
        self._shocked = [self._scenario(shock) for shock in self.parameters["Scenarios"]]
        self._add_options()
        self._add_linear()
        shocks = tuple(Shock(ppm(s["SpotShock"]), 10**6) for s in self.parameters["Scenarios"])
        factors = ppm(self.result["IMLossFactor"]), ppm(self.result["MMLossFactor"])
        self.factors_ordered = factors[0] >= factors[1]
        self.scenarios = ScenarioTable(shocks, max(factors), factors[1], tuple(self.risks), 2)
        self.table = InstrumentTable(tuple(self.instruments), 2)

    def _value(self, k, spot, direction):
        """The value of one unit of option k, mark discount included."""
        option, result = self.options[k], self.result
        volatility = {
            "None": lambda: option["MarkVol"],
            "Up": lambda: result["VolShockUpEvaluated"][k],
            "Down": lambda: result["VolShockDownEvaluated"][k],
            "LINEAR": lambda: option["MarkVol"] * option["linear_multiplier"],
            "ABS": lambda: option["MarkVol"] * option["abs_multiplier"],
        }[direction]()
        kind = CALL if option["IsCall"] else PUT
        forward = Decimal(self.feeds[option["Expiry"]]["Forward"]) * Decimal(spot)
        years = Decimal(option["Expiry"]) / YEAR
        one = value(Option(kind, Decimal(option["Strike"]), forward, years, max(Decimal(volatility), Decimal(0))))
        return one * Decimal(option["MarkDiscount"])

    def _scenario(self, shock):
        """The change of one unit of each option."""
        spot, damping = shock["SpotShock"], Decimal(shock["DampeningFactor"])
        values = [self._value(k, spot, shock["VolShockDirection"]) for k in range(len(self.options))]
        expiries = list(dict.fromkeys(option["Expiry"] for option in self.options))
        sums = {e: Decimal(0) for e in expiries}
        for option, one in zip(self.options, values, strict=True):
            sums[option["Expiry"]] += Decimal(option["Amount"]) * one
        discounts = self.result["discount_factors"]
        of = {
            e: Decimal(discounts[place][sums[e] <= 0]) if len(discounts) == len(expiries) else Decimal(1)
            for place, e in enumerate(expiries)
        }
        return [
            damping * (one * of[option["Expiry"]] - mark)
            for option, one, mark in zip(self.options, values, self._marks, strict=True)
        ]

    def _add(self, symbol, flags, price, notional, amount, risk, entry=0):
        number = len(self.instruments) + 1
        tiers = FULL if flags & ASSET else NOTHING
        symbol = f"{number}-{symbol}"
        self.instruments.append(Instrument(number, symbol, flags, PLACES, price, notional, 0, tiers))
        self.risks.append(risk)
        self.gross += abs(Fraction(amount, 10**PLACES)) * max(price, notional) / 10**PLACES
        if amount:
            self.rows.append(Row(number, amount, entry))

    def _add_options(self):
        other, spot = self.parameters["OtherContingency"], units(self.scenario["SpotPrice"])
        rates = rate(other["MM_OPTION_PERCENT"]), rate(other["MM_OPTION_PERCENT"] + other["IM_OPTION_PERCENT"])
        for k, (option, mark) in enumerate(zip(self.options, self._marks, strict=True)):
            changes = tuple(units(shocked[k]) for shocked in self._shocked)
            risk = Risk(changes, maintenance_short=rates[0], initial_short=rates[1])
            self._add("OPTION", 0, units(mark), spot, units(option["Amount"]), risk)

    def _add_linear(self):
        scenario, other = self.scenario, self.parameters["OtherContingency"]
        stable = scenario["StablePrice"]
        moves = [(Decimal(s["SpotShock"]) - 1) * Decimal(s["DampeningFactor"]) for s in self.parameters["Scenarios"]]
        perpetual = rate(other["MM_PERP_PERCENT"]), rate(other["MM_PERP_PERCENT"] + other["IM_PERP_PERCENT"])
        price = Decimal(scenario["PerpPrice"])
        risk = Risk(
            tuple(units(price * move) for move in moves), perpetual[0], perpetual[0], perpetual[1], perpetual[1]
        )
        amount = units(scenario["NumPerps"])
        gained = units(scenario["UnrealisedPerpPNL"] + scenario["UnrealisedFunding"], 16)
        entry = amount * units(price) - gained
        self._add("PERP", 0, units(price), units(scenario["SpotPrice"]), amount, risk, entry)
        for held in scenario["Collaterals"]:
            price = Decimal(held["Price"]) / Decimal(stable)
            changes = tuple(units(price * move) if held["IsRiskCancelling"] else 0 for move in moves)
            rates = rate(held["MMHaircut"]), rate(held["MMHaircut"] + held["IMHaircut"])
            risk = Risk(changes, maintenance_long=rates[0], initial_long=rates[1])
            self._add(held["Name"], ASSET, units(price), units(price), units(held["Amount"]), risk)
        self._add("CASH", ASSET, 10**PLACES, 10**PLACES, units(scenario["Cash"]), Risk((0,) * len(moves)))

    def losses(self):
        """(kind, ours, theirs) of each scenario, in quote; theirs are gains."""
        found = assess_portfolio(self.rows, self.table, self.scenarios).losses
        result = self.result
        theirs = [("regular", loss[2]) for loss in result["reg_losses"]]
        theirs += [("tail", loss[2]) for loss in result["tail_losses"]]
        theirs += [("skew", loss[1]) for loss in result["skew_losses"]]
        return [
            (kind, Fraction(-ours, 10**16), Fraction(gain)) for ours, (kind, gain) in zip(found, theirs, strict=True)
        ]

    def margins(self):
        """{"MM": (ours, theirs), "IM": ..}: equity less requirement, without the oracle's contingency."""
        out = {}
        for name, initial in (("MM", False), ("IM", True)):
            found = assess_portfolio(self.rows, self.table, self.scenarios, initial).assessment
            oracle = self.result["OracleCont"] if initial else 0
            out[name] = Fraction(found.equity - found.need, 10**22), Fraction(self.result[name]) - Fraction(oracle)
        return out

    def agrees(self, ours, theirs, parts=10**7):
        """Whether two amounts differ by at most one part in 10^7 of the gross value of the account."""
        return abs(ours - theirs) * parts <= max(self.gross, Fraction(1))

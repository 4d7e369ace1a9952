"""What of other people's published margin cases our engines reproduce, as a section of docs/soundness.md.

python -m tests.state.model_evidence
"""

import csv
import json
import re
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from tests.marked import replaced
from tests.shared import shared_path
from tests.state.derive_cases import Case, cases
from zkstate.state.brackets import read_brackets
from zkstate.state.ledger_read import read_ledger
from zkstate.state.margin import assess
from zkstate.state.options import Option, value
from zkstate.state.schema import CALL, MAX_TIERS, PUT, Instrument

PATH = Path(__file__).resolve().parents[2] / "docs/soundness.md"
BEGIN, END = "<!-- models: written by tests/state/model_evidence.py -->", "<!-- end of models -->"
HEAD = (
    "| cases of others | what is compared | reproduced | tolerance | what does not, and why |\n|---|---|---:|---|---|\n"
)
INTRODUCTION = """## Margin models

The reference engines (docs/spec.md, section 7) on cases that others published, counted by
`python -m tests.state.model_evidence`. In a PMRM_2 case every option is valued again by our own formula from the
case's forward price, volatility and time. That venue discounts an expiry by the sign of the account's sum in it, so the
table of such a case is made for its account; a venue-wide table could not hold it.

"""
WAD = 10**18


def marks(relative):
    """(reproduced, all) marks of the cases that hold options alone, within 10^-6."""
    good = total = 0
    for content in json.loads(shared_path(f"data/derive/{relative}").read_text()).values():
        case, result = content["Scenario"], content["Result"]
        if any(case.get(name) for name in ("Cash", "Base", "Perps", "Perps_ETH", "Perps_BTC", "wETH", "wBTC")):
            continue
        forwards = dict(zip(case["FeedExpiries"], case["Forwards"], strict=True))
        names = ("OptionExpiries", "OptionStrikes", "OptionIsCall", "OptionAmounts", "OptionVols")
        worth = Decimal(0)
        for expiry, struck, call, amount, moving in zip(*(case[name] for name in names), strict=True):
            forward = Decimal(forwards[expiry]) / WAD
            years, kind = Decimal(expiry) / (365 * 86400), CALL if call else PUT
            worth += (
                Decimal(amount)
                / WAD
                * value(Option(kind, Decimal(struck) / WAD, forward, years, Decimal(moving) / WAD))
            )
        stated = Decimal(result.get("PortfolioMTM", result.get("PortfolioMtM"))) / WAD
        good += abs(worth - stated) <= Decimal("1e-6") * max(1, abs(stated))
        total += 1
    return good, total


def portfolios(chosen):
    """{kind: (reproduced, all)} over PMRM_2 cases: a case counts for a kind of loss if all its losses of it agree."""
    counts = {}
    for _, content in chosen:
        case = Case(content)
        agreeing = {}
        for kind, ours, theirs in case.losses():
            agreeing[kind] = agreeing.get(kind, True) and case.agrees(ours, theirs)
        agreeing |= {kind: case.agrees(*pair) for kind, pair in case.margins().items()}
        for kind, agrees in agreeing.items():
            good, total = counts.get(kind, (0, 0))
            counts[kind] = (good + agrees, total + 1)
    return counts


def line(*cells):
    return "| " + " | ".join(cells) + " |\n"


def of(pair):
    return f"{pair[0]} of {pair[1]}"


def bracket_table():
    """(tiers whose stated deduction follows and that make a valid market, all tiers)."""
    path = shared_path("data/binance_brackets/leverage_tiers.json")
    stated = sum(map(len, json.loads(path.read_text())["tiers"].values()))
    made = [
        Instrument(number, contract, 0, 8, 1, 1, 0, tiers)
        for number, (contract, tiers) in enumerate(read_brackets(path).items(), start=1)
        if len(tiers) <= MAX_TIERS
    ]
    return sum(len(market.tiers) for market in made), stated


def user_sheets():
    """(users whose equity is the venue's rule worked out with Fractions and floors, all users)."""
    ledger = read_ledger(shared_path("data/binance/sample_users0.csv").parent)
    with shared_path("data/binance/sample_cex_assets_info.csv").open(newline="") as file:
        assets = {line[0]: (Fraction(line[1]), line[2:]) for line in list(csv.reader(file))[1:]}
    with shared_path("data/binance/sample_users0.csv").open(newline="") as file:
        users = list(csv.DictReader(file))
    good = 0
    for place, user in enumerate(users):
        equity = Fraction(0)
        for asset, (price, kinds) in assets.items():
            held = [Fraction(user[kind + asset]) for kind in ("e_", "d_", "vl_", "m_", "pm_")]
            equity += (min(Fraction(0), held[0] - sum(held[2:])) - held[1]) * price
            equity += sum(floored(pledge * price, text) for pledge, text in zip(held[2:], kinds, strict=True))
        good += Fraction(assess(ledger.rows_of(place), ledger.table).equity, 10**22) == equity
    return good, len(users)


def floored(worth, text):
    """What a pledge counts: its brackets' shares, rounded down to 10^-16 quote."""
    tiers = [tuple(map(int, tier)) for tier in re.findall(r"(\d+)-(\d+):(\d+)", text)]
    counted = sum(Fraction(share, 100) * max(0, min(worth, upper) - lower) for lower, upper, share in tiers)
    return Fraction(int(counted * 10**16), 10**16)


def section():
    """The section, every count computed here."""
    found = portfolios(cases())
    by_gross = "10^-7 of the account's gross value"
    lines = [
        line(
            "binance_brackets: leverage brackets",
            "each bracket's deduction (`cum`) from bounds and rates; initial rates at least maintenance rates",
            of(bracket_table()),
            "exact",
            "nothing",
        ),
        line(
            "binance: user sheets and tiers",
            "equity: tiered value of three kinds of pledge, rounded down for each, less debts",
            of(user_sheets()),
            "exact",
            "nothing",
        ),
        line(
            "derive PMRM_2",
            "all losses of the price and volatility scenarios",
            of(found["regular"]),
            by_gross,
            "nothing",
        ),
        line("derive PMRM_2", "all losses of the damped tail scenarios", of(found["tail"]), by_gross, "nothing"),
        line(
            "derive PMRM_2",
            "both losses of the skew scenarios",
            of(found["skew"]),
            by_gross,
            "the cases state one multiplier of volatility for each option and not how those of several options combine",
        ),
        line(
            "derive PMRM_2",
            "maintenance margin",
            of(found["MM"]),
            by_gross,
            "the worst loss is such a skew, or a forward contingency by expiry, which the model has not; no option "
            "contingency is required of boxes and synthetic forwards there; a contingency rate above 100 percent",
        ),
        line(
            "derive PMRM_2",
            "initial margin, less the oracle's contingency",
            of(found["IM"]),
            by_gross,
            "the same; the oracle's contingency depends on the confidence of feeds, which is no part of a state",
        ),
        line(
            "derive PMRM",
            "marks of accounts with options alone",
            of(marks("pmrm1/testAndVerifyScenarios.json")),
            "10^-6",
            "one option whose stated volatility does not give its stated mark; losses and margins were not tried: one "
            "file has no scenarios, the other no market data",
        ),
        line(
            "derive SRM",
            "marks of accounts with options alone",
            of(marks("srm/test-cases.json")),
            "10^-6",
            "the same option; margins were not tried: the rule bounds options by their strikes, as no model here does",
        ),
        line(
            "bitmex, bybit, gate, mexc, okx",
            "nothing",
            "none",
            "",
            "balances and inclusion proofs, without a margin rule",
        ),
    ]
    return INTRODUCTION + HEAD + "".join(lines)


if __name__ == "__main__":
    old = PATH.read_text() if PATH.exists() else "# Soundness\n"
    PATH.write_text(replaced(old, BEGIN, END, section()))

"""The report of an audit: audit.json, and one page of HTML that needs no script and asks for nothing.

Bars and lines are SVG of percentages, drawn by the template; words stand beside them as HTML, so that they keep their
size on a phone and follow the reader's colours, which charts of plotting libraries do not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from zkstate.cli.audit_chain import RATIOS, Audit, Audited
from zkstate.cli.headers import header_result, time_text
from zkstate.cli.reserves_verify import amount_text, line_result
from zkstate.cli.solvency_verify import solvency_result
from zkstate.cli.trusted import trust_result
from zkstate.cli.verdict import setup_text
from zkstate.errors import EnvironmentFailure
from zkstate.reserves.compare import Line, whole_of
from zkstate.solvency.files import PROFIT_DECIMALS, SHORTFALL_DECIMALS
from zkstate.solvency.verify import RESERVES_NOT_SHOWN, not_shown
from zkstate.state.schema import PPM

if TYPE_CHECKING:
    from jinja2 import Environment

LIQUID_PPM = 950_000  # an asset that counts for less as collateral is drawn as one of low liquidity
MOST_ASSETS = 12


def result(audit: Audit, now: int) -> dict[str, Any]:
    """audit.json."""
    held = audit.registered
    return {
        "verb": "audit",
        "accepted": audit.accepted,
        "reasons": list(audit.reasons),
        "missing_epochs": [{"first": first, "last": last} for first, last in audit.missing],
        "checked_at": now,
        "registry": None if held is None else {
            "epoch": held.header.epoch, "header_hash": held.header.hash.hex(), "newest_epoch": held.newest,
            "chain_id": held.chain_id, "trust": trust_result(held.trust, now),
        },
        "epochs": [_epoch(each) for each in audit.epochs],
        "not_shown": _not_shown(audit),
    }  # fmt: skip


def _epoch(each: Audited) -> dict[str, Any]:
    reserves = None if each.assets is None else each.assets.result()["reserves"]
    return {
        **header_result(each.header),
        "accepted": not each.reasons,
        "reasons": each.reasons,
        "solvency": None if each.solvency is None else solvency_result(each.solvency),
        "reserves": reserves,
        "assets": [line_result(line) for line in each.lines],
        "health": None if each.health is None else dict(zip(RATIOS, each.health, strict=True)),
    }


def registry_text(audit: Audit) -> str:
    """What evidence shows of the registry, in words; "" without any."""
    if (held := audit.registered) is None:
        return ""
    when = "" if held.trust.block_time is None else f" of {time_text(held.trust.block_time)}"
    return (
        f"The registry held epoch {held.header.epoch}, header {held.header.hash.hex()}, and epoch {held.newest} as its "
        f"newest, at block {held.trust.block_number}{when} of chain {held.chain_id}: ({held.trust.level}) "
        f"{held.trust.text}"
    )


def _not_shown(audit: Audit) -> list[str]:
    found = []
    first, last = audit.epochs[0].header, audit.epochs[-1].header
    held = audit.registered
    if held is not None and (held.header.hash, held.newest) == (last.hash, last.epoch):
        found.append("what the venue published after the block that the evidence ends in")
    elif audit.pinned != last.hash:
        found.append("that the newest of these epochs is the venue's newest")
    found.append("that the venue signed no other header for one of these epochs")
    if not audit.vouched:
        key = f"that operator key {last.operator_key.hex()} is that of {last.venue_name}"
        found.append(f"{key}: anyone can sign under its name; expect a header, with --header or --header-hash")
    if first.epoch > 1:
        found.append(f"what came before epoch {first.epoch}, the first of these")
    if audit.missing:
        found.append(f"what is in the epochs that are missing, {audit.gaps}, and that the chain goes through them")
    if later := _later(audit):
        found.append(f"what came after epoch {last.epoch}, the last of these: {later}")
    if without := _numbers(audit, lambda each: each.solvency is None):
        found.append(f"that totals of {without} are sums of accounts in range: no proof of solvency that holds")
    if forgeable := _numbers(audit, _forgeable):
        found.append(f"that proofs of {forgeable} were not forged: nobody vouches for their keys")
    if unreserved := _numbers(audit, lambda each: each.assets is None):
        found.append(f"that the venue has what it owes at {unreserved}: no reserves")
    if any(each.health is None for each in audit.epochs):
        found.append("how health is distributed over accounts: amounts are hidden; a venue can draw it with --holdings")
    if any(each.health is not None for each in audit.epochs):
        found.append("the distribution of health by proof: it is drawn from the venue's own columns")
    risky = [(each.header.epoch, each.solvency.by_portfolio) for each in audit.epochs if each.solvency is not None]
    counts = ", ".join(f"{count:,} of epoch {number}" for number, count in risky if count)
    found += [words for words in not_shown(counts if risky else None) if words != RESERVES_NOT_SHOWN]
    found += sorted({words for each in audit.epochs if each.assets is not None for words in each.assets.not_shown})
    return found


def _left_open(audit: Audit) -> list[str]:
    """What the verdict must not be read without."""
    said = (
        ("no proof of solvency that holds is here for {}", lambda each: each.solvency is None),
        ("nobody vouches for the keys of the proofs of {}, which anyone may have forged", _forgeable),
        ("no reserves are here for {}", lambda each: each.assets is None),
        (
            "the block or the tokens of the reserves of {} are the word of the venue or of one node",
            lambda each: each.assets is not None and each.assets.by_word,
        ),
        ("reserves of {} cover what is owed only if accounts pay what they owe", _covered_net),
    )
    last = audit.epochs[-1].header
    name, key = last.venue_name, last.operator_key.hex()
    whose = [] if audit.vouched else [f"whether operator key {key} is that of {name}: no header was expected"]
    later = [words] if (words := _later(audit)) else []
    return [*whose, *later, *(words.format(numbers) for words, which in said if (numbers := _numbers(audit, which)))]


def _later(audit: Audit) -> str:
    """What the registry of the evidence held beyond these epochs; "" for nothing."""
    last, held = audit.epochs[-1].header.epoch, audit.registered
    if held is None or held.newest <= last:
        return ""
    return f"the registry held epoch {held.newest} already, as the evidence shows, and the last here is {last}"


def _numbers(audit: Audit, which: Callable[[Audited], bool]) -> str:
    """The epochs of which something is so, in words; "" for none."""
    found = [str(each.header.epoch) for each in audit.epochs if which(each)]
    return f"epoch{'s' * (len(found) > 1)} {', '.join(found)}" if found else ""


def _covered_net(each: Audited) -> bool:
    assets = each.assets
    return assets is not None and assets.net and any(line.covered_net and not line.covered for line in assets.lines)


def _forgeable(each: Audited) -> bool:
    return each.solvency is not None and not each.solvency.setup.trusted


def html(environment: Environment, audit: Audit, found: dict[str, Any], now: int) -> str:
    """report.html."""
    last = audit.epochs[-1]
    series, left_out = _series(audit.epochs)
    return (
        environment.get_template("audit.html.j2")
        .render(
            audit=audit,
            venue=last.header.venue_name,
            registry=registry_text(audit),
            at=time_text(now),
            epochs=[
                {
                    "number": each.header.epoch, "time": time_text(each.header.time), "hash": each.header.hash.hex(),
                    "accounts": each.header.account_count, "reasons": each.reasons, "synthetic": each.header.synthetic,
                    "solvency": each.solvency, "assets": each.assets, "shortfall": _shortfall(each),
                    "profit": _profit_text(each),
                    "setup": None if each.solvency is None else setup_text(each.solvency.setup),
                    "trusts": [] if each.assets is None else
                              [(chain, trust_result(trust, now)) for chain, trust in each.assets.trusts],
                }
                for each in audit.epochs
            ],
            series=series,
            left_out=left_out,
            shortfalls=_shares([_shortfall(each) or 0.0 for each in audit.epochs]),
            concentration=_concentration(last),
            health=None if last.health is None else list(zip(RATIOS, last.health, _shares(last.health), strict=True)),
            liquid=LIQUID_PPM // (PPM // 100),
            not_shown=found["not_shown"],
            open=_left_open(audit),
        )
    )  # fmt: skip


def jinja() -> Environment:
    """What draws the page. EnvironmentFailure without jinja2."""
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 (optional dependency)
    except ImportError:
        raise EnvironmentFailure("the report needs jinja2: pip install 'zkstate[audit]'") from None
    return Environment(
        loader=PackageLoader("zkstate.cli", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip


def _shortfall(each: Audited) -> float | None:
    return None if each.solvency is None else int(each.solvency.claim.shortfall) / 10**SHORTFALL_DECIMALS


def _profit_text(each: Audited) -> str:
    return "" if each.solvency is None else short(Fraction(int(each.solvency.claim.profit), 10**PROFIT_DECIMALS))


def _shares(values: Sequence[float]) -> list[float]:
    """Each in percent of the largest."""
    most = max(values, default=0) or 1
    return [round(100 * value / most, 2) for value in values]


def _value(line: Line, amount: Fraction) -> Fraction:
    return amount * line.price


def _series(epochs: Sequence[Audited]) -> tuple[list[dict[str, Any]], str]:
    """What is owed and what is there, epoch by epoch, in percent of the most; and which assets are left out.

    Assets that reserves do not cover at some epoch come first, then the largest.
    """
    worth: dict[str, Fraction] = {}
    lacking = {line.symbol for each in epochs if each.assets is not None for line in each.assets.short()}
    for each in epochs:
        for line in each.lines:
            worth[line.symbol] = max(worth.get(line.symbol, Fraction(0)), _value(line, line.owed + line.due))
    found, times = [], [each.header.time for each in epochs]
    ordered = sorted(worth, key=lambda name: (name not in lacking, -worth[name], name))
    assets = epochs[-1].assets
    for symbol in ordered[:MOST_ASSETS]:
        lines = [next((line for line in each.lines if line.symbol == symbol), None) for each in epochs]
        owed = [float(line.owed) if line else 0.0 for line in lines]
        there = [float(line.reserve) if line else 0.0 for line in lines]
        shares = _shares([*owed, *there])
        last = lines[-1]
        found.append({
            "symbol": symbol, "owed": _drawn(times, [*shares[: len(epochs)]]),
            "there": _drawn(times, [share if each.assets else None
                                    for each, share in zip(epochs, shares[len(epochs) :], strict=True)]),
            "bars": (shares[len(epochs) - 1], shares[-1]), "reserved": assets is not None,
            "owed_text": short(last.owed) if last else "0", "there_text": short(last.reserve) if last else "0",
            "due_text": short(last.due) if last else "0", "covered": bool(assets and last not in assets.short()),
            "by_word": bool(assets and assets.by_word), "net": bool(assets and last and not last.covered),
        })  # fmt: skip
    left = ordered[MOST_ASSETS:]
    if not left:
        return found, ""
    missing = sum(symbol in lacking for symbol in left)
    return found, f"{len(left)} more assets are in audit.json; {missing} of them are short at some epoch."


def _drawn(times: Sequence[int], heights: Sequence[float | None]) -> list[str]:
    """Lines through these heights at these times, broken where there is none."""
    span = max(1, times[-1] - times[0])
    pieces: list[list[str]] = [[]]
    for at, height in zip(times, heights, strict=True):
        if height is None:
            pieces.append([])
        else:
            pieces[-1].append(f"{100 * (at - times[0]) / span:.2f},{100 - height:.2f}")
    return [" ".join(piece * 2 if len(piece) == 1 else piece) for piece in pieces if piece]


def _concentration(each: Audited) -> dict[str, Any] | None:
    """What is held and owed of each asset, worth in quote, and how much of either is liquid."""
    if each.table is None:
        return None
    rates = {asset.symbol: asset.tiers[0].rate for asset in each.table.instruments if asset.is_asset}
    for asset in each.table.instruments:  # parts of an asset: the best rate at which it counts
        if asset.is_asset and (whole := whole_of(asset, each.table).symbol) != asset.symbol:
            rates[whole] = max(rates[whole], asset.tiers[0].rate if not asset.symbol.endswith(":debt") else 0)
    rows: list[dict[str, Any]] = [
        {"symbol": line.symbol, "rate": rates.get(line.symbol, 0) // (PPM // 100),
         "liquid": rates.get(line.symbol, 0) >= LIQUID_PPM,
         "held": float(_value(line, line.owed)), "debt": float(_value(line, line.due))}
        for line in each.lines
    ]  # fmt: skip
    held, debt = sum(row["held"] for row in rows), sum(row["debt"] for row in rows)
    most = max([row["held"] for row in rows] + [row["debt"] for row in rows], default=0) or 1
    rows.sort(key=lambda row: -(row["held"] + row["debt"]))
    return {
        "rows": [row | {"held_share": 100 * row["held"] / most, "debt_share": 100 * row["debt"] / most}
                 for row in rows[:MOST_ASSETS]],
        "left_out": max(0, len(rows) - MOST_ASSETS),
        "illiquid_held": 100 * sum(row["held"] for row in rows if not row["liquid"]) / held if held else 0.0,
        "liquid_debt": 100 * sum(row["debt"] for row in rows if row["liquid"]) / debt if debt else 0.0,
    }  # fmt: skip


def short(amount: Fraction) -> str:
    """An amount for people: exact where it is short, else whole units, or six digits of what is small or huge."""
    text = amount_text(amount)
    if len(text) <= 14:
        whole, point, rest = text.removeprefix("-").partition(".")
        return f"{'-' * (amount < 0)}{int(whole):,}{point}{rest}"
    return f"{round(amount):,}" if 10**5 <= abs(amount) < 10**15 else f"{float(amount):,.6g}"

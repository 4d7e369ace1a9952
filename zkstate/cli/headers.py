"""Which committed state a result is about, as JSON and in words."""

from __future__ import annotations

from datetime import UTC, datetime

from zkstate.cli.terminal import duration_text
from zkstate.errors import StaleError
from zkstate.publication.header import Header

CLOCK_SKEW_S = 600  # how far ahead of this machine's clock a state may be dated


def header_result(header: Header) -> dict[str, object]:
    """Which state, in JSON."""
    return {
        "venue": header.venue_name,
        "operator_key": header.operator_key.hex(),
        "epoch": header.epoch,
        "time": header.time,
        "synthetic": header.synthetic,
        "accounts": header.account_count,
        "state_root": f"{header.state_root:#066x}",
        "header_hash": f"0x{header.hash.hex()}",
    }


def header_facts(header: Header) -> list[tuple[str, str]]:
    """Which state, for people."""
    venue = f"{header.venue_name}, operator key {header.operator_key.hex()}"
    return [
        ("venue", venue),
        ("epoch", f"{header.epoch}, {header.account_count:,} accounts at {time_text(header.time)}"),
        *([("data", "SYNTHETIC: generated for demonstration, of no real venue")] if header.synthetic else []),
        ("state root", f"{header.state_root:#066x}"),
        ("header hash", f"0x{header.hash.hex()}"),
    ]


def time_text(seconds: int) -> str:
    """A time for people, in UTC."""
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, ValueError, OSError):
        return f"{seconds} s after 1970"


def age_text(seconds: int) -> str:
    """An age for people; a state may also lie in the future."""
    return duration_text(seconds) if seconds >= 0 else f"{duration_text(-seconds)} in the future"


def check_age(what: str, header: Header, max_age: int | None, now: int) -> None:
    """StaleError, beginning with `what`, if a state is older than a limit in seconds, or dated ahead of the clock."""
    age = now - header.time
    if max_age is not None and age < -CLOCK_SKEW_S:
        # Else a venue that dates its states ahead would have old ones pass for new.
        raise StaleError(f"{what} a state dated {duration_text(-age)} in the future, so its age is not known")
    if max_age is not None and age > max_age:
        raise StaleError(f"{what} a state {duration_text(age)} old, and at most {duration_text(max_age)} is accepted")

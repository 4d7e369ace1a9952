"""Which committed state a result is about, as JSON and in words."""

from __future__ import annotations

from datetime import UTC, datetime

from zkstate.cli.terminal import duration_text
from zkstate.publication.header import Header


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

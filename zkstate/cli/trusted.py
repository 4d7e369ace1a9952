"""Why a header is believed: level, block, finality, age and checkpoint, as JSON and for people."""

from __future__ import annotations

from zkstate.cli.headers import age_text, time_text
from zkstate.publication.trust import Trust


def trust_result(trust: Trust, now: int) -> dict[str, object]:
    """In JSON, as of `now`; null for what the level does not have."""
    finality = trust.finality
    return {
        "level": trust.level,
        "text": trust.text,
        "block_number": trust.block_number,
        "block_hash": _hex(trust.block_hash),
        "block_time": trust.block_time,
        "block_age_s": None if trust.block_time is None else now - trust.block_time,
        "finalized_slot": None if finality is None else finality.slot,
        "finalized_at": None if finality is None else finality.time,
        "finality_age_s": None if finality is None else now - finality.time,
        "checkpoint": None if finality is None else _hex(finality.checkpoint),
    }


def trust_facts(trust: Trust, now: int) -> list[tuple[str, str]]:
    """For people, as of `now`."""
    block, finality = "none was read", trust.finality
    if trust.block_time is not None:
        age = age_text(now - trust.block_time)
        block = f"{trust.block_number}, {_hex(trust.block_hash)}, of {time_text(trust.block_time)}, {age} old"
    final, checkpoint = "not shown", "none"
    if finality is not None:
        age = age_text(now - finality.time)
        final, checkpoint = (
            f"slot {finality.slot} of {time_text(finality.time)}, {age} old",
            f"{_hex(finality.checkpoint)}",
        )
    return [
        ("trust", f"({trust.level}) {trust.text}"),
        ("block", block),
        ("finality", final),
        ("checkpoint", checkpoint),
    ]


def _hex(data: bytes | None) -> str | None:
    return None if data is None else f"0x{data.hex()}"

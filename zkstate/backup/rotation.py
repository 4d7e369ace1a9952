"""Which versions of a backup stay: the newest ones, and the newest of each of the last days, weeks and months (UTC)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from zkstate.errors import InputError


@dataclass(frozen=True, slots=True)
class Keep:
    """How many of each to keep; a version stays if any rule keeps it. InputError if nothing would be kept.

    A period without a version does not count. Weeks are those of ISO 8601.
    """

    newest: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0

    def __post_init__(self) -> None:
        if min(self.newest, self.daily, self.weekly, self.monthly) < 0 or not any(
            (self.newest, self.daily, self.weekly, self.monthly)
        ):
            raise InputError("a rotation that keeps no version would remove the backup: keep at least 1")

    def kept(self, versions: Iterable[tuple[int, int]]) -> set[int]:
        """The numbers that stay, of (number, time in seconds since 1970). The newest version always does."""
        ordered = sorted(versions, reverse=True)
        stays = {number for number, _ in ordered[: max(1, self.newest)]}
        periods: list[tuple[int, Callable[[datetime], tuple[int, ...]]]] = [
            (self.daily, lambda day: (day.year, day.month, day.day)),
            (self.weekly, lambda day: day.isocalendar()[:2]),
            (self.monthly, lambda day: (day.year, day.month)),
        ]
        for count, period in periods:
            seen: set[tuple[int, ...]] = set()
            for number, time in ordered:
                place = period(datetime.fromtimestamp(min(time, 253_402_300_799), UTC))
                if place not in seen and len(seen) < count:
                    seen.add(place)
                    stays.add(number)
        return stays

"""Every gadget in one list."""

from __future__ import annotations

from tests.soundness.gadget import Gadget
from tests.soundness.gadgets_of_lists import LISTS
from tests.soundness.gadgets_of_numbers import NUMBERS

GADGETS: list[Gadget] = [*NUMBERS, *LISTS]
BY_NAME = {gadget.name: gadget for gadget in GADGETS}

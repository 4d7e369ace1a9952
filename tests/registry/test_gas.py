"""Gas is what the pinned table says, to the unit: a change shows what it costs."""

import json

from tests.registry import gas


def test_gas_is_as_pinned():
    assert gas.measured() == json.loads(gas.FILE.read_text())

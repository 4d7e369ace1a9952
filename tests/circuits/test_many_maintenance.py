"""Ten thousand accounts for margin and health each: in a file of its own, so that workers share the load."""

import pytest

from tests.circuits.models import MANY, agree


@pytest.mark.slow
@pytest.mark.parametrize(("n", "count"), MANY)
@pytest.mark.parametrize("model", ["margin", "health"])
def test_the_verdict_is_that_of_the_specification(model, n, count):
    agree(model, n, count)

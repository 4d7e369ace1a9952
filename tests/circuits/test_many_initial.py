"""Ten thousand accounts for initial and portfolio margin each: in a file of its own, so that workers share the load."""

import pytest

from tests.circuits.models import MANY, agree


@pytest.mark.slow
@pytest.mark.parametrize(("n", "count"), MANY)
@pytest.mark.parametrize("model", ["initial", "portfolio"])
def test_the_verdict_is_that_of_the_specification(model, n, count):
    agree(model, n, count)

"""Every margin model's circuit against the specification in Fractions: the same verdict on random and edge accounts."""

import random

import pytest

from circuits import catalogue
from tests.circuits.models import COVERED, GRAIN, Case, agree, random_instrument
from zkstate.constraint import compile_statement


@pytest.mark.parametrize(("n", "count"), [(4, 250), (8, 40), (16, 12), (64, 2)])
@pytest.mark.parametrize("model", COVERED)
def test_the_verdict_is_that_of_the_specification(model, n, count):
    agree(model, n, count)


@pytest.mark.parametrize("n", [4, 8, 16, 64])
@pytest.mark.parametrize(("model", "initial"), [("margin", 0), ("margin", 1), ("health", 0), ("initial", 1)])
def test_one_unit_decides(model, n, initial):
    """Full rows, a requirement that is met exactly, missed by one unit of equity, and passed by one."""
    circuit = compile_statement(catalogue.STATEMENTS[model](n, accounts_depth=1))
    rng = random.Random(n)
    market = {**random_instrument(rng, 2), "flags": 0, "price": 3, "notional_price": 3 * 10**9, "funding": 5}
    markets = [{**market, "id": i, "tiers": [(0, 7_000 + i, 20_000), (1, 11_000 + i, 30_000)]} for i in range(2, n + 1)]
    instruments = [GRAIN, *markets]
    rows = [(i, rng.randrange(-1000, 1000), rng.randrange(10**6), 4, 0) for i in range(2, n + 1)]
    need = -Case(model, instruments, rows, [], None, 10**6, initial).excesses()[0] // 10**6
    for extra in (-1, 0, 1):
        case = Case(model, instruments, [(1, need + extra, 0, 0, 0), *rows], [], None, 10**6, initial)
        assert case.excesses() == [extra * 10**6]
        assert case.broken(circuit, n, 1) == ({COVERED[model]} if extra < 0 else set())


@pytest.mark.parametrize("model", COVERED)
def test_debt_alone_is_refused_and_no_rows_at_all_are_covered(model):
    circuit = compile_statement(catalogue.STATEMENTS[model](4, accounts_depth=1))
    coin = {**GRAIN, "id": 2, "price": 10**9, "notional_price": 10**9, "tiers": [(0, 900_000, 0)]}
    for rows, broken in (([(2, -1, 0, 0, 0)], {COVERED[model]}), ([], set())):
        assert Case(model, [GRAIN, coin], rows, [], None, 0, 0).broken(circuit, 4, 1) == broken

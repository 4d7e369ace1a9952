"""docs/circuits.md is what the circuits of this version cost."""

from circuits import catalogue, costs
from circuits.keys import known
from zkstate.constraint import compile_statement


def test_the_table_is_current():
    assert costs.TARGET.read_text("utf-8") == costs.document(), "run python -m circuits.costs"


def test_every_row_is_spent_once():
    for name in ("balance-4", "initial-4", "portfolio-4"):
        circuit = compile_statement(catalogue.parse(name))
        assert sum(costs.spending(circuit).values()) == circuit.r1cs.n_constraints


def test_margin_of_sixteen_rows_stays_below_forty_thousand():
    assert known()["margin-16"].constraints <= 40_000

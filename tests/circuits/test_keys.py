"""The pinned keys are the ones that the circuits of this version and their public seeds make."""

import pytest

from circuits import catalogue
from circuits.keys import known
from circuits.proving import insecure_key
from zkstate.constraint import compile_statement
from zkstate.errors import InputError
from zkstate.proof.keys import SetupStatus

NAMES = [catalogue.name(statement) for statement in catalogue.standard()]


def test_every_standard_circuit_is_pinned_and_no_other():
    assert list(known()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_pinned_circuit_is_the_compiled_one(name):
    circuit = compile_statement(catalogue.parse(name))
    assert (circuit.digest, circuit.r1cs.n_constraints) == (known()[name].circuit, known()[name].constraints)


@pytest.mark.parametrize(
    "name", [name if name.endswith("-4") else pytest.param(name, marks=pytest.mark.slow) for name in NAMES]
)
def test_the_pinned_key_is_the_one_of_the_public_seed(name):
    key = insecure_key(name, compile_statement(catalogue.parse(name)).r1cs)
    assert key.vk.digest() == known()[name].verification_key
    assert key.setup is known()[name].status is SetupStatus.INSECURE


@pytest.mark.parametrize("name", [*NAMES, "margin-16-d12", "margin-4-t3", "balance-64-d16", "margin-8-d11-t3"])
def test_names_and_statements_are_one_to_one(name):
    assert catalogue.name(catalogue.parse(name)) == name


@pytest.mark.parametrize(
    "text",
    [
        "margin",
        "margin-5",
        "margin-16-d10",
        "margin-16-t2",
        "balance-4-t3",
        "leave-4",
        "history-4-t3",
        "margin-16-d17",
        "Margin-4",
    ],
)
def test_other_names_are_refused(text):
    with pytest.raises(InputError):
        catalogue.parse(text)

"""One venue for all tests of this folder, committed to and proved once. Tests copy what they damage."""

from dataclasses import replace

import pytest

from tests.solvency.venue import Epoch, commit, ledger, risky_ledger


@pytest.fixture(scope="session")
def committed(tmp_path_factory) -> Epoch:
    return commit(tmp_path_factory.mktemp("solvency") / "bare", ledger())


@pytest.fixture(scope="session", params=["transparent", "mirage", pytest.param("groth16", marks=pytest.mark.slow)])
def proved(committed, tmp_path_factory, request) -> Epoch:
    epoch = replace(committed.copy(tmp_path_factory.mktemp("proved")), system=request.param)
    epoch.prove()
    return epoch


@pytest.fixture(scope="session", params=["transparent", "mirage"])
def risky(tmp_path_factory, request) -> Epoch:
    """A venue of which the portfolio rule judges some, proved."""
    epoch = commit(tmp_path_factory.mktemp("risky") / "epoch", risky_ledger(), request.param)
    epoch.prove()
    return epoch

"""One venue for all tests of this folder, committed to and proved once. Tests copy what they damage."""

import pytest

from tests.solvency.venue import Epoch, commit, ledger


@pytest.fixture(scope="session")
def committed(tmp_path_factory) -> Epoch:
    return commit(tmp_path_factory.mktemp("solvency") / "bare", ledger())


@pytest.fixture(scope="session")
def proved(committed, tmp_path_factory) -> Epoch:
    epoch = committed.copy(tmp_path_factory.mktemp("proved"))
    epoch.prove()
    return epoch

"""What every test shares: no deadlines on a busy machine, and a cache of circuits and keys that ends with the run."""

import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings

settings.register_profile("zkstate", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("zkstate")

_OWNED: list[Path] = []


def pytest_configure(config):
    """One cache for all workers of a run, apart from the user's own, so that no run leans on an earlier one."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        _OWNED.append(Path(tempfile.mkdtemp(prefix="zkstate-tests-")))
        os.environ["XDG_CACHE_HOME"] = str(_OWNED[0])


def pytest_unconfigure(config):
    for folder in _OWNED:
        shutil.rmtree(folder, ignore_errors=True)

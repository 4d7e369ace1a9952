"""Build settings that pyproject.toml cannot express: the native core and the stable-ABI tag of the wheel.

ZKSTATE_NATIVE=skip leaves the core out: the Makefile builds it in place, on all cores, beside an editable install.
"""

import os

from setuptools import setup

setup(
    cffi_modules=[] if os.environ.get("ZKSTATE_NATIVE") == "skip" else ["native/build.py:ffibuilder"],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)

"""Build settings that pyproject.toml cannot express: the native core and the stable-ABI tag of the wheel."""

from setuptools import setup

setup(
    cffi_modules=["native/build.py:ffibuilder"],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)

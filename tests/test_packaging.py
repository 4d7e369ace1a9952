"""The sdist and the wheel carry everything: built from the checkout, installed elsewhere, used there."""

import json
import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import zkstate

pytestmark = pytest.mark.slow  # every CPU path is compiled anew, on one core

ROOT = Path(__file__).resolve().parents[1]

SELF_CHECK = """
import pathlib, zkstate, circuits, lightclient
from zkstate.kernels import FR_MODULUS, FrVec
from zkstate.commitment.poseidon import poseidon
here = pathlib.Path(zkstate.__file__).resolve()
assert "site-packages" in here.parts, here
assert FrVec.from_ints([2, FR_MODULUS - 1]).inverse().to_ints() == [(FR_MODULUS + 1) // 2, FR_MODULUS - 1]
# circomlib, test/poseidoncircuit.js: Poseidon of [1, 2]
assert poseidon(0, [1, 2]) == 0x115CC0F5E7D690413DF64C6B9662E9CF2A3617F2743245519E19607A4417189A
for name in ("StateRegistry.vy", "Groth16Verifier.vy"):
    assert (here.parent / "registry" / name).is_file(), name
assert (here.parent / "py.typed").is_file()
print("ok")
"""


def run(*command, cwd, **environment):
    """Run without the checkout on the path; on failure show what it said."""
    env = {key: value for key, value in os.environ.items() if key not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=env | environment,
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    """An sdist of a copy of the tracked files, so that no leftover of the checkout can slip in."""
    folder = tmp_path_factory.mktemp("sdist")
    source = folder / "source"
    source.mkdir()
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    for name in filter(None, listed.split("\0")):
        target = source / name
        if (ROOT / name).is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
    run(sys.executable, "-m", "build", "--sdist", "--no-isolation", "--outdir", folder, source, cwd=folder)
    return next(folder.glob("*.tar.gz"))


@pytest.fixture(scope="module")
def wheel(sdist):
    """A wheel built from the unpacked sdist alone."""
    folder = sdist.parent / "wheel"
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    run(
        sys.executable,
        "-m",
        "build",
        "--wheel",
        "--no-isolation",
        "--outdir",
        folder,
        next(folder.iterdir()),
        cwd=folder,
    )
    return next(folder.glob("*.whl"))


def test_the_sdist_holds_the_native_sources_and_no_build_products(sdist):
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    sources = {str(path.relative_to(ROOT)) for path in (ROOT / "native").rglob("*.[ch]")}
    assert sources
    assert sources <= names
    assert {"LICENSE", "README.md", "CHANGELOG.md", "native/build.py", "setup.py"} <= names
    assert [name for name in names if name.endswith((".so", ".o", ".pyc"))] == []


def test_the_wheel_is_for_the_stable_abi_and_carries_its_files(wheel):
    assert wheel.name.startswith(f"zkstate-{zkstate.__version__}-cp311-abi3-")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert "zkstate/_native.abi3.so" in names
    kinds = {".py", ".vy", ".json", ".j2"}
    expected = {
        str(path.relative_to(ROOT))
        for top in ("zkstate", "circuits", "lightclient")
        for path in (ROOT / top).rglob("*")
        if path.suffix in kinds
    }
    assert {"circuits/keys.json", "zkstate/registry/StateRegistry.json"} <= expected
    assert expected | {"zkstate/py.typed"} <= names
    assert not any(name.startswith(("tests/", "benches/", "native/")) for name in names)


def test_the_wheel_works_outside_the_checkout(wheel, tmp_path):
    """A fresh environment that sees our own installed dependencies, but neither the checkout nor the network."""
    venv.create(tmp_path / "venv", with_pip=False, symlinks=True)
    python = tmp_path / "venv/bin/python"
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip())
    run(
        sys.executable,
        "-m",
        "pip",
        "--python",
        python,
        "install",
        "--no-deps",
        "--no-index",
        "--quiet",
        wheel,
        cwd=tmp_path,
    )
    dependencies = dependency_folders()
    (site / "dependencies.pth").write_text("\n".join(dependencies) + "\n")
    assert run(python, "-c", SELF_CHECK, cwd=tmp_path).strip() == "ok"
    program = tmp_path / "venv/bin/zkstate"
    assert run(program, "--version", cwd=tmp_path).strip() == f"zkstate {zkstate.__version__}"
    told = json.loads(run(program, "demo", "--accounts", "30", "--json", cwd=tmp_path))
    assert told["accepted"] is True
    assert (tmp_path / "demo-out/proof.json").is_file()


def dependency_folders():
    """Where this interpreter's own packages lie; an editable install's import hook there is not run by a .pth path."""
    return [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]

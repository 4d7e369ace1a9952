"""The circuit cache: what it holds is what would be compiled; damage and stale sources count as absence."""

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from zkstate.constraint import cache
from zkstate.constraint.cache import compile_statement, load, store
from zkstate.constraint.compiler import build
from zkstate.constraint.statement import BOOL, FELT, Statement, public, secret, sint
from zkstate.constraint.template import trace

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Kept(Statement):
    rows: int
    out = public(FELT)
    sizes = secret(sint(200), count=lambda s: s.rows)
    flag = secret(BOOL)

    def define(self, c):
        square = trace(type(c)(), "square", [None], lambda c, w: [w[0] * w[0]])
        with c.scope("row"):
            total = sum((c.use(square, [size])[0] for size in self.sizes[1:]), self.sizes[0] * self.flag)
            c.require(total == self.out, "the squares add up")


GOOD = {"out": 13, "sizes": [4, -2, 3], "flag": 0}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("ZKSTATE_CACHE", str(tmp_path))
    return tmp_path / "circuits"


def same(a, b):
    assert a.digest == b.digest
    assert (a.title, a.inputs, a.labels, a.names, dict(a.blocks)) == (
        b.title,
        b.inputs,
        b.labels,
        b.names,
        dict(b.blocks),
    )
    for name in ("steps", "requirements", "row_labels"):
        assert np.array_equal(getattr(a, name), getattr(b, name))
    for left, right in ((a.combinations, b.combinations), (a.sides, b.sides), *zip(abc(a), abc(b), strict=True)):
        assert left.n_columns == right.n_columns
        assert left.pool == right.pool
        for name in ("row_ptr", "wire", "coefficient"):
            assert np.array_equal(getattr(left, name), getattr(right, name))
    return True


def abc(circuit):
    return circuit.r1cs.a, circuit.r1cs.b, circuit.r1cs.c


def test_the_second_time_it_is_read_and_the_same(folder, monkeypatch):
    compiled = compile_statement(Kept(3))
    (path,) = folder.iterdir()
    assert path.name.startswith("Kept-")
    monkeypatch.setattr(cache, "build", lambda statement: pytest.fail("compiled again"))
    read = compile_statement(Kept(3))
    assert same(read, build(Kept(3)))
    assert same(read, compiled)
    assert read.solve(GOOD).values == compiled.solve(GOOD).values
    assert read.violations(read.evaluate({**GOOD, "out": 12}))[0].label == "row: the squares add up"


def test_parameters_have_files_of_their_own(folder):
    digests = {compile_statement(Kept(rows)).digest for rows in (2, 3, 2)}
    assert len(digests) == 2
    assert len(list(folder.iterdir())) == 2


def test_a_damaged_file_counts_as_absent_and_is_replaced(folder):
    compiled = compile_statement(Kept(3))
    (path,) = folder.iterdir()
    good = path.read_bytes()
    damaged = [good[:-1], good[: len(good) // 2], b"", good[:40], good + b"\0", good.replace(b"zkstate", b"zkstatf", 1)]
    places = range(0, len(good), len(good) // 97)
    damaged += [good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :] for at in places]
    for content in damaged:
        path.write_bytes(content)
        assert load(path) is None
    assert same(compile_statement(Kept(3)), compiled)
    assert path.read_bytes()[:120] == good[:120]
    assert load(path) is not None


@pytest.mark.parametrize("payload", [b"", b"PK", b"not an archive", bytes(100)])
def test_a_file_with_the_right_hash_of_something_else_counts_as_absent(tmp_path, payload):
    path = tmp_path / "x.circuit"
    path.write_bytes(cache.FORMAT + hashlib.sha256(payload).hexdigest().encode() + b"\n" + payload)
    assert load(path) is None


def test_a_file_whose_rows_are_not_those_of_its_digest_counts_as_absent(folder):
    """A well-formed file, hash included, that holds another circuit under this digest."""
    compile_statement(Kept(3))
    (path,) = folder.iterdir()
    object.__setattr__(other := build(Kept(2)), "digest", build(Kept(3)).digest)
    store(path, other)
    assert load(path) is None


def test_the_key_follows_the_sources(folder, monkeypatch):
    compile_statement(Kept(3))
    (before,) = folder.iterdir()
    monkeypatch.setattr(cache, "_sources_digest", lambda module: f"edited {module}")
    compile_statement(Kept(3))
    (after,) = folder.iterdir()
    assert before != after, "the file of the older sources is gone"


def test_the_key_follows_the_native_core(folder, monkeypatch):
    compile_statement(Kept(3))
    before = set(folder.iterdir())
    monkeypatch.setattr(cache, "native_digest", lambda: "another build")
    compile_statement(Kept(3))
    assert set(folder.iterdir()).isdisjoint(before)


def test_sources_of_a_statement_outside_the_package_count(tmp_path):
    """Editing the file that a statement is written in changes its file in the cache."""
    module = tmp_path / "mine.py"
    text = (
        "from zkstate.constraint import *\nfrom zkstate.constraint.statement import Statement\n"
        "class Mine(Statement):\n    x = public(uint(8))\n"
        "    def define(self, c):\n        c.require(self.x == 5, 'five')\n"
        "if __name__ != '__main__':\n    print(compile_statement(Mine()).digest)\n"
    )
    environment = {**os.environ, "ZKSTATE_CACHE": str(tmp_path / "cache"), "PYTHONPATH": f"{ROOT}:{tmp_path}"}

    def digest_of(source):
        module.write_text(source)
        return subprocess.check_output([sys.executable, "-c", "import mine"], env=environment, text=True, cwd=ROOT)

    first = digest_of(text)
    assert digest_of(text) == first
    assert digest_of(text.replace("== 5", "== 6")) != first


def test_nothing_is_kept_where_it_is_switched_off(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("ZKSTATE_CACHE", "")
    compile_statement(Kept(2))
    assert list(tmp_path.iterdir()) == []
    monkeypatch.delenv("ZKSTATE_CACHE")
    compile_statement(Kept(2))
    assert [p.name for p in (tmp_path / "zkstate").iterdir()] == ["circuits"]


def test_a_cache_that_cannot_be_written_is_passed_over(tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    monkeypatch.setenv("ZKSTATE_CACHE", str(blocked))
    assert compile_statement(Kept(2)).solve({**GOOD, "sizes": [1, 2], "out": 4})
    assert blocked.read_text() == "not a folder"


def test_a_failed_write_leaves_nothing(folder, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    compile_statement(Kept(2))
    assert list(folder.iterdir()) == []

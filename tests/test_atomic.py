import os
import resource
import stat
import subprocess
import sys
import threading

import pytest

from zkstate.atomic import create_file, new_folder, replace_file, write_new
from zkstate.errors import EncodingError, EnvironmentFailure


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_appears_when_its_block_ends(tmp_path):
    target = tmp_path / "a/b/out"
    with new_folder(target) as folder:
        (folder / "x").mkdir()
        write_new(folder / "x/y", b"123")
        assert not target.exists()
    assert (target / "x/y").read_bytes() == b"123"
    assert names(target.parent) == ["out"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_block_that_raises_leaves_nothing(tmp_path, error):
    def fail():
        with new_folder(tmp_path / "a/b/out") as folder:
            write_new(folder / "y", b"123")
            raise error

    with pytest.raises(error):
        fail()
    assert names(tmp_path) == []


def test_a_folder_that_was_there_before_stays(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(ValueError), new_folder(tmp_path / "a/b/out"):
        raise ValueError
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("make", [lambda p: p.mkdir(), lambda p: p.write_bytes(b""), lambda p: p.symlink_to("gone")])
def test_what_is_there_is_never_replaced(tmp_path, make):
    target = tmp_path / "out"
    with pytest.raises(EnvironmentFailure, match="out"), new_folder(target):
        make(target)
    assert names(tmp_path) == ["out"]


def test_an_error_of_the_disk_is_an_environment_failure(tmp_path):
    def fail():
        with new_folder(tmp_path / "out") as folder:
            write_new(folder / "x", b"1")
            write_new(folder / "x", b"2")

    with pytest.raises(EnvironmentFailure, match="File exists"):
        fail()
    assert names(tmp_path) == []


def test_a_parent_that_is_a_file_is_an_environment_failure(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(EnvironmentFailure), new_folder(tmp_path / "file/out"):
        pass


KILLED = """
import os, signal, sys
from pathlib import Path
from zkstate.atomic import new_folder, write_new
with new_folder(Path(sys.argv[1])) as folder:
    write_new(folder / "half", b"1")
    if sys.argv[2] == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    print("ready", flush=True)
    sys.stdin.read()
"""


def run(target, how):
    command = [sys.executable, "-c", KILLED, str(target), how]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_a_folder_gives_way_only_when_asked_and_only_to_a_whole_one(tmp_path):
    target = tmp_path / "out"
    for content in (b"old", b"new"):
        with new_folder(target, replace=True) as folder:
            write_new(folder / content.decode(), content)
            assert (names(target) if target.exists() else None) == (None if content == b"old" else ["old"])
    assert names(target) == ["new"]

    def fail():
        with new_folder(target, replace=True) as folder:
            write_new(folder / "half", b"1")
            raise ValueError

    with pytest.raises(ValueError):
        fail()
    with pytest.raises(EnvironmentFailure, match="exists already"), new_folder(target):
        pass
    assert names(target) == ["new"]
    assert names(tmp_path) == ["out"]


def test_a_file_does_not_give_way_to_a_folder(tmp_path):
    (tmp_path / "out").write_bytes(b"mine")
    with pytest.raises(EnvironmentFailure, match="exists already"), new_folder(tmp_path / "out", replace=True):
        pass
    assert (tmp_path / "out").read_bytes() == b"mine"
    assert names(tmp_path) == ["out"]


def test_what_a_killed_writer_left_is_removed_by_the_next(tmp_path):
    target = tmp_path / "out"
    with run(target, "kill") as writer:
        assert writer.wait() == -9
    (left,) = names(tmp_path)
    assert left.startswith(".out.partial-")
    with new_folder(target) as folder:
        write_new(folder / "whole", b"1")
    assert names(tmp_path) == ["out"]
    assert names(target) == ["whole"]


def test_the_work_of_a_live_writer_is_left_alone(tmp_path):
    target = tmp_path / "out"
    with run(target, "wait") as writer:
        assert writer.stdout.readline() == "ready\n"
        with new_folder(target) as folder:
            write_new(folder / "mine", b"1")
        assert len(names(tmp_path)) == 2
        writer.stdin.close()
        assert writer.wait() == 1
    assert names(tmp_path) == ["out"]
    assert names(target) == ["mine"]


def test_writers_at_once_leave_one_whole_folder(tmp_path):
    target, results = tmp_path / "out", []

    def write(number):
        try:
            with new_folder(target) as folder:
                for i in range(20):
                    write_new(folder / str(i), str(number).encode())
        except EnvironmentFailure:
            results.append(None)
        else:
            results.append(number)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = [r for r in results if r is not None]
    assert len(results) == 6
    assert names(tmp_path) == ["out"]
    assert {path.read_text() for path in target.iterdir()} == {str(winner)}
    assert len(names(target)) == 20


def test_a_file_is_replaced_in_one_step_with_its_mode(tmp_path):
    path = tmp_path / "file"
    replace_file(path, b"old", 0o600)
    replace_file(path, b"new", 0o600)
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
@pytest.mark.parametrize("linked", [False, True])
def test_what_is_no_file_does_not_give_way_to_one(tmp_path, make, linked):
    """A program that runs as root and is told to write to /dev/null must not take that from everybody."""
    there = path = tmp_path / "there"
    make(there)
    if linked:
        path = tmp_path / "link"
        path.symlink_to(there)
    kind, before = stat.S_IFMT(path.lstat().st_mode), names(tmp_path)
    with pytest.raises(EnvironmentFailure, match="is no regular file"):
        replace_file(path, b"new")
    assert (stat.S_IFMT(path.lstat().st_mode), names(tmp_path)) == (kind, before)


def test_what_a_killed_writer_left_of_a_file_is_removed(tmp_path):
    left = tmp_path / ".file.partial-0011223344556677"
    left.write_bytes(b"half a secret")
    other = tmp_path / ".other.partial-0011223344556677"
    other.write_bytes(b"")
    replace_file(tmp_path / "file", b"new")
    assert names(tmp_path) == [other.name, "file"]


def test_writers_of_one_file_at_once_leave_one_whole_file(tmp_path):
    path, failures = tmp_path / "file", []

    def write(number):
        try:
            for _ in range(10):
                replace_file(path, bytes([number]) * 100_000)
        except EnvironmentFailure as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert names(tmp_path) == ["file"]
    content = path.read_bytes()
    assert len(content) == 100_000
    assert len(set(content)) == 1


def test_a_created_file_is_whole_has_its_mode_and_stands_alone(tmp_path):
    create_file(tmp_path / "key", [b"12", memoryview(b"3")], 0o600)
    assert (tmp_path / "key").read_bytes() == b"123"
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert (tmp_path / "key").stat().st_nlink == 1
    assert names(tmp_path) == ["key"]


@pytest.mark.parametrize(
    "make", [lambda p: p.write_bytes(b"old"), lambda p: p.mkdir(), lambda p: p.symlink_to("nowhere")]
)
def test_what_is_there_is_never_overwritten_by_a_created_file(tmp_path, make):
    make(tmp_path / "key")
    before = (tmp_path / "key").lstat()

    def unused():
        raise AssertionError("no content is asked for")
        yield b""

    with pytest.raises(EnvironmentFailure, match=r"secret \S+/key cannot be written: it exists already"):
        create_file(tmp_path / "key", unused(), what="secret")
    assert (tmp_path / "key").lstat() == before
    assert names(tmp_path) == ["key"]


def test_of_creators_at_once_one_succeeds(tmp_path):
    """Each has seen that the name is free before any of them takes it."""
    ready, outcomes, refusals = threading.Barrier(8), [], []

    def chunks(i):
        yield bytes([i]) * 1000
        ready.wait()

    def create(i):
        try:
            create_file(tmp_path / "key", chunks(i))
            outcomes.append(i)
        except EnvironmentFailure as error:
            refusals.append(str(error))

    writers = [threading.Thread(target=create, args=(i,)) for i in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    (winner,) = outcomes
    assert [text for text in refusals if "never overwritten" in text] == refusals
    assert (tmp_path / "key").read_bytes() == bytes([winner]) * 1000
    assert names(tmp_path) == ["key"]


def test_a_full_disk_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    replace_file(path, b"old")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(EnvironmentFailure, match="too large"):
            replace_file(path, bytes(2000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_a_mode_is_never_wider_than_asked(tmp_path):
    before = os.umask(0)
    try:
        replace_file(tmp_path / "secret", b"1", 0o600)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_chunks_that_stop_coming_leave_the_old_file(tmp_path):
    path = tmp_path / "kept"
    path.write_bytes(b"old")

    def chunks():
        yield b"new"
        raise EncodingError("stop")

    with pytest.raises(EncodingError, match="stop"):
        replace_file(path, chunks())
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["kept"]

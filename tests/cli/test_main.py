"""The roof itself: exit codes, JSON on both outcomes, interrupts, closed pipes, bugs."""

import json
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.program import command, environment, process, tree, zkstate
from zkstate import __version__, errors
from zkstate.cli import main, snapshot
from zkstate.cli.main import VERBS


def test_version_and_usage():
    assert zkstate("--version").out == f"zkstate {__version__}\n"
    assert zkstate().out == zkstate("--help").out
    for verb in VERBS:
        assert verb in zkstate("--help").out


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["liquidate"], "'liquidate' is not a verb"),
        (["snapshot"], "the following arguments are required: --operator (see --help)"),
        (["verify", "nowhere"], "nowhere does not exist"),
        (["inspect", "--colour"], "one of the arguments file --cpu is required"),
        (["prove", "wealth"], "invalid choice: 'wealth'"),
        (["demo", "--accounts", "0"], "'0' is not a whole number from 1 to"),
        (["recover", "--max-age", "1 day"], "'1 day' is not a duration such as 90s, 15m, 6h or 2d"),
        (["publish", ".", "--mirror", "m", "--registry", "0x12"], "is not an address"),
        (["verify", "--header-hash", "0xzz"], "is not 64 hexadecimal digits"),
        (["snapshot", "x", "--time", "2026-01-01"], "neither seconds since 1970 nor a time such as"),
        (["snapshot", "x", "--issue-key", "alice"], "'alice' is not NAME=FILE"),
        (["prove", "margin", "--ratio", "1.0000001"], "is not a ratio from 0 to 4294"),
        (["prove", "balance", "--at-least", "NaN"], "'NaN' is not a decimal number"),
    ],
)
def test_unusable_arguments_are_exit_code_2_and_one_line(argv, words):
    outcome = zkstate(*argv)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("zkstate: ")
    assert outcome.err.count("\n") == 1
    assert not outcome.err.endswith(".\n")
    assert words in outcome.err


def test_an_error_is_one_json_object_too():
    outcome = zkstate("verify", "nowhere", "--json")
    assert outcome.code == 2
    error = outcome.json["error"]
    assert set(error) == {"type", "message", "exit_code"}
    assert (error["type"], error["exit_code"]) == ("InputError", 2)
    assert outcome.err == f"zkstate: {error['message']}\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.InputError("x"), 2),
        (errors.LedgerError("x"), 2),
        (errors.WitnessError("x"), 1),
        (errors.SourceError("x"), 3),
        (errors.MissingError("x"), 3),
        (errors.DisagreementError("x"), 4),
        (errors.StaleError("x"), 4),
        (errors.EnvironmentFailure("x"), 5),
        (PermissionError(13, "Permission denied", "/a/file"), 5),
        (MemoryError(), 5),
        (KeyboardInterrupt(), 130),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_every_kind_of_failure_has_its_code(monkeypatch, error, code):
    def fail(*_):
        raise error

    monkeypatch.setattr(snapshot, "run", fail)
    outcome = zkstate("snapshot", "x", "--operator", "o", "--out", "p", "--json")
    assert outcome.code == code
    assert outcome.json["error"]["exit_code"] == code


@pytest.mark.parametrize(
    "argv",
    [
        ["verify", "PROOF", "--key", "SECRET"],
        ["verify", "PROOF", "--header", "SECRET"],
        ["verify", "SECRET", "SECRET"],
        ["verify", "--vk", "SECRET", "--public", "SECRET", "--proof", "SECRET"],
        ["prove", "margin", "--account", "BUNDLE", "--key", "SECRET", "--out", "out"],
        ["prove", "margin", "--account", "SECRET", "--out", "out"],
        ["snapshot", "SECRET", "--operator", "operator", "--out", "out"],
        ["snapshot", "synthetic:5", "--operator", "operator", "--previous", "SECRET", "--out", "out"],
        ["demo", "--ledger", "SECRET", "--out", "out"],
        ["inspect", "PADDED"],
        ["recover", "--key", "DIGITS", "--mirror", "mirror", "--out", "out"],
    ],
    ids=" ".join,
)
def test_a_secret_in_the_wrong_place_is_not_shown(proved, tmp_path, monkeypatch, argv):
    """A key file where another file is meant, and the key itself where its file is; `12e4` reads as a number."""
    monkeypatch.chdir(tmp_path)
    digits = "12e4f00d" + "5b" * 28
    for name, content in {"SECRET": digits + "\n", "PADDED": "0x" + digits + "\n"}.items():
        path = tmp_path / name
        path.write_text(content)
        path.chmod(0o600)
    places = {"PROOF": proved.proof, "BUNDLE": proved.bundle, "DIGITS": digits}
    outcome = zkstate(*(places.get(word, word) for word in argv))
    assert outcome.code == 2
    for start in (digits[:4], digits[:4].encode().hex()):
        assert start not in outcome.out + outcome.err.replace(str(proved.root), "")
    assert set(tree(tmp_path)) == {"SECRET", "PADDED"}


def test_a_bug_does_not_leave_with_the_code_of_a_false_statement(tmp_path):
    script = "import zkstate.cli.main as m; m._dispatch = lambda *a: 1 // 0; m.entry()"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment(), check=False, cwd=tmp_path
    )
    assert done.returncode == 5
    assert "ZeroDivisionError" in done.stderr
    assert done.stderr.endswith("zkstate: internal error, please report it\n")


@pytest.fixture
def interruptible():
    """A background job of a shell ignores interrupts, and so would what it starts; a caught signal is not inherited."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_is_130_and_leaves_nothing(tmp_path, number):
    argv = command("snapshot", "synthetic:6000", "--operator", "operator", "--out", "deep/epoch", "--json")
    with subprocess.Popen(
        argv, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        deadline = time.monotonic() + 60
        while not any(tmp_path.glob("deep/.epoch.partial-*/public")) and time.monotonic() < deadline:
            time.sleep(0.005)
        running.send_signal(number)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert json.loads(out)["error"]["exit_code"] == 130
    assert err == "zkstate: interrupted\n"
    assert not (tmp_path / "deep").exists() or not any((tmp_path / "deep").iterdir())


def test_a_reader_that_goes_away_is_no_failure(published):
    with subprocess.Popen(
        command("inspect", published.header), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        running.stdout.close()
        err = running.stderr.read()
        assert running.wait(timeout=60) == 0
    assert err == b""


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_stdout_that_refuses_is_not_the_code_of_a_false_proof(published, more):
    with Path("/dev/full").open("wb") as full:
        argv = command("inspect", published.header, *more)
        done = subprocess.run(argv, env=environment(), stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == errors.EnvironmentFailure.exit_code
    assert done.stderr == "zkstate: the result cannot be written to stdout: No space left on device\n"


def test_closed_streams_change_no_exit_code(published):
    for file, code in ((published.header, 0), (published.root / "gone", 2)):
        line = " ".join(map(shlex.quote, command("inspect", file))) + " >&- 2>&-"
        assert subprocess.run(["sh", "-c", line], env=environment(), check=False).returncode == code


def test_it_also_runs_as_a_module_and_says_nothing_on_success(published):
    outcome = process("inspect", published.header, "--json")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.json["verb"] == "inspect"


def test_the_verbs_are_files_and_the_files_say_so():
    for verb in VERBS:
        module = __import__(f"zkstate.cli.{verb}", fromlist=["USAGE"])
        assert module.__doc__.startswith(f"zkstate {verb}: ")
        assert module.USAGE.startswith(f"usage: zkstate {verb}")
        assert "--json" in module.USAGE
        assert re.search(rf"^ .*\b{verb} +[a-z]", main.USAGE, re.MULTILINE)

"""The zkstate command: finds the verb, runs it, and turns every failure into its exit code."""

from __future__ import annotations

import importlib
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from types import FrameType, ModuleType, TracebackType

import zkstate
from zkstate.cli.arguments import Namespace, Parser
from zkstate.cli.terminal import Terminal, open_missing_streams
from zkstate.errors import EnvironmentFailure, InputError, ZkstateError

USAGE = """\
usage: zkstate VERB [arguments]        zkstate VERB --help        zkstate --version

Hold a derivatives venue to what it committed.

  the venue    snapshot   commit to a ledger: header, tiles, encrypted account records
               publish    put an epoch on mirrors and its header hash into a registry
  a trader     recover    rebuild an account from what was published, and nothing else
               prove      show a margin, a position or a balance, and hide the rest
               claim      have a vault pay what a proof of exit shows
               backup     keep the account key: sealed, shared among guardians, or from a wallet
               watch      follow registry and mirrors, keep the account fresh, tell what is wrong
  anyone       verify     check a proof offline and say what it shows and what it does not
               audit      walk a chain of epochs, and report it with pictures
               inspect    explain a file: header, bundle, proof, key, circuit, tile
               setup      make a circuit's key in a ceremony of several parties, and verify one
  everyone     demo       the whole story in one go, on a synthetic venue or a real ledger

Every verb takes --json (one object on stdout) and --help. Secrets are read from files only.

exit codes   0 accepted or done           1 well-formed but false      2 unusable input
             3 a source is unavailable    4 sources disagree or stale  5 environment problem
             130 interrupted

Example:

  zkstate demo --accounts 200 --out demo-out
"""

VERBS = (
    "snapshot", "publish", "recover", "prove", "claim", "verify", "audit", "inspect", "setup", "backup", "watch",
    "demo",
)  # fmt: skip

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    terminal = Terminal(json="--json" in arguments)
    try:
        return _dispatch(arguments, terminal)
    except ZkstateError as error:
        return _fail(terminal, error, error.exit_code)
    except KeyboardInterrupt:
        return _fail(terminal, KeyboardInterrupt("interrupted"), INTERRUPTED)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _fail(terminal, EnvironmentFailure(f"{where}{error.strerror or error}"), EnvironmentFailure.exit_code)
    except MemoryError:
        return _fail(terminal, EnvironmentFailure("out of memory"), EnvironmentFailure.exit_code)


def entry() -> None:
    """`main` as a process: a termination signal is an interrupt, and a bug is not a verdict."""
    open_missing_streams()
    sys.excepthook = _crash
    signal.signal(signal.SIGTERM, _interrupt)
    raise SystemExit(main())


def _dispatch(arguments: list[str], terminal: Terminal) -> int:
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        return _print(terminal, USAGE)
    if arguments[0] == "--version":
        return _print(terminal, f"zkstate {zkstate.__version__}\n")
    verb, rest = arguments[0], arguments[1:]
    if verb not in VERBS:
        raise InputError(f"{verb!r} is not a verb: expected one of {', '.join(VERBS)}")
    module = importlib.import_module(f"zkstate.cli.{verb}")
    parser = Parser(module.USAGE)
    if any(argument in {"-h", "--help"} for argument in rest):
        return _print(terminal, parser.format_help())
    module.declare(parser)
    return run_verb(module, parser.parse_args(rest), terminal)


def run_verb(module: ModuleType, args: Namespace, terminal: Terminal) -> int:
    run: Callable[[Namespace, Terminal], int] = module.run
    return run(args, terminal)


def _print(terminal: Terminal, text: str) -> int:
    terminal.emit({"text": text}, lambda console: console.out(text, end="", highlight=False))
    return 0


def _fail(terminal: Terminal, error: BaseException, code: int) -> int:
    message = str(error)
    terminal.say(message)
    if terminal.json:
        failure = {"error": {"type": type(error).__name__, "message": message, "exit_code": code}}
        terminal.emit(failure, lambda _console: None)
    return code


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A bug: say so, and do not leave with the code that means `well-formed but false`."""
    traceback.print_exception(kind, error, trace)
    Terminal().say("internal error, please report it")
    raise SystemExit(EnvironmentFailure.exit_code)

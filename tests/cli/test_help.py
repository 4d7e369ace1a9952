"""Every help ends with a worked example, and the examples run one after the other as they are written."""

import shlex

from tests.cli.program import process, zkstate
from tests.proof.ptau import ceremony_ptau
from zkstate.cli.main import VERBS

STORY = (
    "snapshot", "publish", "recover", "prove", "claim", "verify", "audit", "inspect", "setup", "backup", "watch",
    "demo",
)  # fmt: skip


def example(text):
    """The last block of a help text: one command, and before it what only it needs."""
    _, found, block = text.rpartition("\nExample")
    assert found, text
    lines = block.partition("\n\n")[2].rstrip("\n").replace("\\\n    ", "").split("\n")
    assert all(line.startswith("  zkstate ") for line in lines)
    return [shlex.split(line)[1:] for line in lines]


def test_help_is_the_text_of_the_verb_and_names_every_option():
    for verb in VERBS:
        outcome = zkstate(verb, "--help")
        assert outcome.code == 0
        assert outcome.out.startswith(f"usage: zkstate {verb}")
        assert max(map(len, outcome.out.splitlines())) <= 120


def test_the_examples_run_as_written(tmp_path):
    assert set(STORY) == set(VERBS)
    (tmp_path / "powers.ptau").write_bytes(ceremony_ptau(3))
    for verb in STORY:
        argvs = example(zkstate(verb, "--help").out)
        assert argvs[-1][0] == verb
        for argv in argvs:
            outcome = process(*argv, cwd=tmp_path, timeout=300)
            assert outcome.code == 0, f"zkstate {shlex.join(argv)}\n{outcome.err}"
    assert example(zkstate("--help").out)[0][0] == "demo"

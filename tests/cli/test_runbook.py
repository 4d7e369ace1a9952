"""docs/runbook.md, every command of it in its order: a light client over real servers, then over a halted registry."""

import re

import pytest

from tests.cli.light import light
from tests.cli.program import ROOT, zkstate
from tests.cli.walk import blocks, run_lines

RUNBOOK = ROOT / "docs/runbook.md"
TRADER, ADDRESS = "user-00000072", "0x9fe46736679d2d9a65f0992f2272de9f3c7fa6e0"


def variables(chain):
    words = (*chain.options, "--checkpoint", chain.checkpoint, "--beacon", chain.beacon)
    return {
        "CHAIN": " ".join(map(str, words)), "PINS": " ".join(map(str, chain.pins)), "REGISTRY": chain.registry,
        "VAULT": ADDRESS, "ME": ADDRESS,
    }  # fmt: skip


@pytest.mark.slow  # a step of its own in .ci/run, which always runs it
def test_every_command_runs_in_its_order(tmp_path):
    folder = tmp_path / "trader"
    folder.mkdir()
    done = zkstate("snapshot", "synthetic:200", "--operator", tmp_path / "operator", "--issue-key",
                   f"{TRADER}={folder / 'trader.key'}", "--shards", "2of3", "--out", tmp_path / "epoch")  # fmt: skip
    assert done.code == 0, done.err
    shards = [word for i in (1, 2, 3) for word in ("--shard-mirror", folder / f"shard-{i}")]
    assert zkstate("publish", tmp_path / "epoch", "--mirror", folder / "mirror", *shards).code == 0
    header = tmp_path / "epoch/public/header.bin"
    page = RUNBOOK.read_text(encoding="utf-8")
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with light(header, tmp_path / "a") as chain:
        run_lines("".join(blocks(RUNBOOK, "sh")).splitlines(), folder, **variables(chain))
    with light(header, tmp_path / "b", halted=True) as chain:
        said = run_lines("".join(blocks(RUNBOOK, "sh halted")).splitlines(), folder, **variables(chain))
    assert any("halted" in words for words in said.values())
    assert len(re.findall(r"^```sh", page, re.MULTILINE)) == len(blocks(RUNBOOK, "sh")) + len(
        blocks(RUNBOOK, "sh halted")
    )
    for case in ("frontend is gone", "mirrors are gone", "key is gone", "chain is halted"):
        assert f"## The {case}" in page

"""An epoch that no mirror has whole: shards on five mirrors, of which any three are enough."""

import itertools
import shutil

import pytest

from tests.cli.program import tree, zkstate

TRADER = "user-00000072"


@pytest.fixture(scope="module")
def scattered(tmp_path_factory):
    root = tmp_path_factory.mktemp("scattered")
    done = zkstate(
        "snapshot", "synthetic:200", "--operator", root / "operator", "--issue-key", f"{TRADER}={root / 'trader.key'}",
        "--shards", "3of5", "--out", root / "epoch",
    )  # fmt: skip
    assert done.code == 0, done.err
    done = zkstate("publish", root / "epoch", *shard_mirrors(root))
    assert done.code == 0, done.err
    return root


def shard_mirrors(root):
    return [part for i in range(5) for part in ("--shard-mirror", root / f"mirror-{i}")]


def recover(root, out, mirrors, *more):
    header = root / "epoch/public/header.bin"
    places = [part for mirror in mirrors for part in ("--mirror", mirror)]
    return zkstate("recover", *more, *places, "--header", header, "--out", out)


def test_an_account_from_any_three_mirrors(scattered, tmp_path):
    key = ("--key", scattered / "trader.key")
    for number, chosen in enumerate(itertools.combinations(range(5), 3)):
        out = tmp_path / f"{number}.json"
        done = recover(scattered, out, [scattered / f"mirror-{i}" for i in chosen], *key)
        assert done.code == 0, done.err
    few = recover(scattered, tmp_path / "few.json", [scattered / "mirror-1", scattered / "mirror-4"], *key)
    assert few.code == 3
    assert "2 right slices of the 3 needed" in few.err
    assert not (tmp_path / "few.json").exists()


def test_files_are_rebuilt_and_published_again(scattered, tmp_path):
    mirrors = [tmp_path / f"mirror-{i}" for i in range(5)]
    for i in (0, 2, 4):
        shutil.copytree(scattered / f"mirror-{i}", mirrors[i])
    wrong = min(mirrors[2].rglob("shards/02/*.bin"))
    wrong.write_bytes(wrong.read_bytes()[::-1])
    done = recover(scattered, tmp_path / "out", mirrors, "--files")
    assert done.code == 4
    assert str(mirrors[2]) in done.err
    assert not (tmp_path / "out").exists()
    shutil.copytree(scattered / "mirror-1", mirrors[1])
    done = recover(scattered, tmp_path / "out", mirrors, "--files")
    assert done.code == 0, done.err
    assert f"lied: {mirrors[2]}" in done.err
    assert tree(tmp_path / "out/public") == tree(scattered / "epoch/public")

    shutil.rmtree(mirrors[2])
    again = zkstate("publish", tmp_path / "out", *shard_mirrors(tmp_path), "--mirror", tmp_path / "whole", "--json")
    assert again.code == 0, again.err
    assert [copy["already"] for copy in again.json["mirrors"]] == [False, True, True, False, False, True]
    for i in range(5):
        assert tree(mirrors[i]) == tree(scattered / f"mirror-{i}")
    assert tree(tmp_path / "whole/epochs/00000001") == tree(scattered / "epoch/public")


def test_a_lost_mirror_gets_its_own_shard_back(scattered, tmp_path):
    rebuilt = recover(scattered, tmp_path / "out", [scattered / f"mirror-{i}" for i in (0, 2, 4)], "--files")
    assert rebuilt.code == 0, rebuilt.err
    for _ in range(2):
        done = zkstate("publish", tmp_path / "out", "--shard", f"3={tmp_path / 'back'}", "--json")
        assert done.code == 0, done.err
    assert done.json["mirrors"][0]["already"]
    assert tree(tmp_path / "back") == tree(scattered / "mirror-3")
    for wrong, words in ((f"5={tmp_path / 'x'}", "shards 0 to 4"), ("x", "not N=PLACE"), ("3=", "not N=PLACE")):
        refused = zkstate("publish", tmp_path / "out", "--shard", wrong)
        assert (refused.code, words in refused.err) == (2, True), refused.err


def test_a_mirror_with_a_wrong_shard_is_left_as_it_is(scattered, tmp_path):
    for i in range(5):
        shutil.copytree(scattered / f"mirror-{i}", tmp_path / f"mirror-{i}")
    shutil.rmtree(tmp_path / "mirror-4")
    path = max((tmp_path / "mirror-3").rglob("shards/03/*.bin"))
    path.write_bytes(b"something else")
    before = tree(tmp_path)
    done = zkstate("publish", scattered / "epoch", *shard_mirrors(tmp_path))
    assert done.code == 4
    assert "does not hold shard 3 of this epoch" in done.err
    assert tree(tmp_path) == before


def test_what_is_refused(scattered, published, tmp_path):
    few = zkstate("publish", scattered / "epoch", "--shard-mirror", tmp_path / "one")
    assert (few.code, "1 mirrors for 5 shards" in few.err) == (2, True)
    none = zkstate("publish", published.epoch, "--shard-mirror", tmp_path / "one")
    assert (none.code, "made without shards" in none.err) == (2, True)
    nowhere = zkstate("publish", scattered / "epoch")
    assert (nowhere.code, "--mirror or --shard-mirror is needed" in nowhere.err) == (2, True)
    for shape, words in (
        ("5of5", "fewer needed"),
        ("0of3", "fewer needed"),
        ("3", "not K of N"),
        ("3of33", "from 2 to 32"),
    ):
        done = zkstate(
            "snapshot", "synthetic:20", "--operator", tmp_path / "o", "--shards", shape, "--out", tmp_path / "e"
        )
        assert (done.code, words in done.err) == (2, True), done.err
        assert not (tmp_path / "e").exists()
    key = recover(scattered, tmp_path / "out", [scattered / "mirror-0"], "--files", "--key", scattered / "trader.key")
    assert key.code == 2
    assert sorted(path.name for path in tmp_path.iterdir()) in ([], ["o"])

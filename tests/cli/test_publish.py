"""zkstate publish: onto mirrors, whole or not at all."""

from tests.cli.program import tree, zkstate


def test_what_is_published_is_the_public_part_byte_for_byte(published):
    assert tree(published.published) == tree(published.epoch / "public")


def test_publishing_again_changes_nothing(published, tmp_path):
    for mirror in ("a", "b"):
        assert zkstate("publish", published.epoch, "--mirror", tmp_path / mirror).code == 0
    before = tree(tmp_path)
    outcome = zkstate("publish", published.epoch, "--mirror", tmp_path / "a", "--mirror", tmp_path / "b", "--json")
    assert outcome.code == 0
    assert [mirror["already"] for mirror in outcome.json["mirrors"]] == [True, True]
    assert tree(tmp_path) == before


def test_another_state_of_a_published_epoch_is_refused(published, tmp_path):
    assert zkstate("publish", published.epoch, "--mirror", tmp_path / "mirror").code == 0
    other = tmp_path / "other"
    assert zkstate("snapshot", "synthetic:7", "--operator", published.operator, "--out", other).code == 0
    before = tree(tmp_path)
    outcome = zkstate("publish", other, "--mirror", tmp_path / "mirror")
    assert outcome.code == 4
    assert "published epochs are never replaced" in outcome.err
    assert tree(tmp_path) == before


def test_a_damaged_epoch_is_not_published(published, tmp_path):
    epoch = published.copy("epoch-1", tmp_path)
    tile = epoch / "public/tiles/0/000000.bin"
    content = bytearray(tile.read_bytes())
    content[40] ^= 1
    tile.write_bytes(content)
    outcome = zkstate("publish", epoch, "--mirror", tmp_path / "mirror")
    assert outcome.code == 4
    assert "tiles/0/000000.bin" in outcome.err
    assert not (tmp_path / "mirror").exists() or tree(tmp_path / "mirror") == {}


def test_only_a_snapshot_is_published(tmp_path, published):
    outcome = zkstate("publish", published.mirror, "--mirror", tmp_path / "mirror")
    assert (outcome.code, "is not what zkstate snapshot wrote" in outcome.err) == (2, True)


def test_a_registry_and_its_node_go_together(published, tmp_path):
    for extra in (["--rpc", "http://127.0.0.1:1"], ["--deploy"], ["--registry", "0x" + "11" * 20]):
        outcome = zkstate("publish", published.epoch, "--mirror", tmp_path / "mirror", *extra)
        assert (outcome.code, "a registry needs --rpc" in outcome.err) == (2, True)
    for alone in (["--chain-id", "1"], ["--publisher-key", published.key]):
        outcome = zkstate("publish", published.epoch, "--mirror", tmp_path / "mirror", *alone)
        assert (outcome.code, f"{alone[0]} is for a transaction, and no --rpc is given" in outcome.err) == (2, True)
    assert not (tmp_path / "mirror").exists()


def test_a_node_that_is_not_there_is_exit_code_3(published, tmp_path):
    outcome = zkstate(
        "publish", published.epoch, "--mirror", tmp_path / "mirror", "--rpc", "http://127.0.0.1:9", "--deploy"
    )
    assert outcome.code == 3
    assert "127.0.0.1:9" in outcome.err

"""An annex out of mirrors that differ: the one that holds is kept; where several hold under keys of their own, none."""

import pytest

from lightclient.annex import Worth, fetch_annex
from tests.publication.test_header import example
from zkstate.errors import DisagreementError, MissingError, SourceError
from zkstate.publication.annex import Index, publish_annex
from zkstate.publication.layout import annex_folder
from zkstate.publication.manifest import Entry, Manifest
from zkstate.publication.mirrors import FolderMirror
from zkstate.solvency.carried import most_bytes

HEADER = example()
NAME = "solvency"
WORTH = {b"honest": Worth.HOLDS, b"keys": Worth.UNDER_ITS_KEYS, b"more keys": Worth.UNDER_ITS_KEYS, b"lie": Worth.FALSE}


def mirrors(root, *contents):
    """A mirror for each content of an annex of one file."""
    found = []
    for i, content in enumerate(contents):
        source = root / f"made-{i}"
        source.mkdir()
        (source / "proof").write_bytes(content)
        publish_annex(source, NAME, ["proof"], HEADER, root / f"mirror-{i}")
        found.append(FolderMirror(root / f"mirror-{i}"))
    return found


def fetched(root, *contents):
    def judge(folder):
        return WORTH[(folder / "proof").read_bytes()]

    notes = fetch_annex(mirrors(root, *contents), NAME, HEADER, lambda *_: 1000, judge, root / "out", request_s=5)
    return (root / "out/proof").read_bytes(), notes


@pytest.mark.parametrize(
    ("contents", "kept", "told"),
    [
        ((b"lie", b"honest"), b"honest", ["mirror-0: the solvency files do not hold"]),
        ((b"keys", b"honest"), b"honest", []),
        ((b"keys", b"keys", b"honest"), b"honest", []),
        ((b"lie", b"keys"), b"keys", ["mirror-0: the solvency files do not hold"]),
        ((b"lie",), b"lie", []),
    ],
)
def test_what_holds_without_trusting_a_key_comes_first(tmp_path, contents, kept, told):
    content, notes = fetched(tmp_path, *contents)
    assert content == kept
    assert [note.removeprefix(f"{tmp_path}/") for note in notes] == told


def test_between_keys_nothing_is_chosen(tmp_path):
    with pytest.raises(DisagreementError, match="each right under its own keys: name one mirror"):
        fetched(tmp_path, b"keys", b"lie", b"more keys")
    assert not (tmp_path / "out").exists()


def test_none_that_holds(tmp_path):
    with pytest.raises(MissingError, match="no mirror has"):
        fetch_annex(
            [FolderMirror(tmp_path)], NAME, HEADER, most_bytes, lambda _: Worth.HOLDS, tmp_path / "a", request_s=5
        )
    places = mirrors(tmp_path, b"lie", b"honest")
    with pytest.raises(DisagreementError, match="do not hold"):
        fetch_annex(places, NAME, HEADER, lambda *_: 1000, lambda _: Worth.FALSE, tmp_path / "b", request_s=5)
    assert not (tmp_path / "b").exists()


def test_an_index_bounds_all_its_files_together(tmp_path):
    """One that names each file within its limit and terabytes in all is refused before a file is asked for."""
    (place,) = mirrors(tmp_path, b"honest")
    files = tuple(Entry(f"batches/4/{i:06}.bin", 1 << 25, "00" * 32) for i in range(10_000))
    path = tmp_path / "mirror-0" / annex_folder(NAME, HEADER.epoch) / "index.json"
    path.write_bytes(Index(HEADER.hash, Manifest(files)).encode())
    with pytest.raises(SourceError, match="bytes together; the limit is"):
        fetch_annex([place], NAME, HEADER, most_bytes, lambda _: Worth.HOLDS, tmp_path / "a", request_s=5)
    assert not (tmp_path / "a").exists()

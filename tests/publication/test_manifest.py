import hashlib
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.publication.test_header import KEY, example
from zkstate.errors import DisagreementError, EncodingError, MissingError, ZkstateError
from zkstate.publication import manifest
from zkstate.publication.header import sign
from zkstate.publication.manifest import Entry, Manifest, check_folder

FILES = {
    "tables/totals.json": b"{}",
    "tiles/0/000000.bin": bytes(100),
    "records/000000.bin": b"",
    "records/000001.bin": b"\x07" * 3_000_000,
}
SHA = "ab" * 32


def fill(folder):
    """A folder with the files above under a signed header; (folder, signed header)."""
    for path, content in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    listed = Manifest.of_folder(folder)
    signed = sign(example(data_root=listed.root), KEY)
    (folder / "manifest.json").write_bytes(listed.encode())
    (folder / "header.bin").write_bytes(signed.encode())
    return signed


def test_the_bytes_are_canonical_json_of_the_folder(tmp_path):
    fill(tmp_path)
    data = (tmp_path / "manifest.json").read_bytes()
    files = [
        {"path": path, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for path, content in sorted(FILES.items())
    ]
    assert data == json.dumps({"version": 1, "files": files}, separators=(",", ":")).encode()
    assert Manifest.decode(data).encode() == data
    assert Manifest.decode(data).root == hashlib.sha256(data).digest()


def test_a_whole_folder_has_no_findings(tmp_path):
    signed = fill(tmp_path)
    steps = []
    assert check_folder(tmp_path, signed, lambda *step: steps.append(step)) == []
    assert steps[-1][1] == steps[-1][2] == sum(map(len, FILES.values()))


def entry(path="a", size=1, sha256=SHA):
    return {"path": path, "size": size, "sha256": sha256}


def document(*files, **more):
    return json.dumps({"version": 1, "files": files} | more, separators=(",", ":"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{}",
        document(entry(), version=2),
        document(entry(), extra=1),
        document(entry() | {"mode": 1}),
        document(entry("b"), entry("a")),
        document(entry("a"), entry("a")),
        document(entry("../a")),
        document(entry("/a")),
        document(entry("header.bin")),
        document(entry("manifest.json")),
        document(entry(size=-1)),
        document(entry(size=1 << 41)),
        document(entry(size=1.0)),
        document(entry(size="1")),
        document(entry(sha256=SHA.upper())),
        document(entry(sha256=SHA[:-1])),
        document(entry(sha256=SHA + "00")),
        json.dumps({"version": 1, "files": []}),
        document() + "\n",
        '{"files":[],"version":1}',
        '{"version":1,"version":1,"files":[]}',
        '{"version":1,"files":[{"size":1,"path":"a","sha256":"' + SHA + '"}]}',
        '{"version":1,"files":[{"path":"\\u0061","size":1,"sha256":"' + SHA + '"}]}',
        "[" * 100_000,
    ],
    ids=lambda text: text[:40] or "empty",
)
def test_anything_but_the_canonical_form_is_refused(text):
    with pytest.raises(EncodingError):
        Manifest.decode(text.encode())


def test_a_list_that_is_no_manifest_cannot_be_made():
    with pytest.raises(EncodingError, match="increase"):
        Manifest((Entry("b", 1, SHA), Entry("a", 1, SHA)))


@given(st.data())
def test_no_changed_byte_is_accepted_under_the_same_root(data):
    manifest = Manifest((Entry("a", 1, SHA), Entry("b/c", 22, SHA)))
    good = manifest.encode()
    at = data.draw(st.integers(0, len(good) - 1))
    bad = bytearray(good)
    bad[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(DisagreementError, match=manifest.root.hex()):
        Manifest.decode_under(bytes(bad), manifest.root)


def remove(folder):
    (folder / "tables/totals.json").unlink()
    return ("missing", "tables/totals.json")


def add(folder):
    (folder / "tables/more.json").write_bytes(b"1")
    return ("extra", "tables/more.json")


def add_hidden(folder):
    (folder / ".git").mkdir()
    (folder / ".git/x").write_bytes(b"1")
    return ("extra", ".git/x")


def lengthen(folder):
    with (folder / "tiles/0/000000.bin").open("ab") as file:
        file.write(b"\0")
    return ("size", "tiles/0/000000.bin")


def truncate(folder):
    os.truncate(folder / "records/000001.bin", 2_999_999)
    return ("size", "records/000001.bin")


def alter(folder):
    with (folder / "records/000001.bin").open("r+b") as file:
        file.seek(2_500_000)
        file.write(b"\x08")
    return ("sha256", "records/000001.bin")


def alter_header(folder):
    (folder / "header.bin").write_bytes(sign(example(), KEY).encode())
    return ("sha256", "header.bin")


def remove_header(folder):
    (folder / "header.bin").unlink()
    return ("missing", "header.bin")


def link_file(folder):
    path = folder / "tables/totals.json"
    path.rename(folder.parent / "outside")
    path.symlink_to(folder.parent / "outside")
    return ("not a file", "tables/totals.json")


def make_pipe(folder):
    (folder / "tables/totals.json").unlink()
    os.mkfifo(folder / "tables/totals.json")
    return ("not a file", "tables/totals.json")


@pytest.mark.parametrize(
    "damage",
    [remove, add, add_hidden, lengthen, truncate, alter, alter_header, remove_header, link_file, make_pipe],
    ids=lambda damage: damage.__name__,
)
def test_each_damage_is_found_and_named(tmp_path, damage):
    folder = tmp_path / "epoch"
    signed = fill(folder)
    expected = damage(folder)
    assert [(found.kind, found.path) for found in check_folder(folder, signed)] == [expected]


def test_a_linked_folder_is_not_entered(tmp_path):
    folder = tmp_path / "epoch"
    signed = fill(folder)
    (folder / "records").rename(tmp_path / "elsewhere")
    (folder / "records").symlink_to(tmp_path / "elsewhere")
    found = {(finding.kind, finding.path) for finding in check_folder(folder, signed)}
    assert found == {
        ("missing", "records/000000.bin"),
        ("missing", "records/000001.bin"),
        ("extra", "records"),
    }


def test_another_manifest_is_refused_with_both_hashes(tmp_path):
    signed = fill(tmp_path)
    (tmp_path / "manifest.json").write_bytes(b"{}")
    with pytest.raises(DisagreementError) as caught:
        check_folder(tmp_path, signed)
    assert signed.header.data_root.hex() in str(caught.value)
    assert hashlib.sha256(b"{}").hexdigest() in str(caught.value)
    (tmp_path / "manifest.json").unlink()
    with pytest.raises(MissingError, match=r"manifest\.json"):
        check_folder(tmp_path, signed)


@pytest.mark.parametrize("name", ["with space", ".hidden", "é", "a\nb"])
def test_a_folder_with_an_odd_name_cannot_be_listed(tmp_path, name):
    fill(tmp_path)
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(EncodingError):
        Manifest.of_folder(tmp_path)


def test_a_folder_with_a_link_cannot_be_listed(tmp_path):
    (tmp_path / "a").symlink_to("/etc/passwd")
    with pytest.raises(ZkstateError, match="not a regular file"):
        Manifest.of_folder(tmp_path)


def test_of_differences_without_end_the_first_are_told(tmp_path, monkeypatch):
    """An archive of some megabytes unpacks to millions of empty files: no memory or page has room for each."""
    signed = fill(tmp_path)
    monkeypatch.setattr(manifest, "MOST_FINDINGS", 3)
    for i in range(3):
        (tmp_path / f"{i}.bin").touch()
    assert [(one.kind, one.path) for one in check_folder(tmp_path, signed)] == [("extra", f"{i}.bin") for i in range(3)]
    for i in range(3, 9):
        (tmp_path / f"{i}.bin").touch()
    found = check_folder(tmp_path, signed)
    assert [one.kind for one in found] == ["extra"] * 3 + ["more"]
    for path in (tmp_path / "records").iterdir():
        path.unlink()
    for i in range(8):
        (tmp_path / f"{i}.bin").unlink()
    found = check_folder(tmp_path, signed)
    assert [(one.kind, one.path) for one in found] == [
        ("missing", "records/000000.bin"), ("missing", "records/000001.bin"), ("extra", "8.bin"),
    ]  # fmt: skip

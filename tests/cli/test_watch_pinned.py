"""A watch from a pinned header as a verb: another pin, and words that a server chose."""

import contextlib

import pytest

from tests.cli.program import zkstate
from tests.lightclient.watched import Venue
from tests.publication.servers import answer, raw
from zkstate.cli.terminal import pretty_json
from zkstate.publication.publish import publish_folder
from zkstate.state.text import is_plain

QUICK = ("--timeout", "5", "--sample", "0", "--once", "--json")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A mirror of three epochs, and one where the same operator signed others from the second on."""
    root = tmp_path_factory.mktemp("venue")
    venue = Venue(root)
    venue.snapshots = venue.make(3)
    for number in (1, 2, 3):
        venue.publish(number, root / "mirror")
    fork = venue.make(3, fork_at=2, name="fork")
    for snapshot in fork:
        publish_folder(snapshot.public, root / "other")
    return root


def header(mirror, epoch):
    return mirror / f"epochs/{epoch:08d}/header.bin"


def watch(folder, mirror, pin):
    done = zkstate("watch", "--folder", folder, "--mirror", mirror, "--header", pin, *QUICK)
    return done.code, done.json["newest_epoch"], set(done.json["happened"])


@pytest.mark.parametrize("shown", ["mirror", "other"])
def test_a_new_pin_is_where_a_watch_begins(made, tmp_path, shown):
    mirror, other = made / "mirror", made / "other"
    assert watch(tmp_path / "w", mirror, header(mirror, 1)) == (0, 3, {"epoch"})
    assert watch(tmp_path / "w", mirror, header(mirror, 2))[:2] == (0, 3)  # which it had followed
    code, newest, happened = watch(tmp_path / "w", made / shown, header(other, 2))
    assert (code, newest) == (4, 2 if shown == "mirror" else 3)
    assert "equivocation" in happened
    assert happened & {"rolled-back", "epoch-replaced"}
    code, newest, _ = watch(tmp_path / "w", other, header(other, 2))
    assert newest == 3
    assert code == (4 if shown == "mirror" else 0)


def test_no_word_of_a_server_reaches_the_terminal_raw(made, tmp_path):
    said = b"\x1b[2J\x1b[H\x1b[32malarms  none\x07\r2026 all is well\r\n\r\n"
    pin = header(made / "mirror", 1)
    with raw(answer(said)) as url, contextlib.chdir(tmp_path):
        watched = zkstate("watch", "--folder", "w", "--mirror", url, "--header", pin, *QUICK[:-1])
        files = zkstate("recover", "--files", "--mirror", url, "--header", pin, "--out", "o")
    assert "?[2J" in watched.out
    assert "?[2J" in files.err
    assert all(is_plain(line) for done in (watched, files) for line in (done.out + done.err).split("\n"))


def test_names_are_plain_on_stderr_and_escaped_in_json():
    name = "x\x1b[2J\x9b1m\u202e\U000e0041"
    done = zkstate("verify", name, "--json")
    assert "x?[2J?1m??" in done.err
    assert all(is_plain(line) for line in (done.out + done.err).split("\n"))
    assert name in done.json["error"]["message"]
    assert pretty_json({"a": "plain \u00e9"}) == '{\n  "a": "plain \u00e9"\n}\n'

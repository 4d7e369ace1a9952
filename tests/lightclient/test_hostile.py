"""Mirrors that abuse HTTP: a typed error in time and little memory, and the others of the same recovery are used."""

import contextlib
import re
import socket
import time
import tracemalloc

import pytest

from lightclient.recover import Limits, recover
from lightclient.trust import PinnedHeader
from tests.lightclient.hostile import BEHAVIOURS, HARMLESS, SLOW, TYPED
from tests.lightclient.venues import HOUR, publish_chain
from tests.publication.servers import raw, static
from tests.publication.venue import OPERATOR, TIME, ledger
from zkstate.errors import ZkstateError
from zkstate.publication.header import SIGNED_BYTES
from zkstate.publication.layout import INSTRUMENTS
from zkstate.publication.mirrors import HttpMirror
from zkstate.state.table import MAX_TABLE_BYTES

QUICK, LIMITS = Limits(request_s=0.6, epochs_back=0), Limits(request_s=2.0, grace_s=0.4, epochs_back=0)
HEADER = "epochs/00000003/header.bin"
LARGEST = 4 << 20


@pytest.fixture(scope="module")
def venue(tmp_path_factory):
    """(mirror folder, signed header of the third epoch)."""
    folder = tmp_path_factory.mktemp("venue")
    return folder / "mirror", publish_chain(folder, 3)[2]


@contextlib.contextmanager
def behaving(name, root):
    """The URL of a server that behaves so."""
    make, _ = BEHAVIOURS[name]
    if make != "backlog":
        with raw(make(root)) as url:
            yield url
        return
    with socket.create_server(
        ("127.0.0.1", 0), backlog=1
    ) as listener:  # connections wait for an accept that never comes
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def rebuilt(mirrors, signed, limits=LIMITS):
    key = OPERATOR.account_key("trader-7")
    return recover(key, mirrors, PinnedHeader(signed), clock=lambda: TIME + 3 * HOUR, limits=limits)


def test_there_are_enough_of_them():
    assert len(BEHAVIOURS) >= 27


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_alone_it_is_a_typed_error_in_time_and_little_memory(venue, name):
    root, signed = venue
    with behaving(name, root) as url:
        for path, limit in ((HEADER, SIGNED_BYTES), (f"epochs/00000003/{INSTRUMENTS}", MAX_TABLE_BYTES)):
            tracemalloc.start()
            start = time.monotonic()
            with contextlib.suppress(ZkstateError):
                HttpMirror(url).get(path, max_bytes=limit, timeout_s=0.3)
            seconds, most = time.monotonic() - start, tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert seconds < 10
            assert most < limit + LARGEST, most
        if BEHAVIOURS[name][1] is HARMLESS:
            assert rebuilt([HttpMirror(url)], signed).bundle.signed == signed
            return
        start = time.monotonic()
        with pytest.raises(TYPED, match=BEHAVIOURS[name][1]) as caught:
            rebuilt([HttpMirror(url)], signed, QUICK if SLOW in BEHAVIOURS[name][1] else LIMITS)
        assert time.monotonic() - start < 10
        assert url in str(caught.value)


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_the_other_mirror_of_the_same_recovery_serves(venue, name):
    root, signed = venue
    with behaving(name, root) as url, static(root) as honest:
        found = rebuilt([HttpMirror(url), HttpMirror(honest)], signed)
    assert found.bundle.account.rows == ledger(300).rows_of(7)
    bad, good = found.sources
    assert good.served >= (1 if BEHAVIOURS[name][1] is HARMLESS else 8)
    assert (good.lied, good.silent, good.missing) == ((), (), ())
    if BEHAVIOURS[name][1] is not HARMLESS:
        (words,) = bad.lied + bad.silent + bad.missing
        assert re.search(f"{BEHAVIOURS[name][1]}|no answer within", words)
        assert bad.served == 0
    assert found.rto_s < 10


@pytest.mark.parametrize("part", ["tables/", "records/", "tiles/0/"])
@pytest.mark.parametrize("name", ["reset midway", "endless body", "half-open silence", "NUL bytes in the body"])
def test_one_that_turns_bad_after_a_right_header_is_left_behind(venue, name, part):
    """The worst place to begin: it leads the queue, as it answered first and rightly."""
    root, signed = venue
    bad = BEHAVIOURS[name][0](root)

    def behave(connection, request, stop):
        path = request.split()[1].decode().lstrip("/")
        if part in path:
            bad(connection, request, stop)
        else:
            data = (root / path).read_bytes()
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data) + data)

    with raw(behave) as url, static(root) as honest:
        found = rebuilt([HttpMirror(url), HttpMirror(honest)], signed)
    assert found.bundle.account.rows == ledger(300).rows_of(7)
    assert found.rto_s < 10
    assert found.sources[1].served > 0

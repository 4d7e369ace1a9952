"""The state file: whole or not at all, through kills, damage and the files of other chains. And malformed SSZ."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from lightclient.consensus import store, sync, wire
from lightclient.consensus.forks import Fork
from lightclient.consensus.types import formats
from tests.lightclient.consensus.committees import CHAIN, PERIOD, SIZE, checkpoint, started, update
from zkstate.errors import DisagreementError, EncodingError, InputError, MissingError, SourceError

ROOT = Path(__file__).resolve().parents[3]
WRITER = """
import sys
from pathlib import Path
from lightclient.consensus import store
from tests.lightclient.consensus.committees import started
path, client = Path(sys.argv[1]), started()
states = [client, started(16)]
print("ready", flush=True)
i = 0
while True:
    store.save(path, states[i % 2])
    i += 1
"""


def test_a_state_comes_back_as_it_was(tmp_path):
    client = started()
    for one in (update(40, 24, signers=21), update(48, 32), update(PERIOD + 9, signers=9, with_committee=False)):
        sync.verify_update(client, one, 2 * PERIOD)
        client = sync.apply_update(client, one)
        store.save(tmp_path / "state", client)
        again = store.load(tmp_path / "state", CHAIN)
        assert store.encode(again) == store.encode(client)
        assert replace(again, best=None) == replace(client, best=None)
        assert (again.best is None) == (client.best is None)
    assert client.best is not None
    assert again.best.attested_header == client.best.attested_header
    assert (again.best.has_finality, again.best.has_next_committee) == (False, False)


def test_damage_and_other_chains_are_refused(tmp_path):
    data = store.encode(started())
    rng = random.Random(5)
    for _ in range(60):
        i = rng.randrange(len(data))
        with pytest.raises(EncodingError):
            store.decode(data[:i] + bytes([data[i] ^ 1 << rng.randrange(8)]) + data[i + 1 :], CHAIN)
    for i in (0, 10, len(data) // 2, len(data) - 1):
        with pytest.raises(EncodingError):
            store.decode(data[:i], CHAIN)
    with pytest.raises(EncodingError):
        store.decode(data + b"\0", CHAIN)
    with pytest.raises(MissingError, match="nothing"):
        store.load(tmp_path / "nothing", CHAIN)
    with pytest.raises(DisagreementError, match="is of the chain 1111"):
        store.decode(data, replace(CHAIN, genesis_validators_root=b"\x12" * 32))


def test_what_is_no_state_file_is_a_typed_error(tmp_path):
    with pytest.raises(SourceError, match="not a regular file"):
        store.load(tmp_path, CHAIN)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match="pipe is not a regular file"):
        store.load(tmp_path / "pipe", CHAIN)
    (tmp_path / "long").write_bytes(bytes(store.maximum(CHAIN) + 1))
    with pytest.raises(SourceError, match="the limit is"):
        store.load(tmp_path / "long", CHAIN)


def test_more_participants_than_members_are_refused():
    for name in ("previous_participants", "current_participants"):
        assert getattr(store.decode(store.encode(replace(started(), **{name: SIZE})), CHAIN), name) == SIZE
        with pytest.raises(EncodingError, match=f"counts {SIZE + 1} participants of a committee of {SIZE}"):
            store.decode(store.encode(replace(started(), **{name: SIZE + 1})), CHAIN)


def test_a_killed_writer_leaves_a_whole_state(tmp_path):
    path = tmp_path / "state"
    whole = {store.encode(started()), store.encode(started(16))}
    for attempt in range(4):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
        )
        assert writer.stdout.readline() == b"ready\n"
        while not path.exists():
            time.sleep(0.001)
        time.sleep(0.013 * attempt)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        assert store.encode(store.load(path, CHAIN)) in whole


def objects():
    kinds = formats(Fork.ALTAIR, SIZE)
    one = update(40, 24)
    return [(kinds.update, one), (kinds.bootstrap, checkpoint())]


@pytest.mark.parametrize(("kind", "value"), objects())
def test_every_cut_and_every_longer_string_is_refused(kind, value):
    data = kind.encode(value)
    assert kind.decode(data, "object") == value
    for i in range(0, len(data), max(1, len(data) // 97)):
        with pytest.raises(InputError):
            kind.decode(data[:i], "object")
    with pytest.raises(InputError):
        kind.decode(data + b"\0", "object")


def test_mutated_objects_are_another_value_or_refused():
    """Offsets, bit vectors and lists are where one value could have two encodings: none has."""
    kind = formats(Fork.DENEB, SIZE).update
    nothing = formats(Fork.ALTAIR, SIZE).update
    one = nothing.decode(nothing.encode(update(40, 24)), "update")
    header = replace(one.attested_header, execution=replace(one.attested_header.execution, extra_data=b"extra"))
    data = kind.encode(replace(one, attested_header=header))
    value, rng = kind.decode(data, "update"), random.Random(6)
    refused = 0
    positions = [
        *range(4),
        *range(kind.head - 8 - 96 - 4 - 4, kind.head),
        *(rng.randrange(len(data)) for _ in range(400)),
    ]
    for i in positions:
        mutated = data[:i] + bytes([data[i] ^ 1 << rng.randrange(8)]) + data[i + 1 :]
        try:
            other = kind.decode(mutated, "update")
        except InputError:
            refused += 1
        else:
            assert other != value
            assert kind.encode(other) == mutated
    assert refused > 0


def test_answers_of_a_node_are_bounded():
    kind = formats(Fork.ALTAIR, SIZE).update
    digest = next(iter(CHAIN.digests()))
    body = digest + kind.encode(update(40, 24))
    item = len(body).to_bytes(8, "little") + body
    assert len(wire.decode_updates(item * 2, CHAIN)) == 2
    assert wire.decode_updates(b"", CHAIN) == []
    for bad in (item[:-1], item[:4], item + b"\0", (2**63).to_bytes(8, "little") + body, b"\3" + bytes(7) + body):
        with pytest.raises(InputError):
            wire.decode_updates(bad, CHAIN)
    with pytest.raises(InputError, match="more than 128"):
        wire.decode_updates(item * 129, CHAIN)
    with pytest.raises(EncodingError, match="is of no fork"):
        wire.decode_update(body[4:], b"\1\2\3\4", CHAIN)

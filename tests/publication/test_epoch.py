import json
import os
import resource
import signal
import stat
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tests.commitment.oracle import hash_of
from tests.publication.venue import OPERATOR, TABLE, TIME, ledger
from zkstate.errors import DisagreementError, EnvironmentFailure, LedgerError
from zkstate.publication import operator as publication_operator
from zkstate.publication.epoch import write_epoch
from zkstate.publication.header import SignedHeader
from zkstate.publication.manifest import check_folder
from zkstate.publication.operator import Operator
from zkstate.publication.publish import publish_folder
from zkstate.publication.tables import check_instruments, check_order_book, check_totals
from zkstate.state.identity import AccountKey


def tree_files(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    return write_epoch(ledger(), OPERATOR, tmp_path_factory.mktemp("epoch") / "out")


class TestSnapshot:
    def test_the_folder_is_what_its_manifest_says(self, snapshot):
        signed = SignedHeader.decode((snapshot.public / "header.bin").read_bytes())
        assert signed == snapshot.signed
        assert check_folder(snapshot.public, signed) == []
        assert snapshot.files == len(tree_files(snapshot.public))
        assert snapshot.public_bytes == sum(map(len, tree_files(snapshot.public).values()))

    def test_the_header_says_what_was_committed(self, snapshot):
        header = snapshot.signed.header
        assert header.operator_key == OPERATOR.public_key
        assert (header.venue_name, header.epoch, header.time) == ("Test venue", 1, TIME)
        assert (header.previous_state_root, header.account_count, header.synthetic) == (0, 40, True)
        check_instruments((snapshot.public / "tables/instruments.json").read_bytes(), header)
        check_totals((snapshot.public / "tables/totals.json").read_bytes(), header)
        check_order_book((snapshot.public / "tables/orderbook.json").read_bytes(), header)

    def test_the_accounts_root_is_that_of_the_accounts(self, snapshot):
        """Each leaf from the record codec, the tree from the plain Poseidon of the oracle."""
        nodes = (snapshot.public / "tiles/0/000000.bin").read_bytes()
        leaves = [int.from_bytes(nodes[i : i + 32], "big") for i in range(0, len(nodes), 32)]
        tag, empty = int.from_bytes(b"zkstate:node"), 0
        for _ in range(10):
            leaves += [empty] * (-len(leaves) % 4)
            leaves = [hash_of(tag, leaves[i : i + 4]) for i in range(0, len(leaves), 4)]
            empty = hash_of(tag, [empty] * 4)
        assert leaves == [snapshot.signed.header.accounts_root]

    def test_totals_are_plain_sums(self, snapshot):
        credit, debit = Counter(), Counter()
        for account in range(40):
            for row in ledger().rows_of(account):
                (credit if row.amount > 0 else debit)[row.instrument] += abs(row.amount)
        expected = [
            {"instrument": i, "credit": str(credit[i]), "debit": str(debit[i])} for i in range(1, len(TABLE) + 1)
        ]
        assert json.loads((snapshot.public / "tables/totals.json").read_text()) == {"version": 1, "totals": expected}

    def test_the_order_book_is_the_orders_by_price(self, snapshot):
        sizes, counts = Counter(), Counter()
        for account in range(40):
            for order in ledger().orders_of(account):
                sizes[order.instrument, order.side, order.price] += order.size
                counts[order.instrument, order.side, order.price] += 1

        def levels(instrument, side):
            prices = sorted((p for i, s, p in sizes if (i, s) == (instrument, side)), reverse=side == 0)
            at = [(instrument, side, price) for price in prices]
            return [{"price": str(k[2]), "size": str(sizes[k]), "orders": counts[k]} for k in at]

        books = [{"instrument": i, "bids": levels(i, 0), "asks": levels(i, 1)} for i in sorted({k[0] for k in sizes})]
        found = json.loads((snapshot.public / "tables/orderbook.json").read_text())
        assert found == {"version": 1, "books": books}

    def test_no_secret_is_written_and_the_salts_are_private(self, tmp_path):
        drawn = []

        def entropy(size):
            drawn.append(os.urandom(size))
            return drawn[-1]

        made = write_epoch(ledger(), OPERATOR, tmp_path / "out", entropy=entropy)
        salt_secret, record_secret = drawn
        record_public = X25519PrivateKey.from_private_bytes(record_secret).public_key().public_bytes_raw()
        assert made.signed.header.record_key == record_public
        everything = b"".join(tree_files(tmp_path).values())
        public = b"".join(tree_files(made.public).values())
        for secret in (record_secret, OPERATOR.signing_seed, OPERATOR.issuing_master):
            assert secret not in everything
            assert secret.hex().encode() not in everything
        assert salt_secret.hex().encode() not in public
        assert (made.folder / "private/salts.key").read_text() == salt_secret.hex() + "\n"
        assert stat.S_IMODE((made.folder / "private/salts.key").stat().st_mode) == 0o600
        assert stat.S_IMODE((made.folder / "private").stat().st_mode) == 0o700

    def test_keys_are_issued_where_there_are_none(self, tmp_path):
        bare = replace(ledger(), owners=None, view_keys=None)

        def fixed(size):
            return b"\x31" * size

        one = write_epoch(bare, OPERATOR, tmp_path / "one", entropy=fixed)
        two = write_epoch(ledger(), OPERATOR, tmp_path / "two", entropy=fixed)
        assert one.signed == two.signed
        assert tree_files(one.public) == tree_files(two.public)

    def test_two_snapshots_of_one_ledger_share_no_leaf(self, snapshot, tmp_path):
        again = write_epoch(ledger(), OPERATOR, tmp_path / "out")

        def leaves(made):
            data = (made.public / "tiles/0/000000.bin").read_bytes()
            return {data[i : i + 32] for i in range(0, len(data), 32)}

        assert not leaves(snapshot) & leaves(again)

    def test_progress_reaches_every_total(self, tmp_path):
        last = {}
        write_epoch(ledger(), OPERATOR, tmp_path / "out", progress=lambda s, d, t: last.update({s: (d, t)}))
        assert {"commit accounts", "write tiles", "seal records", "write records", "hash files", "sync"} <= set(last)
        assert all(done == total for done, total in last.values())


class TestChain:
    def test_an_epoch_follows_the_previous_one(self, snapshot, tmp_path):
        later = replace(ledger(), time=TIME + 60)
        made = write_epoch(later, OPERATOR, tmp_path / "out", previous=snapshot.signed.header)
        assert made.signed.header.epoch == 2
        assert made.signed.header.previous_state_root == snapshot.signed.header.state_root

    @pytest.mark.parametrize("time", [TIME - 1, TIME])
    def test_a_ledger_that_is_not_later_is_refused(self, snapshot, tmp_path, time):
        """A registry would refuse the header, and the operator would have to sign another one for its epoch."""
        with pytest.raises(LedgerError, match=f"{time} is not after .*{TIME}"):
            write_epoch(replace(ledger(), time=time), OPERATOR, tmp_path / "out", previous=snapshot.signed.header)

    def test_a_header_of_another_venue_is_refused(self, snapshot, tmp_path):
        with pytest.raises(DisagreementError, match="Other"):
            write_epoch(replace(ledger(), venue="Other"), OPERATOR, tmp_path / "out", previous=snapshot.signed.header)
        with pytest.raises(DisagreementError, match=OPERATOR.public_key.hex()):
            write_epoch(ledger(), Operator.generate(), tmp_path / "out", previous=snapshot.signed.header)
        assert list(tmp_path.iterdir()) == []


class TestFailure:
    def test_what_is_there_is_never_overwritten(self, tmp_path):
        (tmp_path / "out").mkdir()
        with pytest.raises(EnvironmentFailure, match="never overwritten"):
            write_epoch(ledger(), OPERATOR, tmp_path / "out")
        assert list((tmp_path / "out").iterdir()) == []

    @pytest.mark.parametrize("step", ["commit accounts", "write tiles", "seal records", "write records", "hash files"])
    def test_an_interrupt_leaves_nothing(self, tmp_path, step):
        def interrupt(name, done, total):
            if name == step and done:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            write_epoch(ledger(), OPERATOR, tmp_path / "a/out", progress=interrupt)
        assert list(tmp_path.iterdir()) == []

    def test_a_full_disk_leaves_nothing(self, tmp_path):
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (8000, before[1]))
        try:
            with pytest.raises(EnvironmentFailure, match="too large"):
                write_epoch(ledger(), OPERATOR, tmp_path / "out")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert list(tmp_path.iterdir()) == []

    def test_two_accounts_of_one_key_leave_nothing(self, tmp_path):
        view_keys = ledger().view_keys.copy()
        view_keys[9] = view_keys[4]
        with pytest.raises(LedgerError, match="same view key"):
            write_epoch(replace(ledger(), view_keys=view_keys), OPERATOR, tmp_path / "out")
        assert list(tmp_path.iterdir()) == []


class TestPublish:
    def test_the_copy_is_the_folder(self, snapshot, tmp_path):
        published = publish_folder(snapshot.public, tmp_path / "mirror")
        assert published.folder == tmp_path / "mirror/epochs/00000001"
        assert not published.already
        assert tree_files(published.folder) == tree_files(snapshot.public)
        assert published.copied_bytes == snapshot.public_bytes

    def test_publishing_again_changes_nothing(self, snapshot, tmp_path):
        publish_folder(snapshot.public, tmp_path)
        before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
        again = publish_folder(snapshot.public, tmp_path)
        assert again.already
        assert again.copied_bytes == 0
        assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")} == before

    def test_another_epoch_of_that_number_is_kept(self, snapshot, tmp_path):
        other = write_epoch(ledger(), OPERATOR, tmp_path / "other")
        publish_folder(other.public, tmp_path / "mirror")
        before = tree_files(tmp_path / "mirror")
        with pytest.raises(DisagreementError) as caught:
            publish_folder(snapshot.public, tmp_path / "mirror")
        assert snapshot.signed.header.hash.hex() in str(caught.value)
        assert other.signed.header.hash.hex() in str(caught.value)
        assert tree_files(tmp_path / "mirror") == before

    def test_a_damaged_copy_is_named_and_kept(self, snapshot, tmp_path):
        there = publish_folder(snapshot.public, tmp_path).folder
        (there / "tables/totals.json").write_bytes(b"{}")
        with pytest.raises(DisagreementError, match=r"tables/totals\.json"):
            publish_folder(snapshot.public, tmp_path)
        (there / "header.bin").write_bytes(b"")
        with pytest.raises(DisagreementError, match="unreadable header"):
            publish_folder(snapshot.public, tmp_path)

    def test_a_damaged_source_is_not_published(self, tmp_path):
        made = write_epoch(ledger(), OPERATOR, tmp_path / "out")
        tile = made.public / "tiles/0/000000.bin"
        content = tile.read_bytes()
        tile.write_bytes(bytes([content[0] ^ 1]) + content[1:])
        with pytest.raises(DisagreementError, match=r"tiles/0/000000\.bin"):
            publish_folder(made.public, tmp_path / "mirror")
        assert not (tmp_path / "mirror").exists()

    def test_a_full_disk_leaves_nothing(self, snapshot, tmp_path):
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
        try:
            with pytest.raises(EnvironmentFailure, match="too large"):
                publish_folder(snapshot.public, tmp_path / "mirror")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        assert list(tmp_path.iterdir()) == []


KILL = """
import os, shutil, signal, sys
from pathlib import Path
from tests.publication.venue import OPERATOR, ledger
from zkstate.publication.epoch import write_epoch
from zkstate.publication.publish import publish_folder
what, place, source = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])

def work(progress):
    if what == "snapshot":
        write_epoch(ledger(), OPERATOR, place / "out", progress=progress)
    else:
        publish_folder(source, place / "mirror", progress)

# One fork a kill point, made before any thread of the core exists, each killed at its n-th report of progress.
point, ended = 0, False
while not ended:
    shutil.rmtree(place / "out", ignore_errors=True)  # whole, if the last kill came after the last step
    child = os.fork()
    if not child:
        reports = 0
        def progress(*step):
            global reports
            reports += 1
            if reports > point:
                os.kill(os.getpid(), signal.SIGKILL)
        work(progress)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(point, status, *(str(p.relative_to(place)) for p in place.glob("*/header.bin")),
          *(str(p.relative_to(place)) for p in place.glob("*/*/*/header.bin") if ".partial" not in str(p)),
          *(str(p.relative_to(place)) for p in place.glob("out/public/header.bin")), flush=True)
    ended = status != -9
    point += max(1, point // 8)
"""


@pytest.mark.parametrize("what", ["snapshot", "publish"])
def test_a_kill_anywhere_leaves_nothing_or_everything(what, snapshot, tmp_path):
    """Killed at ever later reports of progress; only the run that ends has an epoch to show, and it is whole."""
    command = [sys.executable, "-c", KILL, what, str(tmp_path), str(snapshot.public)]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *killed, last = [line.split() for line in done.stdout.splitlines()]
    assert len(killed) >= 10
    assert all(line[1] == "-9" for line in killed)
    assert last[1] == "0"
    shown = [line[2:] for line in killed if line[2:]]
    assert len(shown) <= 1, "an epoch was visible before its last step"
    (header,) = tmp_path.rglob("header.bin")
    public = header.parent
    assert check_folder(public, SignedHeader.decode(header.read_bytes())) == []
    assert [p for p in tmp_path.rglob("*") if ".partial" in p.name] == []


def test_a_kill_at_a_random_moment_leaves_nothing_or_everything(tmp_path):
    root = Path(__file__).resolve().parents[2]
    script = (
        "import sys; from pathlib import Path; from tests.publication.venue import OPERATOR, ledger;"
        "from zkstate.publication.epoch import write_epoch; book = ledger(); print('ready', flush=True);"
        "write_epoch(book, OPERATOR, Path(sys.argv[1]))"
    )
    for milliseconds in (3, 10, 20, 30, 45):
        out = tmp_path / "out"
        with subprocess.Popen([sys.executable, "-c", script, out], cwd=root, stdout=subprocess.PIPE) as writer:
            writer.stdout.readline()
            try:
                writer.wait(milliseconds / 1000)
            except subprocess.TimeoutExpired:
                writer.send_signal(signal.SIGKILL)
        if out.exists():
            signed = SignedHeader.decode((out / "public/header.bin").read_bytes())
            assert check_folder(out / "public", signed) == []
            out.rename(tmp_path / f"done-{milliseconds}")
    write_epoch(ledger(), OPERATOR, tmp_path / "out")
    assert [p for p in tmp_path.iterdir() if p.name.startswith(".")] == []


class TestOperator:
    def test_its_keys_are_made_once_and_kept_private(self, tmp_path):
        made = Operator.read_or_create(tmp_path / "keys")
        assert Operator.read_or_create(tmp_path / "keys") == made
        assert Operator.read(tmp_path / "keys") == made
        for name in ("signing.key", "issuing.key"):
            assert stat.S_IMODE((tmp_path / "keys" / name).stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700

    def test_half_an_operator_is_not_replaced(self, tmp_path):
        Operator.read_or_create(tmp_path)
        (tmp_path / "issuing.key").unlink()
        with pytest.raises(EnvironmentFailure, match=r"issuing\.key does not exist, and .*restore it"):
            Operator.read_or_create(tmp_path)
        assert not (tmp_path / "issuing.key").exists()

    def test_half_an_operator_is_not_made(self, tmp_path, monkeypatch):
        """A first use that is cut short between the two keys must not stand in the way of the next."""
        real = publication_operator.write_secret

        def interrupted(path, secret, what):
            if path.name == "signing.key":
                raise KeyboardInterrupt
            real(path, secret, what)

        monkeypatch.setattr(publication_operator, "write_secret", interrupted)
        with pytest.raises(KeyboardInterrupt):
            Operator.read_or_create(tmp_path / "keys")
        assert list(tmp_path.iterdir()) == []

    def test_its_repr_shows_the_public_key_alone(self):
        assert repr(OPERATOR) == f"Operator({OPERATOR.public_key.hex()})"
        assert OPERATOR.signing_seed.hex() not in repr(OPERATOR)

    def test_the_key_it_issues_is_that_of_the_ledger(self):
        key = OPERATOR.account_key("trader-3")
        assert isinstance(key, AccountKey)
        assert key.owner == ledger().owner_of(3)
        assert key.view_public == ledger().view_keys[3].tobytes()

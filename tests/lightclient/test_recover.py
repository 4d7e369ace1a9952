import shutil
import time
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from lightclient.recover import STEPS, Limits, NoRecordError, recover
from lightclient.trust import PinnedHeader
from tests.lightclient.venues import HOUR, Altering, Chain, Late, Silent, flipped, header_at, publish_chain
from tests.publication.servers import answer, drip, flood, mute, raw, static
from tests.publication.venue import OPERATOR, TIME, ledger
from zkstate.errors import (
    DisagreementError,
    EncodingError,
    InputError,
    MissingError,
    SourceError,
    StaleError,
    ZkstateError,
)
from zkstate.publication.epoch import write_epoch
from zkstate.publication.header import sign
from zkstate.publication.mirrors import FolderMirror, HttpMirror
from zkstate.publication.operator import Operator
from zkstate.publication.publish import publish_folder
from zkstate.publication.records import RecordKey, Sealer, agree, parse_bucket
from zkstate.state import codec
from zkstate.state.identity import AccountKey
from zkstate.state.synthetic import synthetic_ledger, synthetic_master

KEY = OPERATOR.account_key("trader-7")
NOW = TIME + 2 * HOUR + 60
QUICK = Limits(request_s=3.0, grace_s=0.1)
FILES = (
    "header.bin",
    "tables/instruments.json",
    "tables/scenarios.json",
    "tables/totals.json",
    "records/",
    "tiles/0/",
    "tiles/1/",
    "tiles/2/",
)


@pytest.fixture(scope="module")
def chain(tmp_path_factory):
    """Three published epochs: (mirror folder, signed headers)."""
    folder = tmp_path_factory.mktemp("chain")
    signed = publish_chain(folder, 3)
    return folder / "mirror", signed


def rebuild(mirrors, trust, key=KEY, **more):
    return recover(key, mirrors, trust, **({"clock": lambda: NOW, "limits": QUICK} | more))


def at_record(folder, header):
    """A function that changes one bit inside the account's own record, and no other."""
    key = RecordKey.derive(KEY, header)
    at = (folder / f"epochs/{header.epoch:08d}" / key.path).read_bytes().index(key.tag) + 60
    return lambda data: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def only(reports, name):
    (report,) = [r for r in reports if r.name == name]
    return report


class TestHonest:
    @pytest.mark.parametrize("place", [0, 1, 7, 299])
    def test_an_account_comes_back_from_a_folder(self, chain, place):
        folder, signed = chain
        found = rebuild([FolderMirror(folder)], Chain.of(signed), OPERATOR.account_key(f"trader-{place}"))
        account = found.bundle.account
        assert account.rows == ledger(300).rows_of(place)
        assert account.orders == ledger(300).orders_of(place)
        assert account.owner == ledger(300).owner_of(place)
        assert found.bundle.signed == signed[2]
        assert found.bundle.path.verify(signed[2].header.accounts_root, found.bundle.leaf)
        assert found.bundle.table == ledger(300).table
        assert found.totals == ledger(300).totals()
        assert found.bundle.trust.level == "c"
        assert (found.newest_epoch, found.skipped, found.equivocations) == (3, (), ())

    def test_it_comes_back_over_http(self, chain):
        folder, signed = chain
        with static(folder) as url:
            found = rebuild([HttpMirror(url)], PinnedHeader(signed[2]))
        assert found.bundle.account.rows == ledger(300).rows_of(7)
        assert found.bundle.trust.level == "d"
        (report,) = found.sources
        assert (report.name, report.served, report.lied, report.silent, report.missing) == (url, 8, (), (), ())

    def test_every_kind_of_account_of_a_realistic_venue_comes_back(self, tmp_path):
        book = synthetic_ledger(7, 1000)
        operator = Operator(bytes(32), synthetic_master(7))
        made = write_epoch(book, operator, tmp_path / "out")
        publish_folder(made.public, tmp_path / "mirror")
        first_of_each_class = {int(n): place for place, n in reversed(list(enumerate(book.size_classes)))}
        assert set(first_of_each_class) == {4, 8, 16, 64}
        for place in first_of_each_class.values():
            key = operator.account_key(book.names[place])
            mirror = FolderMirror(tmp_path / "mirror")
            found = rebuild([mirror], PinnedHeader(made.signed), key, clock=lambda: book.time + 1)
            assert found.bundle.account.rows == book.rows_of(place)
            assert found.bundle.account.orders == book.orders_of(place)
            assert found.bytes_read < 200 << 10

    def test_what_it_cost_is_reported(self, chain):
        folder, signed = chain
        started = time.perf_counter()
        steps = []
        found = rebuild([FolderMirror(folder)], Chain.of(signed), progress=lambda *step: steps.append(step))
        assert found.rpo_s == 60
        assert 0 < found.rto_s < time.perf_counter() - started
        assert set(found.seconds) == set(STEPS)
        read = [
            p.stat().st_size
            for p in (folder / "epochs/00000003").rglob("*")
            if p.is_file() and "tiles/0" not in str(p) and "records" not in str(p) and "orderbook" not in str(p)
        ]
        assert 0 < found.bytes_read < sum(read) + 8192 + 40_000
        assert found.bytes_read == found.sources[0].bytes_read
        assert steps[-1] == ("bundle", 7, 7)

    def test_an_older_header_may_be_pinned(self, chain):
        folder, signed = chain
        found = rebuild([FolderMirror(folder)], PinnedHeader(signed[0]))
        assert found.bundle.header.epoch == 1
        assert found.rpo_s == 2 * HOUR + 60
        assert "no chain was asked" in found.bundle.trust.text

    def test_the_pinned_header_is_read_from_a_file(self, chain):
        folder, signed = chain
        pinned = PinnedHeader.read(folder / "epochs/00000002/header.bin")
        assert pinned == PinnedHeader(signed[1])
        with pytest.raises(MissingError, match="epoch 2, not 3"):
            pinned.epoch_hash(3)


class TestOneBadMirror:
    @pytest.mark.parametrize("file", FILES)
    @pytest.mark.parametrize(
        "change",
        [flipped, lambda d: d[:-1], lambda d: b"", lambda d: d + b"\0"],
        ids=["flipped", "truncated", "empty", "longer"],
    )
    def test_a_lie_about_any_file_is_named_and_the_other_mirror_used(self, chain, file, change):
        folder, signed = chain
        if file == "records/" and change is flipped:
            change = at_record(folder, signed[2].header)
        found = rebuild([Altering(folder, {file: change}, "liar"), Late(folder)], Chain.of(signed))
        assert found.bundle.account.rows == ledger(300).rows_of(7)
        (lie,) = only(found.sources, "liar").lied
        assert lie.startswith("liar: ")
        assert only(found.sources, str(folder)).lied == ()

    @pytest.mark.parametrize("file", FILES)
    def test_a_lie_alone_is_a_disagreement(self, chain, file):
        folder, signed = chain
        change = at_record(folder, signed[2].header) if file == "records/" else flipped
        with pytest.raises(ZkstateError) as caught:
            rebuild(
                [Altering(folder, {f"00000003/{file}": change})],
                Chain(Chain.of(signed).hashes),
                limits=replace(QUICK, epochs_back=0),
            )
        assert caught.type is DisagreementError
        assert file.rstrip("/") in str(caught.value)

    def test_a_mirror_that_lacks_files_is_noted(self, chain):
        folder, signed = chain
        bare = Altering(folder, {"tiles/": None}, "bare")
        found = rebuild([bare, Late(folder)], Chain.of(signed))
        report = only(found.sources, "bare")
        assert len(report.missing) == 1
        assert (report.lied, report.silent) == ((), ())

    def test_an_old_header_under_a_new_number_is_a_lie(self, chain):
        folder, signed = chain
        stale = Altering(folder, {"00000003/header.bin": lambda d: signed[1].encode()}, "stale")
        found = rebuild([stale, Late(folder)], Chain.of(signed))
        (lie,) = only(found.sources, "stale").lied
        assert signed[1].header.hash.hex() in lie
        assert signed[2].header.hash.hex() in lie
        assert found.equivocations == ()

    def test_a_bucket_without_the_record_is_a_lie_if_another_has_it(self, chain):
        folder, signed = chain
        header = signed[2].header
        key = RecordKey.derive(KEY, header)

        def without(data):
            kept = [e for e in parse_bucket(data, key.bucket, header.record_bits) if e.tag != key.tag]
            return b"".join(e.associated + e.sealed for e in kept)

        hiding = Altering(folder, {"records/": without}, "hiding")
        found = rebuild([hiding, Late(folder)], Chain.of(signed))
        (lie,) = only(found.sources, "hiding").lied
        assert "none for this key" in lie
        with pytest.raises(DisagreementError, match=r"manifest\.json lists"):
            rebuild([hiding], PinnedHeader(signed[2]))

    def test_halves_of_two_damaged_mirrors_make_a_whole(self, chain):
        folder, signed = chain
        one = Altering(folder, {"tiles/0": flipped, "tables/": flipped}, "one")
        two = Altering(folder, {"records/": lambda d: d[:-1], "tiles/2": None}, "two")
        found = rebuild([one, two], Chain.of(signed))
        assert found.bundle.account.rows == ledger(300).rows_of(7)
        assert only(found.sources, "one").lied
        assert only(found.sources, "two").served

    def test_equivocation_is_kept_as_proof(self, chain, tmp_path):
        folder, signed = chain
        second = write_epoch(
            replace(ledger(300), time=TIME + 2 * HOUR), OPERATOR, tmp_path / "e", previous=signed[1].header
        )
        publish_folder(second.public, tmp_path / "mirror")
        mirrors = [FolderMirror(tmp_path / "mirror"), FolderMirror(folder)]
        found = rebuild(mirrors, Chain.of(signed))
        assert found.bundle.signed == signed[2]
        assert found.equivocations == (second.signed,)


@given(st.data())
def test_no_changed_byte_of_a_mirror_yields_another_account(chain, data):
    """Any byte of any file of the epoch: the same account comes back, or a typed error, or an older epoch."""
    folder, signed = chain
    epoch = folder / "epochs/00000003"
    files = sorted(str(path.relative_to(epoch)) for path in epoch.rglob("*") if path.is_file() and path.stat().st_size)
    own = RecordKey.derive(KEY, signed[2].header).path
    path = data.draw(st.sampled_from([own, *files]))
    at = data.draw(st.integers(0, (epoch / path).stat().st_size - 1))
    mask = data.draw(st.integers(1, 255))

    def change(content):
        return content[:at] + bytes([content[at] ^ mask]) + content[at + 1 :]

    try:
        found = rebuild([Altering(folder, {f"00000003/{path}": change})], Chain.of(signed))
    except ZkstateError:
        return
    assert found.bundle.account.rows == ledger(300).rows_of(7)
    assert found.bundle.signed == signed[2] or found.skipped


class TestSlowAndGone:
    @pytest.mark.parametrize(
        "behave",
        [
            mute,
            drip(b"HTTP/1.1 200 OK\r\nContent-Length: 544\r\n\r\n"),
            flood(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"ffff\r\n" + b"x" * 0xFFFF + b"\r\n"),
            answer(b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n"),
            answer(b"HTTP/1.1 200 OK\r\nContent-Length: 544\r\n\r\n", bytes(100)),
            answer(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"),
        ],
        ids=["mute", "drip", "endless", "redirect", "cut", "busy"],
    )
    def test_a_mirror_that_does_not_deliver_is_silent_and_costs_little(self, chain, behave):
        folder, signed = chain
        with raw(behave) as bad, static(folder) as good:
            found = rebuild([HttpMirror(bad), HttpMirror(good)], Chain.of(signed))
            assert found.rto_s < 3.0
            report = only(found.sources, bad)
            assert len(report.silent) == 1
            assert report.silent[0].startswith(bad)
            assert (report.served, report.lied) == (0, ())
            assert report.bytes_read <= 1000

    def test_a_mirror_that_stalls_midway_is_left_for_the_others(self, chain):
        folder, signed = chain

        def behave(connection, request, stop):
            if b"header.bin" not in request:
                stop.wait()
                return
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 544\r\n\r\n" + signed[2].encode())

        with raw(behave) as bad:
            mirrors = [HttpMirror(bad), Late(folder)]
            found = rebuild(mirrors, Chain.of(signed), limits=replace(QUICK, request_s=0.3))
            report = only(found.sources, bad)
            assert (report.served, len(report.silent)) == (1, 1)
            assert "not finished within 0.3 s" in report.silent[0]
            assert found.rto_s < 3.0

    def test_nobody_there_is_a_source_error(self, chain, tmp_path):
        _, signed = chain
        with pytest.raises(SourceError, match="silent") as caught:
            rebuild([Silent()], Chain.of(signed))
        assert caught.type is SourceError
        with pytest.raises(MissingError, match=r"header\.bin"):
            rebuild([FolderMirror(tmp_path)], Chain.of(signed))
        with pytest.raises(SourceError):
            rebuild([Silent(), FolderMirror(tmp_path)], Chain.of(signed))
        with pytest.raises(InputError, match="no mirror"):
            rebuild([], Chain.of(signed))

    def test_all_mirrors_mute_ends_at_the_limit(self, chain):
        _, signed = chain
        with raw(mute) as one, raw(mute) as two:
            start = time.monotonic()
            with pytest.raises(SourceError, match=r"no answer within|not finished within"):
                rebuild(
                    [HttpMirror(one), HttpMirror(two)],
                    PinnedHeader(signed[2]),
                    limits=replace(QUICK, request_s=0.3),
                )
            assert time.monotonic() - start < 4


class TestKeys:
    def test_a_key_without_an_account_is_told_so(self, chain):
        folder, signed = chain
        with pytest.raises(NoRecordError, match="none for this key") as caught:
            rebuild([FolderMirror(folder)], Chain.of(signed), AccountKey(b"\x99" * 32))
        assert "99" * 32 not in str(caught.value)
        assert caught.value.exit_code == 3

    def test_no_secret_is_in_any_repr(self, chain):
        folder, signed = chain
        found = rebuild([FolderMirror(folder)], Chain.of(signed))
        text = repr(found)
        assert KEY.seed.hex() not in text
        assert str(KEY.owner_secret) not in text
        assert f"{KEY.owner_secret:x}" not in text


class TestAge:
    def test_a_state_older_than_allowed_is_refused(self, chain):
        folder, signed = chain
        with pytest.raises(StaleError, match=r"epoch 3, is 60 s old; the limit is 59 s"):
            rebuild([FolderMirror(folder)], Chain.of(signed), limits=replace(QUICK, max_age_s=59))
        assert rebuild([FolderMirror(folder)], Chain.of(signed), limits=replace(QUICK, max_age_s=60))

    def test_a_header_from_the_future_is_refused(self, chain):
        folder, signed = chain
        with pytest.raises(StaleError, match="clock"):
            rebuild([FolderMirror(folder)], Chain.of(signed), clock=lambda: TIME)


class TestOlderEpochs:
    @pytest.mark.parametrize("damage", ["gone", "header", "record", "tile"])
    def test_the_newest_epoch_that_can_be_had_is_taken(self, chain, tmp_path, damage):
        folder, signed = chain
        shutil.copytree(folder, tmp_path / "mirror")
        newest = tmp_path / "mirror/epochs/00000003"
        if damage == "gone":
            shutil.rmtree(newest)
        elif damage == "header":
            (newest / "header.bin").write_bytes(flipped((newest / "header.bin").read_bytes()))
        elif damage == "record":
            shutil.rmtree(newest / "records")
        else:
            (newest / "tiles/2/000000.bin").write_bytes(bytes(32))
        root = Chain.of(signed)
        found = rebuild([FolderMirror(tmp_path / "mirror")], root)
        assert found.bundle.header.epoch == 2
        assert (found.newest_epoch, found.rpo_s) == (3, HOUR + 60)
        assert len(found.skipped) == 1
        assert found.skipped[0].startswith("epoch 3: ")
        assert root.asked == [2]

    def test_the_error_is_that_of_the_newest_epoch(self, chain, tmp_path):
        _, signed = chain
        with pytest.raises(MissingError, match="epochs/00000003"):
            rebuild([FolderMirror(tmp_path)], Chain.of(signed))

    def test_going_back_has_a_limit(self, chain, tmp_path):
        folder, signed = chain
        shutil.copytree(folder / "epochs/00000001", tmp_path / "epochs/00000001")
        with pytest.raises(MissingError):
            rebuild([FolderMirror(tmp_path)], Chain.of(signed), limits=replace(QUICK, epochs_back=1))
        assert rebuild([FolderMirror(tmp_path)], Chain.of(signed)).bundle.header.epoch == 1


class TestTrustRoot:
    def test_a_root_that_names_another_hash_accepts_nothing(self, chain):
        folder, signed = chain
        with pytest.raises(DisagreementError) as caught:
            rebuild(
                [FolderMirror(folder)],
                Chain([s.header.hash for s in signed[:2]] + [b"\x55" * 32]),
                limits=replace(QUICK, epochs_back=0),
            )
        assert (b"\x55" * 32).hex() in str(caught.value)
        assert signed[2].header.hash.hex() in str(caught.value)

    def test_a_root_that_names_a_header_of_another_epoch_is_refused(self, chain):
        folder, signed = chain
        wrong = Altering(folder, {"00000003/header.bin": lambda d: signed[0].encode()})
        with pytest.raises(DisagreementError, match="epoch 3 names a header of 1"):
            rebuild([wrong], Chain([signed[0].header.hash] * 3), limits=replace(QUICK, epochs_back=0))

    def test_a_header_with_a_forged_signature_is_refused_whoever_names_it(self, chain):
        folder, signed = chain
        forged = signed[2].encode()[:480] + bytes(64)
        with pytest.raises(DisagreementError, match="signature"):
            rebuild(
                [Altering(folder, {"header.bin": lambda d: forged})],
                Chain.of(signed),
                limits=replace(QUICK, epochs_back=0),
            )


class TestLyingVenue:
    """A venue whose published parts contradict its own signed header, on every mirror."""

    def resign(self, tmp_path, chain, **changes):
        folder, signed = chain
        shutil.copytree(folder / "epochs/00000003", tmp_path / "epochs/00000003")
        header = sign(replace(signed[2].header, **changes), OPERATOR.signing_key)
        (tmp_path / "epochs/00000003/header.bin").write_bytes(header.encode())
        return FolderMirror(tmp_path), PinnedHeader(header)

    def reseal(self, tmp_path, chain, change=lambda account: account, **changes):
        """As `resign`, with the account sealed again under the header that this gives."""
        folder, signed = chain
        found = rebuild([FolderMirror(folder)], Chain.of(signed)).bundle
        account, record_key = change(found.account), X25519PrivateKey.from_private_bytes(b"\x42" * 32)
        public = record_key.public_key().public_bytes_raw()
        mirror, root = self.resign(tmp_path, chain, record_key=public, record_bits=0, **changes)
        header = replace(signed[2].header, **changes)
        entry = Sealer(header.state_root).seal(
            agree(record_key, KEY.view_public),
            account.size_class,
            found.leaf.to_bytes(32, "big"),
            codec.encode_record(account),
        )
        (tmp_path / "epochs/00000003/records/000000.bin").write_bytes(entry)
        return mirror, root

    def test_an_accounts_root_that_is_not_that_of_the_tiles_is_named(self, chain, tmp_path):
        mirror, root = self.reseal(tmp_path, chain, accounts_root=12345)
        with pytest.raises(DisagreementError, match="tiles/2"):
            rebuild([mirror], root)

    def test_records_of_another_state_root_are_not_found(self, chain, tmp_path):
        """A header over the records of another snapshot: their tags follow from the root they were sealed under."""
        mirror, root = self.resign(tmp_path, chain, accounts_root=12345)
        with pytest.raises(NoRecordError, match="none for this key"):
            rebuild([mirror], root)

    @pytest.mark.parametrize("field", ["instruments_root", "totals_root"])
    def test_a_root_that_is_not_that_of_the_files_is_named(self, chain, tmp_path, field):
        mirror, root = self.resign(tmp_path, chain, **{field: 12345})
        with pytest.raises(DisagreementError, match=field):
            rebuild([mirror], root)

    def test_a_record_of_another_place_than_its_leaf_is_refused(self, chain, tmp_path):
        """The account is sealed with the index of its neighbour: leaf and tree then differ."""
        mirror, root = self.reseal(tmp_path, chain, lambda account: replace(account, index=(account.index + 1) % 300))
        with pytest.raises(DisagreementError, match="another account than it committed to"):
            rebuild([mirror], root)

    def test_an_unusable_record_key_is_refused(self, chain, tmp_path):
        mirror, root = self.resign(tmp_path, chain, record_key=bytes(32))
        with pytest.raises(EncodingError, match="X25519"):
            rebuild([mirror], root)


def test_the_mirror_holds_what_the_tests_think(chain):
    folder, signed = chain
    assert [header_at(folder, n) for n in (1, 2, 3)] == signed

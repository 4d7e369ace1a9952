"""From a checkpoint to the newest finalized block by several sources: honest, lying, slow, endless, behind, gone."""

import contextlib
import copy
import json
import time
import tracemalloc

import pytest

from lightclient.beacon import BeaconFile, BeaconNode, beacons_at
from lightclient.consensus import store
from lightclient.finality import Finalized, follow
from tests.lightclient.beaconchain import BeaconChain, Library, answer, chain_at, saved, serve
from tests.lightclient.consensus.committees import SIZE
from tests.lightclient.faults import FAULTS, HEAD, changed, lies
from tests.publication import servers
from zkstate.errors import DisagreementError, InputError, MissingError, SourceError, StaleError

NOW = 1_900_000_000
SLOT = 180  # the present, in period 2 of 64 slots
CHAIN = chain_at(NOW, SLOT)
BEACONS = BeaconChain(CHAIN)
BOOTSTRAP = BEACONS.bootstrap(8)
ROOT = BOOTSTRAP.header.beacon.root
UPDATES = [BEACONS.update(40, 24), BEACONS.update(104, 88), BEACONS.update(168, 152)]
FINALITY = BEACONS.finality(178, 160)
LIBRARY = Library.of(BEACONS, BOOTSTRAP, UPDATES, FINALITY)


def followed(places, begin=ROOT, timeout_s=5, **options):
    options = {"max_checkpoint_age_s": 10**6, "max_finality_age_s": 3600, "clock": lambda: NOW} | options
    return follow(
        [source for place in places for source in beacons_at(str(place), timeout_s)],
        CHAIN,
        begin,
        timeout_s=timeout_s,
        **options,
    )


def test_one_honest_node_is_enough():
    with serve(LIBRARY.get) as url:
        found = followed([url])
    assert found.client.finalized == FINALITY.finalized_header
    assert found.updates == (*UPDATES, FINALITY)
    assert found.bootstrap == BOOTSTRAP
    assert (found.conflicts, [report.fault for report in found.reports]) == ((), [""])
    finalized = found.finalized
    assert (finalized.finality.slot, finalized.finality.checkpoint, finalized.participants) == (160, ROOT, SIZE)
    assert finalized.finality.time == NOW - 12 * 20


def test_files_of_a_node_are_a_source_and_its_url_may_have_a_path_and_a_key(tmp_path):
    with saved(LIBRARY, tmp_path / "files") as folder:
        assert followed([folder]).client.finalized == FINALITY.finalized_header
    with serve(lambda route, query: LIBRARY.get(route, query) if query["key"] == ["secret"] else None, "/v/abc") as url:
        node = BeaconNode(f"{url}/v/abc/?key=secret", 5)
        assert (
            follow([node], CHAIN, ROOT, timeout_s=5, max_checkpoint_age_s=10**6, clock=lambda: NOW).client.period == 2
        )
        assert node.name == url
        assert "secret" not in repr(node)
    with pytest.raises(InputError, match="neither an http"):
        beacons_at(str(tmp_path / "nothing"), 5)
    with pytest.raises(InputError, match="ftp"):
        beacons_at("ftp://example", 5)


def test_what_one_source_lacks_another_has():
    def without(period, bootstrap=True):
        rest = {p: one for p, one in LIBRARY.updates.items() if p != period}
        return Library(LIBRARY.bootstraps if bootstrap else {}, rest, LIBRARY.finality).get

    with serve(without(1)) as one, serve(without(0, bootstrap=False)) as other:
        found = followed([one, other])
        assert found.client.finalized == FINALITY.finalized_header
        assert [report.fault for report in found.reports] == ["", ""]
        with pytest.raises(SourceError, match=f"{one}: its finality update is signed in period 2, and no source has"):
            followed([one])
        with pytest.raises(MissingError, match=f"no source has the bootstrap of checkpoint 0x{ROOT.hex()}: {other}"):
            followed([other])


def test_pages_are_of_at_most_128_periods():
    asked = []

    def get(route, query):
        if route == "updates":
            asked.append((int(query["start_period"][0]), int(query["count"][0])))
        return LIBRARY.get(route, query)

    later = NOW + 12 * 64 * 298
    with serve(get) as url, pytest.raises(StaleError, match="the newest finalized header that any source shows"):
        followed([url], clock=lambda: later, max_checkpoint_age_s=10**9)
    assert asked == [(0, 128), (128, 128), (256, 45)]


def test_a_saved_state_goes_on_without_its_checkpoint(tmp_path):
    early = Library.of(BEACONS, BOOTSTRAP, UPDATES[:1], BEACONS.finality(50, 32))
    with serve(early.get) as url:
        first = followed([url], clock=lambda: CHAIN.time_of(56))
        assert first.client.finalized.slot == 32
        store.save(tmp_path / "state", first.client)
    with serve(Library.of(BEACONS, BOOTSTRAP, [], None).get) as url:
        nothing_new = followed([url], store.load(tmp_path / "state", CHAIN), clock=lambda: CHAIN.time_of(56))
    assert str(nothing_new.finalized) == (
        f"a saved state of this light client holds slot 32 of testnet final, from checkpoint 0x{ROOT.hex()}"
    )
    with serve(LIBRARY.get) as url:
        again = followed([url], store.load(tmp_path / "state", CHAIN))
    assert (again.client.finalized, again.bootstrap) == (FINALITY.finalized_header, None)
    assert again.finalized.finality.checkpoint == ROOT


def test_ages_are_limited():
    with serve(LIBRARY.get) as url:
        with pytest.raises(StaleError, match="the trusted header of slot 8 is 172 slots"):
            followed([url], max_checkpoint_age_s=12 * 171)
        followed([url], max_checkpoint_age_s=12 * 172, max_finality_age_s=240)
        with pytest.raises(StaleError, match="slot 160, 240 s old, more than 239 s"):
            followed([url], max_finality_age_s=239)


LIES = lies(SLOT + 1)


@pytest.mark.parametrize("lie", LIES)
def test_no_lie_is_believed_and_who_told_it_is_named(lie):
    """Alone, a liar leads nowhere; beside an honest source it changes nothing."""
    with serve(changed(LIBRARY, *LIES[lie])) as liar, serve(LIBRARY.get) as honest:
        with pytest.raises((DisagreementError, SourceError), match=liar):
            followed([liar])
        found = followed([liar, honest])
        assert found.client.finalized == FINALITY.finalized_header
        assert found.reports[0].fault.startswith(f"{liar}: ")
        assert found.reports[1].fault == ""


@pytest.mark.parametrize("fault", FAULTS)
def test_a_source_that_does_not_deliver_is_named_within_its_time_and_memory(fault):
    behave, words = FAULTS[fault]
    with servers.raw(behave) as broken, serve(LIBRARY.get) as honest:
        tracemalloc.start()
        began = time.monotonic()
        with pytest.raises(SourceError, match=words) as caught:
            followed([broken], timeout_s=1)
        found = followed([broken, honest], timeout_s=1)
        took, (_, peak) = time.monotonic() - began, tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert str(caught.value).startswith(broken)
    assert found.client.finalized == FINALITY.finalized_header
    assert found.reports[0].fault.startswith(broken)
    assert took < 10
    assert peak < 64 << 20


def test_a_page_of_hostile_json_stays_within_its_memory():
    """Eight megabytes of the smallest values, where a page is due."""
    for body in (
        b"[" + b"[]," * (2 << 20) + b"0]",
        b"[" + b"0," * (3 << 20) + b"0]",
        b"[" + b"{}," * (2 << 20) + b"0]",
        b"[" + b'"",' * (2 << 20) + b"0]",
    ):
        answer = HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body
        with servers.raw(servers.answer(answer)) as url:
            tracemalloc.start()
            with pytest.raises(InputError, match="values or more, at most"):
                BeaconNode(url, 9).updates(0, 128, CHAIN)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert peak < 64 << 20


def test_a_stale_head_is_not_the_newest():
    """A source that is behind, with a true finality update of an hour before: named as stale alone, outvoted beside."""
    behind = Library.of(BEACONS, BOOTSTRAP, UPDATES[:2], UPDATES[1])
    with serve(behind.get) as old, serve(LIBRARY.get) as honest:
        with pytest.raises(StaleError, match=f"slot 88, {12 * 92} s old"):
            followed([old], max_finality_age_s=1000)
        found = followed([old, honest], max_finality_age_s=1000)
        assert found.client.finalized == FINALITY.finalized_header
        assert [report.fault for report in found.reports] == ["", ""]


def test_weak_signatures_move_nothing():
    """One member less than two thirds, of everything: nothing becomes final, and nothing is forced however late."""
    few = 2 * SIZE // 3
    weak = Library.of(BEACONS, BOOTSTRAP, [BEACONS.update(40, 24, signers=few)], BEACONS.finality(60, 48, signers=few))
    with serve(weak.get) as url:
        found = followed([url])
        assert found.client.finalized.slot == 8
        assert str(found.finalized).endswith("itself: no sync committee's signature stands behind it")
        with pytest.raises(StaleError, match="is of slot 8, "):
            followed([url], max_finality_age_s=1000)


def test_one_more_than_a_third_missing_is_still_final():
    enough = 2 * SIZE // 3 + 1
    library = Library.of(BEACONS, BOOTSTRAP, UPDATES, BEACONS.finality(178, 160, signers=enough))
    with serve(library.get) as url:
        finalized = followed([url]).finalized
    assert (finalized.participants, str(finalized)[:9]) == (enough, f"{enough} of {SIZE} ")


def test_two_finalized_chains_with_two_thirds_behind_each_are_refused_and_kept():
    other = BEACONS.finality(178, 160, body=b"other")
    library = Library.of(BEACONS, BOOTSTRAP, UPDATES, other)
    with serve(LIBRARY.get) as one, serve(library.get) as two:
        found = followed([one, two])
        again = followed([two, one, two])
    assert len(found.conflicts) == len(again.conflicts) == 1
    conflict = found.conflicts[0]
    assert conflict.is_proof
    assert {conflict.one, conflict.other} == {FINALITY, other}
    with pytest.raises(DisagreementError, match=r"two attested headers of slot 178 are signed, .* two thirds"):
        found.finalized  # noqa: B018
    size = len(store.encode_update(FINALITY, CHAIN))
    assert len(conflict.encode(CHAIN)) == 2 * size


def test_a_contradiction_by_few_is_reported_and_stops_nothing():
    other = BEACONS.finality(178, 160, body=b"other", signers=3)
    library = Library.of(BEACONS, BOOTSTRAP, UPDATES, other)
    with serve(LIBRARY.get) as one, serve(library.get) as two:
        found = followed([two, one])
    assert [conflict.is_proof for conflict in found.conflicts] == [False]
    assert found.finalized.block.number == 0
    assert found.client.finalized == FINALITY.finalized_header


def test_a_conflict_in_the_middle_of_a_page_is_found():
    library = Library.of(BEACONS, BOOTSTRAP, [UPDATES[0], BEACONS.update(104, 88, body=b"other"), UPDATES[2]], FINALITY)
    with serve(LIBRARY.get) as one, serve(library.get) as two:
        found = followed([one, two])
    assert [str(conflict).partition(",")[0] for conflict in found.conflicts] == [
        "two attested headers of slot 104 are signed"
    ]
    with pytest.raises(DisagreementError):
        found.finalized  # noqa: B018


def test_a_source_that_floods_with_forged_updates_hides_no_honest_one():
    forged = [copy.deepcopy(LIBRARY.updates[0]) for _ in range(3)]
    for i, one in enumerate(forged):
        one["data"]["attested_header"]["beacon"]["slot"] = str(9 + i)

    def get(route, query):
        return forged if route == "updates" else LIBRARY.get(route, query)

    with contextlib.ExitStack() as stack:
        liars = [stack.enter_context(serve(get)) for _ in range(3)]
        honest = stack.enter_context(serve(LIBRARY.get))
        found = followed([*liars, honest])
    assert found.client.finalized == FINALITY.finalized_header
    assert [bool(report.fault) for report in found.reports] == [True, True, True, False]


def test_nothing_before_capella_names_a_block():
    from tests.lightclient.consensus.committees import started

    with pytest.raises(InputError, match="older than Capella"):
        Finalized.of(started(), ())


def test_a_folder_is_read_within_limits(tmp_path):
    folder = tmp_path / "many"
    folder.mkdir()
    with pytest.raises(InputError, match="many: 0 files bootstrap"):
        beacons_at(str(folder), 5)
    for i in range(257):
        (folder / f"updates-{i}.json").write_text("[]")
    with pytest.raises(InputError, match=r"257 files .* 1 to 256 are read"):
        beacons_at(str(folder), 5)
    updates = BeaconFile(folder, "updates-0.json")
    assert updates.updates(0, 128, CHAIN) == []
    with pytest.raises(MissingError, match="no finality update"):
        updates.finality_update(CHAIN)
    with pytest.raises(MissingError, match="no bootstrap"):
        updates.bootstrap(ROOT, CHAIN)
    (folder / "bootstrap.json").symlink_to(folder / "updates-0.json")
    with pytest.raises(SourceError, match="is a link"):
        BeaconFile(folder, "bootstrap.json").bootstrap(ROOT, CHAIN)


def forged_finality():
    """Of a later slot than the honest one's, and signed by nobody."""
    forged = answer("finality_update", BEACONS.finality(179, 160))
    forged["data"]["sync_aggregate"]["sync_committee_signature"] = "0x" + "11" * 96
    return forged


def forged_committee():
    """A bootstrap of the right block, with the committee of another."""
    forged = copy.deepcopy(LIBRARY.bootstraps[f"0x{ROOT.hex()}"])
    forged["data"]["current_sync_committee"] = answer("bootstrap", BEACONS.bootstrap(72))["data"][
        "current_sync_committee"
    ]
    return forged


def forged_updates():
    """A page whose second update is forged."""
    page = copy.deepcopy([LIBRARY.updates[0], LIBRARY.updates[1]])
    page[1]["data"]["attested_header"]["beacon"]["slot"] = "105"
    return page


@pytest.mark.parametrize(
    ("file", "bad"),
    [
        *(
            (f"{kind}-0.json", text)
            for kind in ("bootstrap", "updates", "finality_update")
            for text in ("", "[1", "{}")
        ),
        ("bootstrap-0.json", forged_committee()),
        ("updates-0.json", forged_updates()),
        ("finality_update-0.json", forged_finality()),
    ],
)
def test_one_bad_file_takes_no_other_with_it(tmp_path, file, bad):
    """It is read before the good one, named, and changes nothing."""
    with saved(LIBRARY, tmp_path / "files") as folder:
        (folder / "bootstrap-0.json").rename(folder / "bootstrap-1.json")
        (folder / file).write_text(bad if isinstance(bad, str) else json.dumps(bad))
        found = followed([folder])
        assert found.client.finalized == FINALITY.finalized_header
        faults = {report.name: report.fault for report in found.reports if report.fault}
        assert list(faults) == [str(folder / file)]
        assert faults[str(folder / file)].startswith(f"{folder / file}: ")

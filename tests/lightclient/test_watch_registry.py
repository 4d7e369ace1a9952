"""A watch over a real registry, through nodes that prove it: halts, rollbacks, silence, other code, nodes that lie."""

import contextlib
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from lightclient.registry_reader import RegistryReader
from lightclient.watch.cycle import Opened, Settings
from lightclient.watch.folder import WatchFolder
from lightclient.watch.loop import exit_code
from tests.lightclient.nodes import Refusal, lying, member, pyevm_node, serve
from tests.lightclient.watched import Venue, Watch, folders, kinds
from tests.publication.venue import TIME
from zkstate.registry.embedded import PyEvmChain
from zkstate.registry.registry import Registry
from zkstate.registry.slots import HALTED, LATEST_EPOCH, LATEST_TIME, header_hash_slot

WRONG = "0x" + "11" * 32
LIMIT, DELAY = 10_000, 50
START = TIME + 2 * 3600 + 10  # all three epochs are in the past


@pytest.fixture(scope="module")
def venue(tmp_path_factory):
    venue = Venue(tmp_path_factory.mktemp("venue"))
    venue.snapshots = venue.make(3)
    return venue


@dataclass
class Scene:
    """A venue with a registry on a chain of its own, and a watch that asks nodes over that chain."""

    venue: Venue
    execution: PyEvmChain
    registry: Registry
    mirrors: list
    watch: Watch

    def publish(self, number):
        self.registry.publish(self.venue.snapshots[number - 1].signed.header.encode())

    def ask(self, *urls, address=None):
        """Have every cycle ask these nodes afresh, a second after the newest block."""

        def opened():
            where = self.registry.address if address is None else address
            return Opened(RegistryReader(urls, where, now=lambda: self.execution.block_time() + 1, timeout_s=5))

        self.watch.open_root = opened

    @contextlib.contextmanager
    def running(self, **options):
        """A watch that asks one honest node."""
        with serve(pyevm_node(self.execution)) as url:
            self.ask(url, **options)
            with self.watch.running() as watcher:
                yield watcher


@pytest.fixture(scope="module")
def shared():
    """One chain for many registries; its clock goes on from test to test, and that of a watch is its own."""
    return PyEvmChain(START)


@pytest.fixture
def scene(venue, shared, tmp_path):
    return scene_on(shared, venue, tmp_path)


def scene_on(execution, venue, tmp_path):
    """All three epochs on one mirror, none in the registry, no sample."""
    registry, _ = Registry.deploy(
        execution, venue.snapshots[0].signed.header.venue, staleness_limit_s=LIMIT, rollback_delay_s=DELAY
    )
    for number in (1, 2, 3):
        venue.publish(number, tmp_path / "mirror")
    watch = Watch(tmp_path / "watch", folders(tmp_path / "mirror"), None, START, Settings(request_s=3.0, sample=0))
    return Scene(venue, execution, registry, [tmp_path / "mirror"], watch)


def alarms(report):
    return [(alarm.kind, alarm.subject) for alarm in report.alarms]


class TestContract:
    def test_a_halt_is_told_at_once_stands_while_nobody_answers_and_is_cleared(self, scene):
        scene.publish(1)
        with scene.running() as watcher:
            assert kinds(watcher.cycle())[0] == []
            scene.registry.halt()
            report = watcher.cycle()
            assert kinds(report) == (["halted"], [("halted", "raised")])
            assert (exit_code(report), report.newest, report.held, report.failed) == (4, 1, 1, False)
            honest = scene.watch.open_root
            scene.ask("http://127.0.0.1:1")
            assert [kinds(watcher.cycle())[0] for _ in range(3)][-1] == ["registry-silent", "halted"]
            scene.watch.open_root = honest
            assert kinds(watcher.cycle()) == (["halted"], [("registry-silent", "cleared")])
            scene.registry.unhalt()
            assert kinds(watcher.cycle()) == ([], [("halted", "cleared")])

    def test_a_halt_before_the_first_epoch_is_told_too(self, scene):
        scene.registry.halt()
        with scene.running() as watcher:
            report = watcher.cycle()
        assert (kinds(report)[0], report.newest, exit_code(report)) == (["halted"], 0, 4)

    def test_a_rollback_is_told_when_proposed_cancelled_and_carried_out(self, scene):
        scene.publish(1)
        scene.publish(2)
        with scene.running() as watcher:
            assert (kinds(watcher.cycle())[0], watcher.cycle().newest) == ([], 2)
            scene.registry.propose_rollback(1)
            report = watcher.cycle()
            assert kinds(report) == (["rollback-proposed"], [("rollback-proposed", "raised")])
            _, ready_at = scene.registry.pending_rollback()
            assert f"back to epoch 1 from {ready_at} on" in report.alarms[0].text
            assert (exit_code(report), report.newest, report.held) == (4, 2, 2)
            scene.registry.cancel_rollback()
            assert kinds(watcher.cycle()) == ([], [("rollback-proposed", "cleared")])
            scene.registry.propose_rollback(1)
            assert kinds(watcher.cycle())[0] == ["rollback-proposed"]
            scene.execution.set_time(scene.execution.block_time() + DELAY + 1)
            scene.registry.execute_rollback(scene.venue.snapshots[0].signed.header.encode())
            report = watcher.cycle()
            standing, happened = kinds(report)
            assert standing == []
            assert {("rolled-back", "happened"), ("rollback-proposed", "cleared")} <= set(happened)
            assert (exit_code(report), report.newest, report.held) == (4, 1, 1)
            scene.publish(2)
            report = watcher.cycle()
            assert (kinds(report)[0], report.newest, report.held) == ([], 2, 2)

    @pytest.mark.parametrize("published", [0, 1])
    def test_silence_begins_when_the_contract_says_so(self, venue, tmp_path, published):
        """Second by second around the limit, the alarm is the contract's own is_stale."""
        scene = scene_on(PyEvmChain(START), venue, tmp_path)
        since = TIME if published else scene.execution.block_time()
        if published:
            scene.publish(1)
        seen = []
        with scene.running() as watcher:
            for second in (since + LIMIT - 1, since + LIMIT, since + LIMIT + 1):
                scene.execution.set_time(second)
                scene.watch.now = second
                seen.append((("stale", "registry") in alarms(watcher.cycle()), scene.registry.is_stale()))
        assert seen == [(False, False), (False, False), (True, True)]

    def test_silence_ends_with_the_next_epoch(self, scene):
        scene.publish(1)
        scene.watch.now = TIME + LIMIT + 1
        with scene.running() as watcher:
            report = watcher.cycle()
            assert (alarms(report), exit_code(report)) == ([("stale", "registry")], 4)
            assert f"begins after {LIMIT} s" in report.alarms[0].text
            scene.publish(2)
            report = watcher.cycle()
            assert (alarms(report), report.newest) == ([], 2)
            assert ("stale", "cleared") in kinds(report)[1]

    def test_a_limit_of_the_reader_stands_beside_the_registrys(self, scene):
        scene.publish(1)
        scene.watch.settings = replace(scene.watch.settings, max_age_s=3600)
        with scene.running() as watcher:
            scene.watch.now = TIME + 3601
            assert alarms(watcher.cycle()) == [("stale", "")]
            scene.watch.now = TIME + LIMIT + 1
            assert alarms(watcher.cycle()) == [("stale", ""), ("stale", "registry")]
            scene.watch.now = TIME - 601
            assert alarms(watcher.cycle()) == [("stale", "")]  # dated ahead of the clock: its age is not known


def other_contract(chain, words):
    """The address of a contract whose code is another, with these words in its storage."""
    store = b"".join(b"\x7f" + value.to_bytes(32, "big") + b"\x7f" + slot.to_bytes(32, "big") + b"\x55"
                     for slot, value in words.items())  # fmt: skip
    return chain.deploy(store + bytes.fromhex("60006000526001601ff3")).contract  # its code is one zero byte


class TestOtherCode:
    def words(self, scene, **more):
        header = scene.venue.snapshots[0].signed.header
        known = {"epoch": 1, "time": header.time, "halted": 0} | more
        return {
            LATEST_EPOCH: known["epoch"],
            LATEST_TIME: known["time"],
            HALTED: known["halted"],
            header_hash_slot(known["epoch"]): int.from_bytes(header.hash, "big"),
        }

    def test_another_contract_with_the_right_words_is_an_alert(self, scene):
        address = other_contract(scene.execution, self.words(scene, halted=1))
        with scene.running(address=address) as watcher:
            report = watcher.cycle()
            assert (kinds(report)[0], exit_code(report)) == (["registry-code", "halted"], 4)
            assert "not this version's StateRegistry" in report.alarms[0].text
            assert (report.newest, report.held) == (1, 1)
            assert kinds(watcher.cycle()) == (["registry-code", "halted"], [])

    @pytest.mark.parametrize(
        ("name", "value"),
        [("epoch", 10**8), ("epoch", 2**256 - 1), ("time", 2**64)],
    )
    def test_words_that_no_registry_has_are_refused_and_the_watch_goes_on(self, scene, name, value):
        scene.publish(1)
        bad = other_contract(scene.execution, self.words(scene, **{name: value}))
        with scene.running() as watcher:
            watcher.cycle()
            good = scene.watch.open_root
            (node,) = [report.name for report in good().root.reports()]
            scene.ask(node, address=bad)
            report = watcher.cycle()
            assert kinds(report)[0] == ["registry-disagrees", "registry-code"]
            assert f"newest {name} is {value}" in report.alarms[0].text
            assert (report.trust, report.newest, report.newest_time, report.held) == (None, 1, TIME, 1)
            scene.watch.open_root = good
            assert kinds(watcher.cycle())[0] == []
        with WatchFolder(scene.watch.folder, 3).opened() as folder:
            assert (folder.state.newest, folder.state.newest_time) == (1, TIME)

    def test_the_largest_time_of_a_header_is_kept_and_read_again(self, scene):
        address = other_contract(scene.execution, self.words(scene, time=2**64 - 1))
        scene.watch.mirrors = folders(Path("nowhere"))
        with scene.running(address=address) as watcher:
            assert kinds(watcher.cycle())[0] == ["registry-code", "stale"]  # dated ahead
        with scene.running(address=address) as watcher:
            assert watcher.cycle().newest_time == 2**64 - 1


class TestNodes:
    @pytest.mark.parametrize("fault", ["lies", "refuses", "is gone"])
    def test_a_node_that_is_left_out_is_named_after_three_cycles_and_cleared_at_once(self, scene, fault):
        scene.publish(1)
        honest = pyevm_node(scene.execution)
        well = [False]

        def refusing(method, params):
            raise Refusal(-32000, "\x1b[2Jpruned\n[bold]")

        bad = lying(honest, "eth_getBlockByNumber", member("stateRoot", WRONG)) if fault == "lies" else refusing

        def changing(method, params):
            return (honest if well[0] else bad)(method, params)

        with contextlib.ExitStack() as stack:
            one, two = (stack.enter_context(serve(honest)) for _ in range(2))
            third = stack.enter_context(serve(changing))
            scene.ask(one, two, "http://127.0.0.1:1" if fault == "is gone" else third)
            with scene.watch.running() as watcher:
                reports = [watcher.cycle() for _ in range(3)]
                assert [kinds(report)[0] for report in reports] == [[], [], ["node-left-out"]]
                (alarm,) = reports[-1].alarms
                assert alarm.subject == (third if fault != "is gone" else "http://127.0.0.1:1")
                assert alarm.text.isprintable()
                assert (exit_code(reports[-1]), reports[-1].trust.level) == (0, "b")
                well[0] = True
                scene.ask(one, two, third)
                assert kinds(watcher.cycle()) == ([], [("node-left-out", "cleared")])

    def test_nodes_on_two_chains_are_an_alert_and_nothing_new_is_believed(self, scene):
        scene.publish(1)
        node = pyevm_node(scene.execution)
        with serve(node) as one, serve(lying(node, "eth_chainId", lambda _: "0x5")) as two:
            scene.ask(one)
            with scene.watch.running() as watcher:
                watcher.cycle()
                scene.publish(2)
                scene.ask(one, two)
                report = watcher.cycle()
                assert (kinds(report)[0], exit_code(report)) == (["registry-disagrees"], 4)
                assert (report.trust, report.newest, report.held) == (None, 1, 1)
                scene.ask(one)
                assert (kinds(watcher.cycle())[0], watcher.cycle().held) == ([], 2)

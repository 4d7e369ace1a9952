"""Metrics of a watch for Prometheus, as of its last cycle; ages are taken when they are read."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from zkstate.atomic import replace_file
from zkstate.errors import EnvironmentFailure
from zkstate.publication.trust import TRUST_LEVELS

from .cycle import Report
from .events import KINDS
from .probe import SERVES


class Metrics:
    """A collector of its own registry. EnvironmentFailure where prometheus-client is not installed."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        try:
            self._client = importlib.import_module("prometheus_client")
            self._core = importlib.import_module("prometheus_client.core")
        except ImportError as error:
            raise EnvironmentFailure("metrics need prometheus-client: pip install 'zkstate[watch]'") from error
        self._clock, self._cycles = clock, 0
        self._latest: Report | None = None
        self._recovery: tuple[float, int] | None = None
        self._registry = self._client.CollectorRegistry()
        self._registry.register(self)

    def update(self, report: Report) -> None:
        """Take the report of one more cycle."""
        if report.recovery is not None:
            self._recovery = report.recovery.rto_s, report.recovery.bytes_read
        self._latest, self._cycles = report, self._cycles + 1

    def serve(self, host: str, port: int) -> int:
        """Serve them from a thread; the port. EnvironmentFailure if the address cannot be had."""
        try:
            server, _ = self._client.start_http_server(port, host, self._registry)
        except OSError as error:
            raise EnvironmentFailure(f"metrics cannot be served at {host}:{port}: {error.strerror or error}") from error
        return int(server.server_port)

    def write(self, path: Path) -> None:
        """Write or replace a file for node_exporter's textfile collector. EnvironmentFailure if the disk refuses."""
        replace_file(path, self._client.generate_latest(self._registry))

    def describe(self) -> list[Any]:
        """Nothing ahead of time: what there is depends on the mirrors."""
        return []

    def collect(self) -> Iterator[Any]:
        """What Prometheus calls."""
        report = self._latest
        if report is None:
            return
        now = self._clock()
        if report.asks_registry:
            yield self._gauge("registry_up", "1 if the registry named the newest epoch", int(report.trust is not None))
        yield self._gauge("newest_epoch", "the newest epoch known", report.newest)
        yield self._gauge("newest_age_seconds", "age of the newest epoch known", now - report.newest_time)
        if report.held:
            yield self._gauge("held_epoch", "epoch of the account bundle that is held", report.held)
            yield self._gauge("rpo_seconds", "age of the account bundle that is held", now - report.held_time)
        if self._recovery is not None:
            yield self._gauge("rto_seconds", "how long the last recovery took", self._recovery[0])
            yield self._gauge("recovered_bytes", "what the last recovery read", self._recovery[1])
        yield self._gauge("last_cycle_seconds", "when the last cycle was, since 1970", report.time)
        yield self._gauge("cycle_duration_seconds", "how long the last cycle took", report.seconds)
        if report.sample is not None:
            sample = report.sample
            yield self._gauge("sample_lost", "units of the last sample that cannot be rebuilt", sample.lost)
            spare = sample.fewest - sample.needed
            yield self._gauge("sample_spare", "slices or copies beyond those needed, of the poorest unit drawn", spare)
            bound = sample.at_most_lost() / sample.units if not sample.lost and sample.units else 1.0
            yield self._gauge("sample_lost_share_bound", "at most this share is lost, at 99.9 %", bound)
        trust = self._family("trust_level", "1 for the level of trust of the last cycle", ["level"])
        for level in TRUST_LEVELS:
            trust.add_metric([level], int(report.trust is not None and report.trust.level == level))
        yield trust
        up = self._family("mirror_up", "1 if a mirror has the newest header", ["mirror"])
        for name, serves in {probe.name: probe.condition == SERVES for probe in report.mirrors}.items():
            up.add_metric([name], int(serves))
        yield up
        alarms = self._family("alarms", "alarms that stand, by kind", ["kind"])
        for kind in [kind for kind, row in KINDS.items() if row.stands]:
            alarms.add_metric([kind], sum(alarm.kind == kind for alarm in report.alarms))
        yield alarms
        happened = self._core.CounterMetricFamily("zkstate_happened", "what happened, by kind", labels=["kind"])
        for kind in [kind for kind, row in KINDS.items() if not row.stands]:
            happened.add_metric([kind], report.happened.get(kind, 0))
        yield happened
        yield self._core.CounterMetricFamily("zkstate_cycles", "cycles since the start", self._cycles)

    def _family(self, name: str, words: str, labels: list[str]) -> Any:  # noqa: ANN401 (prometheus_client's)
        return self._core.GaugeMetricFamily(f"zkstate_{name}", words, labels=labels)

    def _gauge(self, name: str, words: str, value: float) -> Any:  # noqa: ANN401 (prometheus_client's)
        return self._core.GaugeMetricFamily(f"zkstate_{name}", words, value)

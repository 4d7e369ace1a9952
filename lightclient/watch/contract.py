"""What a watch notes of a registry: its own words about itself, and whether they can be those of a registry."""

from __future__ import annotations

import msgspec

from zkstate.errors import DisagreementError
from zkstate.publication.layout import MAX_EPOCH

from ..registry_reader import RegistryReader
from .notes import Notes

MAX_TIME = (1 << 64) - 1


def words_of(run: Notes, root: RegistryReader) -> None:
    """What the registry says of itself."""
    state, terms = root.state(), root.state().terms
    if terms is None:
        run.find("registry-code", "", state.remarks[0])
    elif run.now - (state.latest_time or terms.deployed_at) > terms.staleness_limit_s:
        words = f"epoch {state.latest_epoch} is of {state.latest_time}"
        words += f", silence begins after {terms.staleness_limit_s} s"
        run.find("stale", "registry", f"by the registry's own limit: {words}")
    if state.halted:
        run.find("halted", "", f"governance has halted the registry, seen at block {state.block.number}")
    if state.rollback is not None:
        epoch, ready_at = state.rollback
        run.find("rollback-proposed", "", f"governance may roll back to epoch {epoch} from {ready_at} on")


def counted(run: Notes, root: RegistryReader) -> None:
    """The nodes that were left out, and the time of the newest epoch.

    DisagreementError for an epoch or a time that no header of a venue has: only another contract can say so.
    """
    for report in root.reports():
        if report.fault:
            run.find("node-left-out", report.name, report.fault)
    state = root.state()
    for name, value, most in (("epoch", state.latest_epoch, MAX_EPOCH), ("time", state.latest_time, MAX_TIME)):
        if value > most:
            raise DisagreementError(f"the registry's newest {name} is {value}, and the largest there is is {most}")
    run.state = msgspec.structs.replace(run.state, newest_time=state.latest_time)

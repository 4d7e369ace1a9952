"""`verify` of an export: the opened account, each form of its table against it, and the proof that answers it."""

from __future__ import annotations

from pathlib import Path

from circuits.attestation import MAX_FILE_BYTES, Attestation, Expectation, Finding, examine
from circuits.migration import EXPORT_FILE, MAX_EXPORT_BYTES, Export, claim_of_account, unlike
from zkstate.errors import InputError
from zkstate.publication.regular import read_below
from zkstate.state.valuation_files import READERS

NOT_SHOWN = (
    "columns computed_*: they follow from the others by the rule of docs/spec.md, section 18, and were computed again",
    "columns table_*: that the venue's prices are right; it committed to them",
    "that the account is the prover's own: an account of theirs has exactly the size and entry value that is proved",
    "that the position still stands, or was not shown or opened elsewhere too",
)


def examine_export(
    folder: Path, attestation: Attestation, expectation: Expectation, challenge: bytes | None, now: int
) -> Finding:
    """Judge an export folder by its opening, its files and its proof.

    Errors: InputError without a challenge, or with no form of the table there; those of what cannot be read.
    """
    if challenge is None:
        raise InputError("verify of an export: give --challenge, the one you chose, or it may answer another")
    export = Export.decode(read_below(folder, EXPORT_FILE, MAX_EXPORT_BYTES))
    files = {
        name: read_below(folder, name, MAX_FILE_BYTES)
        for name in READERS
        if (folder / name).exists() or (folder / name).is_symlink()
    }
    listed = {file.path for file in export.files}
    if not files or not files.keys() <= listed:
        raise InputError(
            f"{folder} holds {', '.join(files) or 'no table'}, and {EXPORT_FILE} lists {', '.join(listed)}"
        )
    export.check_opening(attestation.header)
    reasons = []
    if export.challenge != challenge:
        reasons.append(f"the export answers challenge {export.challenge.hex()}, and {challenge.hex()} is expected")
    if attestation.context.challenge != export.bound_challenge:
        answered, bound = attestation.context.challenge.hex(), export.bound_challenge.hex()
        reasons.append(f"the proof answers {answered}, and this export is {bound}")
    if attestation.claim != (claim := claim_of_account(export.account, attestation.table)):
        reasons.append(f"the proof claims {attestation.claim.parameters}, and the account gives {claim.parameters}")
    reasons += unlike(export, export.lines(attestation.header, attestation.table), files, READERS)
    finding = examine(attestation, expectation, now)
    return Finding((*reasons, *finding.reasons), finding.setup)

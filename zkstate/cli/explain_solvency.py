"""What a solvency proof claims, and how many accounts each class and rule has; nothing is checked but its form."""

from __future__ import annotations

from pathlib import Path

import msgspec

from zkstate.cli.explained import Explained
from zkstate.cli.headers import header_facts, header_result
from zkstate.errors import DisagreementError, InputError, LengthError
from zkstate.publication.annex import epoch_with
from zkstate.publication.header import SIGNED_BYTES, SignedHeader
from zkstate.publication.layout import HEADER
from zkstate.publication.regular import chunks_below, read_below
from zkstate.solvency.classes import class_name, count_classes, rows_of, rule_of
from zkstate.solvency.files import (
    CLAIM,
    CLASSES,
    MAX_CLAIM_BYTES,
    SOLVENCY,
    Claim,
    health_text,
    profit_text,
    rules_text,
)

BY_RULE = {"tiers": "", "portfolio": ", by the portfolio rule"}


def explain_folder(place: Path) -> Explained:
    """An epoch with its proof of solvency, or the folder of the proof alone. InputError for any other.

    DisagreementError for the proof of another header, LengthError for a list of another number of accounts.
    """
    public, proof = epoch_with(place, SOLVENCY) or (None, place)
    if not (proof / CLAIM).is_file():
        raise InputError(f"{place} holds no proof of solvency to explain; zkstate verify takes folders")
    claim, counted = Claim.decode(read_below(proof, CLAIM, MAX_CLAIM_BYTES)), counted_in(proof)
    explained = _explained(claim, counted)
    if public is None:
        return explained
    header = SignedHeader.decode(read_below(public, HEADER, SIGNED_BYTES)).header
    if claim.header_hash != header.hash.hex():
        raise DisagreementError(f"the proof is of header {claim.header_hash}, the epoch's is {header.hash.hex()}")
    if counted is not None and sum(counted.values()) != header.account_count:
        raise LengthError(f"{CLASSES} has {sum(counted.values())} entries, there are {header.account_count} accounts")
    facts = [fact for fact in explained.facts if fact[0] != "header hash"]
    members = {**explained.members, **header_result(header)}
    return Explained(f"an epoch, and {explained.kind}", members, [*header_facts(header), *facts])


def explain_claim(path: Path, content: bytes) -> Explained:
    """A claim, with the accounts of each class where their list lies beside it."""
    return _explained(Claim.decode(content), counted_in(path.parent))


def _explained(claim: Claim, counted: dict[int, int] | None) -> Explained:
    sizes = ", ".join(f"{each.accounts} of up to {each.rows} rows{BY_RULE[each.rule]}" for each in claim.classes)
    facts = [("header hash", claim.header_hash), ("system", claim.system), ("accounts a batch", sizes)]
    members = msgspec.to_builtins(claim) | {"counted": None, "judged": None}
    if counted is not None:
        shares = [(rows_of(kind), rule_of(kind), count) for kind, count in counted.items()]
        judged = {rule: sum(count for _, own, count in shares if own == rule) for rule in BY_RULE}
        listed = [{"rows": rows, "rule": rule, "accounts": count} for rows, rule, count in shares]
        members |= {"counted": listed, "judged": judged}
        facts += [
            (f"class {class_name(kind)}", f"{count:,} accounts of up to {rows} rows{BY_RULE[rule]}")
            for kind, (rows, rule, count) in zip(counted, shares, strict=True)
        ]
        facts.append(("judged by", rules_text(sum(judged.values()), judged["portfolio"])))
    facts += [("unhealthy", health_text(claim)), ("through positions", profit_text(claim))]
    kind = "what a solvency proof claims; zkstate verify checks it beside the published epoch"
    return Explained(kind, members, facts)


def counted_in(folder: Path) -> dict[int, int] | None:
    """Accounts by class in the list of a proof's folder; None without one."""
    return count_classes(chunks_below(folder, CLASSES)) if (folder / CLASSES).is_file() else None

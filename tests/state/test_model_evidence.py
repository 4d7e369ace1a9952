"""The published margin cases of others: what docs/soundness.md says of them is what the engines do."""

import pytest

from tests.marked import replaced
from tests.shared import shared_path
from tests.state import model_evidence
from tests.state.derive_cases import Case, cases

SMALL = ("test_10_", "test_17_", "test_20_", "test_29_", "test_34_", "test_46_", "test_50_", "test_70_")


@pytest.mark.parametrize("place", range(len(SMALL)))
def test_losses_and_margins_of_small_portfolios(place):
    shared_path("data/derive/pmrm2")
    (content,) = [content for name, content in cases() if name.startswith(SMALL[place])]
    case = Case(content)
    for kind, ours, theirs in case.losses():
        assert kind == "skew" or case.agrees(ours, theirs), (kind, float(ours), float(theirs))
    for kind, (ours, theirs) in case.margins().items():
        assert case.agrees(ours, theirs), (kind, float(ours), float(theirs))


@pytest.mark.parametrize("relative", ["pmrm1/testAndVerifyScenarios.json", "srm/test-cases.json"])
def test_marks(relative):
    good, total = model_evidence.marks(relative)
    assert good == total - 1 > 10


@pytest.mark.slow
def test_the_document_says_what_is_counted():
    document = model_evidence.PATH.read_text()
    assert replaced(document, model_evidence.BEGIN, model_evidence.END, model_evidence.section()) == document

import pytest

from ner.analysis import chart_files
from ner.analysis.confusion import confusion_picture
from ner.corpus.sentence import Span

GOLD = [[Span(0, 1, "ORG"), Span(2, 3, "GPE")], [Span(0, 2, "ORG")]]
PREDICTED = [[Span(0, 1, "GPE"), Span(2, 3, "GPE")], []]


def test_confusions_are_drawn():
    pytest.importorskip("matplotlib")
    (axes, *_) = confusion_picture(GOLD, PREDICTED, split="test").axes
    assert axes.get_title(loc="left") == "Types confused, test"
    assert [label.get_text() for label in axes.get_yticklabels()][:2] == ["GPE", "ORG"]


def test_without_matplotlib_they_are_a_table(monkeypatch):
    monkeypatch.setattr(chart_files, "find_spec", lambda name: None)
    lines = confusion_picture(GOLD, PREDICTED, split="test").splitlines()
    cells = {line.split()[1]: line.replace("|", " ").split()[1:] for line in lines if line.startswith("|")}
    assert cells["ORG"] == ["1.00", "0.00", "1.00"]
    assert cells["GPE"] == ["0.00", "0.00", "0.00"]

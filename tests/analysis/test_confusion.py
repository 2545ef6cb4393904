import pytest

from ner.analysis import png
from ner.analysis.confusion import confusion_picture
from ner.corpus.sentence import Span

GOLD = [[Span(0, 1, "ORG"), Span(2, 3, "GPE")], [Span(0, 2, "ORG")]]
PREDICTED = [[Span(0, 1, "GPE"), Span(2, 3, "GPE")], []]


def test_confusions_are_drawn():
    text = pytest.importorskip("matplotlib.text").Text
    figure = confusion_picture(GOLD, PREDICTED, split="test")
    assert {"Types confused, test", "ORG", "GPE", "gold"} <= {found.get_text() for found in figure.findobj(text)}


def test_without_matplotlib_they_are_a_table(monkeypatch):
    monkeypatch.setattr(png, "is_available", lambda: False)
    lines = confusion_picture(GOLD, PREDICTED, split="test").splitlines()
    cells = {line.split()[1]: line.replace("|", " ").split()[1:] for line in lines if line.startswith("|")}
    assert cells["ORG"][0] == "1.00"  # became GPE
    assert cells["ORG"][-1] == "1.00"  # was missed

"""Charts and sentences of invented systems, for the tests of what draws them."""

from __future__ import annotations

import pytest

from ner.analysis.browser_data import BrowserData, BrowserEntity, BrowserSentence
from ner.analysis.charts import Curves, Dots, Estimate, HeatMap
from ner.corpus.sentence import Span

SYSTEMS = ("with trees", "without <trees>")


@pytest.fixture(scope="session")
def charts():
    """One of each kind: `Curves, Dots, HeatMap`."""
    return (
        Curves(
            name="curves",
            title="Validation F1",
            x_axis="epoch",
            y_axis="F1 (%)",
            systems={
                SYSTEMS[0]: {epoch: Estimate(80.0 + epoch, 0.5) for epoch in range(1, 6)},
                SYSTEMS[1]: {1: Estimate(75.5), 2: Estimate(79.25)},
            },
        ),
        Dots(
            name="types",
            title="F1 by type",
            axis="F1 (%)",
            groups={"PERSON": "n = 1,988", "A & B": "n = 1"},
            systems={SYSTEMS[0]: (Estimate(91.0, 1.5), None), SYSTEMS[1]: (Estimate(87.5), Estimate(0.0))},
        ),
        HeatMap(
            name="relations",
            title="Types and relations",
            row_axis="type",
            column_axis="relation",
            unit="%",
            rows=("PERSON", "ORG"),
            columns=("nsubj", "dobj", "<dep>"),
            cells=((70, 30, 0.0), (12.25, 37.75, 50)),
        ),
    )


def entity(start, end, label, *, gold=True, head, outcomes, seeds):
    return BrowserEntity(span=Span(start, end, label), is_gold=gold, head=head, outcomes=outcomes, seeds=seeds)


@pytest.fixture(scope="session")
def browser():
    """Sentences that are hard on a page, and 20 plain ones. The first system is right everywhere."""
    hard = BrowserSentence(
        number=1,
        document='bn/"<i>',
        words=("</script><script>fail()</script>", "<b>bold</b>", '"&amp;"', "<!--", "won't"),
        heads=(1, 1, 1, 4, 1),
        relations=("nsubj", "root", "obj", "<dep>", "advcl"),
        entities=(
            entity(0, 2, "ORG", head=1, outcomes=("correct", "wrong boundary"), seeds=(3, 0)),
            entity(1, 2, "ORG", gold=False, head=1, outcomes=(None, "wrong boundary"), seeds=(0, 1)),
        ),
    )
    arabic = BrowserSentence(
        number=3,
        document="ar/1",
        words=("زار", "أحمد", "القاهرة"),
        heads=(0, 0, 0),
        relations=("root", "nsubj", "obj"),
        entities=(
            entity(1, 2, "PERSON", head=1, outcomes=("correct", "missed"), seeds=(2, 0)),
            entity(2, 3, "GPE", head=2, outcomes=("correct", "correct"), seeds=(1, 1)),
        ),
    )
    bare = BrowserSentence(number=4, document="", words=("Hm",), heads=(), relations=(), entities=())
    plain = (
        BrowserSentence(
            number=number + 5,
            document=f"nw/{number}",
            words=("Ada", "saw", f"Ulm{number}", "."),
            heads=(1, 1, 1, 1),
            relations=("nsubj", "root", "obj", "punct"),
            entities=(
                entity(0, 1, "ORG", gold=False, head=0, outcomes=(None, "wrong type"), seeds=(0, 1)),
                entity(0, 1, "PERSON", head=0, outcomes=("correct", "wrong type"), seeds=(3, 0)),
                entity(2, 3, "GPE", head=2, outcomes=("correct", "correct"), seeds=(3, 1)),
                *(
                    [entity(3, 4, "GPE", gold=False, head=3, outcomes=(None, "spurious"), seeds=(1, 1))]
                    if number < 5
                    else []
                ),
            ),
        )
        for number in range(20)
    )
    return BrowserData(
        systems={SYSTEMS[0]: (1, 2, 3), SYSTEMS[1]: (1,)}, sentences=(hard, arabic, bare, *plain), total=100
    )

import pytest

from ner.analysis.contrast import Contrast, contrast, most_telling, shares_right
from ner.analysis.results import read_sweep
from ner.corpus.sentence import Span

ADA, ULM, WRONG = Span(0, 1, "PERSON"), Span(3, 4, "GPE"), Span(3, 4, "ORG")


@pytest.fixture
def systems(write_run, sentences, tmp_path):
    """Two seeds against three, over "Ada lives in Ulm ." and a sentence of one entity that nobody gets."""
    chosen = [sentences[0], sentences[1]]
    found = {"model=dglstm_crf": [(ADA, ULM), (ADA,)], "model=bilstm_crf": [(ADA, WRONG), (ULM,), (WRONG,)]}
    for override, runs in found.items():
        for seed, spans in enumerate(runs, 1):
            write_run(tmp_path / f"{override}-{seed}", chosen, [spans, ()], override, seed=seed)
    return {system.name: system for system in read_sweep(tmp_path).systems}


def test_shares_are_of_the_seeds(systems):
    person = Span(2, 4, "PERSON")
    assert shares_right(systems["dglstm_crf"]) == {(0, ADA): 1, (0, ULM): 0.5, (1, person): 0}
    assert shares_right(systems["bilstm_crf"]) == pytest.approx({(0, ADA): 1 / 3, (0, ULM): 1 / 3, (1, person): 0})


def test_gains_and_losses_are_means_over_all_pairs_of_runs(systems):
    first, second = systems["dglstm_crf"], systems["bilstm_crf"]
    found = contrast(first, second)
    pairs = [(a, b) for a in first.runs for b in second.runs]
    for one in found:
        gets = [(one.span in a.predicted[one.sentence], one.span in b.predicted[one.sentence]) for a, b in pairs]
        assert one.gain == pytest.approx(sum(a and not b for a, b in gets) / len(pairs))
        assert one.loss == pytest.approx(sum(b and not a for a, b in gets) / len(pairs))
    difference = [sum(run.scores.correct for run in system.runs) / len(system.runs) for system in (first, second)]
    assert sum(one.gain - one.loss for one in found) == pytest.approx(difference[0] - difference[1])


def test_the_clearest_come_first():
    def one(sentence, first, second):
        return Contrast(sentence=sentence, span=ADA, first=first, second=second)

    found = most_telling([one(0, 1.0, 0.4), one(1, 1.0, 0.0), one(2, 0.5, 0.0), one(3, 0.0, 1.0), one(4, 1.0, 0.0)])
    assert [one.sentence for one in found] == [1, 4, 0]

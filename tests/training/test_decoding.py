import pytest
import torch

from ner.corpus.dataset import encode, load
from ner.corpus.tags import tags_to_spans
from ner.scoring import score_modes
from ner.training.calibration import calibrate
from ner.training.decoding import decode, predict_tags, recognise
from ner.training.run import Run


@pytest.fixture(scope="module")
def decoded(run_directory):
    """A run, its training split and a tagger."""
    run = Run.open(run_directory)
    rows = load(run_directory.__class__(run.environment["prepared"])).splits["train"]
    return run, rows, run.best_tagger(torch.device("cpu"))


@pytest.mark.parametrize("batch_tokens", [1, 9, 4096])
def test_a_split_is_decoded_as_its_sentences_are_one_by_one(decoded, batch_tokens):
    run, rows, tagger = decoded
    split = encode(rows, run.vocabularies)
    expected = [tagger.decode(split.batch([sentence]))[0] for sentence in range(len(split))]
    assert torch.equal(decode(tagger, split, batch_tokens=batch_tokens), torch.cat(expected))


def test_predicted_tags_are_strings_in_the_order_of_the_split(decoded):
    run, rows, tagger = decoded
    split = encode(rows, run.vocabularies)
    predicted = predict_tags(tagger, split, run.vocabularies)
    assert list(map(len, predicted)) == list(map(len, rows["words"]))
    assert {tag for sentence in predicted for tag in sentence} <= set(run.vocabularies.tags.items)
    gold = [tags_to_spans(sentence) for sentence in rows["tags"]]
    scores = score_modes(gold, predicted, run.vocabularies.scheme)
    assert scores["strict"].micro.f1 > 0.5
    assert set(scores) == {"strict", "conlleval", "released"}


def test_decoding_leaves_the_mode_of_the_tagger(decoded):
    run, rows, tagger = decoded
    split = encode(rows, run.vocabularies)
    expected = decode(tagger.eval(), split)
    assert torch.equal(decode(tagger.train(), split), expected)
    assert tagger.training
    tagger.eval()


def test_emissions_that_are_not_finite_are_no_sentence_without_entities(decoded):
    run, rows, _ = decoded
    split, tagger = encode(rows, run.vocabularies), run.best_tagger(torch.device("cpu"))
    with torch.no_grad():
        for weights in tagger.parameters():
            weights.fill_(1e38)
    for find in (
        lambda: decode(tagger, split),
        lambda: recognise(tagger, split, run.vocabularies),
        lambda: recognise(tagger, split, run.vocabularies, k=2),
        lambda: calibrate(tagger, split, [()] * len(split), run.vocabularies),
    ):
        with pytest.raises(FloatingPointError, match="the emissions are not finite"):
            find()

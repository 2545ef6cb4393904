import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner.corpus.held_out import hold_out
from ner.corpus.sentence import Sentence


def corpus(sizes: list[int]) -> list[Sentence]:
    return [
        Sentence(words=(str(number),), document=f"d{document}")
        for document, size in enumerate(sizes)
        for number in range(size)
    ]


sizes = st.lists(st.integers(1, 9), min_size=1, max_size=30).filter(lambda sizes: sum(sizes) > 1)
shares = st.floats(0.01, 0.99)


@given(sizes=sizes, share=shares, seed=st.integers(0, 3))
def test_each_sentence_goes_one_way_and_whole_documents_where_they_come_to_the_share(sizes, share, seed):
    sentences = corpus(sizes)
    held_out = hold_out(sentences, share=share, seed=seed)
    validation, train = ([*held_out.select(sentences, held_out=held)] for held in (True, False))
    assert validation
    assert train
    assert sorted(validation + train, key=sentences.index) == sentences
    wanted = share * len(sentences)
    if held_out.documents:
        assert len(sizes) >= 10
        assert {sentence.document for sentence in validation} == held_out.documents
        assert not held_out.documents & {sentence.document for sentence in train}
        assert wanted / 2 - 1 <= len(validation) <= 2 * wanted + 2
    else:
        assert abs(len(validation) - wanted) <= 1
    assert hold_out(sentences, share=share, seed=seed) == held_out


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("sizes", "are_documents"), [([5] * 19 + [400], True), ([1] * 9 + [991], False)])
def test_a_document_that_is_most_of_the_corpus_is_trained_on(sizes, are_documents, seed):
    sentences = corpus(sizes)
    held_out = hold_out(sentences, share=0.1, seed=seed)
    validation = [*held_out.select(sentences, held_out=True)]
    assert bool(held_out.documents) is are_documents
    assert 0.05 <= len(validation) / len(sentences) <= 0.2


def test_the_seed_decides_and_is_said():
    sentences = corpus([2] * 20)
    assert hold_out(sentences, share=0.2, seed=1).documents != hold_out(sentences, share=0.2, seed=2).documents
    assert hold_out(sentences, share=0.2, seed=2).description == (
        "no corpus.validation: 4 of 20 documents (8 of 40 sentences) of the training files are held out at random "
        "(split_seed=2)"
    )
    assert "3 of 30 sentences of the" in hold_out(corpus([30]), share=0.1, seed=1).description


def test_errors_stay_with_the_training_split():
    error = ValueError("a:1: bad")
    first, second = corpus([2])
    held_out = hold_out([first, second], share=0.5, seed=1)
    assert error in held_out.select([first, error, second], held_out=False)
    assert error not in held_out.select([first, error, second], held_out=True)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1])
def test_an_impossible_share(share):
    with pytest.raises(ValueError, match=r"validation_share is .*, where a number between 0 and 1 is needed"):
        hold_out(corpus([5]), share=share, seed=1)


def test_too_few_sentences():
    with pytest.raises(ValueError, match="1 training sentences: too few"):
        hold_out(corpus([1]), share=0.1, seed=1)

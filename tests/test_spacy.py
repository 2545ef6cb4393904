"""The component in a blank pipeline: spaCy's tokens, heads and sentences, and entities on the document."""

from __future__ import annotations

import warnings

import pytest

pytest.importorskip("spacy")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of spaCy's own dependencies
    import spacy
    from spacy.tokens import Doc

    import ner.spacy
    from ner import Recognizer

WORDS = ["Gita", "lives", "in", "Ulm", "."]
HEADS = [1, 1, 3, 1, 1]
RELATIONS = ["nsubj", "ROOT", "case", "obl", "punct"]


@pytest.fixture(scope="module")
def nlp(run_directory):
    nlp = spacy.blank("en")
    config = {"run": str(run_directory), "device": "cpu", "parser_formalism": "given", "missing_trees": "self_heads"}
    nlp.add_pipe(ner.spacy.NAME, config=config)
    return nlp


def parsed(nlp, words, heads, relations, **more):
    return Doc(nlp.vocab, words=words, heads=heads, deps=relations, **more)


def test_heads_of_the_pipeline_are_used(nlp, run_directory):
    doc = nlp(parsed(nlp, WORDS, HEADS, RELATIONS))
    expected = Recognizer.load(run_directory, device="cpu").tag(
        WORDS, heads=HEADS, relations=["root" if r == "ROOT" else r for r in RELATIONS]
    )
    assert [(ent.text, ent.label_) for ent in doc.ents] == [("Gita", "PERSON"), ("Ulm", "GPE")]
    found = [(ent.text, ent.label_, ent._.probability) for ent in doc.ents]
    assert found == [(e.text, e.label, pytest.approx(e.probability)) for e in expected.entities]


def test_white_space_is_no_token_of_ours_and_sentences_are_those_of_the_parser(nlp):
    words = ["\n", "Gita", "lives", "in", " ", "Ulm", ".", "We", "met", "Ulm"]
    heads = [2, 2, 2, 5, 5, 2, 2, 8, 8, 8]
    relations = ["dep", "nsubj", "ROOT", "case", "dep", "obl", "punct", "nsubj", "ROOT", "obj"]
    doc = nlp(parsed(nlp, words, heads, relations))
    assert ner.spacy._sentences(doc) == [[1, 2, 3, 5, 6], [7, 8, 9]]
    assert [(ent.start, ent.end, ent.label_) for ent in doc.ents][:2] == [(1, 2, "PERSON"), (5, 6, "GPE")]


def test_many_documents_are_as_one_by_one(nlp):
    texts = ["Gita lives in Ulm. We met Graz Ada.", "", "  ", "Ada lives in Graz ."]
    together = [[(e.start, e.end, e.label_) for e in doc.ents] for doc in nlp.pipe(texts, batch_size=2)]
    assert together == [[(e.start, e.end, e.label_) for e in nlp(text).ents] for text in texts]
    assert [len(ner.spacy._sentences(nlp.make_doc(text))) for text in texts] == [2, 0, 0, 1]


def test_heads_of_another_formalism_are_not_used(run_directory):
    nlp = spacy.blank("en")
    nlp.add_pipe(ner.spacy.NAME, config={"run": str(run_directory), "device": "cpu", "parser_formalism": "ud"})
    with pytest.raises(ValueError, match="no dependency tree"):
        nlp(parsed(nlp, WORDS, HEADS, RELATIONS))


def test_a_pipeline_is_stored_and_loaded(nlp, tmp_path):
    nlp.to_disk(tmp_path / "pipeline")
    doc = spacy.load(tmp_path / "pipeline")(parsed(nlp, WORDS, HEADS, RELATIONS))
    assert [ent.label_ for ent in doc.ents] == ["PERSON", "GPE"]

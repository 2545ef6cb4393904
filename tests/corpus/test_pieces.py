"""Pieces of words in every family of tokenizers, and windows in which each has its place."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ner.corpus.pieces import POOLINGS, Cutter, SplitPieces, read_tokenizer
from ner.corpus.vocabulary import UNKNOWN

KINDS = ("wordpiece", "bpe", "unigram")


@pytest.fixture
def cutter(encoders):
    def make(kind: str, **options) -> Cutter:
        return Cutter.of(
            read_tokenizer(encoders(kind) / "tokenizer.json"), **{"padding": 0, "window": 40, "stride": 8, **options}
        )

    return make


@pytest.mark.parametrize("kind", KINDS)
def test_words_are_cut_as_the_text_is(cutter, sentences, kind):
    """Against the tokenizer itself on a whole sentence: the first word has a blank before it, as all others."""
    made = cutter(kind)
    for sentence in sentences[:8]:
        text = " ".join(("a", *sentence.words))
        whole = made.tokenizer.encode(text, add_special_tokens=False).ids
        before = made.tokenizer.encode("a", add_special_tokens=False).ids
        assert [piece for pieces in made.cut(sentence.words) for piece in pieces] == whole[len(before) :]


@pytest.mark.parametrize("kind", KINDS)
def test_what_goes_around_a_text_is_the_tokenizers_own(cutter, kind):
    made = cutter(kind)
    whole = made.tokenizer.encode("Ada", add_special_tokens=True).ids
    plain = made.tokenizer.encode("Ada", add_special_tokens=False).ids
    assert [*made.prefix, *plain, *made.suffix] == whole
    assert len(made.prefix) == len(made.suffix) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_special_piece_in_a_text_is_text(cutter, kind):
    made = cutter(kind)
    special = {*made.prefix, *made.suffix, made.padding}
    names = [made.tokenizer.id_to_token(piece) for piece in sorted(special)]
    assert not special & {piece for pieces in made.cut(names) for piece in pieces}


def test_words_may_vanish(cutter):
    assert cutter("wordpiece").cut(["Ada", "\ufeff", "Ulm"])[1] == []
    assert all(cutter("bpe").cut(["Ada", "\ufeff", "Ulm"]))


def test_treebank_words_are_cut_as_text(cutter):
    made = cutter("bpe")
    assert made.cut(["-LRB-", "``", "1\\/2", "/."]) == made.cut(["(", '"', "1/2", "."])


def test_a_tokenizer_that_joins_words_is_refused(cutter):
    from tokenizers import Tokenizer, models

    joining = Tokenizer(models.WordLevel({"a Ada": 0, "a": 1, UNKNOWN: 2}, unk_token=UNKNOWN))
    with pytest.raises(ValueError, match="joins the words"):
        Cutter.of(joining, padding=0, window=40, stride=0).cut(["Ada"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pooling": "sum"}, "unknown pooling 'sum': choose one of first, mean, last"),
        ({"context": -1}, "context is -1"),
        ({"stride": 38}, "stride is 38: it must be 0 or more, and less than the 38"),
        ({"stride": -1}, "stride is -1"),
        ({"window": 2, "stride": 0}, "less than the 0"),
    ],
)
def test_bad_options_are_refused(cutter, options, message):
    with pytest.raises(ValueError, match=message):
        cutter("bpe", **options)


@pytest.mark.parametrize("kind", KINDS)
def test_saved_and_loaded_it_cuts_alike(cutter, kind, tmp_path):
    made = cutter(kind, stride=7, context=3, pooling="mean")
    made.save(tmp_path)
    loaded = Cutter.load(tmp_path)
    words = ["Ada", "\ufeff", "Washington", "[SEP]", "-LRB-"]
    assert loaded.cut(words) == made.cut(words)
    assert loaded.settings() == made.settings()


def test_anything_else_is_not_loaded(tmp_path):
    with pytest.raises(ValueError, match="not the tokenizer of a run"):
        Cutter.load(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ValueError, match="not a tokenizer"):
        read_tokenizer(tmp_path / "tokenizer.json")


class Numbered:
    """Cuts the word w into w pieces, numbered on through the split, so that each says where it is from."""

    def __init__(self, sentences: list[list[int]], documents: list[str | None], **options) -> None:
        options = {"window": 9, "stride": 2, "context": 0, "pooling": "mean"} | options
        self.counts = [count for sentence in sentences for count in sentence]
        self.ends = np.concatenate([[0], np.cumsum(self.counts)]).astype(int)
        tokens = np.concatenate([[0], np.cumsum([len(sentence) for sentence in sentences])]).astype(int)
        made = Cutter.__new__(Cutter)
        for name, value in ({"prefix": (-1,), "suffix": (-2, -3), "padding": -9} | options).items():
            object.__setattr__(made, name, value)
        object.__setattr__(made, "cut", lambda words: [list(range(*bounds)) for bounds in pairwise(self.ends.tolist())])
        self.split: SplitPieces = made.cut_split(
            [str(i) for i in range(len(self.counts))],
            torch.arange(len(self.counts)),
            torch.from_numpy(tokens),
            documents,
        )
        self.sentences, self.tokens = sentences, tokens

    def batch(self, indices):
        lengths = torch.tensor([len(self.sentences[i]) for i in indices])
        mask = torch.arange(int(lengths.max())) < lengths[:, None]
        return self.split.batch(indices, mask), mask


SENTENCES = st.lists(st.lists(st.integers(0, 8), min_size=1, max_size=7), min_size=1, max_size=5)


@given(
    sentences=SENTENCES,
    pooling=st.sampled_from(POOLINGS),
    stride=st.integers(0, 5),
    context=st.integers(0, 4),
    are_one=st.booleans(),
)
def test_each_piece_stands_where_the_windows_hold_it(sentences, pooling, stride, context, are_one):
    documents = ["d" if are_one else None] * len(sentences)
    numbered = Numbered(sentences, documents, pooling=pooling, stride=stride, context=context)
    indices = list(range(len(sentences)))[::-1]
    pieces, mask = numbered.batch(indices)
    assert pieces.piece_ids.shape[1] <= 9
    for row, real in zip(pieces.piece_ids, pieces.mask, strict=True):
        window = row[real].tolist()
        assert (window[0], *window[-2:]) == (-1, -2, -3)
        assert window[1:-2] == list(range(window[1], window[1] + len(window) - 3)) if len(window) > 3 else True
        assert row[~real].eq(-9).all()
    found: dict[int, list[int]] = {}
    for position, owner in zip(pieces.positions.tolist(), pieces.owners.tolist(), strict=True):
        found.setdefault(owner, []).append(int(pieces.piece_ids.flatten()[position]))
    expected = {}
    for place, index in enumerate(indices):
        for i, count in enumerate(sentences[index]):
            start = int(numbered.ends[numbered.tokens[index] + i])
            own = list(range(start, start + count))
            if own:
                chosen = {"first": own[:1], "last": own[-1:], "mean": own}[pooling]
                expected[place * mask.shape[1] + i] = chosen
    assert found == expected


def windows(pieces):
    return [row[real].tolist() for row, real in zip(pieces.piece_ids, pieces.mask, strict=True)]


def test_a_long_sentence_has_windows_that_overlap():
    numbered = Numbered([[5, 5, 5]], [None])
    pieces, _ = numbered.batch([0])
    assert [window[1:-2] for window in windows(pieces)] == [
        [*range(6)],
        [*range(4, 10)],
        [*range(8, 14)],
        [*range(9, 15)],
    ]
    of_piece = pieces.positions // pieces.piece_ids.shape[1]
    assert of_piece.tolist() == [0] * 5 + [1] * 4 + [2] * 3 + [3] * 3, "each is taken where most is around it"


def test_context_is_of_the_same_document_and_fits():
    sentences, documents = [[3], [2], [2], [2]], ["d", "d", "d", "e"]
    numbered = Numbered(sentences, documents, context=9)
    pieces, _ = numbered.batch([0, 1, 2, 3])
    assert [window[1:-2] for window in windows(pieces)] == [[0, 1, 2, 3], [1, 2, 3, 4, 5, 6], [3, 4, 5, 6], [7, 8]]
    assert pieces.positions.tolist() == [1, 2, 3, 9 + 3, 9 + 4, 18 + 3, 18 + 4, 27 + 1, 27 + 2]
    few, _ = Numbered(sentences, documents, context=1).batch([1])
    assert windows(few) == [[-1, 2, 3, 4, 5, -2, -3]]
    alone, _ = Numbered(sentences, [None] * 4, context=9).batch([1])
    assert windows(alone) == [[-1, 3, 4, -2, -3]]

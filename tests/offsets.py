"""What holds of the offsets of any parser of text."""

from ner.corpus.escapes import word_of_text


def check_offsets(text, sentences):
    """They point at the words where they stand in the text, in order and without overlap."""
    end = 0
    for sentence, offsets in sentences:
        assert len(sentence) == len(offsets) > 0
        for word, (begin, after) in zip(sentence.words, offsets, strict=True):
            assert end <= begin < after
            end = after
            assert word == word_of_text(text[begin:after])
    assert end <= len(text)

from dataclasses import replace

import pytest

from ner.corpus.semeval import SemevalFiles, SemevalSource
from ner.corpus.sentence import Span

XML = """\
<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<!-- a comment -->
<sentences>
    <sentence id="81#2">
        <text>The &quot;fish &amp; chips&quot; weren't bad, caf\u00e9.</text>
        <aspectTerms>
            <aspectTerm term="fish &amp; chips" polarity="positive" from="5" to="17"/>
            <aspectTerm to="36" from="32"
                        term="caf\u00e9"   polarity = 'neutral'   />
        </aspectTerms>
        <aspectCategories><aspectCategory category="food" polarity="positive"/></aspectCategories>
    </sentence>
    <sentence id="without"><text>We left.</text></sentence>
    <sentence id="3"><text>So-so bar.</text><aspectTerms>
        <aspectTerm term="bar" polarity="conflict" from="6" to="9"/>
        <aspectTerm term="so" from="3" to="5"/></aspectTerms></sentence>
</sentences>
"""


@pytest.fixture
def write(tmp_path):
    def write_one(text, name="made.xml"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write_one


def one(options='from="4" to="7"', text="The bar."):
    term = f'<sentence id="1"><text>{text}</text><aspectTerms>\n<aspectTerm {options}/></aspectTerms></sentence>'
    return f"<sentences>{term}</sentences>"


def test_a_sentence_for_each_term(write):
    path = write(XML)
    first, second, last = SemevalFiles().read_path(path)
    assert first.words == ("The", '"', "fish", "&", "chips", '"', "were", "n't", "bad", ",", "caf\u00e9", ".")
    assert (first.spans, second.spans) == ((Span(2, 5, "positive"),), (Span(10, 11, "neutral"),))
    assert [(s.document, s.part, s.source) for s in (first, second)] == [
        *(("made/81#2", 0, f"{path}:7"), ("made/81#2", 1, f"{path}:8"))
    ]
    assert (last.words, last.spans) == (("So", "-", "so", "bar", "."), (Span(2, 3, "unknown"),))
    assert SemevalFiles().formalism(path) is None


def test_conflict_is_an_option(write):
    path = write(XML)
    kept = [*SemevalFiles(conflict="keep").read_path(path)]
    assert [sentence.spans[0].label for sentence in kept] == ["positive", "neutral", "conflict", "unknown"]
    assert SemevalFiles().entities_in(path) == (
        "aspect terms; left out are the sentences without one (1 of 3) and the terms of the polarity conflict (1)"
    )
    assert "conflict" not in SemevalFiles(conflict="keep").entities_in(path)
    with pytest.raises(ValueError, match="unknown conflict 'drop': choose one of leave_out, keep"):
        SemevalFiles(conflict="drop")


def test_a_target_may_begin_and_end_inside_a_token(write):
    (sentence,) = SemevalFiles().read_path(write(one('from="3" to="6" polarity="negative"', text="Micros oft's")))
    assert sentence.spans == (Span(1, 2, "negative"),)
    assert sentence.words[:2] == ("Mic", "ros")


def test_written_back_with_other_polarities_and_nothing_else_changed(write, tmp_path):
    path, target = write(XML), tmp_path / "target.xml"
    sentences = [*SemevalFiles().read_path(path)]
    spans = [[replace(sentence.spans[0], label='so"<')] for sentence in sentences]
    SemevalFiles().rewrite(path, target, spans)
    expected = XML.replace('polarity="positive" from', "polarity='so\"&lt;' from")
    expected = expected.replace("polarity = 'neutral'", "polarity = 'so\"&lt;'")
    expected = expected.replace('<aspectTerm term="so"', '<aspectTerm polarity=\'so"&lt;\' term="so"')
    assert target.read_text(encoding="utf-8") == expected
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    SemevalFiles().rewrite(path, target, spans)
    assert target.read_text(encoding="utf-8-sig") == expected
    for wrong, message in ((spans[:-1], "nothing left for this term"), ([*spans, spans[0]], "fewer terms than spans")):
        with pytest.raises(ValueError, match=message):
            SemevalFiles().rewrite(path, target, wrong)


def test_terms_of_a_sentence_stay_together_where_a_share_is_held_out(write):
    text = '<sentence id="{}"><text>bar door {}</text><aspectTerms>{}</aspectTerms></sentence>'
    terms = '<aspectTerm polarity="neutral" from="0" to="3"/><aspectTerm polarity="neutral" from="4" to="8"/>'
    path = write(f"<sentences>{''.join(text.format(number, number, terms) for number in range(20))}</sentences>")
    source = SemevalSource(train=path, validation_share=0.2)
    splits = {split: {sentence.document for sentence in source.read(split)} for split in source.splits}
    assert not splits["train"] & splits["validation"]
    assert [len([*source.read(split)]) for split in source.splits] == [32, 8]


BOMB = '<!DOCTYPE x [<!ENTITY a "{}"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'.format("ha" * 1000)
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{BOMB}\n<sentences><sentence><text>&b;</text></sentence></sentences>", ":1: a document type declaration"),
        (f"\n{OUTSIDE}<sentences><sentence><text>&a;</text></sentence></sentences>", ":2: a document type declaration"),
        (
            "<sentences>\n<sentence><text>&a;</text></sentence></sentences>",
            r":2: not well-formed XML \(undefined entity",
        ),
        ("<sentences>\n<sentence>", r":2: not well-formed XML \(no element found\)"),
        ("", r":1: not well-formed XML \(no element found\)"),
        ("<Reviews/>", ":1: <Reviews> where SemEval-2014 has <sentences>"),
        (
            '<?xml version="1.0" encoding="latin-1"?><sentences/>',
            ":1: the encoding 'latin-1'; convert the file to UTF-8",
        ),
        (b"<sentences>\n\xff</sentences>", r":2: not well-formed XML \(not well-formed \(invalid token\)\)"),
        (one('term="bar"'), ":2: an aspectTerm needs `from` and `to`"),
        (one('from="a" to="7"'), ":2: an aspectTerm needs `from` and `to`"),
        (one('term="baz" from="4" to="7"'), ":2: characters 4 to 7 of the text are 'bar', not the term 'baz'"),
        (one('from="4" to="70"'), ":2: characters 4 to 70 are outside of the text"),
        (one('from="-4" to="-1"'), ":2: characters -4 to -1 are outside of the text"),
        (one('from="3" to="4"'), ":2: the term ' ' is white space"),
        (one('from="4" to="7" polarity="good"'), ":2: the polarity 'good': expected positive, negative, neutral or"),
    ],
)
def test_what_is_wrong_is_named_and_entities_are_never_expanded(write, text, message):
    path = write(text)
    with pytest.raises(ValueError, match=message):
        list(SemevalFiles().read_path(path))


def test_what_can_be_read_after_an_error_is(write):
    first, second = (text[len("<sentences>") : -len("</sentences>")] for text in (one("from='4'"), one()))
    wrong, right = SemevalFiles().parse(write(f"<sentences>{first}{second}</sentences>"))
    assert isinstance(wrong, ValueError)
    assert right.spans == (Span(1, 2, "unknown"),)

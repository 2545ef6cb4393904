import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner.corpus.conllx import ConllxFiles, ConllxSource, read_conllx, write_conllx
from ner.corpus.sentence import DependencyTree, Sentence, Span
from ner.corpus.source import SplitCounts, count_sentences

CONLLX = """\
1\tRosa\t_\tn\tn\t_\t3\tsubj\t_\t_\tB-person
2\tVila\t_\tn\tn\t_\t1\tflat\t_\t_\tI-person
3\tva\t_\tv\tv\t_\t0\troot\t_\t_\tO
4\ta\t_\ts\ts\t_\t3\tprep\t_\t_\tO
5\tReus\t_\tn\tn\t_\t4\tpobj\t_\t_\tB-loc

1\t_\t_\tp\tp\t_\t_\t_\t_\t_\tO

"""

CONLLU = """\
# newdoc id = first
# sent_id = 1
# text = Del Vila va.
1-2\tDel\t_\t_\t_\t_\t_\t_\t_\t_
1\tde\tde\tADP\t_\t_\t3\tcase\t_\tSpaceAfter=No
2\tel\tel\tDET\t_\t_\t3\tdet\t_\t_
2.1\tsenyor\t_\t_\t_\t_\t_\t_\t0:exroot\t_
3\tVila\tVila\tPROPN\t_\t_\t4\tobl\t_\tEntity=S-person|SpaceAfter=No
4\tva\tanar\tVERB\t_\t_\t0\troot\t_\tNER=O

# newdoc
1\tnew york\t_\tPROPN\tNNP\t_\t0\troot\t_\tSpaceAfter=No|NER=B-loc

"""


def write(tmp_path, text, name="made.conllx"):
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def row(number="1", word="it", head="0", tag="O"):
    return f"{number}\t{word}\t_\tn\tn\t_\t{head}\troot\t_\t_\t{tag}\n"


def test_the_tag_in_the_eleventh_column_is_read(tmp_path):
    path = write(tmp_path, CONLLX)
    assert list(read_conllx(path)) == [
        Sentence(
            words=("Rosa", "Vila", "va", "a", "Reus"),
            spans=(Span(0, 2, "person"), Span(4, 5, "loc")),
            pos=("n", "n", "v", "s", "n"),
            tree=DependencyTree((2, 0, 2, 2, 3), ("subj", "flat", "root", "prep", "pobj")),
            source=f"{path}:1",
        ),
        Sentence(words=("_",), pos=("p",), source=f"{path}:7"),
    ]


def test_the_tag_in_misc_is_read(tmp_path):
    path = write(tmp_path, CONLLU, "made.conllu")
    assert list(read_conllx(path)) == [
        Sentence(
            words=("de", "el", "Vila", "va"),
            spans=(Span(2, 3, "person"),),
            pos=("ADP", "DET", "PROPN", "VERB"),
            tree=DependencyTree((2, 2, 3, 3), ("case", "det", "obl", "root")),
            document="first",
            source=f"{path}:5",
        ),
        Sentence(
            words=("new york",),
            spans=(Span(0, 1, "loc"),),
            pos=("NNP",),
            tree=DependencyTree((0,), ("root",)),
            source=f"{path}:12",
        ),
    ]


@pytest.mark.parametrize(
    "tags",
    [
        ["I-a", "I-a", "B-a", "O", "I-b"],  # IOB1
        ["B-a", "I-a", "B-a", "O", "B-b"],  # IOB2
        ["B-a", "E-a", "S-a", "O", "S-b"],  # IOBES
        ["B-a", "E-a", "S-a", "_", "S-b"],
    ],
)
def test_every_scheme_is_understood(tmp_path, tags):
    lines = [row(number, head="_", tag=tag) for number, tag in enumerate(tags, 1)]
    (sentence,) = read_conllx(write(tmp_path, "".join(lines)))
    assert sentence.spans == (Span(0, 2, "a"), Span(2, 3, "a"), Span(4, 5, "b"))
    assert sentence.tree is None


cell = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=5)
name = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=5)


@st.composite
def parts_of_sentences(draw):
    words = tuple(draw(st.lists(cell, min_size=1, max_size=6)))
    length = len(words)
    cuts = sorted(draw(st.sets(st.integers(0, length))))
    order = draw(st.permutations(range(length)))
    heads = {order[0]: order[0]}
    for position in range(1, length):
        heads[order[position]] = order[draw(st.integers(0, position - 1))]
    relations = tuple(draw(st.lists(name, min_size=length, max_size=length)))
    return {
        "words": words,
        "spans": tuple(Span(start, end, "ORG") for start, end in zip(cuts[::2], cuts[1::2], strict=False)),
        "pos": draw(st.sampled_from([None, ("NN",) * length])),
        "tree": (tuple(heads[word] for word in range(length)), relations) if draw(st.booleans()) else None,
        "document": draw(st.sampled_from(["", "a/b", "c"])),
    }


@pytest.mark.parametrize("scheme", ["BIO", "IOBES"])
@given(parts=st.lists(parts_of_sentences(), min_size=1, max_size=5))
def test_sentences_come_back_from_their_file(tmp_path_factory, scheme, parts):
    written = [Sentence(**{**part, "tree": part["tree"] and DependencyTree(*part["tree"])}) for part in parts]
    path = tmp_path_factory.getbasetemp() / "back.conllx"
    write_conllx(written, path, scheme=scheme)
    assert [replace(sentence, source="") for sentence in read_conllx(path)] == written


def test_what_is_written_is_the_released_format(tmp_path):
    path = write(tmp_path, CONLLX)
    stream = io.BytesIO()
    write_conllx(read_conllx(path), stream)
    assert stream.getvalue().decode() == CONLLX


def test_what_the_format_cannot_hold_is_not_written(tmp_path):
    with pytest.raises(ValueError, match=r"x:1: .* cannot be a cell"):
        write_conllx([Sentence(words=("",), source="x:1")], tmp_path / "x.conllx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1: the file is empty"),
        ("\ufeff" + row(), "1: a byte order mark"),
        (row().replace("\n", "\r\n"), "1: a Windows line end"),
        (row().encode() + b"2\t\xe9\t_\tn\tn\t_\t1\tx\t_\t_\tO\n", "2: byte 0xe9 is not UTF-8"),
        ("1 it _ n n _ 0 root _ _ O\n", "1: 1 columns; expected 10 or 11, separated by tabs"),
        (row() + "2\tit\t_\tn\tn\t_\t1\tx\t_\t_\n", "2: 10 columns"),
        (row() + row("3", head="1"), "2: word number '3' where 2 is due"),
        (row() + row("1", head="1"), "2: word number '1' where 2 is due"),
        (row(word=""), "1: the word is empty"),
        (row("1-2"), "1: a sentence without a word"),
        (row("1-2", tag="B-x") + row(), "1: the tag 'B-x' on 1-2, which is no word"),
        (row(tag="PER"), "1: 'PER' is no tag"),
        (CONLLU.replace("NER=O", "name=Yes"), "9: 'Yes' is no tag"),
        ("".join(row(str(number), head="_") for number in (1, 2)) + "\t" * 9 + "\n", "3: a line of nothing but tabs"),
        (row() + "\x0b\n", "2: a control character"),
        (row(head="9" * 5000), "1: the head is '99999999999999999999'"),
        (row() + row("2", head="03"), "2: the head is '03'"),
        ("# newdoc id = a\tb\n" + row(), "1: the document id 'a\\tb' holds white space"),
        (row(tag="B-a b"), "1: 'B-a b' is no tag"),
        (row().replace("root", "ro ot"), "1: the relation 'ro ot' is empty or holds white space"),
        ("1\tit\tB-X\n", "1: 3 columns; expected 10 or 11, separated by tabs, as many in all lines; corpus=columns"),
        ("# global.columns = ID NER\n1\tB-X\n", " # global.columns names no FORM; corpus=columns may read it"),
        ("# global.columns = ID FORM NER\n1\tx\n", "2: 2 columns, where # global.columns names 3"),
        (row(tag="L-x") + row("2", head="1", tag="E-y"), " the tags begin with E, L"),
        ("#begin document (nw/a); part 000\nnw/a 0 0 it\n", " a CoNLL-2012 file, which corpus=conll2012 reads"),
        (CONLLU.replace("NER=O", "NER=O|Entity=O"), "9: more than one entity tag"),
        (row(tag="B-x") + row("2", head="1", tag="E-y"), "1: 'B-x' where IOBES has 'S-x'"),
        (row(head="x"), "1: the head is 'x'"),
        (row(head="9" * 5000), "1: the head is '9999"),
    ],
)
def test_each_defect_is_named_with_its_line(tmp_path, text, message):
    path = write(tmp_path, text)
    with pytest.raises(ValueError, match=r"\S") as caught:
        list(read_conllx(path))
    assert str(caught.value).removeprefix(f"{path}:").startswith(message)


@pytest.mark.parametrize(
    ("text", "heads", "defect"),
    [
        (row() + row("2", head="_"), (0, None), "2: no head, where other words of the sentence have one"),
        (row(head="1"), (1,), "1: word 1 is its own head; the root has head 0"),
        (row() + row("2"), (0, 0), "1: a tree has one root, found 2"),
        (row() + row("2", head="3") + row("3", head="2"), (0, 3, 2), "1: a cycle of heads"),
        (row() + row("2", head="3"), (0, 3), "2: the head is 3, outside the sentence of 2 words"),
    ],
)
def test_heads_that_are_no_tree_are_kept_with_their_defect(tmp_path, text, heads, defect):
    path = write(tmp_path, text)
    (sentence,) = read_conllx(path)
    assert sentence.tree is None
    assert sentence.malformed.heads == heads
    assert sentence.malformed.relations == ("root",) * len(heads)
    assert sentence.malformed.defect.replace(f"{path}:", "").startswith(defect)


@pytest.mark.parametrize("text", [CONLLX, CONLLU])
def test_rewriting_the_same_entities_changes_no_byte(tmp_path, text):
    text = text.replace("B-loc", "S-loc") if "S-person" in text else text
    path = write(tmp_path, text)
    ConllxFiles().rewrite(path, path, [sentence.spans for sentence in read_conllx(path)])
    assert path.read_bytes() == text.encode()


def test_rewriting_puts_tags_where_they_are_read(tmp_path):
    path = write(tmp_path, CONLLU)
    ConllxFiles().rewrite(path, path, [(Span(0, 2, "x"), Span(3, 4, "y")), ()])
    expected = CONLLU.replace("case\t_\tSpaceAfter=No", "case\t_\tSpaceAfter=No|Entity=B-x")
    expected = expected.replace("det\t_\t_", "det\t_\tEntity=E-x").replace("NER=O", "NER=S-y")
    assert path.read_text() == expected.replace("Entity=S-person", "Entity=O").replace("NER=B-loc", "NER=O")


ROWS = "1\tAnn\t_\tn\tn\t_\t0\troot\t_\t{}\n2\tit\t_\tn\tn\t_\t1\tobj\t_\t{}\n"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("name=B-PER", "name=O"),
        ("NE=B-PER|SpaceAfter=No", "_"),
        ("ner=S-PER", "_"),
        ("Ner=U-PER", "_"),
        ("SpaceAfter=No NER=B-PER", "_"),  # a blank in place of the bar
        ("NER=B-PER SpaceAfter=No", "_"),
        ("NER=B-PER ", "_"),
        ("Entity=(1-person-new-cf1-1-sgl)|NER=B-PER", "Entity=(PER"),
        ("B-PER", "O"),
    ],
)
def test_tags_in_misc_are_found_and_replaced(tmp_path, first, second):
    path = write(tmp_path, ROWS.format(first, second), "made.conllu")
    (sentence,) = read_conllx(path)
    assert sentence.spans == (Span(0, 1, "PER"),)
    ConllxFiles().rewrite(path, tmp_path / "same", [sentence.spans])
    assert (tmp_path / "same").read_bytes() == path.read_bytes()
    ConllxFiles().rewrite(path, path, [(Span(1, 2, "LOC"),)])
    assert path.read_text().count("PER") == first.count("(PER") + second.count("(PER")
    (sentence,) = read_conllx(path)
    assert sentence.spans == (Span(1, 2, "LOC"),)


def test_the_key_may_be_another(tmp_path):
    path = write(tmp_path, ROWS.format("NER=B-PER|Mine=B-LOC", "_"), "made.conllu")
    files = ConllxFiles(keys=["Mine"])
    assert [sentence.spans for sentence in files.read_path(path)] == [(Span(0, 1, "LOC"),)]
    files.rewrite(path, path, [(Span(1, 2, "X"),)])
    assert path.read_text() == ROWS.format("NER=B-PER|Mine=O", "Mine=B-X")


def test_brackets_are_no_tags_but_read_on_request(tmp_path):
    rows = ROWS.format("Entity=(1-person-1(2-place-1)", "SpaceAfter=No|Entity=1)")
    text = f"# global.Entity = eid-etype-head\n{rows}"
    path = write(tmp_path, text, "made.conllu")
    for brackets, spans in (
        ("skip", ()),
        ("outermost", (Span(0, 2, "person"),)),
        ("innermost", (Span(0, 1, "place"),)),
    ):
        files = ConllxFiles(brackets=brackets)
        assert [sentence.spans for sentence in files.read_path(path)] == [spans]
    assert files.entities_in(path) == "MISC, the innermost of the entities in brackets"
    assert ConllxFiles().entities_in(path).endswith("which corpus.brackets=outermost reads")
    ConllxFiles().rewrite(path, tmp_path / "new", [(Span(0, 1, "X"),)])
    assert (tmp_path / "new").read_text() == text.replace("(2-place-1)", "(2-place-1)|NER=B-X")
    path.write_text(text.replace("1)\n", "_\n"))
    with pytest.raises(ValueError, match=r"made.conllu:2: the entity '1' is not closed"):
        [*ConllxFiles(brackets="outermost").read_path(path)]


def test_conllu_plus(tmp_path):
    text = (
        "# global.columns = ID FORM UPOS HEAD DEPREL DEPS X:NE\n"
        "1-2\tdel\t_\t_\t_\t_\t_\n"
        "1\tde\tADP\t3\tcase\t3:case|4:x\tO\n"
        "2\tel\tDET\t3\tdet\t_\tO\n"
        "3\tRey\tNOUN\t0\troot\t_\tB-PER\n"
    )
    path = write(tmp_path, text, "made.conllup")
    (sentence,) = read_conllx(path)
    assert (sentence.words, sentence.pos) == (("de", "el", "Rey"), ("ADP", "DET", "NOUN"))
    assert sentence.tree == DependencyTree((2, 2, 2), ("case", "det", "root"))
    assert sentence.spans == (Span(2, 3, "PER"),)
    ConllxFiles().rewrite(path, path, [(Span(1, 3, "PER"),)])
    assert path.read_text() == text.replace("det\t_\tO", "det\t_\tB-PER").replace("root\t_\tB", "root\t_\tI")


def test_reading_goes_on_after_a_defect(tmp_path):
    path = write(tmp_path, row() + "\n" + row("2") + "\n" + row())
    assert [isinstance(outcome, Sentence) for outcome in ConllxFiles().parse(path)] == [True, False, True]


def test_where_entities_are_looked_for(tmp_path):
    assert ConllxFiles().entities_in(write(tmp_path, CONLLX)) == "column 11 (IOB2)"
    assert ConllxFiles().entities_in(write(tmp_path, ROWS.format("_", "_"))) == (
        "MISC, under Entity=, NER=, NE=, name= in any case (no entity)"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"keys": "NER"}, "keys is 'NER', where a list"),
        ({"brackets": "x"}, "unknown brackets"),
        ({"malformed_tags": "x"}, "unknown malformed_tags"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        ConllxFiles(**options)


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        ([()], "conllx:12: nothing left for this sentence"),
        ([()] * 3, "fewer sentences than spans"),
        ([(Span(3, 5, "ORG"),), ()], "conllx:4: .* outside 4 words"),
    ],
)
def test_spans_that_do_not_fit_leave_no_file(tmp_path, spans, message):
    path = write(tmp_path, CONLLU)
    with pytest.raises(ValueError, match=message):
        ConllxFiles().rewrite(path, tmp_path / "target", spans)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_the_source_reads_its_splits(tmp_path):
    path = write(tmp_path, CONLLX, "train.sd.conllx")
    other = write(tmp_path, CONLLU, "test.conllu")
    source = ConllxSource(train=path, validation=tmp_path, test=other)
    assert source.files("validation") == (other, path)
    assert count_sentences(source.read("validation")) == SplitCounts(2, 4, 11, 4)
    assert count_sentences(source.read("train")) == SplitCounts(1, 2, 6, 2)

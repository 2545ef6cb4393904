import pytest

from ner.corpus.conllx import ConllxFiles, write_conllx
from ner.corpus.sniffing import format_of, name_of

ROW = "\t_" * 8
CONLL2012_ROW = "nw/a  0  0  it PRP (TOP* - - - - * -\n"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (f"#begin document (nw/a); part 000\n{CONLL2012_ROW}", "conll2012"),
        (CONLL2012_ROW, "conll2012"),
        (f"1\tit{ROW}\n", "conllx"),
        (f"# text = it\n1-2\tit{ROW}\tO\n", "conllx"),
        (f"# an empty node\n0.1\t_{ROW}\n1\tit{ROW}\n", "conllx"),
        ("# global.columns = ID FORM NER\n1\tit\tO\n", "conllx"),
        ("# global.columns = WORD NER\nit\tO\n", "columns"),
        ("EU NNP I-NP I-ORG\n", "columns"),
        ("\ufeff1\tEU\tB-ORG\n", "columns"),
        (f"it\tO{ROW}\n", "columns"),
        ("it\n", "columns"),
        ("", "columns"),
        ('<?xml version="1.0"?>\n<sentences/>\n', "semeval"),
        ("\ufeff<sentences>\n", "semeval"),
        ("#nice $T$ !\nit\n1\n", "three_lines"),
    ],
)
def test_told_by_the_content(tmp_path, text, name):
    path = tmp_path / "made.conll"
    path.write_text(text)
    assert (name_of(path), format_of(path).name) == (name, name)


def test_options_are_those_of_a_like_format(tmp_path):
    path = tmp_path / "made.conllu"
    path.write_text(f"1\tit{ROW}\n")
    like = ConllxFiles(keys=("X",))
    assert format_of(path, like) is like
    path.write_text("it O\n")
    assert format_of(path, like).name == "columns"


def test_files_of_two_formats_are_refused_and_named(tmp_path):
    (tmp_path / "a.conllx").write_text(f"1\tit{ROW}\tO\n")
    (tmp_path / "b.gold_conll").write_text(f"#begin document (nw/a); part 000\n{CONLL2012_ROW}")
    with pytest.raises(
        ValueError, match=r"b.gold_conll \(conll2012\) and .*a.conllx \(conllx\); give one kind at a time"
    ):
        format_of(tmp_path)


def test_a_file_that_is_not_called_as_its_format_is_refused_not_passed_over(sentences, tmp_path):
    write_conllx(sentences[:2], tmp_path / "a.conllx")
    write_conllx(sentences[2:4], tmp_path / "b.txt")
    with pytest.raises(ValueError, match=r"b\.txt is conllx, but not by its name, which may be \*\.conllx"):
        format_of(tmp_path)
    assert format_of(tmp_path / "b.txt").name == format_of(tmp_path / "a.conllx").name

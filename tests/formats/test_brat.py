import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tagged import CUTS, ENCODABLE, document_of

from ner.formats.brat import file_stem, save_brat, to_brat, type_of


def read_annotations(annotations):
    """Entities (type, fragments, text) and notes, as brat reads them: line by line, then field by field."""
    entities, notes = {}, {}
    for line in annotations.splitlines():
        identifier, middle, text = line.split("\t")
        if identifier.startswith("T"):
            name, _, offsets = middle.partition(" ")
            fragments = [tuple(map(int, pair.split(" "))) for pair in offsets.split(";")]
            entities[identifier] = (name, fragments, text)
        else:
            notes[middle.removeprefix("AnnotatorNotes ")] = text
    return entities, notes


@given(text=ENCODABLE, cuts=CUTS)
def test_every_entity_is_where_it_was_in_any_text(text, cuts):
    document = document_of(text, cuts)
    standoff = to_brat(document)
    assert standoff.text == text
    entities, notes = read_annotations(standoff.annotations)
    assert entities.keys() == notes.keys()
    assert len(entities) == len(document.entities)
    for entity, (name, fragments, fragment_text) in zip(document.entities, entities.values(), strict=True):
        assert name == type_of(entity.label)
        assert re.fullmatch(r"[\w-]+", name)
        assert " ".join(text[start:end] for start, end in fragments) == fragment_text
        assert all(len(text[start:end].splitlines()) == 1 for start, end in fragments)
        assert all(before[1] < after[0] for before, after in pairwise(fragments))
        covered = "".join(text[start:end] for start, end in fragments)
        assert "".join(covered.split()) == "".join(entity.text.split())  # nothing is lost but white space
        assert entity.start <= fragments[0][0] < fragments[-1][1] <= entity.end


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r", " \n ", "\u2028", "\x85", "\n\n"])
def test_an_entity_over_a_line_break_is_in_fragments(line_break):
    text = f"New{line_break}York City"
    start = len(text) - len("York City")
    document = document_of(text, (0, 3, len(text)))
    entities, notes = read_annotations(to_brat(document).annotations)
    assert entities == {"T1": ("PERSON", [(0, 3), (start, len(text))], "New York City")}
    assert notes == {"T1": "probability 1.0000"}


def test_a_label_that_is_no_type_is_noted():
    document = document_of("Bad Ems", (0, 3, 7), labels=["Ort/Stadt"])
    entities, notes = read_annotations(to_brat(document).annotations)
    assert entities["T1"][0] == "Ort_Stadt"
    assert notes["T1"] == "label Ort/Stadt, probability 1.0000"


def test_half_of_a_character_is_refused_with_its_place():
    with pytest.raises(ValueError, match="news: character 3 is half of a character"):
        to_brat(document_of("abc\ud800", (0, 3), name="news"))


def test_files(documents, tmp_path):
    paths = save_brat(documents, tmp_path / "brat")
    assert [path.name for path in paths] == ["news.txt", "document.txt", "_i_.txt"]
    assert paths[0].read_bytes().decode() == documents[0].text
    assert sorted(path.name for path in (tmp_path / "brat").iterdir()) == sorted(
        ["annotation.conf", *(f"{path.stem}.{suffix}" for path in paths for suffix in ("ann", "txt"))]
    )
    configuration = (tmp_path / "brat" / "annotation.conf").read_text()
    assert configuration.startswith("[entities]\nGPE\nPERSON\n")
    assert set(read_annotations((tmp_path / "brat" / "news.ann").read_text())[0]) == {"T1", "T2"}


def test_folders_below_the_root_are_kept_and_none_above_it_is_reached(tmp_path):
    names = (
        "in/a/news.txt",
        "in/b/news.txt",
        "in/A/news.txt",
        "in/top.txt",
        "in/../../x/up.txt",
        "out/other.txt",
        "id 7",
    )
    paths = save_brat([document_of("a b", (0, 1), name=name) for name in names], tmp_path, root=Path("in"))
    found = [str(path.relative_to(tmp_path)) for path in paths]
    assert found == ["a/news.txt", "b/news.txt", "A/news-2.txt", "top.txt", "x/up.txt", "other.txt", "id_7.txt"]
    assert all(path.is_file() for path in paths)


def test_line_ends_are_those_of_the_text(tmp_path):
    (path,) = save_brat([document_of("a\r\nb", (0, 1, 4))], tmp_path)
    assert path.read_bytes() == b"a\r\nb"


def test_nothing_is_written_through_a_link(tmp_path):
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "document.ann").symlink_to(tmp_path / "mine")
    with pytest.raises(ValueError, match="is a link"):
        save_brat([document_of("a b", (0, 1, 3))], tmp_path)
    assert (tmp_path / "mine").read_text() == "mine"


def test_an_input_keeps_its_own_text(tmp_path):
    (tmp_path / "a.txt").write_text("a b")
    same, other = (
        replace(document_of(text, (0, 1, 3)), name=name) for name, text in (("a.txt", "a b"), ("a.md", "c d"))
    )
    assert save_brat([same], tmp_path, inputs=[tmp_path / "a.txt"]) == [tmp_path / "a.txt"]
    with pytest.raises(ValueError, match=r"a\.txt is an input, which a\.md would take the place of"):
        save_brat([other], tmp_path, inputs=[tmp_path / "a.txt"])
    assert (tmp_path / "a.txt").read_text() == "a b"
    save_brat([other], tmp_path)
    assert (tmp_path / "a.txt").read_text() == "c d"


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("", "document"),
        ("corpus/news.txt", "news"),
        ("C:\\texts\\a b.txt", "a_b"),
        ("../../etc/passwd", "passwd"),
        ("..", "document"),
        (".hidden", "hidden"),
        ("a\x00b\nc", "a_b_c"),
        ("Ünïcode 東.txt", "Ünïcode_東"),
        ("2101.00002", "2101.00002"),
        ("2101.00002.TXT", "2101.00002"),
        ("v4.gold_conll", "v4"),
    ],
)
def test_names_of_files_are_safe(name, stem):
    assert file_stem(name) == stem


@given(names=st.lists(st.text(max_size=300), max_size=6))
def test_names_of_files_differ_and_stay_in_their_directory(names):
    taken = set()
    for name in names:
        stem = file_stem(name, taken=taken)
        assert stem.casefold() not in {one.casefold() for one in taken}
        assert "/" not in stem
        assert not stem.startswith(".")
        assert 0 < len(f".{stem}.txt.99999.partial".encode()) <= 255
        taken.add(stem)

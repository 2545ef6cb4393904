import json

import pytest
from hypothesis import given
from tagged import CUTS, TEXTS, document_of

from ner.formats.jsonl import save_jsonl, to_jsonl


@given(text=TEXTS, cuts=CUTS, name=TEXTS)
def test_any_text_comes_back_from_its_line(text, cuts, name):
    document = document_of(text, cuts, name=name)
    line = to_jsonl(document)
    assert len(line.splitlines()) == 1
    content = json.loads(line.encode())
    assert content["text"] == text
    assert content.get("name", "") == name
    entities = [
        {"text": one.text, "label": one.label, "start": one.start, "end": one.end, "probability": one.probability}
        for one in document.entities
    ]
    assert content["entities"] == entities
    assert all(text[one["start"] : one["end"]] == one["text"] for one in content["entities"])


def test_people_can_read_it():
    entity = '{"text": "Ł\\u2028東", "label": "PERSON", "start": 0, "end": 3, "probability": 1.0}'
    line = to_jsonl(document_of("Ł\u2028東", (0, 1, 3), name="n"))
    assert line == f'{{"name": "n", "text": "Ł\\u2028東", "entities": [{entity}]}}'


def test_a_file_has_a_line_for_each_document(documents, tmp_path):
    save_jsonl(documents, tmp_path / "out.jsonl")
    lines = (tmp_path / "out.jsonl").read_bytes().split(b"\n")
    assert lines.pop() == b""
    assert [json.loads(line)["text"] for line in lines] == [document.text for document in documents]


def test_a_file_that_was_interrupted_is_not_there(documents, tmp_path):
    def interrupted():
        yield documents[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save_jsonl(interrupted(), tmp_path / "out.jsonl")
    assert list(tmp_path.iterdir()) == []

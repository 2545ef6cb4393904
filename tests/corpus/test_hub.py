from itertools import pairwise

import datasets
import pytest

from ner.corpus.hub import LABELS, NAMED_ENTITIES, HubSource
from ner.corpus.sentence import Span

POS = ["XX", "NNP", "VBD", "VERB", "."]
ROWS = [
    {
        "document_id": "nw/made/00/made_0001",
        "sentences": [
            {
                "part_id": 0,
                "words": ["Ada", "Byte", "met", "Oslo", "."],
                "pos_tags": [1, 1, 2, 1, 4],
                "parse_tree": " (TOP (S (NP (NNP Ada) (NNP Byte))\n  (VP (VBD met) (NP (NNP Oslo))) (. .)))",
                "named_entities": [1, 2, 0, 9, 0],
            },
            {"part_id": 1, "words": ["Hm"], "pos_tags": [0], "parse_tree": None, "named_entities": [0]},
        ],
    },
    {
        "document_id": "wb/made/00/made_0002",
        "sentences": [
            {
                "part_id": 0,
                "words": ["and", "go"],
                "pos_tags": [0, 3],
                "parse_tree": "(TOP (XX and) (VERB go))",
                "named_entities": [35, 36],
            }
        ],
    },
]


def write(folder, rows=ROWS, name="train-00000-of-00001.parquet", entities=NAMED_ENTITIES):
    features = datasets.Features(
        {
            "document_id": datasets.Value("string"),
            "sentences": [
                {
                    "part_id": datasets.Value("int32"),
                    "words": datasets.Sequence(datasets.Value("string")),
                    "pos_tags": datasets.Sequence(datasets.ClassLabel(names=POS)),
                    "parse_tree": datasets.Value("string"),
                    "named_entities": datasets.Sequence(datasets.ClassLabel(names=list(entities))),
                }
            ],
        }
    )
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    datasets.Dataset.from_list(rows, features=features).to_parquet(path)
    return path


def one_sentence(**changes):
    return [{**ROWS[0], "sentences": [{**ROWS[0]["sentences"][0], **changes}]}]


def test_names_are_in_the_order_of_the_dataset():
    assert len(NAMED_ENTITIES) == 37
    assert NAMED_ENTITIES[:5] == ("O", "B-PERSON", "I-PERSON", "B-NORP", "I-NORP")
    assert NAMED_ENTITIES[35:] == ("B-LANGUAGE", "I-LANGUAGE")
    assert all(first != second for first, second in pairwise(sorted(LABELS)))


def test_rows_become_sentences(tmp_path):
    path = write(tmp_path)
    first, second, third = HubSource(path=tmp_path).read("train")
    assert first.words == ("Ada", "Byte", "met", "Oslo", ".")
    assert first.pos == ("NNP", "NNP", "VBD", "NNP", ".")
    assert first.spans == (Span(0, 2, "PERSON"), Span(3, 4, "GPE"))
    assert first.parse == "(TOP(S(NP**)(VP*(NP*))*))"
    assert (first.document, first.part, first.genre) == ("nw/made/00/made_0001", 0, "nw")
    assert first.source == f"{path}[0].sentences[0]"
    assert (second.words, second.pos, second.parse, second.part) == (("Hm",), ("XX",), None, 1)
    assert (third.parse, third.spans) == (None, (Span(0, 2, "LANGUAGE"),))


def test_both_layouts_of_files_are_found_in_order(tmp_path):
    shards = [write(tmp_path, ROWS[1:], f"validation-0000{shard}-of-00002.parquet") for shard in (1, 0)]
    inner = write(tmp_path, ROWS[:1], "test/0000.parquet")
    source = HubSource(path=str(tmp_path))
    assert source.files("validation") == (shards[1], shards[0])
    assert len(list(source.read("validation"))) == 2
    assert source.files("test") == (inner,)
    with pytest.raises(ValueError, match=r"no file matches train-\*.parquet or train/\*.parquet"):
        list(source.read("train"))
    with pytest.raises(ValueError, match="unknown split 'dev': choose one of train, validation, test"):
        source.files("dev")


def test_a_file_that_changed_is_read_anew(tmp_path):
    write(tmp_path)
    source = HubSource(path=tmp_path)
    assert len(list(source.read("train"))) == 3
    write(tmp_path, ROWS[1:])
    assert len(list(source.read("train"))) == 1


def test_a_dataset_on_the_hub_has_no_files():
    assert HubSource(path="someone/something", data_dir="english_v4").files("train") == ()


def test_options_of_the_hub_are_refused_for_a_folder(tmp_path):
    with pytest.raises(ValueError, match="data_dir and revision have no effect"):
        HubSource(path=tmp_path, revision="main")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"words": [], "pos_tags": [], "named_entities": []}, "a sentence without words"),
        ({"named_entities": [1, 2, 0, 10, 0]}, "named_entities are not 5 tags in the scheme BIO"),
        ({"named_entities": [1, 2, 0, 9]}, "named_entities are not 5 tags in the scheme BIO"),
        ({"pos_tags": [1]}, "5 words but 1 parts of speech"),
        ({"parse_tree": "(TOP (NP (NNP Ada)))"}, "5 words but a parse of 1"),
        ({"parse_tree": "(TOP (NP (NNP Ada))"}, "1 brackets that are not closed"),
        ({"parse_tree": "(TOP (NNP Ada)) (S (NN b))"}, "closed before its end"),
        ({"parse_tree": "(TOP (NNP Ada)))"}, "closed before its end"),
        ({"parse_tree": "(TOP Ada met)"}, "cannot read the parse_tree at 'Ada met"),
        ({"parse_tree": "(NNP Ada)"}, "the parse_tree begins with a word"),
    ],
)
def test_each_defect_is_named_with_its_row(tmp_path, changes, message):
    path = write(tmp_path, one_sentence(**changes))
    with pytest.raises(ValueError, match=message) as caught:
        list(HubSource(path=tmp_path).read("train"))
    assert str(caught.value).startswith(f"{path}[0].sentences[0]: ")


def test_other_labels_are_refused(tmp_path):
    write(tmp_path, entities=sorted(NAMED_ENTITIES))
    with pytest.raises(ValueError, match="named_entities has the names"):
        list(HubSource(path=tmp_path).read("train"))


def test_other_layouts_are_refused(tmp_path):
    datasets.Dataset.from_list([{"document_id": "x"}]).to_parquet(tmp_path / "train-0.parquet")
    with pytest.raises(ValueError, match=r"not the layout .*: no named_entities, parse_tree"):
        list(HubSource(path=tmp_path).read("train"))
    rows = [{"document_id": "x", "sentences": [{**ROWS[0]["sentences"][0]}]}]
    datasets.Dataset.from_list(rows).to_parquet(tmp_path / "train-0.parquet")
    with pytest.raises(ValueError, match="named_entities are not ClassLabels"):
        list(HubSource(path=tmp_path).read("train"))

import sys

import pytest

from ner.corpus.dependencies import GivenDependencies, attachment
from ner.corpus.dependencies.attachment import Attachment, main
from ner.corpus.preparation import prepare

GOLD = [([1, 1, 1], ["det", "root", "obj"]), ([0], ["root"]), None]


def test_scores_are_shares_of_the_words_with_a_gold_tree():
    parsed = [([2, 1, 1], ["det", "root", "iobj"]), ([0], ["root"]), ([0, 0], ["root", "x"])]
    found = attachment.attachment(GOLD, parsed)
    assert found == Attachment(sentences=2, words=4, heads=3, labelled=2, exact=1)
    assert (found.uas, found.las) == (0.75, 0.5)
    assert attachment.attachment(GOLD, [None, None, None]).uas == 0
    assert attachment.attachment(GOLD, GOLD).las == 1


def test_other_sentences_are_refused():
    with pytest.raises(ValueError, match="sentence 1 has 1 words in one and 2"):
        attachment.attachment(GOLD, [GOLD[0], ([0, 0], ["root", "x"]), None])


def test_the_command(compose_config, tiny, tmp_path, monkeypatch, capsys):
    from hydra.utils import instantiate

    source = instantiate(compose_config("train", *tiny).corpus, _convert_="all")
    path = prepare(source, GivenDependencies(), root=tmp_path)
    monkeypatch.setattr(sys, "argv", ["attachment", str(path), str(path)])
    main()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["sentences", "words", "UAS", "LAS", "exact"]
    assert [line.split()[0] for line in lines[1:]] == ["train", "validation", "test"]
    assert all(line.split()[3:] == ["100.00"] * 3 for line in lines[1:])

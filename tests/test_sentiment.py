"""Sentiment towards targets from its files to a report, and the sample corpus for it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

from ner import Recognizer
from ner.corpus.conllx import read_conllx
from ner.corpus.semeval import SemevalFiles
from ner.corpus.sentence import Span

SAMPLE = Path(__file__).parents[1] / "data" / "sentiment"
SPLITS = ("train", "validation", "test")
XML = """<sentences><sentence id="1"><text>Awful soup and hot view</text><aspectTerms>
<aspectTerm term="soup" from="6" to="10"/></aspectTerms></sentence></sentences>
"""
WORDS = {"positive": ("lovely", "superb"), "negative": ("awful", "poor"), "neutral": ("white", "hot")}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two targets a sentence, each after its adjective."""
    directory = tmp_path_factory.mktemp("targets")
    polarities = list(WORDS)
    for split in SPLITS:
        lines = []
        for number in range(9):
            first, second = polarities[number % 3], polarities[number // 3]
            one, other = WORDS[first][number % 2], WORDS[second][(number + 1) % 2]
            lines += [f"{one} $T$ and {other} view", "soup", first, f"{one} soup and {other} $T$", "view", second]
        (directory / f"{split}.raw").write_text("\n".join(lines) + "\n")
    return directory


@pytest.fixture(scope="module")
def run(files, compose_config):
    from ner.train import train_and_score

    options = [f"corpus.{split}={files / split}.raw" for split in SPLITS]
    sizes = ("word_size=12", "hidden_size=16", *(f"{part}_dropout=0.0" for part in ("word", "input", "output")))
    options += [f"model.{size}" for size in sizes]
    options += ["training.epochs=12", "training.batch_size=4", "optimizer.learning_rate=0.05"]
    options += [f"prepared_root={files}", "vocabulary.min_count=1", "device=cpu", "threads=1"]
    cfg = compose_config("train", "task=sentiment", "corpus=three_lines", *options)
    assert train_and_score(cfg, files / "run") > 0.9
    return files / "run"


def test_a_run_keeps_accuracy_and_macro_f1(run):
    scores = json.loads((run / "scores.json").read_text())
    for split in ("validation", "test"):
        (found,) = scores[split].values()
        assert found["accuracy"] == found["micro"]["f1"] > 0.9
        assert found["macro"]["f1"] > 0.9
        assert found["labels"].keys() == WORDS.keys()
    assert json.loads((run / "calibration.json").read_text())["entities"] == 18


def test_evaluate_gives_the_accuracy(run, files, tmp_path, run_command):
    status, errors = run_command("evaluate", f"run={run}", f"files={files / 'test.raw'}", "device=cpu")
    assert (status, errors) == (0, "")
    (scores,) = (json.loads(path.read_text()) for path in run.glob("scores-test-*.json"))
    assert scores["strict"]["accuracy"] > 0.9
    assert "conlleval" not in scores
    (tmp_path / "some.xml").write_text(XML)
    status, errors = run_command("evaluate", f"run={run}", f"files={tmp_path / 'some.xml'}", "device=cpu")
    assert (status, "some.xml:2: the target has no polarity" in errors) == (1, True)


def test_predict_fills_out_polarities(run, tmp_path, run_command):
    (tmp_path / "some.xml").write_text(XML)
    output = tmp_path / "filled.xml"
    assert (
        run_command("predict", f"run={run}", f"input={tmp_path / 'some.xml'}", f"output={output}", "device=cpu")[0] == 0
    )
    assert output.read_text() == XML.replace("<aspectTerm term", '<aspectTerm polarity="negative" term')
    options = [
        f"run={run}",
        f"input={tmp_path / 'some.xml'}",
        f"output={tmp_path / 'found.jsonl'}",
        "k=2",
        "device=cpu",
    ]
    assert run_command("predict", *options)[0] == 0
    (line,) = (tmp_path / "found.jsonl").read_text().splitlines()
    found = json.loads(line)
    (entity,) = found["entities"]
    assert (entity["text"], entity["label"], entity["probability"] > 0.5) == ("soup", "negative", True)
    (sentence,) = found["sentences"]
    assert [len(reading["entities"]) for reading in sentence["readings"]] == [1, 1]


def test_what_a_run_of_targets_cannot_do_is_said(run, files, tmp_path, run_command, compose_config):
    with pytest.raises(ValueError, match="no span, where task=sentiment needs one target in each sentence"):
        Recognizer.load(run, device="cpu").read("The soup was awful.")
    status, errors = run_command("export", f"run={run}", f"to={tmp_path / 'model'}")
    assert (status, "labels given targets (task=sentiment)" in errors) == (1, True)
    for options, message in (
        (["task=sentiment", "corpus=sample", "model=dglstm_crf"], "task=sentiment, but the model finds entities"),
        (["model=td_lstm"], "task=ner, but the model labels targets: choose task=sentiment"),
    ):
        status, errors = run_command("train", *options, f"hydra.run.dir={tmp_path / 'new'}", "device=cpu")
        assert (status, message in errors) == (1, True)


def test_a_report_is_of_accuracies(run, run_command, tmp_path):
    status, errors = run_command("report", f"runs={run}", f"output={tmp_path}", "pictures=false", "resamples=10")
    assert (status, errors) == (0, "")
    assert "validation accuracy" in (tmp_path / "tables" / "results.md").read_text()
    assert "<title>Sentiment towards targets" in (tmp_path / "report.html").read_text()


def test_the_sample_is_what_its_generator_makes():
    subprocess.run([sys.executable, SAMPLE / "generate.py", "--check"], check=True)


@pytest.fixture(scope="module")
def sample():
    return {split: [*SemevalFiles().read_path(SAMPLE / f"{split}.xml")] for split in SPLITS}


def test_the_trees_of_the_sample_are_of_its_sentences(sample):
    trees = [*read_conllx(SAMPLE / "ud" / "test.conllx")]
    assert [(one.words, one.spans) for one in trees] == [(one.words, one.spans) for one in sample["test"]]
    assert all(one.tree is not None for one in trees)


def test_in_the_sample_targets_of_a_sentence_differ(sample):
    """So that a model which does not know the target is wrong about a third of them."""
    for sentences in sample.values():
        labels = defaultdict[str, Counter[str]](Counter)
        for sentence in sentences:
            (span,) = sentence.spans
            labels[sentence.document][span.label] += 1
        best = sum(max(found.values()) for found in labels.values())
        assert best / len(sentences) < 0.75
        assert Counter(replace(s.spans[0], start=0, end=1) for s in sentences).keys() == {
            Span(0, 1, label) for label in WORDS
        }


def test_a_fifth_of_the_tested_targets_is_new(sample):
    names = {
        split: [sentence.words[sentence.spans[0].start : sentence.spans[0].end] for sentence in sentences]
        for split, sentences in sample.items()
    }
    trained = {tuple(word.lower() for word in name) for name in names["train"]}
    for split in ("validation", "test"):
        new = sum(tuple(word.lower() for word in name) not in trained for name in names[split])
        assert 0.1 < new / len(names[split]) < 0.35

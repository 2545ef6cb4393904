import json

import pytest

from ner.analysis.findings import compute_findings
from ner.analysis.results import read_sweep
from ner.analysis.summary import summary


@pytest.fixture(scope="module")
def sweep(sweep_directory):
    return read_sweep(sweep_directory)


@pytest.fixture(scope="module")
def content(sweep):
    return json.loads(json.dumps(summary(compute_findings(sweep, resamples=50))))


def test_every_run_is_in_it_with_its_scores(sweep_directory, content):
    for system in content["systems"].values():
        for run in system["runs"]:
            scores = json.loads((sweep_directory / run["run"] / "scores.json").read_text())
            micro = scores["test"]["strict"]["micro"]
            assert {key: run["scores"][key] for key in ("precision", "recall", "f1", "correct", "predicted")} == {
                key: micro[key] for key in ("precision", "recall", "f1", "correct", "predicted")
            }
            labels = scores["test"]["strict"]["labels"]
            assert {label: counts["f1"] for label, counts in run["by"]["type"].items()} == {
                label: counts["f1"] for label, counts in labels.items()
            }
            assert run["best_epoch"] == scores["epoch"]
            assert len(run["epochs"]) == 2
    assert content["left_out"] == {"late": "not finished: 2 of 30 epochs"}


def test_comparisons_name_their_systems(content):
    (comparison,) = content["significance"]["comparisons"]
    assert (comparison["system"], comparison["against"]) == ("dglstm_crf", "bilstm_crf")
    assert comparison["p_bootstrap_holm"] == comparison["p_bootstrap"]
    assert content["pair"]["systems"] == ["dglstm_crf", "bilstm_crf"]


def test_it_holds_no_word_of_the_corpus(sweep, content):
    text = json.dumps(content)
    words = {word for sentence in sweep.sentences for word in sentence.words if len(word) > 2}
    assert {word for word in words if f'"{word}' in text} == set()
    assert "tiny" not in text.replace("tiny_", "")  # nor of its documents


def test_the_file_of_vectors_stands_without_its_place(write_run, sentences, tmp_path):
    write_run(tmp_path / "run", sentences, [one.spans for one in sentences], "vectors=/home/ada/glove.txt")
    content = summary(compute_findings(read_sweep(tmp_path), resamples=10))
    assert content["systems"]["dglstm_crf"]["settings"]["vectors"] == "glove.txt"
    assert "/home" not in json.dumps(content)

"""The exported graph against the tagger: the same tags on sentences of other numbers and lengths."""

from __future__ import annotations

import pytest
import torch

from ner.corpus.conllx import read_conllx
from ner.corpus.dataset import encode
from ner.model.chain import ChainScores, viterbi
from ner.training.onnx import INPUTS, OUTPUTS, inputs_of, write_onnx
from ner.training.run import Run

pytest.importorskip("onnx")
pytest.importorskip("onnxscript")
onnxruntime = pytest.importorskip("onnxruntime")


@pytest.mark.slow
def test_the_graph_gives_the_tags_of_the_tagger(run_directory, corpus_files, tmp_path):
    run = Run.open(run_directory)
    tagger = run.best_tagger(torch.device("cpu"))
    write_onnx(tagger, run.vocabularies, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    assert [one.name for one in session.get_inputs()] == list(INPUTS)
    assert [one.name for one in session.get_outputs()] == list(OUTPUTS)
    split = encode(list(read_conllx(corpus_files / "test.conllx")), run.vocabularies)
    for indices in ([0], [1, 2, 3], list(range(len(split)))):
        batch = split.batch(indices)
        values = {name: tensor.numpy() for name, tensor in zip(INPUTS, inputs_of(batch), strict=True)}
        emissions, *scores = map(torch.from_numpy, session.run(None, values))
        with torch.no_grad():
            torch.testing.assert_close(emissions[batch.mask], tagger(batch)[batch.mask], rtol=1e-4, atol=1e-4)
        assert torch.equal(viterbi(emissions, batch.mask, ChainScores(*scores)), tagger.decode(batch))


def test_without_the_extra_it_says_what_to_install(run_directory, tmp_path, monkeypatch):
    run = Run.open(run_directory)
    monkeypatch.setattr("ner.training.onnx.find_spec", lambda name: None)
    with pytest.raises(ValueError, match="pip install"):
        write_onnx(run.best_tagger(torch.device("cpu")), run.vocabularies, tmp_path / "model.onnx")

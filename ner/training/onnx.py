"""The emissions of a tagger as an ONNX graph, with the scores that a CRF decodes them by."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from ner.corpus.batch import Batch, Words
from ner.corpus.dataset import encode
from ner.corpus.sentence import DependencyTree, Sentence
from ner.corpus.vocabulary import Vocabularies
from ner.model.tagger import Tagger

INPUTS = ("word_ids", "character_ids", "mask", "word_rows", "heads", "relation_ids")
OUTPUTS = ("emissions", "start", "transitions", "end")
NEEDED = "pip install 'dependency-guided-ner[onnx]' (onnx, onnxscript) for an ONNX graph"


class Emissions(nn.Module):
    """A tagger with tensors for its inputs and outputs, by the names `INPUTS` and `OUTPUTS`.

    `word_ids` (word) and `character_ids` (word, character) are those of the distinct words, the others (batch, token)
    as in `ner.corpus.batch.Batch`. `emissions` are (batch, token, tag), `start`, `transitions` and `end` the scores of
    the chain, with -inf where decoding forbids: the best tags are those of Viterbi over all of them.
    """

    def __init__(self, tagger: Tagger) -> None:
        super().__init__()
        self.tagger = tagger

    def forward(
        self,
        word_ids: Tensor,
        character_ids: Tensor,
        mask: Tensor,
        word_rows: Tensor,
        heads: Tensor,
        relation_ids: Tensor,
    ) -> tuple[Tensor, ...]:
        words = Words(word_ids=word_ids, character_ids=character_ids)
        emissions = self.tagger(
            Batch(words=words, mask=mask, word_rows=word_rows, heads=heads, relation_ids=relation_ids)
        )
        return emissions, *(part.clone() for part in self.tagger.decoder.chain(emissions))


def inputs_of(batch: Batch) -> tuple[Tensor, ...]:
    """The tensors of a batch in the order of `INPUTS`."""
    words = batch.words
    return words.word_ids, words.character_ids, batch.mask, batch.word_rows, batch.heads, batch.relation_ids


def write_onnx(tagger: Tagger, vocabularies: Vocabularies, path: Path) -> None:
    """Export a tagger on the CPU, in evaluation mode, for any number of sentences, tokens, words and characters.

    Raises:
        ValueError: where onnx is missing, where torch's exporter does not take the model, with its reason, and for a
            model with contextual vectors or feature templates.
    """
    if tagger.contextual is not None:
        raise ValueError("a model with contextual vectors has no ONNX export: its input is made by another model")
    if vocabularies.features is not None:
        raise ValueError("a CRF over feature templates has no ONNX export: its input is made of strings")
    if find_spec("onnxscript") is None or find_spec("onnx") is None:
        raise ValueError(NEEDED)
    import onnx

    tree = DependencyTree((1, 1, 1), ("dep", "root", "dep"))
    sentences = [Sentence(words=words, tree=tree) for words in (("one", "two", "three"), ("four", "five", "sixteen"))]
    batch = encode(sentences, vocabularies).batch([0, 1])
    dimension = torch.export.Dim
    words, characters, tokens = (
        {0: dimension("word")},
        {0: dimension("word"), 1: dimension("character")},
        {0: dimension("batch"), 1: dimension("token")},
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the exporter, about names
            program = torch.onnx.export(
                Emissions(tagger).eval(),
                inputs_of(batch),
                dynamo=True,
                verbose=False,
                input_names=INPUTS,
                output_names=OUTPUTS,
                dynamic_shapes=(words, characters, tokens, tokens, tokens, tokens),
            )
    except Exception as error:
        reason = str(error.__cause__ or error).strip().splitlines()[0]
        raise ValueError(
            f"torch's ONNX exporter does not take this model ({type(error).__name__}: {reason})"
        ) from error
    assert program is not None
    model = program.model_proto
    del model.graph.value_info[:]  # inferred with the sizes of the example
    for place, name in enumerate(("batch", "token")):
        model.graph.output[0].type.tensor_type.shape.dim[place].dim_param = name
    onnx.save(model, str(path))

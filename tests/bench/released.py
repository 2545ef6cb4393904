"""Training beside the code that the paper's authors released (github.com/allanj/ner_with_dependency), if it is here.

The same sentences, the same model with the same weights, their batches and their steps against ours.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from importlib import import_module
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from ner.corpus.dataset import EncodedSplit
from ner.corpus.sampler import LengthBuckets
from ner.model.tagger import Tagger

from .material import Material, material, paper_optimizer
from .measuring import Options, Row, assert_equal, compare_rates
from .training import train_epoch

BATCH_SIZE = 10
MISSING = "the peer is missing: git clone https://github.com/allanj/ner_with_dependency, then --released DIR"
PAD, START, STOP = range(3)  # their pseudo-tags; a real tag comes after them


def rows(options: Options) -> Iterator[Row]:
    sentences = material(options)
    split = sentences.split
    chosen = torch.randperm(len(split), generator=torch.Generator().manual_seed(1))[: options.sentences]
    tagger = sentences.tagger(options.device)
    optimizer = paper_optimizer(tagger)
    sampler = Among(chosen, split, BATCH_SIZE)
    peer = options.released and Released(options.released, sentences, tagger, chosen)
    if peer:
        peer.check(tagger, split, chosen[:BATCH_SIZE])
    yield compare_rates(
        lambda: train_epoch(tagger, split, sampler, optimizer),
        peer and peer.train_epoch,
        what="training epoch",
        settings=f"{sentences.name}, batch {BATCH_SIZE}",
        peer_name="the paper's released code",
        amount=int(split.lengths[chosen].sum()),
        repeat=options.repeat,
        missing=MISSING,
    )


class Among(LengthBuckets):
    """Epochs of some sentences of a split."""

    def __init__(self, chosen: Tensor, split: EncodedSplit, batch_size: int) -> None:
        super().__init__(split.lengths[chosen], batch_size, pool=50, seed=1)
        self.chosen = chosen

    def epoch(self, number: int) -> list[Tensor]:
        return [self.chosen[indices] for indices in super().epoch(number)]


class Released:
    """Their model with our weights, and their batches, which are put together once for all epochs."""

    def __init__(self, directory: Path, sentences: Material, tagger: Tagger, chosen: Tensor) -> None:
        sys.path.insert(0, str(directory))
        try:
            choices = import_module("config.config")
            self.batching = import_module("config.utils").simple_batching
            network = import_module("model.lstmcrf").NNCRF
            self.instance = import_module("common.instance").Instance
            self.sentence = import_module("common.sentence").Sentence
        finally:
            sys.path.remove(str(directory))
        names = sentences.vocabularies
        tags = ["<PAD>", "<START>", "<STOP>", *names.tags.items]
        vectors = tagger.embedder.word.weight.detach()
        self.config = SimpleNamespace(
            device=next(tagger.parameters()).device,
            label_size=len(tags),
            label2idx={tag: number for number, tag in enumerate(tags)},
            idx2labels=tags,
            dep_model=choices.DepModelType.dglstm,
            context_emb=choices.ContextEmb.none,
            interaction_func=choices.InteractionFunction.mlp,
            use_char_rnn=1,
            char2idx={"<PAD>": 0},
            idx2char=names.characters.items,
            char_emb_size=30,
            charlstm_hidden_dim=50,
            word2idx=names.words.items,
            word_embedding=vectors.cpu().numpy(),
            embedding_dim=vectors.shape[1],
            deplabel2idx=names.relations.items,
            dep_emb_size=50,
            dep_hidden_dim=200,
            hidden_dim=200,
            num_lstm_layer=2,
            dropout=0.5,
        )
        with redirect_stdout(StringIO()):
            self.model = network(self.config)
        copy_weights(tagger, self.model)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.0, weight_decay=1e-8)
        self.batches = [self.batch(sentences.split, indices) for indices in torch.split(chosen, BATCH_SIZE)]

    def batch(self, split: EncodedSplit, indices: Tensor) -> Sequence[Any]:
        instances = []
        for index in indices.tolist():
            own = split.batch([index])
            word_ids = own.words.word_ids[own.word_rows[0]].tolist()
            spelled = [row[row != 0].tolist() for row in own.words.character_ids[own.word_rows[0]]]
            one = self.instance(self.sentence(["x" * len(characters) for characters in spelled]), None)
            assert own.tag_ids is not None
            one.word_ids, one.char_ids = word_ids, spelled
            one.dep_head_ids, one.dep_label_ids = own.heads[0].tolist(), own.relation_ids[0].tolist()
            one.output_ids = (own.tag_ids[0] + STOP + 1).tolist()
            instances.append(one)
        made: Sequence[Any] = self.batching(self.config, instances)
        return made

    def loss(self, batch: Sequence[Any]) -> Tensor:
        *inputs, trees, tags, relations = batch
        value: Tensor = self.model.neg_log_obj(*inputs, tags, relations, trees)
        return value

    def train_epoch(self) -> None:
        """What their loop does: forward, the loss read, backward, a step over all parameters."""
        self.model.train()
        for batch in self.batches:
            loss = self.loss(batch)
            loss.item()
            torch.autograd.backward(loss)
            self.optimizer.step()
            self.model.zero_grad()

    def check(self, tagger: Tagger, split: EncodedSplit, indices: Tensor) -> None:
        """Without dropout, their loss and its gradients must be ours."""
        self.model.eval()
        tagger.eval()
        found = []
        batch = split.batch(indices).to(self.config.device)
        for loss, first in (
            (tagger.loss(batch), tagger.encoder.layers[0].forwards.weight_ih_l0),
            (self.loss(self.batch(split, indices)), self.model.lstm.weight_ih_l0),
        ):
            found.append([loss, *torch.autograd.grad(loss, first)])
        assert_equal(*found, what="the loss of the paper's released code")


@torch.no_grad()
def copy_weights(tagger: Tagger, model: nn.Module) -> None:
    """Give their model the weights of ours; our start and end scores are rows of their transitions."""

    def copy(ours: nn.Module, theirs: nn.Module, suffix: str = "") -> None:
        own = dict(ours.named_parameters())
        for name, parameter in theirs.named_parameters():
            if name.endswith("_reverse") == bool(suffix):
                parameter.copy_(own[name.removesuffix(suffix)])

    def copy_both_directions(ours: nn.Module, theirs: nn.Module) -> None:
        copy(ours.forwards, theirs)
        copy(ours.backwards, theirs, "_reverse")

    characters, (first, second) = tagger.embedder.characters, tagger.encoder.layers
    interaction, real = tagger.encoder.interactions[0], slice(STOP + 1, None)
    copy(characters.embedding, model.char_feature.char_embeddings)
    copy(characters.lstm, model.char_feature.char_lstm)
    copy(tagger.embedder.relation, model.dep_label_embedding)
    copy_both_directions(first, model.lstm)
    copy_both_directions(second, model.add_lstms[0])
    copy(interaction.own, model.mlp_layers[0])
    model.mlp_head_linears[0].weight.copy_(interaction.head.weight)
    model.mlp_head_linears[0].bias.zero_()
    model.hidden2tag.weight[real] = tagger.projection.weight
    model.hidden2tag.bias[real] = tagger.projection.bias
    model.transition[real, real] = tagger.decoder.transitions
    model.transition[START, real] = tagger.decoder.start_transitions
    model.transition[real, STOP] = tagger.decoder.end_transitions

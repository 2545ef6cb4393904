"""Training beside the code that the paper's authors released (github.com/allanj/ner_with_dependency), if it is here.

The same sentences, the same model with the same weights, their batches of 10 and their steps against ours, which may
have other batches and compute in bfloat16. Before any of it is timed, the loss of each of the three models and all its
gradients, and the counts of their evaluator, must be ours.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from functools import partial
from importlib import import_module
from io import StringIO
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from ner.corpus.dataset import EncodedSplit
from ner.corpus.sampler import LengthBuckets
from ner.model.encoder import GraphEncoder
from ner.model.tagger import Tagger
from ner.precision import choose_precision
from ner.scoring import score_tags

from .material import Material, material, paper_optimizer
from .measuring import Options, Row, assert_equal, compare_rates
from .training import train_epoch

BATCH_SIZE = 10
MISSING = "the peer is missing: git clone https://github.com/allanj/ner_with_dependency, then --released DIR"
MODELS = {"dglstm_crf": "dglstm", "bilstm_crf": "none", "bilstm_gcn_crf": "dggcn"}
"""Their names for our models."""
PAD, START, STOP = range(3)  # their pseudo-tags; a real tag comes after them


def rows(options: Options) -> Iterator[Row]:
    sentences = material(options)
    split = sentences.split
    chosen = torch.randperm(len(split), generator=torch.Generator().manual_seed(1))[: options.sentences]
    tagger = sentences.tagger(options.device)
    optimizer = paper_optimizer(tagger)
    peer = options.released and Released(options.released, sentences, tagger, chosen)
    if peer:
        for model in MODELS:
            check_model(options, sentences, model, chosen[:BATCH_SIZE])
        peer.check_counts()
    precisions = dict.fromkeys(("float32", choose_precision("auto", options.device)))
    for batch_size, precision in product(options.batch_sizes, precisions):
        sampler = Among(chosen, split, batch_size)
        yield compare_rates(
            partial(train_epoch, tagger, split, sampler, optimizer, precision=precision),
            peer and peer.train_epoch,
            what="training epoch",
            settings=f"{sentences.name}, batch {batch_size}, {precision}",
            peer_name=f"the paper's released code, batch {BATCH_SIZE}",
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


def check_model(options: Options, sentences: Material, model: str, indices: Tensor) -> None:
    """Without dropout and in double precision, their loss and all its gradients must be ours."""
    assert options.released is not None
    previous = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        tagger = sentences.tagger(options.device, model).eval()
        peer = Released(options.released, sentences, tagger, indices, model=model)
        peer.model.eval()
        ours, theirs = tagger.loss(sentences.split.batch(indices).to(options.device)), peer.loss(peer.batches[0])
        for loss in (ours, theirs):
            torch.autograd.backward(loss)
        found, wanted = [ours], [theirs]
        for own, other, part in counterparts(tagger, peer.model):
            assert own.grad is not None
            assert other.grad is not None
            found.append(own.grad.to_dense())
            wanted.append(other.grad[part])
        assert_equal(found, wanted, what=f"the {model} of the paper's released code", tolerance=1e-9)
        assert len(found) == 1 + len(list(tagger.parameters()))
    finally:
        torch.set_default_dtype(previous)


class Released:
    """Their model with our weights, and their batches, which are put together once for all epochs."""

    def __init__(
        self, directory: Path, sentences: Material, tagger: Tagger, chosen: Tensor, *, model: str = "dglstm_crf"
    ) -> None:
        sys.path.insert(0, str(directory))
        try:
            choices = import_module("config.config")
            self.batching = import_module("config.utils").simple_batching
            network = import_module("model.lstmcrf").NNCRF
            self.evaluate = import_module("config.eval").evaluate_num
            self.instance = import_module("common.instance").Instance
            self.sentence = import_module("common.sentence").Sentence
        finally:
            sys.path.remove(str(directory))
        names = sentences.vocabularies
        tags = ["<PAD>", "<START>", "<STOP>", *names.tags.items]
        self.real = frozenset(names.tags.items)
        vectors = tagger.embedder.word.weight.detach()
        self.config = SimpleNamespace(
            device=next(tagger.parameters()).device,
            label_size=len(tags),
            label2idx={tag: number for number, tag in enumerate(tags)},
            idx2labels=tags,
            dep_model=choices.DepModelType[MODELS[model]],
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
            deplabel2idx={name: number for number, name in enumerate((*names.relations.items, "self"))},
            deplabels=[*names.relations.items, "self"],
            self_label="self",
            adj_directed=0,
            adj_self_loop=0,
            num_gcn_layers=1,
            gcn_mlp_layers=1,
            gcn_dropout=0.5,
            edge_gate=0,
            dep_emb_size=50,
            dep_hidden_dim=200,
            hidden_dim=200,
            num_lstm_layer=2,
            dropout=0.5,
        )
        with redirect_stdout(StringIO()):
            self.model = network(self.config).to(vectors.dtype)
        with torch.no_grad():
            for own, other, part in counterparts(tagger, self.model):
                other[part] = own
            if model == "dglstm_crf":
                self.model.mlp_head_linears[0].bias.zero_()  # of their two biases of one sum, ours is the other
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.0, weight_decay=1e-8)
        self.batches = [self.batch(sentences.split, indices) for indices in torch.split(chosen, BATCH_SIZE)]

    def batch(self, split: EncodedSplit, indices: Tensor) -> Sequence[Any]:
        instances = []
        for index in indices.tolist():
            own = split.batch([index])
            word_ids = own.words.word_ids[own.word_rows[0]].tolist()
            spelled = [row[row != 0].tolist() for row in own.words.character_ids[own.word_rows[0]]]
            heads = own.heads[0].tolist()
            of_others = [-1 if head == word else head for word, head in enumerate(heads)]
            one = self.instance(self.sentence(["x" * len(characters) for characters in spelled], of_others), None)
            assert own.tag_ids is not None
            one.word_ids, one.char_ids = word_ids, spelled
            one.dep_head_ids, one.dep_label_ids = heads, own.relation_ids[0].tolist()
            one.output_ids = (own.tag_ids[0] + STOP + 1).tolist()
            instances.append(one)
        dtype = self.model.transition.dtype
        made = self.batching(self.config, instances)
        return [part.to(dtype) if isinstance(part, Tensor) and part.is_floating_point() else part for part in made]

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

    def set_learning_rate(self, rate: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    @torch.no_grad()
    def f1(self, batches: Sequence[Sequence[Any]]) -> float:
        """The micro F1 of what they decode, counted as `strict` does."""
        self.model.eval()
        gold, predicted = [], []
        for batch in batches:
            lengths, tags = batch[1].tolist(), batch[-2]
            _, found = self.model.decode(batch)
            for own, reverse, length in zip(tags, found, lengths, strict=True):
                gold.append([self.config.idx2labels[tag] for tag in own[:length].tolist()])
                names = [self.config.idx2labels[tag] for tag in reverse[:length].flip(0).tolist()]
                predicted.append([name if name in self.real else "O" for name in names])
        return score_tags(gold, predicted).micro.f1

    def check_counts(self) -> None:
        """On random tags, which are seldom well-formed, their evaluator must count what the mode `released` counts."""
        names = self.config.idx2labels[STOP + 1 :]
        random = torch.Generator().manual_seed(1)
        for _ in range(2000):
            gold, predicted = torch.randint(
                len(names), (2, int(torch.randint(1, 12, (), generator=random))), generator=random
            )
            counts = self.evaluate(
                [SimpleNamespace()],
                (predicted.flip(0) + STOP + 1)[None],
                (gold + STOP + 1)[None],
                torch.tensor([len(gold)]),
                self.config.idx2labels,
            )
            spelled = ([names[tag] for tag in tags.tolist()] for tags in (gold, predicted))
            micro = score_tags(*([tags] for tags in spelled), mode="released").micro
            if (micro.correct, micro.predicted, micro.gold) != tuple(counts.tolist()):
                raise AssertionError(f"their evaluator counts {counts.tolist()}, ours {micro}")


def counterparts(tagger: Tagger, model: nn.Module) -> Iterator[tuple[Tensor, Tensor, Any]]:
    """Each parameter of ours, the parameter of theirs that is the same, and the part of that which is.

    Our start and end scores are rows of their transitions, and their tags begin with three that are none.
    """

    def same(ours: nn.Module, theirs: nn.Module, suffix: str = "") -> Iterator[tuple[Tensor, Tensor, Any]]:
        others = dict(theirs.named_parameters())
        for name, parameter in ours.named_parameters():
            yield parameter, others[name + suffix], ...

    def stacked(ours: nn.Module, theirs: nn.Module, layer: int = 0) -> Iterator[tuple[Tensor, Tensor, Any]]:
        others = dict(theirs.named_parameters())
        for direction, suffix in ((ours.forwards, ""), (ours.backwards, "_reverse")):
            for name, parameter in direction.named_parameters():
                yield parameter, others[f"{name.removesuffix('0')}{layer}{suffix}"], ...

    real, characters = slice(STOP + 1, None), tagger.embedder.characters
    yield from same(tagger.embedder.word, model.word_embedding)
    yield from same(characters.embedding, model.char_feature.char_embeddings)
    yield from same(characters.lstm, model.char_feature.char_lstm)
    if isinstance(tagger.encoder, GraphEncoder) or not tagger.uses_trees:
        stack = tagger.encoder.stack if isinstance(tagger.encoder, GraphEncoder) else tagger.encoder
        for number, layer in enumerate(stack.layers):
            yield from stacked(layer, model.lstm, number)
    else:
        (first, second), (interaction,) = tagger.encoder.layers, tagger.encoder.interactions
        yield tagger.embedder.relation.weight, model.dep_label_embedding.weight, slice(-1)
        yield from stacked(first, model.lstm)
        yield from stacked(second, model.add_lstms[0])
        yield from same(interaction.own, model.mlp_layers[0])
        yield interaction.head.weight, model.mlp_head_linears[0].weight, ...
    if isinstance(tagger.encoder, GraphEncoder):
        (graph,) = tagger.encoder.layers
        yield from same(graph.linear, model.gcn.W[0])
        yield from same(graph.weighted, model.gcn.W_label[0])
        yield from same(graph.weights, model.gcn.dep_emb)
        yield from same(graph.output, model.gcn.out_mlp[0])
    yield tagger.projection.weight, model.hidden2tag.weight, real
    yield tagger.projection.bias, model.hidden2tag.bias, real
    yield tagger.decoder.transitions, model.transition, (real, real)
    yield tagger.decoder.start_transitions, model.transition, (START, real)
    yield tagger.decoder.end_transitions, model.transition, (real, STOP)

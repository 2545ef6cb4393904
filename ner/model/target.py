"""Models of one target in a sentence, whose label is asked for: plain LSTM, TD-LSTM, TC-LSTM, and one over trees.

A span whose place is known can have as many tag sequences as there are labels, so a classifier of targets is a tagger
for which every other sequence is impossible: it trains, decodes, is scored and gives probabilities as any tagger.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Unpack

import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from ner.corpus.batch import Batch
from ner.corpus.tags import split_tag
from ner.corpus.vocabulary import Vocabularies
from ner.model.embedder import Embedder
from ner.model.encoder import BuildInteraction, Encoder, GraphEncoder
from ner.model.gather import gather_tokens
from ner.model.parts import TokenPart
from ner.model.paths import TagPaths
from ner.model.softmax import Softmax
from ner.model.tagger import (
    NeuralTagger,
    StackOptions,
    build_embedder,
    build_stack,
    build_tree_dropout,
    check_names,
    plain_stack,
)
from ner.model.tree_dropout import TreeDropout
from ner.model.trees import Trees
from ner.shapes import Bool, Float, Int

Read = Callable[
    [Float[Tensor, "batch token hidden"], Int[Tensor, "batch 2"], Trees],
    Float[Tensor, "batch hidden"],
]
"""What is classified, from the states, the start and end of the targets, and the trees."""


def last_states(
    states: Float[Tensor, "batch token hidden"], targets: Int[Tensor, "batch 2"], trees: Trees
) -> Float[Tensor, "batch hidden"]:
    """[h> of the last word ; h< of the first]: each direction has read all of the sentence, wherever the target is."""
    last = trees.mask.sum(1) - 1
    return _of_directions(states, left=last, right=torch.zeros_like(last))


def target_states(
    states: Float[Tensor, "batch token hidden"], targets: Int[Tensor, "batch 2"], trees: Trees
) -> Float[Tensor, "batch hidden"]:
    """[h> of the target's last word ; h< of its first], the states of TD-LSTM (Tang et al., 2016).

    The first direction has read from the beginning up to the target and the target, the second from the end.
    """
    return _of_directions(states, left=targets[:, 1] - 1, right=targets[:, 0])


def syntactic_states(
    states: Float[Tensor, "batch token hidden"], targets: Int[Tensor, "batch 2"], trees: Trees
) -> Float[Tensor, "batch hidden"]:
    """The states at the word of the target whose head is outside of it, or that is the root; at the last of several."""
    places = torch.arange(trees.mask.shape[1], device=states.device)
    inside = (places >= targets[:, :1]) & (places < targets[:, 1:])
    is_top = inside & (~inside.gather(1, trees.heads) | (trees.heads == places))
    top = torch.where(is_top, places, -1).amax(1)
    return gather_tokens(states, top[:, None])[:, 0]


def _of_directions(
    states: Float[Tensor, "batch token hidden"], *, left: Int[Tensor, " batch"], right: Int[Tensor, " batch"]
) -> Float[Tensor, "batch hidden"]:
    forwards, backwards = gather_tokens(states, torch.stack([left, right], 1)).unbind(1)
    half = states.shape[2] // 2
    return torch.cat([forwards[:, :half], backwards[:, half:]], 1)


class TargetVector(TokenPart):
    """The mean of the target's word features, `word_size` of them, beside every word: what TC-LSTM adds to TD-LSTM."""

    def __init__(self, word_size: int) -> None:
        super().__init__()
        self.output_size = word_size

    def forward(self, batch: Batch, words: Float[Tensor, "batch token word"]) -> Float[Tensor, "batch token feature"]:
        start, end = _targets(batch)[:, :, None].unbind(1)
        places = torch.arange(words.shape[1], device=words.device)
        share = ((places >= start) & (places < end)) / (end - start)
        return (share[:, None].to(words.dtype) @ words).expand_as(words)


class TargetDecoder(Softmax):
    """The distribution over the labels of a target, as one over tag sequences: softmax of the label scores.

    The emissions leave no tag but `O` outside of the target. Inside, each word has one tag a label, with the score of
    the label; all others are -inf. So a tag of a word has the probability that `Softmax` gives it, but the words of a
    target are not independent: they all have one label.
    """

    def __init__(self, num_tags: int, *, outside: int) -> None:
        super().__init__(num_tags)
        self.outside = outside

    def log_likelihood(
        self,
        emissions: Float[Tensor, "batch token tag"],
        tags: Int[Tensor, "batch token"],
        mask: Bool[Tensor, "batch token"],
    ) -> Float[Tensor, " batch"]:
        rows, starts = self._starts(emissions)
        return log_softmax(emissions[rows, starts], 1).gather(1, tags[rows, starts][:, None])[:, 0]

    def decode(
        self, emissions: Float[Tensor, "batch token tag"], mask: Bool[Tensor, "batch token"]
    ) -> Int[Tensor, "batch token"]:
        return self.best_sequences(emissions, mask, 1)[0][:, 0]

    def path_probabilities(
        self,
        emissions: Float[Tensor, "batch token tag"],
        mask: Bool[Tensor, "batch token"],
        paths: TagPaths,
        *,
        temperature: float = 1.0,
    ) -> Float[Tensor, " path"]:
        """The probability of the label of each path, which spells the whole target with it; in double precision."""
        at_start = (emissions[paths.sentences, paths.starts].double() / temperature).softmax(1)
        return at_start.gather(1, paths.tag_ids[:, :1])[:, 0]

    @torch.no_grad()
    def best_sequences(
        self,
        emissions: Float[Tensor, "batch token tag"],
        mask: Bool[Tensor, "batch token"],
        k: int,
        *,
        temperature: float = 1.0,
    ) -> tuple[Int[Tensor, "batch k token"], Float[Tensor, "batch k"]]:
        """As of any decoder; there are as many sequences as labels."""
        if k < 1:
            raise ValueError(f"k is {k}: it must be at least 1")
        k = min(k, self.num_tags)
        inside = emissions[:, :, self.outside].isneginf()[:, :, None]
        ranked = emissions.sort(dim=2, descending=True, stable=True).indices[:, :, :k]  # alike at all words of a target
        tags = torch.where(inside, ranked, self.outside).masked_fill(~mask[:, :, None], 0)
        rows, starts = self._starts(emissions)
        chances = (emissions[rows, starts].double() / temperature).softmax(1)
        return tags.transpose(1, 2), chances.gather(1, ranked[rows, starts])

    def _starts(
        self, emissions: Float[Tensor, "batch token tag"]
    ) -> tuple[Int[Tensor, " batch"], Int[Tensor, " batch"]]:
        """Each sentence and the first word of its target."""
        inside = emissions[:, :, self.outside].isneginf()
        return torch.arange(len(emissions), device=emissions.device), inside.byte().argmax(1)


class TargetTagger(NeuralTagger):
    """A label for the target of each sentence: softmax(W read(H) + b), as emissions of the tags that spell it."""

    spelling: Tensor
    """The tag of each label at the first, a middle, the last and the only word of a target: (4, label)."""

    def __init__(
        self,
        *,
        vocabularies: Vocabularies,
        embedder: Embedder,
        encoder: Encoder | GraphEncoder,
        read: Read,
        tree_dropout: TreeDropout | None = None,
    ) -> None:
        tags = vocabularies.tags
        labels = sorted({split_tag(tag)[1] for tag in tags.items if tag != "O"})
        outside = tags.id("O")
        super().__init__(
            embedder=embedder,
            encoder=encoder,
            decoder=TargetDecoder(len(tags), outside=outside),
            tree_dropout=tree_dropout,
            num_scores=len(labels),
        )
        self.read = read
        self.outside = outside
        prefixes = "BIES" if vocabularies.scheme == "IOBES" else "BIIB"
        spelling = [[tags.id(f"{prefix}-{label}") for label in labels] for prefix in prefixes]
        self.register_buffer("spelling", torch.tensor(spelling), persistent=False)

    def emissions(
        self, states: Float[Tensor, "batch token hidden"], batch: Batch, trees: Trees
    ) -> Float[Tensor, "batch token tag"]:
        """As `TargetDecoder` takes them."""
        targets = _targets(batch)
        scores = self.projection(self.read(states, targets, trees))
        places = torch.arange(batch.mask.shape[1], device=scores.device)
        start, end = targets[:, :1], targets[:, 1:]
        is_first, is_last = places == start, places == end - 1
        kinds = torch.where(is_first, torch.where(is_last, 3, 0), torch.where(is_last, 2, 1))
        impossible = scores.new_full((*batch.mask.shape, self.decoder.num_tags), -torch.inf)
        inside = impossible.scatter(2, self.spelling[kinds], scores[:, None].expand(-1, len(places), -1))
        outside = impossible.index_fill(2, torch.tensor([self.outside], device=scores.device), 0)
        return torch.where(((places >= start) & (places < end))[:, :, None], inside, outside)


def lstm(**options: Unpack[StackOptions]) -> TargetTagger:
    """The plain (Bi)LSTM, whose last states are classified: it does not know what the target is.

    Raises:
        ValueError: for another task than `sentiment`, for no layer, and for recurrent layers over trees, which have no
            last state; and as the parts say.
        TypeError: for an option that is missing or unknown.
    """
    return _sequential(options, read=last_states)


def td_lstm(**options: Unpack[StackOptions]) -> TargetTagger:
    """TD-LSTM (Tang et al., 2016): one LSTM up to the target, one from the end back to it; see `target_states`.

    They are the directions of a layer. With more than one, those above the first read states of both.

    Raises:
        ValueError, TypeError: as `lstm`.
    """
    return _sequential(options, read=target_states)


def tc_lstm(**options: Unpack[StackOptions]) -> TargetTagger:
    """TC-LSTM (Tang et al., 2016): TD-LSTM with the target's vector beside each word; see `TargetVector`.

    Raises:
        ValueError, TypeError: as `lstm`.
    """
    return _sequential(options, read=target_states, parts={"target": TargetVector})


def dg_lstm(
    *, head_word: bool, relation_size: int, interaction: BuildInteraction, **options: Unpack[StackOptions]
) -> TargetTagger:
    """Dependency-guided: g(h_i, h_p) is classified, i the target's word (`syntactic_states`) and p its head.

    Args:
        head_word, relation_size: as of `dglstm_crf`, at the input.
        interaction: builds g from (hidden size, number of relations).

    Raises:
        ValueError: as `lstm`, but for layers over trees, which it takes; and for an interaction that uses no tree.
        TypeError: for an option that is missing or unknown.
    """
    _check(options)
    embedder = build_embedder(options, head_word=head_word, relation_size=relation_size)
    encoder = GraphEncoder(
        build_stack(options, plain_stack(options), embedder.output_size, hidden_size=options["hidden_size"]),
        layers=1,
        num_relations=len(options["vocabularies"].relations),
        graph=interaction,
        dropout=options["output_dropout"],
    )
    if not encoder.uses_trees:
        raise ValueError("dg_lstm with an interaction that uses no tree is td_lstm: choose model=td_lstm")
    return TargetTagger(
        vocabularies=options["vocabularies"],
        embedder=embedder,
        encoder=encoder,
        read=syntactic_states,
        tree_dropout=build_tree_dropout(options),
    )


def _sequential(
    options: StackOptions, *, read: Read, parts: Mapping[str, Callable[[int], TokenPart]] = MappingProxyType({})
) -> TargetTagger:
    _check(options)
    embedder = build_embedder(options, head_word=False, relation_size=0, parts=parts)
    stack = partial(build_stack, options, plain_stack(options))
    encoder = stack(embedder.output_size, hidden_size=options["hidden_size"])
    if encoder.uses_trees:
        raise ValueError("recurrent layers over trees do not read from left to right: choose model=dg_lstm for them")
    return TargetTagger(
        vocabularies=options["vocabularies"],
        embedder=embedder,
        encoder=encoder,
        read=read,
        tree_dropout=build_tree_dropout(options),
    )


def _check(options: StackOptions) -> None:
    check_names(options, StackOptions.__required_keys__)
    if (task := options["vocabularies"].task) != "sentiment":
        raise ValueError(
            f"task={task}, but the model labels targets: choose task=sentiment, or a model such as dglstm_crf"
        )
    if options["layers"] < 1:
        raise ValueError(f"layers is {options['layers']}: a model of targets needs 1 or more")


def _targets(batch: Batch) -> Int[Tensor, "batch 2"]:
    if batch.targets is None:
        raise ValueError("a model of targets needs a batch with targets")
    return batch.targets

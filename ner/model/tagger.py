"""The taggers: a batch to the loss of its tags, or to the tags themselves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, TypedDict, Unpack, cast

import torch
from torch import Tensor, nn

from ner.corpus.batch import Batch, Words
from ner.corpus.pretrained import EncoderFiles
from ner.corpus.tags import LegalTransitions, legal_transitions
from ner.corpus.vectors import Vectors
from ner.corpus.vocabulary import ROOT, Vocabularies
from ner.model.contextual import Contextual, Transformer
from ner.model.decoder import Decoder
from ner.model.embedder import Embedder
from ner.model.encoder import BuildInteraction, BuildRecurrent, ByLayer, Encoder, GraphEncoder
from ner.model.interaction import MLP, SelfInteraction
from ner.model.parts import HeadWord, Relation, TokenPart, WordPart, WordVectors, random_vectors
from ner.model.recurrent import LSTM
from ner.model.size import count_parameters, matching_size, shapes_only
from ner.model.tree_dropout import TreeDropout
from ner.model.trees import Trees
from ner.precision import computing_in
from ner.shapes import Float, Int

BuildCharacters = Callable[[int], WordPart]
BuildDecoder = Callable[[int, LegalTransitions], Decoder]
BuildFeature = Callable[[Vocabularies], WordPart | TokenPart]
PARTS = frozenset({"word", "characters", "head_word", "relation", "target", "contextual", "dropout"})
BuildTreeDropout = Callable[[int], TreeDropout]


class Tagger(nn.Module, ABC):
    """Emissions, a score for each tag of each token, and the decoder that chooses tags by them."""

    decoder: Decoder
    precision: str = "float32"
    """What all before the emissions computes in, see `ner.precision`; the emissions are as precise as the weights."""

    @property
    @abstractmethod
    def uses_trees(self) -> bool:
        """Whether heads or relations have a part in the emissions."""

    @property
    def contextual(self) -> Contextual | None:
        """The part that a pretrained encoder has in the features, if any."""
        return None

    @abstractmethod
    def word_features(self, words: Words) -> Float[Tensor, "word feature"]:
        """What every occurrence of a word shares: compute it once, and give it to `forward` or `decode`."""

    @abstractmethod
    def forward(
        self, batch: Batch, word_features: Float[Tensor, "word feature"] | None = None
    ) -> Float[Tensor, "batch token tag"]:
        """The emissions."""

    def loss(self, batch: Batch) -> Float[Tensor, ""]:
        """-log p(tags | sentence) in nats, summed over the sentences.

        Raises:
            ValueError: where the batch has no tags.
        """
        return self.loss_of(self(batch), batch)

    def loss_of(self, emissions: Float[Tensor, "batch token tag"], batch: Batch) -> Float[Tensor, ""]:
        """The loss where the emissions are computed already."""
        if batch.tag_ids is None:
            raise ValueError("a loss needs a batch with tags")
        return -self.decoder.log_likelihood(emissions, batch.tag_ids, batch.mask).sum()

    @torch.no_grad()
    def decode(
        self, batch: Batch, word_features: Float[Tensor, "word feature"] | None = None
    ) -> Int[Tensor, "batch token"]:
        """The most probable tag ids; 0 on padding.

        Raises:
            FloatingPointError: as `finite_emissions`.
        """
        return self.decoder.decode(self.finite_emissions(batch, word_features), batch.mask)

    def finite_emissions(
        self, batch: Batch, word_features: Float[Tensor, "word feature"] | None = None
    ) -> Float[Tensor, "batch token tag"]:
        """The emissions to choose tags by.

        Raises:
            FloatingPointError: where they are not finite, so that no tag is more probable than another.
        """
        emissions: Tensor = self(batch, word_features)
        if not emissions[batch.mask].amax(1).isfinite().all():  # a tag that is impossible has -inf
            raise FloatingPointError("the emissions are not finite: the weights have become too large")
        return emissions


class NeuralTagger(Tagger):
    """Embedder, encoder, one linear layer to the emissions P = W H + b, and the decoder over the tags.

    Args:
        num_scores: of the linear layer, where a subclass makes the emissions of something else than a score for each
            tag.

    Raises:
        ValueError: for a tree dropout in a model that uses no trees.
    """

    def __init__(
        self,
        *,
        embedder: Embedder,
        encoder: Encoder | GraphEncoder,
        decoder: Decoder,
        tree_dropout: TreeDropout | None = None,
        num_scores: int | None = None,
    ) -> None:
        super().__init__()
        self.tree_dropout = tree_dropout or nn.Identity()
        self.embedder = embedder
        self.encoder = encoder
        self.projection = nn.Linear(encoder.output_size, num_scores or decoder.num_tags)
        self.decoder = decoder
        if tree_dropout is not None and not self.uses_trees:
            raise ValueError("tree dropout has no effect in a model that uses no trees: choose model/tree_dropout=none")

    @property
    def uses_trees(self) -> bool:
        return self.embedder.uses_trees or self.encoder.uses_trees

    @property
    def contextual(self) -> Contextual | None:
        return cast("Contextual | None", getattr(self.embedder, "contextual", None))

    def word_features(self, words: Words) -> Float[Tensor, "word feature"]:
        with computing_in(self.precision, words.word_ids.device):
            return self.embedder.word_features(words)

    def forward(
        self, batch: Batch, word_features: Float[Tensor, "word feature"] | None = None
    ) -> Float[Tensor, "batch token tag"]:
        batch = self.tree_dropout(batch)
        trees = Trees(mask=batch.mask, heads=batch.heads, relation_ids=batch.relation_ids)
        with computing_in(self.precision, batch.mask.device):
            features = self.embedder(batch, word_features)
            emissions = self.emissions(self.encoder(features, trees), batch, trees)
        return emissions.to(self.projection.weight.dtype)

    def emissions(
        self, states: Float[Tensor, "batch token hidden"], batch: Batch, trees: Trees
    ) -> Float[Tensor, "batch token tag"]:
        """P, of the states H that the encoder makes of the batch and its trees."""
        emissions: Tensor = self.projection(states)
        return emissions


class Extras(TypedDict, total=False):
    """What a tagger may have besides.

    `features` builds further parts from the vocabularies, each under a name of its own: of the word, and so of the head
    word too, or of the token. `contextual` is the vectors of an encoder, whose files are found by its name if
    `encoder` does not give them. `tree_dropout` builds its module from the id of the relation `root`.
    """

    features: Mapping[str, BuildFeature]
    contextual: Transformer | None
    encoder: EncoderFiles | None
    tree_dropout: BuildTreeDropout | None


class StackOptions(Extras):
    """What embedder and stack are built from; `Embedder` and `Encoder` say what is not said here.

    `characters` and `recurrent` build their parts from the number of characters and (input size, hidden size).
    `word_dropout` is that of `WordVectors`.
    """

    vocabularies: Vocabularies
    vectors: Vectors | None
    word_size: int
    word_dropout: float
    characters: BuildCharacters | None
    layers: int
    hidden_size: int
    recurrent: BuildRecurrent
    by_layer: ByLayer
    input_dropout: float
    between_dropout: float
    output_dropout: float
    locked_dropout: bool


class Options(StackOptions):
    """What all three taggers are built from.

    `decoder` builds its part from (number of tags, their legal transitions).

    With `match_parameters`, `hidden_size` is that of a reference stack of LSTMs, and the model gets the one
    (`encoder.output_size`) that brings it closest to the parameters of that stack and its projection to the tags.
    """

    match_parameters: bool
    decoder: BuildDecoder


def dglstm_crf(
    *,
    head_word: bool,
    relation_size: int,
    interaction: BuildInteraction | None,
    residual: bool,
    **options: Unpack[Options],
) -> NeuralTagger:
    """The dependency-guided LSTM-CRF of Jie & Lu (2019), with any layers and interaction function.

    `interaction` builds g from (hidden size, number of relations); `relation_size` 0 leaves the relation out. The
    reference of `match_parameters` is the paper's stack: LSTMs with `MLP` between them.

    Raises:
        ValueError: for an option that cannot take effect or does not fit, as the parts say.
        TypeError: for an option that is missing or unknown.
    """
    return _tagger(
        options,
        head_word=head_word,
        relation_size=relation_size,
        stack=partial(Encoder, interaction=interaction, residual=residual),
        reference=partial(Encoder, interaction=MLP if interaction else None),
    )


def bilstm_crf(**options: Unpack[Options]) -> NeuralTagger:
    """The plain BiLSTM-CRF: no head word, no relation, and each layer reads the one below as it is.

    Raises:
        ValueError, TypeError: as `dglstm_crf`.
    """
    return _tagger(options, stack=plain_stack(options), reference=plain_stack(options))


def bilstm_gcn_crf(
    *,
    graph: BuildInteraction,
    graph_layers: int,
    graph_dropout: float,
    **options: Unpack[Options],
) -> NeuralTagger:
    """The plain BiLSTM-CRF with layers over the tree between the stack and the tags: Jie & Lu's BiLSTM-GCN-CRF.

    `graph` builds one of them as `interaction` does in `dglstm_crf`; see `GraphEncoder`. The reference of
    `match_parameters` has none on top.

    Raises:
        ValueError, TypeError: as `dglstm_crf`.
    """

    def on_top(stack: Encoder) -> GraphEncoder:
        num_relations = len(options["vocabularies"].relations)
        return GraphEncoder(stack, layers=graph_layers, num_relations=num_relations, graph=graph, dropout=graph_dropout)

    return _tagger(options, stack=plain_stack(options), reference=plain_stack(options), on_top=on_top)


def plain_stack(options: StackOptions) -> Callable[..., Encoder]:
    """`Encoder` with each layer reading the one below as it is."""
    return partial(Encoder, interaction=SelfInteraction if options["layers"] >= 2 else None)


def _tagger(
    options: Options,
    *,
    head_word: bool = False,
    relation_size: int = 0,
    stack: Callable[..., Encoder],
    reference: Callable[..., Encoder],
    on_top: Callable[[Encoder], Encoder | GraphEncoder] = lambda stack: stack,
) -> NeuralTagger:
    """Put the parts together.

    Args:
        stack, reference: `Encoder` with its interaction functions chosen: the model's, and that of the stack of LSTMs
            which has as many parameters under `match_parameters`.
        on_top: what goes on top of the model's stack.
    """
    check_names(options, Options.__required_keys__)
    if (task := options["vocabularies"].task) != "ner":
        raise ValueError(f"task={task}, but the model finds entities: choose task=ner, or a model such as td_lstm")
    embedder = build_embedder(options, head_word=head_word, relation_size=relation_size)

    def own(size: int) -> Encoder | GraphEncoder:
        return on_top(build_stack(options, stack, embedder.output_size, hidden_size=size))

    tags, hidden_size = options["vocabularies"].tags.items, options["hidden_size"]
    if options["match_parameters"]:
        with shapes_only():
            lstms: Options = {**options, "recurrent": LSTM, "by_layer": {}}
            wanted = build_stack(lstms, reference, embedder.output_size, hidden_size=hidden_size)
        hidden_size = _matching_size(own, wanted, len(tags))
    return NeuralTagger(
        embedder=embedder,
        encoder=own(hidden_size),
        decoder=options["decoder"](len(tags), legal_transitions(tags)),
        tree_dropout=build_tree_dropout(options),
    )


def check_names(options: Mapping[str, Any], required: frozenset[str]) -> None:
    """Refuse options that are neither required nor `Extras`.

    Raises:
        TypeError: for options that are missing or unknown.
    """
    if wrong := (options.keys() ^ required) - Extras.__annotations__.keys():
        raise TypeError(f"missing or unknown options of a tagger: {', '.join(sorted(wrong))}")


def build_tree_dropout(options: StackOptions) -> TreeDropout | None:
    """The tree dropout of the options, if any."""
    build = options.get("tree_dropout")
    return None if build is None else build(options["vocabularies"].relations.id(ROOT))


def build_stack(options: StackOptions, stack: Callable[..., Encoder], input_size: int, *, hidden_size: int) -> Encoder:
    """The recurrent layers of the options; `stack` is `Encoder` with its interaction functions chosen."""
    return stack(
        input_size,
        layers=options["layers"],
        hidden_size=hidden_size,
        num_relations=len(options["vocabularies"].relations),
        recurrent=options["recurrent"],
        by_layer=options["by_layer"],
        between_dropout=options["between_dropout"],
        output_dropout=options["output_dropout"],
        locked=options["locked_dropout"],
    )


def build_embedder(
    options: StackOptions,
    *,
    head_word: bool,
    relation_size: int,
    parts: Mapping[str, Callable[[int], TokenPart]] = MappingProxyType({}),
) -> Embedder:
    """The embedder of the options; `parts` of the token are built from the size of the features of a word."""
    vocabularies, characters = options["vocabularies"], options["characters"]
    if taken := PARTS & options.get("features", {}).keys():
        raise ValueError(f"a feature is named {', '.join(sorted(taken))}, like a part of the models: choose another")
    vectors = initial_vectors(vocabularies, options["vectors"], options["word_size"])
    features = {name: build(vocabularies) for name, build in options.get("features", {}).items()}
    words: dict[str, WordPart] = {"word": WordVectors(vectors, dropout=options["word_dropout"])}
    if characters is not None:
        words["characters"] = characters(len(vocabularies.characters))
    words |= {name: part for name, part in features.items() if isinstance(part, WordPart)}
    tokens: dict[str, TokenPart] = {}
    word_size = sum(part.output_size for part in words.values())
    if head_word:
        tokens["head_word"] = HeadWord(word_size)
    if relation_size:
        tokens["relation"] = Relation(len(vocabularies.relations), relation_size)
    tokens |= {name: build(word_size) for name, build in parts.items()}
    tokens |= {name: part for name, part in features.items() if isinstance(part, TokenPart)}
    if (contextual := options.get("contextual")) is not None:
        tokens["contextual"] = contextual.part(options.get("encoder") or contextual.find().files())
    dropout, locked = options["input_dropout"], options["locked_dropout"]
    return Embedder(words=words, tokens=tokens, dropout=dropout, locked=locked)


def _matching_size(build: Callable[[int], Encoder | GraphEncoder], reference: Encoder, num_tags: int) -> int:
    """The hidden size at which an encoder and its projection to the tags come closest in parameters to a reference.

    Raises:
        ValueError: for a reference without layers, since then nothing has the hidden size.
    """
    if not reference.layers:
        raise ValueError("match_parameters has no effect with layers=0, where nothing has a hidden size")

    def with_projection(built: Encoder | GraphEncoder) -> nn.Module:
        with shapes_only():
            return nn.ModuleList([built, nn.Linear(built.output_size, num_tags)])

    return matching_size(lambda size: with_projection(build(size)), count_parameters(with_projection(reference)))


def initial_vectors(
    vocabularies: Vocabularies, vectors: Vectors | None, word_size: int
) -> Float[Tensor, "word feature"]:
    """One row a word of the vocabulary: its pretrained vector, else a random one.

    Raises:
        ValueError: when the pretrained vectors are not of `word_size`.
    """
    words = vocabularies.words.items
    matrix = random_vectors(len(words), word_size)
    if vectors is None:
        return matrix
    if vectors.width != word_size:
        raise ValueError(f"word_size is {word_size}, but the word vectors have {vectors.width} values")
    found = [(row, where) for row, word in enumerate(words) if (where := vectors.look_up(word)) is not None]
    if found:
        rows, sources = zip(*found, strict=True)
        matrix[list(rows)] = vectors.matrix[list(sources)]
    return matrix

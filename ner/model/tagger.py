"""The taggers: a batch to the loss of its tags, or to the tags themselves."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from ner.corpus.batch import Batch, Words
from ner.corpus.tags import LegalTransitions, legal_transitions
from ner.corpus.vectors import Vectors
from ner.corpus.vocabulary import Vocabularies
from ner.model.decoder import Decoder
from ner.model.embedder import CharacterCNN, CharacterLSTM, Embedder, random_vectors
from ner.model.encoder import BuildInteraction, BuildRecurrent, ByLayer, Encoder, GraphEncoder
from ner.model.interaction import MLP, SelfInteraction
from ner.model.recurrent import LSTM
from ner.model.size import count_parameters, matching_size
from ner.model.trees import Trees
from ner.shapes import Float, Int

BuildCharacters = Callable[[int], CharacterLSTM | CharacterCNN]
BuildDecoder = Callable[[int, LegalTransitions], Decoder]


class Tagger(nn.Module):
    """Embedder, encoder, one linear layer to the emissions P = W H + b, and the decoder over the tags."""

    def __init__(self, *, embedder: Embedder, encoder: Encoder | GraphEncoder, decoder: Decoder) -> None:
        super().__init__()
        self.embedder = embedder
        self.encoder = encoder
        self.projection = nn.Linear(encoder.output_size, decoder.num_tags)
        self.decoder = decoder

    @property
    def uses_trees(self) -> bool:
        """Whether heads or relations have a part in the emissions."""
        return self.embedder.uses_trees or self.encoder.uses_trees

    def word_features(self, words: Words) -> Float[Tensor, "word feature"]:
        """What every occurrence of a word shares: compute it once, and give it to `forward` or `decode`."""
        return self.embedder.word_features(words)

    def forward(
        self, batch: Batch, word_features: Float[Tensor, "word feature"] | None = None
    ) -> Float[Tensor, "batch token tag"]:
        """The emissions."""
        features = self.embedder(batch, word_features)
        trees = Trees(mask=batch.mask, heads=batch.heads, relation_ids=batch.relation_ids)
        emissions: Tensor = self.projection(self.encoder(features, trees))
        return emissions

    def loss(self, batch: Batch) -> Float[Tensor, ""]:
        """-log p(tags | sentence) in nats, summed over the sentences.

        Raises:
            ValueError: where the batch has no tags.
        """
        if batch.tag_ids is None:
            raise ValueError("a loss needs a batch with tags")
        return -self.decoder.log_likelihood(self(batch), batch.tag_ids, batch.mask).sum()

    @torch.no_grad()
    def decode(
        self, batch: Batch, word_features: Float[Tensor, "word feature"] | None = None
    ) -> Int[Tensor, "batch token"]:
        """The most probable tag ids; 0 on padding."""
        return self.decoder.decode(self(batch, word_features), batch.mask)


def dglstm_crf(
    *,
    vocabularies: Vocabularies,
    vectors: Vectors | None,
    word_size: int,
    word_dropout: float,
    characters: BuildCharacters | None,
    head_word: bool,
    relation_size: int,
    layers: int,
    hidden_size: int,
    match_parameters: bool,
    recurrent: BuildRecurrent,
    by_layer: ByLayer,
    interaction: BuildInteraction | None,
    residual: bool,
    input_dropout: float,
    between_dropout: float,
    output_dropout: float,
    decoder: BuildDecoder,
) -> Tagger:
    """The dependency-guided LSTM-CRF of Jie & Lu (2019), with any layers and interaction function.

    `characters`, `recurrent`, `interaction` and `decoder` build their parts from the number of characters, (input
    size, hidden size), (hidden size, number of relations) and (number of tags, their legal transitions). See
    `Embedder` and `Encoder` for the rest.

    With `match_parameters`, `hidden_size` is that of the paper's stack, LSTMs and `MLP`, and this model gets the one
    (`encoder.output_size`) that brings it closest to the parameters of that stack and its projection to the tags.

    Raises:
        ValueError: for an option that cannot take effect or does not fit, as the parts say.
    """
    embedder = Embedder(
        initial_vectors(vocabularies, vectors, word_size),
        characters=None if characters is None else characters(len(vocabularies.characters)),
        head_word=head_word,
        num_relations=len(vocabularies.relations),
        relation_size=relation_size,
        dropout=input_dropout,
        word_dropout=word_dropout,
    )
    stack = partial(
        Encoder,
        embedder.output_size,
        layers=layers,
        num_relations=len(vocabularies.relations),
        between_dropout=between_dropout,
        output_dropout=output_dropout,
    )
    encoder = partial(stack, recurrent=recurrent, by_layer=by_layer, interaction=interaction, residual=residual)
    reference = partial(stack, recurrent=LSTM, interaction=MLP if interaction else None)
    return _tagger(vocabularies, embedder, encoder, hidden_size, reference if match_parameters else None, decoder)


def bilstm_crf(
    *,
    vocabularies: Vocabularies,
    vectors: Vectors | None,
    word_size: int,
    word_dropout: float,
    characters: BuildCharacters | None,
    layers: int,
    hidden_size: int,
    match_parameters: bool,
    recurrent: BuildRecurrent,
    by_layer: ByLayer,
    input_dropout: float,
    between_dropout: float,
    output_dropout: float,
    decoder: BuildDecoder,
) -> Tagger:
    """The plain BiLSTM-CRF: no head word, no relation, and each layer reads the one below as it is.

    See `dglstm_crf`; with `match_parameters` it gets as many as the same stack of LSTMs.
    """
    embedder = _plain_embedder(vocabularies, vectors, word_size, word_dropout, characters, input_dropout)
    stack = _plain_stack(embedder, layers, between_dropout, output_dropout)
    encoder = partial(stack, recurrent=recurrent, by_layer=by_layer)
    reference = partial(stack, recurrent=LSTM)
    return _tagger(vocabularies, embedder, encoder, hidden_size, reference if match_parameters else None, decoder)


def bilstm_gcn_crf(
    *,
    vocabularies: Vocabularies,
    vectors: Vectors | None,
    word_size: int,
    word_dropout: float,
    characters: BuildCharacters | None,
    layers: int,
    hidden_size: int,
    match_parameters: bool,
    recurrent: BuildRecurrent,
    by_layer: ByLayer,
    graph: BuildInteraction,
    graph_layers: int,
    graph_dropout: float,
    input_dropout: float,
    between_dropout: float,
    output_dropout: float,
    decoder: BuildDecoder,
) -> Tagger:
    """The plain BiLSTM-CRF with layers over the tree between the stack and the tags: Jie & Lu's BiLSTM-GCN-CRF.

    `graph` builds one of them as `interaction` does in `dglstm_crf`; see `GraphEncoder`. With `match_parameters` the
    model gets as many as the same stack of LSTMs with no layer on top.
    """
    embedder = _plain_embedder(vocabularies, vectors, word_size, word_dropout, characters, input_dropout)
    stack = _plain_stack(embedder, layers, between_dropout, output_dropout)

    def encoder(*, hidden_size: int) -> GraphEncoder:
        return GraphEncoder(
            stack(hidden_size=hidden_size, recurrent=recurrent, by_layer=by_layer),
            layers=graph_layers,
            num_relations=len(vocabularies.relations),
            graph=graph,
            dropout=graph_dropout,
        )

    reference = partial(stack, recurrent=LSTM)
    return _tagger(vocabularies, embedder, encoder, hidden_size, reference if match_parameters else None, decoder)


def _plain_embedder(
    vocabularies: Vocabularies,
    vectors: Vectors | None,
    word_size: int,
    word_dropout: float,
    characters: BuildCharacters | None,
    dropout: float,
) -> Embedder:
    """Word and spelling, and nothing of the tree."""
    return Embedder(
        initial_vectors(vocabularies, vectors, word_size),
        characters=None if characters is None else characters(len(vocabularies.characters)),
        head_word=False,
        num_relations=len(vocabularies.relations),
        relation_size=0,
        dropout=dropout,
        word_dropout=word_dropout,
    )


def _plain_stack(
    embedder: Embedder, layers: int, between_dropout: float, output_dropout: float
) -> Callable[..., Encoder]:
    """A stack without interaction functions; `recurrent`, `by_layer` and `hidden_size` are open."""
    return partial(
        Encoder,
        embedder.output_size,
        layers=layers,
        num_relations=0,
        interaction=SelfInteraction if layers >= 2 else None,
        between_dropout=between_dropout,
        output_dropout=output_dropout,
    )


def _tagger(
    vocabularies: Vocabularies,
    embedder: Embedder,
    encoder: Callable[..., Encoder | GraphEncoder],
    hidden_size: int,
    reference: Callable[..., Encoder] | None,
    decoder: BuildDecoder,
) -> Tagger:
    """Build the encoder with its `hidden_size`, or with that which makes it as large as the reference with its own.

    Raises:
        ValueError: for a reference without layers, since then nothing has the hidden size.
    """
    tags = vocabularies.tags.items
    if reference is not None:

        def with_projection(built: Encoder | GraphEncoder) -> nn.Module:
            return nn.ModuleList([built, nn.Linear(built.output_size, len(tags))])

        with torch.device("meta"):
            wanted = reference(hidden_size=hidden_size)
            if not wanted.layers:
                raise ValueError("match_parameters has no effect with layers=0, where nothing has a hidden size")
            num_parameters = count_parameters(with_projection(wanted))
        hidden_size = matching_size(lambda size: with_projection(encoder(hidden_size=size)), num_parameters)
    return Tagger(
        embedder=embedder,
        encoder=encoder(hidden_size=hidden_size),
        decoder=decoder(len(tags), legal_transitions(tags)),
    )


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

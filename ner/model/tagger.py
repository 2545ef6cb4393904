"""The taggers: a batch to the loss of its tags, or to the tags themselves."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ner.corpus.batch import Batch, Words
from ner.corpus.tags import LegalTransitions, legal_transitions
from ner.corpus.vectors import Vectors
from ner.corpus.vocabulary import Vocabularies
from ner.model.decoder import Decoder
from ner.model.embedder import CharacterCNN, CharacterLSTM, Embedder, random_vectors
from ner.model.encoder import Encoder
from ner.model.interaction import Interaction, SelfInteraction
from ner.model.recurrent import Recurrent
from ner.model.trees import Trees
from ner.shapes import Float, Int


class Tagger(nn.Module):
    """Embedder, encoder, one linear layer to the emissions P = W H + b, and the decoder over the tags."""

    def __init__(self, *, embedder: Embedder, encoder: Encoder, decoder: Decoder) -> None:
        super().__init__()
        self.embedder = embedder
        self.encoder = encoder
        self.projection = nn.Linear(encoder.output_size, decoder.num_tags)
        self.decoder = decoder

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
    characters: Callable[[int], CharacterLSTM | CharacterCNN] | None,
    head_word: bool,
    relation_size: int,
    layers: int,
    hidden_size: int,
    recurrent: Callable[[int, int], Recurrent],
    interaction: Callable[[int, int], Interaction] | None,
    input_dropout: float,
    between_dropout: float,
    output_dropout: float,
    decoder: Callable[[int, LegalTransitions], Decoder],
) -> Tagger:
    """The dependency-guided LSTM-CRF of Jie & Lu (2019).

    `characters`, `recurrent`, `interaction` and `decoder` build their parts from the number of characters, (input
    size, hidden size), (hidden size, number of relations) and (number of tags, their legal transitions). See
    `Embedder` and `Encoder` for the rest.

    Raises:
        ValueError: for an option that cannot take effect or does not fit, as the parts say.
    """
    tags = vocabularies.tags.items
    embedder = Embedder(
        initial_vectors(vocabularies, vectors, word_size),
        characters=None if characters is None else characters(len(vocabularies.characters)),
        head_word=head_word,
        num_relations=len(vocabularies.relations),
        relation_size=relation_size,
        dropout=input_dropout,
        word_dropout=word_dropout,
    )
    encoder = Encoder(
        embedder.output_size,
        layers=layers,
        hidden_size=hidden_size,
        num_relations=len(vocabularies.relations),
        recurrent=recurrent,
        interaction=interaction,
        between_dropout=between_dropout,
        output_dropout=output_dropout,
    )
    return Tagger(embedder=embedder, encoder=encoder, decoder=decoder(len(tags), legal_transitions(tags)))


def bilstm_crf(
    *,
    vocabularies: Vocabularies,
    vectors: Vectors | None,
    word_size: int,
    word_dropout: float,
    characters: Callable[[int], CharacterLSTM | CharacterCNN] | None,
    layers: int,
    hidden_size: int,
    recurrent: Callable[[int, int], Recurrent],
    input_dropout: float,
    between_dropout: float,
    output_dropout: float,
    decoder: Callable[[int, LegalTransitions], Decoder],
) -> Tagger:
    """The plain BiLSTM-CRF: no head word, no relation, and each layer reads the one below as it is."""
    return dglstm_crf(
        vocabularies=vocabularies,
        vectors=vectors,
        word_size=word_size,
        word_dropout=word_dropout,
        characters=characters,
        head_word=False,
        relation_size=0,
        layers=layers,
        hidden_size=hidden_size,
        recurrent=recurrent,
        interaction=SelfInteraction if layers >= 2 else None,
        input_dropout=input_dropout,
        between_dropout=between_dropout,
        output_dropout=output_dropout,
        decoder=decoder,
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

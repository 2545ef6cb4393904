"""The classical tagger, as CRF++ and Stanford NER are: a CRF (Lafferty et al., 2001) over features of templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, embedding_bag

from ner.corpus.batch import Batch, Words
from ner.corpus.features import Features
from ner.corpus.tags import legal_transitions
from ner.corpus.templates import Templates, read_template_lines
from ner.corpus.token_columns import read_gazetteer
from ner.corpus.vocabulary import Vocabularies
from ner.model.crf import LinearChainCRF
from ner.model.decoder import Decoder
from ner.model.tagger import BuildDecoder, Tagger
from ner.shapes import Float, Int


@dataclass(frozen=True, kw_only=True)
class FeatureOptions:
    """Which templates there are, and which of their features are kept.

    Args:
        lines: of templates (see `ner.corpus.templates`), in groups of any names.
        file: a template file, as CRF++ reads it, in place of `lines`.
        columns: what the numbers of columns stand for.
        gazetteer: a file of names (see `ner.corpus.token_columns.read_gazetteer`) for the column `gazetteer`.
        min_count: how often a feature must come in training.
    """

    lines: Mapping[str, Sequence[str]]
    file: str | None
    columns: Sequence[str]
    gazetteer: str | None
    min_count: int

    def templates(self) -> Templates:
        """The templates.

        Raises:
            ValueError: naming the file where it cannot be read, and the line that is no template.
        """
        lines = tuple(line for group in self.lines.values() for line in group)
        if self.file is not None:
            if lines:
                raise ValueError(
                    "model.templates.file takes the place of model.templates.lines: choose model/templates=file"
                )
            lines = read_template_lines(_read(self.file, "model.templates.file"))
        return Templates(lines=lines, columns=tuple(self.columns))

    def names(self) -> dict[str, str]:
        """The type of each name in the gazetteer, if there is one.

        Raises:
            ValueError: naming the file, where it cannot be read or holds no names.
        """
        if self.gazetteer is None:
            return {}
        text = _read(self.gazetteer, "model.templates.gazetteer")
        try:
            return read_gazetteer(text.splitlines())
        except ValueError as error:
            raise ValueError(f"{self.gazetteer}: {error}") from None


def _read(path: str, option: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{option}={path}: cannot be read as UTF-8 text ({error})") from None


class FeatureCRF(Tagger):
    """P[i, k] = sum of w[f, k] over the features f of token i, and the decoder over the tags.

    The loss is -log p + l2 / 2 |w|^2, summed over the training split: each time that a feature comes, it pays its part
    of the penalty, so that a batch touches no weights but those of its own features.

    Args:
        features: `<unk>`, which is 0, has no weights.
        l2: weight of the penalty; the scores of transitions are free.

    Raises:
        ValueError: for templates with transitions and a decoder without, or the other way round.
    """

    sparse = True
    contextual = None

    def __init__(self, *, features: Features, decoder: Decoder, l2: float) -> None:
        super().__init__()
        if features.templates.has_transitions != isinstance(decoder, LinearChainCRF):
            raise ValueError(
                "a line B in the templates stands for the transitions of model/decoder=crf: "
                "have both, or neither (model/decoder=softmax)"
            )
        self._uses_trees = features.templates.reads_heads or features.templates.reads("relation")
        self.l2 = l2
        self.weight = nn.Parameter(torch.zeros(len(features), decoder.num_tags))
        self.decoder = decoder
        self.counts: Tensor
        self.register_buffer("counts", torch.tensor(features.counts, dtype=torch.float32), persistent=False)

    @property
    def uses_trees(self) -> bool:
        return self._uses_trees

    def word_features(self, words: Words) -> Float[Tensor, "word feature"]:
        """None: the features of a token depend on its sentence."""
        return self.weight.new_zeros(len(words), 0)

    def forward(
        self, batch: Batch, word_features: Float[Tensor, "word feature"] | None = None
    ) -> Float[Tensor, "batch token tag"]:
        return _sums(_feature_ids(batch), self.weight)

    def loss(self, batch: Batch) -> Float[Tensor, ""]:
        ids, places, times = torch.unique(_feature_ids(batch), return_inverse=True, return_counts=True)
        rows = embedding(ids, self.weight, padding_idx=0, sparse=True)
        penalty = (rows.square().sum(1) * (times / self.counts[ids])).sum()
        loss: Tensor = self.loss_of(_sums(places, rows), batch) + self.l2 / 2 * penalty
        return loss


def _feature_ids(batch: Batch) -> Int[Tensor, "batch token template"]:
    if batch.feature_ids is None:
        raise ValueError("the batch has no features: encode it with the vocabularies of the model")
    return batch.feature_ids


def _sums(
    rows: Int[Tensor, "batch token template"], weights: Float[Tensor, "feature tag"]
) -> Float[Tensor, "batch token tag"]:
    summed: Tensor = embedding_bag(rows.flatten(0, 1), weights, mode="sum")
    return summed.view(*rows.shape[:2], -1)


def feature_crf(
    *, vocabularies: Vocabularies, vectors: None, templates: FeatureOptions, l2: float, decoder: BuildDecoder
) -> FeatureCRF:
    """The CRF over the features in the vocabularies, which `templates` has made.

    Raises:
        ValueError: as `FeatureCRF`, and for vocabularies without features.
    """
    if vocabularies.task != "ner":
        raise ValueError(f"task={vocabularies.task}, but the model finds entities: choose task=ner")
    if vocabularies.features is None:
        raise ValueError("the vocabularies hold no features: they are not those of a CRF over feature templates")
    tags = vocabularies.tags.items
    return FeatureCRF(features=vocabularies.features, decoder=decoder(len(tags), legal_transitions(tags)), l2=l2)

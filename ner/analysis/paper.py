"""The scores of Jie & Lu (2019), to compare ours with: OntoNotes English, without contextual vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

from ner.analysis.results import System
from ner.corpus.sentence import Sentence

SENTENCES, ENTITIES = 8_262, 11_257
"""The size of their test split, by which it is recognised."""


@dataclass(frozen=True, slots=True)
class PublishedScores:
    """Percentages on their test split."""

    precision: float
    recall: float
    f1: float


PUBLISHED = MappingProxyType(
    {
        ("bilstm_crf", 0): PublishedScores(82.03, 80.78, 81.40),
        ("bilstm_crf", 1): PublishedScores(87.21, 86.93, 87.07),
        ("bilstm_crf", 2): PublishedScores(87.89, 87.68, 87.78),
        ("bilstm_crf", 3): PublishedScores(87.81, 87.50, 87.65),
        ("dglstm_crf", 0): PublishedScores(85.31, 82.19, 84.09),  # as printed; P and R give 83.72
        ("dglstm_crf", 1): PublishedScores(88.78, 87.29, 88.03),
        ("dglstm_crf", 2): PublishedScores(88.53, 88.50, 88.52),
        ("dglstm_crf", 3): PublishedScores(87.59, 88.93, 88.25),
        ("bilstm_gcn_crf", 2): PublishedScores(88.30, 88.06, 88.18),
    }
)
"""By model and number of recurrent layers."""

THEIRS = MappingProxyType(
    {
        "model.recurrent": "lstm",
        "model.decoder": "crf",
        "model.characters": "lstm",
        "model.contextual": None,
        "model.hidden_size": 200,
        "model.match_parameters": False,
        "model.residual": False,
        "model.head_word": True,
        "model.relation_size": 50,
        "model.graph_layers": 1,
    }
)
"""The settings of their models, where ours have the option. Options of training are not compared."""


def published(system: System, *, split: str) -> PublishedScores | None:
    """Their scores for the model of a system, where it is one of theirs and was tested on their test split."""
    settings = system.settings
    model, layers = settings.get("model"), settings.get("model.layers")
    is_theirs = (
        split == "test"
        and _is_their_split(system.sentences)
        and all(settings.get(name, value) == value for name, value in THEIRS.items())
        and not any(name.startswith(("model.by_layer", "model.features")) for name in settings)
        and (model == "bilstm_crf" or settings["dependencies"] == "sd")
        and (model != "dglstm_crf" or layers in (0, 1) or settings.get("model.interaction") == "mlp")
    )
    return PUBLISHED.get((str(model), int(layers))) if is_theirs and layers is not None else None


def _is_their_split(sentences: Sequence[Sentence]) -> bool:
    return len(sentences) == SENTENCES and sum(len(sentence.spans) for sentence in sentences) == ENTITIES

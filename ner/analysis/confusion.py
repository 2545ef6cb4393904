"""The types that a run confuses, as TensorBoard shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ner.analysis.chart_files import figure_or_table
from ner.analysis.errors import confusion_map, count_confusions, match_all
from ner.corpus.sentence import Span

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def confusion_picture(
    gold: Sequence[Sequence[Span]], predicted: Sequence[Sequence[Span]], *, split: str
) -> Figure | str:
    """How often each gold type became each predicted one on a split; Markdown where matplotlib is not installed.

    Args:
        gold: the entities of each sentence.
        predicted: likewise.
    """
    confusions = count_confusions(one for matches in match_all(gold, predicted) for one in matches)
    return figure_or_table(confusion_map(confusions, name=split, title=f"Types confused, {split}", unit="entities"))

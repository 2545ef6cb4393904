"""The stack: recurrent layers with an interaction function between each and the next."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from ner.model.dropout import Dropout
from ner.model.interaction import Interaction
from ner.model.recurrent import Recurrent
from ner.model.trees import Trees
from ner.shapes import Float


class Encoder(nn.Module):
    """H^(1) = layer(u), H^(l+1) = layer(g(H^(l), H^(l) of the heads)) (Jie & Lu, 2019); with no layer, u itself.

    Args:
        input_size: that of u.
        layers: how many recurrent layers, 0 or more.
        hidden_size: of each layer's output.
        recurrent: builds a layer from (input size, hidden size).
        num_relations: of the trees.
        interaction: builds g from (hidden size, number of relations); one of its own between each two layers.
        between_dropout, output_dropout: on the output of every layer but the last, and of the last.

    Raises:
        ValueError: for a negative number of layers, an interaction without two layers to stand between, or two
            layers without an interaction.
    """

    def __init__(
        self,
        input_size: int,
        *,
        layers: int,
        hidden_size: int,
        num_relations: int,
        recurrent: Callable[[int, int], Recurrent],
        interaction: Callable[[int, int], Interaction] | None,
        between_dropout: float,
        output_dropout: float,
    ) -> None:
        super().__init__()
        if layers < 0:
            raise ValueError(f"layers is {layers}: it must be 0 or more")
        if interaction is not None and layers < 2:
            raise ValueError(
                f"an interaction function stands between two recurrent layers, but layers is {layers}, so it would "
                "have no effect: choose model/interaction=none, or layers of 2 or more"
            )
        if interaction is None and layers >= 2:
            raise ValueError(
                f"{layers} recurrent layers need an interaction function between them: choose model/interaction=self "
                "for the plain stack"
            )
        interactions = [interaction(hidden_size, num_relations) for _ in range(layers - 1)] if interaction else []
        input_sizes = [input_size, *(g.output_size for g in interactions)][:layers]
        self.interactions = nn.ModuleList(interactions)
        self.layers = nn.ModuleList(recurrent(size, hidden_size) for size in input_sizes)
        self.between_dropout = Dropout(between_dropout)
        self.output_dropout = Dropout(output_dropout)
        self.output_size = hidden_size if layers else input_size

    def forward(
        self,
        features: Float[Tensor, "batch token feature"],
        trees: Trees,
    ) -> Float[Tensor, "batch token hidden"]:
        if not self.layers:
            return features
        first, *rest = self.layers
        hidden: Tensor = first(features, trees)
        for interaction, layer in zip(self.interactions, rest, strict=True):
            hidden = self.between_dropout(hidden)
            hidden = layer(interaction(hidden, trees), trees)
        output: Tensor = self.output_dropout(hidden)
        return output

"""The stack: recurrent layers with an interaction function between consecutive ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor, nn

from ner.model.dropout import Dropout
from ner.model.interaction import Interaction, Residual
from ner.model.recurrent import Recurrent
from ner.model.trees import Trees
from ner.shapes import Float

BuildRecurrent = Callable[[int, int], Recurrent]
BuildInteraction = Callable[[int, int], Interaction]
ByLayer = Mapping[str, BuildRecurrent] | Mapping[int, BuildRecurrent]


class Encoder(nn.Module):
    """H^(1) = layer(u), H^(l+1) = layer(g(H^(l), H^(l) of the heads)) (Jie & Lu, 2019); with no layer, u itself.

    Args:
        input_size: that of u.
        layers: how many recurrent layers, 0 or more.
        hidden_size: of each layer's output.
        recurrent: builds a layer from (input size, hidden size).
        by_layer: replaces `recurrent` for single layers, by their number from 1: {2: GRU}, or {"2": GRU} as Hydra
            gives it.
        num_relations: of the trees.
        interaction: builds g from (hidden size, number of relations); each pair of consecutive layers has its own.
        residual: whether each g is a `Residual` around what `interaction` builds.
        between_dropout, output_dropout: on the output of every layer but the last, and of the last.
        locked: whether they drop a feature in all of a sentence, see `Dropout`.

    Raises:
        ValueError: for a negative number of layers, a number in `by_layer` that is no layer's, an interaction with
            fewer than two layers, two layers or more without an interaction, or `residual` without an interaction.
    """

    def __init__(
        self,
        input_size: int,
        *,
        layers: int,
        hidden_size: int,
        num_relations: int,
        recurrent: BuildRecurrent,
        by_layer: ByLayer | None = None,
        interaction: BuildInteraction | None,
        residual: bool = False,
        between_dropout: float,
        output_dropout: float,
        locked: bool = False,
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
        if residual and interaction is None:
            raise ValueError("residual goes around the interaction function, and there is none: choose residual=false")
        chosen = {str(number): recurrent for number in range(1, layers + 1)}
        for number, build in (by_layer or {}).items():
            if str(number) not in chosen:
                raise ValueError(f"by_layer has a layer {number!r}, but there are {layers}: number them from 1")
            chosen[str(number)] = build

        interactions = [interaction(hidden_size, num_relations) for _ in range(layers - 1)] if interaction else []
        if residual:
            interactions = [Residual(g, hidden_size) for g in interactions]
        input_sizes = [input_size, *(g.output_size for g in interactions)][:layers]
        self.interactions = nn.ModuleList(interactions)
        self.layers = nn.ModuleList(
            build(size, hidden_size) for build, size in zip(chosen.values(), input_sizes, strict=True)
        )
        self.between_dropout = Dropout(between_dropout, locked=locked)
        self.output_dropout = Dropout(output_dropout, locked=locked)
        self.output_size = hidden_size if layers else input_size
        self.uses_trees = any(part.uses_trees for part in (*self.layers, *self.interactions))

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


class GraphEncoder(nn.Module):
    """Layers over the trees on top of a stack: G^(0) = stack(u), G^(l+1) = graph(G^(l)).

    Args:
        stack: the encoder below.
        layers: how many graph layers, 1 or more.
        graph: builds one from (the size of what is below, number of relations).
        dropout: on the output of every graph layer.

    Raises:
        ValueError: for a number of layers below 1.
    """

    def __init__(
        self, stack: Encoder, *, layers: int, num_relations: int, graph: BuildInteraction, dropout: float
    ) -> None:
        super().__init__()
        if layers < 1:
            raise ValueError(f"graph_layers is {layers}: it must be 1 or more; model=bilstm_crf does without")
        self.stack = stack
        self.layers = nn.ModuleList()
        self.output_size = stack.output_size
        for _ in range(layers):
            layer = graph(self.output_size, num_relations)
            self.layers.append(layer)
            self.output_size = layer.output_size
        self.uses_trees = stack.uses_trees or any(layer.uses_trees for layer in self.layers)
        self.dropout = Dropout(dropout)

    def forward(
        self, features: Float[Tensor, "batch token feature"], trees: Trees
    ) -> Float[Tensor, "batch token hidden"]:
        hidden: Tensor = self.stack(features, trees)
        for layer in self.layers:
            hidden = self.dropout(layer(hidden, trees))
        return hidden

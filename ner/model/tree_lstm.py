"""The child-sum Tree-LSTM over dependency trees (Tai et al., 2015), level by level of the trees of a batch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ner.model.directions import direction_size
from ner.model.gather import look_up
from ner.model.recurrent import Recurrent, choose
from ner.model.trees import Trees
from ner.shapes import Float, Int


@dataclass(frozen=True, eq=False)
class Levels:
    """The tokens of a batch by their depth in the tree, the roots first.

    `order` holds their positions in the flattened batch, `sizes` the number of tokens of each depth, and `heads`, for
    each depth, the index of each token's head among the tokens of the depth above; those of the roots are 0, unused.
    """

    order: Int[Tensor, " token"]
    sizes: list[int]
    heads: Sequence[Tensor]

    @classmethod
    def of_heads(cls, heads: Int[Tensor, "batch token"]) -> Levels:
        """Levels of trees whose roots, and whose padding, are their own heads. Synchronises a device, for the sizes.

        Raises:
            ValueError: for heads that form a cycle.
        """
        batch, length = heads.shape
        own = torch.arange(batch * length, device=heads.device)
        flat = (heads + torch.arange(0, batch * length, length, device=heads.device)[:, None]).flatten()
        ancestors, depths = flat, (flat != own).long()
        for _ in range(length.bit_length()):  # the ancestors 1, 2, 4, ... steps up
            depths = depths + depths[ancestors]
            ancestors = ancestors[ancestors]
        if bool((flat[ancestors] != ancestors).any()):
            raise ValueError("the heads of a sentence form a cycle: a Tree-LSTM needs trees")
        order = depths.argsort(stable=True)
        sizes: list[int] = depths.bincount().tolist()
        ranks = torch.empty_like(order).scatter_(0, order, own)
        starts = torch.tensor([0, *sizes], device=heads.device).cumsum(0)[:-1]
        depths = depths[order]
        above = torch.where(depths == 0, 0, ranks[flat[order]] - starts[depths - 1])
        return cls(order, sizes, torch.split(above, sizes))


class Sweep(nn.Module, ABC):
    """One pass over the levels of the trees, up or down, initialised as torch's LSTM of its size."""

    def __init__(self, input_size: int, size: int) -> None:
        super().__init__()
        self.input = nn.Linear(input_size, 4 * size)
        self.recurrent = nn.Linear(size, 4 * size, bias=False)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -(size**-0.5), size**-0.5)

    @abstractmethod
    def forward(self, features: Float[Tensor, "token input"], levels: Levels) -> Float[Tensor, "token hidden"]: ...


class BottomUp(Sweep):
    """h~ = sum_k h_k over the children k;  i, o = sigma(W x + U h~ + b);  u = tanh(W x + U h~ + b)

    f_k = sigma(W_f x + U_f h_k + b_f);  c = i * u + sum_k f_k * c_k;  h = o * tanh(c)
    """

    def forward(self, features: Float[Tensor, "token input"], levels: Levels) -> Float[Tensor, "token hidden"]:
        size = self.recurrent.in_features
        weights = torch.split(self.recurrent.weight, [size, 3 * size])
        inputs = torch.split(self.input(features), levels.sizes)
        hidden: list[Tensor] = []
        h = c = features.new_zeros(0, size)
        heads = levels.order[:0]
        for now, heads_above in zip(reversed(inputs), reversed(levels.heads), strict=True):
            for_f, others = torch.split(now, [size, 3 * size], 1)
            f = torch.sigmoid(look_up(heads, for_f) + h @ weights[0].T)
            of_children = torch.cat([h, f * c], 1)
            summed = of_children.new_zeros(len(now), 2 * size).index_add(0, heads, of_children)
            i_and_o, u = torch.split(others + summed[:, :size] @ weights[1].T, [2 * size, size], 1)
            i, o = torch.sigmoid(i_and_o).chunk(2, 1)
            c = i * torch.tanh(u) + summed[:, size:]
            h = o * torch.tanh(c)
            hidden.append(h)
            heads = heads_above
        return torch.cat(hidden[::-1])


class TopDown(Sweep):
    """The same with the head p in place of the children: an LSTM along every path down from the root.

    i, f, o = sigma(W x + U h_p + b);  u = tanh(W x + U h_p + b);  c = i * u + f * c_p;  h = o * tanh(c)
    """

    def forward(self, features: Float[Tensor, "token input"], levels: Levels) -> Float[Tensor, "token hidden"]:
        size = self.recurrent.in_features
        hidden: list[Tensor] = []
        h = c = features.new_zeros(1, size)  # above the roots
        for now, heads in zip(torch.split(self.input(features), levels.sizes), levels.heads, strict=True):
            gates = now + look_up(heads, self.recurrent(h))
            f_i_and_o, u = torch.split(gates, [3 * size, size], 1)
            f, i, o = torch.sigmoid(f_i_and_o).chunk(3, 1)
            c = i * torch.tanh(u) + f * look_up(heads, c)
            h = o * torch.tanh(c)
            hidden.append(h)
        return torch.cat(hidden)


DIRECTIONS: dict[str, list[type[Sweep]]] = {"bottom_up": [BottomUp], "top_down": [TopDown], "both": [BottomUp, TopDown]}


class TreeLSTM(Recurrent):
    """A Tree-LSTM as a layer of the stack.

    Args:
        direction: `bottom_up`, from the leaves to the root; `top_down`; or `both`, with half of the hidden size each.

    Raises:
        ValueError: for another name, an odd hidden size that two directions cannot share, and, from `forward`, for
            heads that do not form a tree.
    """

    uses_trees = True

    def __init__(self, input_size: int, hidden_size: int, *, direction: str) -> None:
        super().__init__()
        kinds = choose("direction", direction, DIRECTIONS)
        self.output_size = hidden_size
        size = hidden_size if len(kinds) == 1 else direction_size(hidden_size)
        self.sweeps = nn.ModuleList(kind(input_size, size) for kind in kinds)

    def forward(
        self, features: Float[Tensor, "batch token input"], trees: Trees
    ) -> Float[Tensor, "batch token hidden"]:
        levels = Levels.of_heads(trees.heads)
        ordered = look_up(levels.order, features.flatten(0, 1))
        hidden = torch.cat([sweep(ordered, levels) for sweep in self.sweeps], 1)
        return look_up(levels.order.argsort().view(trees.heads.shape), hidden)

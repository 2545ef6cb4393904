"""Interaction functions g(h_i, h_p) of a word's hidden state and its head's, applied between recurrent layers.

A new one needs a class here and a file of its name in `conf/model/interaction/`, nothing else: it is built with the
hidden size and the number of relations, sets its `output_size`, and maps the states, (batch, token, hidden), and the
trees over them to (batch, token, output). Output at padding is ignored and must not affect real tokens. [a ; b] is
concatenation, * is element-wise, v_r embeds the relation of word i to its head.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from ner.model.gather import look_up
from ner.model.trees import Trees
from ner.shapes import Float, Int


class Interaction(nn.Module, ABC):
    """g: the input of a recurrent layer, from the states of the layer below at each word and its head."""

    output_size: int
    uses_trees: bool = True

    @abstractmethod
    def forward(
        self, hidden: Float[Tensor, "batch token hidden"], trees: Trees
    ) -> Float[Tensor, "batch token output"]: ...


class SelfInteraction(Interaction):
    """g = h_i: the plain stack."""

    uses_trees = False

    def __init__(self, hidden_size: int, num_relations: int) -> None:
        super().__init__()
        self.output_size = hidden_size

    def forward(self, hidden: Float[Tensor, "batch token hidden"], trees: Trees) -> Float[Tensor, "batch token output"]:
        return hidden


class Concatenation(Interaction):
    """g = [h_i ; h_p]"""

    def __init__(self, hidden_size: int, num_relations: int) -> None:
        super().__init__()
        self.output_size = 2 * hidden_size

    def forward(self, hidden: Float[Tensor, "batch token hidden"], trees: Trees) -> Float[Tensor, "batch token output"]:
        return torch.cat([hidden, trees.of_heads(hidden)], 2)


class Ancestors(Interaction):
    """g = [h_i ; h_p ; h_p(p) ; ... ; h_p^k]: the `k` nearest ancestors; the root is its own ancestor.

    Raises:
        ValueError: for a k below 1.
    """

    def __init__(self, hidden_size: int, num_relations: int, *, k: int) -> None:
        super().__init__()
        if k < 1:
            raise ValueError(f"k is {k}: choose 1 ancestor or more, or model/interaction=self for none")
        self.k = k
        self.output_size = (k + 1) * hidden_size

    def forward(self, hidden: Float[Tensor, "batch token hidden"], trees: Trees) -> Float[Tensor, "batch token output"]:
        path = [hidden]
        for _ in range(self.k):
            path.append(trees.of_heads(path[-1]))
        return torch.cat(path, 2)


class Addition(Interaction):
    """g = h_i + h_p"""

    def __init__(self, hidden_size: int, num_relations: int) -> None:
        super().__init__()
        self.output_size = hidden_size

    def forward(self, hidden: Float[Tensor, "batch token hidden"], trees: Trees) -> Float[Tensor, "batch token output"]:
        return hidden + trees.of_heads(hidden)


class MLP(Interaction):
    """g = ReLU(W_1 h_i + W_2 h_p + b), twice as wide as h, as in the released code (which has two biases, summed)."""

    def __init__(self, hidden_size: int, num_relations: int) -> None:
        super().__init__()
        self.output_size = 2 * hidden_size
        self.own = nn.Linear(hidden_size, self.output_size)
        self.head = nn.Linear(hidden_size, self.output_size, bias=False)

    def forward(self, hidden: Float[Tensor, "batch token hidden"], trees: Trees) -> Float[Tensor, "batch token output"]:
        return torch.relu(self.own(hidden) + self.head(trees.of_heads(hidden)))


class Tied(Interaction):
    """g = ReLU(W (h_i + h_p) + b): `MLP` with one matrix for both, equally wide."""

    def __init__(self, hidden_size: int, num_relations: int) -> None:
        super().__init__()
        self.output_size = 2 * hidden_size
        self.both = nn.Linear(hidden_size, self.output_size)

    def forward(self, hidden: Float[Tensor, "batch token hidden"], trees: Trees) -> Float[Tensor, "batch token output"]:
        return torch.relu(self.both(hidden + trees.of_heads(hidden)))


class RelationTerm(nn.Module):
    """W v_r: the term of the relation, computed once per relation, since there are fewer relations than tokens.

    Raises:
        ValueError: for a relation size below 1.
    """

    def __init__(self, num_relations: int, relation_size: int, output_size: int) -> None:
        super().__init__()
        if relation_size < 1:
            raise ValueError(f"relation_size is {relation_size}: it must be 1 or more where g uses the relation")
        self.vectors = nn.Embedding(num_relations, relation_size)
        self.linear = nn.Linear(relation_size, output_size, bias=False)

    def forward(self, relation_ids: Int[Tensor, "batch token"]) -> Float[Tensor, "batch token output"]:
        return look_up(relation_ids, self.linear(self.vectors.weight))


class Relation(Interaction):
    """g = ReLU(W_1 h_i + W_2 h_p + W_3 v_r + b): `MLP` with the relation, equally wide."""

    def __init__(self, hidden_size: int, num_relations: int, *, relation_size: int) -> None:
        super().__init__()
        self.output_size = 2 * hidden_size
        self.own = nn.Linear(hidden_size, self.output_size)
        self.head = nn.Linear(hidden_size, self.output_size, bias=False)
        self.relation = RelationTerm(num_relations, relation_size, self.output_size)

    def forward(self, hidden: Float[Tensor, "batch token hidden"], trees: Trees) -> Float[Tensor, "batch token output"]:
        return torch.relu(self.own(hidden) + self.head(trees.of_heads(hidden)) + self.relation(trees.relation_ids))


class Gate(Interaction):
    """g = z * tanh(W [h_i ; h_p ; v_r] + b) + (1 - z) * h_i with z = sigma(W_z [h_i ; h_p ; v_r] + b_z).

    Derived from the highway layer (Srivastava et al., 2015), from which it departs: there both z and the new value
    depend on the carried input alone, here also on the head and the relation; and the bias of z is not initialised
    below 0. `own`, `head` and `relation` give the products of W_z first, then those of W.
    """

    def __init__(self, hidden_size: int, num_relations: int, *, relation_size: int) -> None:
        super().__init__()
        self.output_size = hidden_size
        self.own = nn.Linear(hidden_size, 2 * hidden_size)
        self.head = nn.Linear(hidden_size, 2 * hidden_size, bias=False)
        self.relation = RelationTerm(num_relations, relation_size, 2 * hidden_size)

    def forward(self, hidden: Float[Tensor, "batch token hidden"], trees: Trees) -> Float[Tensor, "batch token output"]:
        sums = self.own(hidden) + self.head(trees.of_heads(hidden)) + self.relation(trees.relation_ids)
        gate, new = sums.chunk(2, 2)
        output: Tensor = hidden + gate.sigmoid() * (new.tanh() - hidden)
        return output


class GRU(Interaction):
    """g = (1 - z) * h_i + z * tanh(W h_p + U (k * h_i) + b): one GRU step from h_i whose input is h_p.

    After Cho et al. (2014), where z is the weight of the old state, 1 - z here. z = sigma(W_z [h_i ; h_p] + b_z) and
    k = sigma(W_k [h_i ; h_p] + b_k); `own` gives the products of W_z and W_k with h_i, `head` those of W_z, W_k and W
    with h_p.
    """

    def __init__(self, hidden_size: int, num_relations: int) -> None:
        super().__init__()
        self.output_size = hidden_size
        self.own = nn.Linear(hidden_size, 2 * hidden_size, bias=False)
        self.head = nn.Linear(hidden_size, 3 * hidden_size)
        self.kept = nn.Linear(hidden_size, hidden_size, bias=False)

    def forward(self, hidden: Float[Tensor, "batch token hidden"], trees: Trees) -> Float[Tensor, "batch token output"]:
        gates_of_head, new = self.head(trees.of_heads(hidden)).tensor_split([2 * self.output_size], 2)
        update, keep = (self.own(hidden) + gates_of_head).sigmoid().chunk(2, 2)
        output: Tensor = hidden + update * (torch.tanh(new + self.kept(keep * hidden)) - hidden)
        return output


class Product(Interaction):
    """g = W [h_i ; h_p ; h_i - h_p ; h_i * h_p]: how the two agree and differ (Mou et al., 2016), as wide as h."""

    def __init__(self, hidden_size: int, num_relations: int) -> None:
        super().__init__()
        self.output_size = hidden_size
        self.linear = nn.Linear(4 * hidden_size, hidden_size, bias=False)

    def forward(self, hidden: Float[Tensor, "batch token hidden"], trees: Trees) -> Float[Tensor, "batch token output"]:
        head = trees.of_heads(hidden)
        output: Tensor = self.linear(torch.cat([hidden, head, hidden - head, hidden * head], 2))
        return output


class Bilinear(Interaction):
    """g = W [(U h_i) * (V h_p)] + W' h_i: a bilinear form of rank `rank`.

    Low-rank bilinear pooling (Kim et al., 2017), from which it departs: there U h_i and V h_p pass through tanh, and
    there is a bias in place of the linear term W' h_i.

    Raises:
        ValueError: for a rank below 1.
    """

    def __init__(self, hidden_size: int, num_relations: int, *, rank: int) -> None:
        super().__init__()
        if rank < 1:
            raise ValueError(f"rank is {rank}: it must be 1 or more")
        self.output_size = hidden_size
        self.own = nn.Linear(hidden_size, rank, bias=False)
        self.head = nn.Linear(hidden_size, rank, bias=False)
        self.products = nn.Linear(rank, hidden_size, bias=False)
        self.linear = nn.Linear(hidden_size, hidden_size, bias=False)

    def forward(self, hidden: Float[Tensor, "batch token hidden"], trees: Trees) -> Float[Tensor, "batch token output"]:
        output: Tensor = self.products(self.own(hidden) * trees.of_heads(self.head(hidden))) + self.linear(hidden)
        return output


class FiLM(Interaction):
    """g = gamma * h_i + beta with [gamma ; beta] = W_1 h_p + W_2 v_r + b: the head scales and shifts.

    Feature-wise linear modulation (Perez et al., 2018). b is initialised to 1 for gamma and 0 for beta.
    """

    def __init__(self, hidden_size: int, num_relations: int, *, relation_size: int) -> None:
        super().__init__()
        self.output_size = hidden_size
        self.head = nn.Linear(hidden_size, 2 * hidden_size)
        self.relation = RelationTerm(num_relations, relation_size, 2 * hidden_size)
        with torch.no_grad():
            self.head.bias[:hidden_size] = 1
            self.head.bias[hidden_size:] = 0

    def forward(self, hidden: Float[Tensor, "batch token hidden"], trees: Trees) -> Float[Tensor, "batch token output"]:
        gamma, beta = (self.head(trees.of_heads(hidden)) + self.relation(trees.relation_ids)).chunk(2, 2)
        output: Tensor = gamma * hidden + beta
        return output


class Residual(Interaction):
    """LayerNorm(h_i + P g): a connection around any g (He et al., 2016; Ba et al., 2016), as wide as h.

    P is a learned projection where the sizes of g and h differ, else the identity.
    """

    def __init__(self, inner: Interaction, hidden_size: int) -> None:
        super().__init__()
        self.output_size = hidden_size
        self.inner = inner
        self.uses_trees = inner.uses_trees
        fits = inner.output_size == hidden_size
        self.project = nn.Identity() if fits else nn.Linear(inner.output_size, hidden_size, bias=False)
        self.norm = nn.LayerNorm(hidden_size)

    def forward(self, hidden: Float[Tensor, "batch token hidden"], trees: Trees) -> Float[Tensor, "batch token output"]:
        output: Tensor = self.norm(hidden + self.project(self.inner(hidden, trees)))
        return output

"""Interaction functions over the whole neighbourhood of a word: itself, its head and its children.

Each token but the root has one edge, to its head: values of an edge are stored at its child, and passed up by
`Trees.sums_of_children` or down by `Trees.of_heads`. That the root is its own head is not an edge: it sees itself once,
and its children.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

from ner.model.interaction import Interaction, RelationTerm
from ner.model.trees import Trees
from ner.shapes import Float


class GCN(Interaction):
    """g = ReLU(W_1 m_i + b [+ W_2 m'_i]), m_i the mean of h over N(i) = {i, p} and C(i): a graph convolution.

    Edges count in both directions. The mean is the normalisation of Zhang et al. (2018), 1 / |N(i)|, and not the
    symmetric 1 / sqrt(|N(i)| |N(j)|) of Kipf & Welling (2017). With `relation_weights` it is the layer of Jie & Lu's
    (2019) BiLSTM-GCN-CRF: m'_i is the mean of w_ij h_j, w_ij a learned number for the relation between i and j, or for
    i itself. (Their code divides by the sum of these numbers, which can be 0, where this divides by |N(i)|: see
    `ReleasedGCN`.)
    """

    def __init__(self, hidden_size: int, num_relations: int, *, relation_weights: bool) -> None:
        super().__init__()
        self.output_size = hidden_size
        self.linear = nn.Linear(hidden_size, hidden_size)
        self.weights = nn.Embedding(num_relations + 1, 1) if relation_weights else None  # the last is a word's own
        self.weighted = nn.Linear(hidden_size, hidden_size, bias=False) if relation_weights else None

    def forward(self, hidden: Float[Tensor, "batch token hidden"], trees: Trees) -> Float[Tensor, "batch token output"]:
        size = 1 + trees.is_child + trees.num_children
        inverse = size.to(hidden.dtype).reciprocal()[:, :, None]
        sums = self.linear(_sums_around(hidden, trees) * inverse)
        if self.weights is not None and self.weighted is not None:
            edge, own = self.weights(trees.relation_ids), self.weights.weight[-1]
            sums = sums + self.weighted(_sums_around(hidden, trees, edge=edge, own=own) * inverse)
        return torch.relu(sums)


class ReleasedGCN(Interaction):
    """g = ReLU(W_3 ReLU(m_i [+ m'_i]) + b_3): the graph layer of Jie & Lu (2019) to the letter of their released code.

    m_i = (W_1 sum_j h_j + 2 b_1) / |N(i)| over j in N(i) = {i, p} and C(i), and with `relation_weights`
    m'_i = (W_2 sum_j w_ij h_j + 2 b_2) / sum_j w_ij with w_ij as in `GCN`. The biases count twice because the code
    applies each layer to a word and to its neighbours in turn. The w_ij start from a normal distribution: their sum
    can come near to 0, and m'_i be of any size. That code clips the gradient of this model, and of no other.

    The code can put several such layers below one W_3; its default, one, is what this is.
    """

    def __init__(self, hidden_size: int, num_relations: int, *, relation_weights: bool) -> None:
        super().__init__()
        self.output_size = hidden_size
        self.linear = nn.Linear(hidden_size, hidden_size)
        self.weights = nn.Embedding(num_relations + 1, 1) if relation_weights else None  # the last is a word's own
        self.weighted = nn.Linear(hidden_size, hidden_size) if relation_weights else None
        self.output = nn.Linear(hidden_size, hidden_size)

    def forward(self, hidden: Float[Tensor, "batch token hidden"], trees: Trees) -> Float[Tensor, "batch token output"]:
        ones = torch.ones_like(hidden[:, :, :1])
        sums = (self.linear(_sums_around(hidden, trees)) + self.linear.bias) / _sums_around(ones, trees)
        if self.weights is not None and self.weighted is not None:
            edge, own = self.weights(trees.relation_ids), self.weights.weight[-1]
            weighted = self.weighted(_sums_around(hidden, trees, edge=edge, own=own)) + self.weighted.bias
            sums = sums + weighted / _sums_around(ones, trees, edge=edge, own=own)
        output: Tensor = self.output(torch.relu(sums))
        return torch.relu(output)


class GAT(Interaction):
    """g = sum_j a_ij W h_j over j in {i, p} and C(i), a_i = softmax_j LeakyReLU(a . [W h_i ; W h_j ; v_ij]).

    Graph attention (Velickovic et al., 2018), from which it departs: the scores also see v_ij, which embeds the
    relation between the two and its direction in `relation_size` values, with one more vector for the word itself;
    there is no nonlinearity after the sum and no dropout on the attention. The hidden size is divided among
    `attention_heads` (not heads of a tree), whose outputs are concatenated.

    Raises:
        ValueError: for a number of attention heads that does not divide the hidden size.
    """

    def __init__(self, hidden_size: int, num_relations: int, *, relation_size: int, attention_heads: int) -> None:
        super().__init__()
        if attention_heads < 1 or hidden_size % attention_heads:
            raise ValueError(f"{attention_heads} attention heads cannot share a hidden size of {hidden_size}")
        self.output_size = hidden_size
        self.num_relations = num_relations
        self.shape = (attention_heads, hidden_size // attention_heads)
        self.value = nn.Linear(hidden_size, hidden_size, bias=False)
        self.own = nn.Parameter(torch.empty(self.shape))  # the parts of a for W h_i ...
        self.other = nn.Parameter(torch.empty(self.shape))  # ... for W h_j ...
        self.edge = RelationTerm(2 * num_relations + 1, relation_size, attention_heads)  # ... and for v_ij
        for vector in (self.own, self.other):
            nn.init.xavier_uniform_(vector)

    def forward(self, hidden: Float[Tensor, "batch token hidden"], trees: Trees) -> Float[Tensor, "batch token output"]:
        values = self.value(hidden)
        by_attention = values.view(*values.shape[:2], *self.shape)
        own = torch.einsum("btas,as->bta", by_attention, self.own)
        other = torch.einsum("btas,as->bta", by_attention, self.other)
        up, down = trees.relation_ids, trees.relation_ids + self.num_relations
        itself = torch.full_like(up, 2 * self.num_relations)

        # Scores, stored at the child of each edge: of a word for itself and for its head, and of the head for the word.
        no_edge = ~trees.is_child[:, :, None]
        to_self = leaky_relu(own + other + self.edge(itself), 0.2)
        to_head = leaky_relu(own + trees.of_heads(other) + self.edge(up), 0.2).masked_fill(no_edge, -torch.inf)
        to_child = leaky_relu(trees.of_heads(own) + other + self.edge(down), 0.2).masked_fill(no_edge, -torch.inf)

        with torch.no_grad():  # subtracted from all scores of a word, so that none overflows; the softmax is the same
            peak = torch.maximum(torch.maximum(to_self, to_head), trees.maxima_of_children(to_child))
        to_self, to_head = (to_self - peak).exp(), (to_head - peak).exp()
        to_child = (to_child - trees.of_heads(peak)).exp()

        total = to_self + to_head + trees.sums_of_children(to_child)
        of_children = trees.sums_of_children(_scaled(to_child, values))
        sums = _scaled(to_self, values) + _scaled(to_head, trees.of_heads(values)) + of_children
        return _scaled(total.reciprocal(), sums)


def _scaled(
    weights: Float[Tensor, "batch token attention"], values: Float[Tensor, "batch token hidden"]
) -> Float[Tensor, "batch token hidden"]:
    """The values of each attention head times its weight."""
    parts = values.view(*weights.shape, -1)
    return (weights[:, :, :, None] * parts).flatten(2)


def _sums_around(
    values: Float[Tensor, "batch token feature"],
    trees: Trees,
    *,
    edge: Float[Tensor, "batch token 1"] | float = 1.0,
    own: Float[Tensor, " 1"] | float = 1.0,
) -> Float[Tensor, "batch token feature"]:
    """sum_j w_ij v_j over j in {i, p} and C(i): w_ii is `own`, and an edge's weight stands where its child does."""
    of_heads = (edge * trees.of_heads(values)).masked_fill(~trees.is_child[:, :, None], 0)
    return own * values + of_heads + trees.sums_of_children(edge * values)

"""Interaction functions: each against its formula written out token by token, and whatever the menu holds in use."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from ner.components import component_from_menu
from ner.model.graph import GAT, GCN, ReleasedGCN
from ner.model.interaction import (
    GRU,
    MLP,
    Addition,
    Ancestors,
    Bilinear,
    Concatenation,
    FiLM,
    Gate,
    Interaction,
    Product,
    Relation,
    RelationTerm,
    Residual,
    SelfInteraction,
    Tied,
)
from ner.model.trees import Trees
from ner.resources import conf_directory

NUM_RELATIONS, SIZE = 5, 6
MENU = sorted(path.stem for path in (conf_directory() / "model/interaction").glob("*.yaml") if path.stem != "none")
LENGTHS = [7, 1, 4, 2]


def random_trees(lengths: list[int], *, padded_to: int | None = None) -> Trees:
    longest = padded_to or max(lengths)
    heads = torch.arange(longest).repeat(len(lengths), 1)
    for row, length in enumerate(lengths):
        order = torch.randperm(length).tolist()
        for place, token in enumerate(order[1:], start=1):
            heads[row, token] = order[int(torch.randint(place, ()))]
    mask = torch.arange(longest) < torch.tensor(lengths)[:, None]
    return Trees(mask=mask, heads=heads, relation_ids=torch.randint(NUM_RELATIONS, mask.shape) * mask)


@pytest.fixture(params=MENU)
def g(request: pytest.FixtureRequest) -> Interaction:
    """Any in the menu, with the options of its file."""
    torch.manual_seed(0)
    return component_from_menu("model/interaction", request.param)(SIZE, NUM_RELATIONS).double()


# A formula is a function of g, the states of a sentence, its heads, its relations, and a token i.
Formula = Callable[[Interaction, Tensor, list[int], list[int], int], Tensor]


def term(relation: RelationTerm, r: int) -> Tensor:
    return relation.linear.weight @ relation.vectors.weight[r]


def affine(g: Interaction, h: Tensor, heads: list[int], r: list[int], i: int) -> Tensor:
    own = g.own.weight @ h[i] + g.own.bias
    return own + g.head.weight @ h[heads[i]] + term(g.relation, r[i])


def gate(g: Gate, h: Tensor, heads: list[int], r: list[int], i: int) -> Tensor:
    z, news = affine(g, h, heads, r, i).split(SIZE)
    return z.sigmoid() * news.tanh() + (1 - z.sigmoid()) * h[i]


def gru(g: GRU, h: Tensor, heads: list[int], r: list[int], i: int) -> Tensor:
    p = h[heads[i]]
    own_z, own_k = g.own.weight.split(SIZE)
    head_z, head_k, head_w = g.head.weight.split(SIZE)
    b_z, b_k, b = g.head.bias.split(SIZE)
    z = (own_z @ h[i] + head_z @ p + b_z).sigmoid()
    k = (own_k @ h[i] + head_k @ p + b_k).sigmoid()
    return (1 - z) * h[i] + z * (head_w @ p + g.kept.weight @ (k * h[i]) + b).tanh()


def product(g: Product, h: Tensor, heads: list[int], r: list[int], i: int) -> Tensor:
    p = h[heads[i]]
    return g.linear.weight @ torch.cat([h[i], p, h[i] - p, h[i] * p])


def bilinear(g: Bilinear, h: Tensor, heads: list[int], r: list[int], i: int) -> Tensor:
    pairs = (g.own.weight @ h[i]) * (g.head.weight @ h[heads[i]])
    return g.products.weight @ pairs + g.linear.weight @ h[i]


def film(g: FiLM, h: Tensor, heads: list[int], r: list[int], i: int) -> Tensor:
    gamma, beta = (g.head.weight @ h[heads[i]] + g.head.bias + term(g.relation, r[i])).split(SIZE)
    return gamma * h[i] + beta


def ancestors(g: Ancestors, h: Tensor, heads: list[int], r: list[int], i: int) -> Tensor:
    path = [i]
    for _ in range(g.k):
        path.append(heads[path[-1]])
    return torch.cat([h[j] for j in path])


def neighbours(heads: list[int], i: int) -> list[int]:
    """Of a word, itself first: with its head, and with its children; the root's own head is no other word."""
    return [i, *(j for j in range(len(heads)) if j != i and (heads[i] == j or heads[j] == i))]


def edge_rows(near: list[int], heads: list[int], r: list[int], i: int) -> list[int]:
    """The relation between a word and each of its neighbours; the last of all is its own."""
    return [-1 if j == i else r[i] if heads[i] == j else r[j] for j in near]


def gcn(g: GCN, h: Tensor, heads: list[int], r: list[int], i: int) -> Tensor:
    near = neighbours(heads, i)
    sums = g.linear.weight @ torch.stack([h[j] for j in near]).mean(0) + g.linear.bias
    if g.weights is not None:
        rows = edge_rows(near, heads, r, i)
        weighted = torch.stack([g.weights.weight[row] * h[j] for row, j in zip(rows, near, strict=True)])
        sums = sums + g.weighted.weight @ weighted.mean(0)
    return sums.relu()


def released_gcn(g: ReleasedGCN, h: Tensor, heads: list[int], r: list[int], i: int) -> Tensor:
    """With row i of the adjacency matrix A and of the relations' weights B, as in the released code."""
    a, b = torch.zeros(len(h), dtype=h.dtype), torch.zeros(len(h), dtype=h.dtype)
    near = neighbours(heads, i)
    for row, j in zip(edge_rows(near, heads, r, i)[1:], near[1:], strict=True):
        a[j] = 1
        if g.weights is not None:
            b = b + g.weights.weight[row] * nn.functional.one_hot(torch.tensor(j), len(h))
    sums = (g.linear(a @ h) + g.linear(h[i])) / (a.sum() + 1)
    if g.weights is not None:
        own = g.weights.weight[-1]
        sums = sums + (g.weighted(b @ h) + g.weighted(h[i] * own)) / (b.sum() + own)
    return g.output(sums.relu()).relu()


def gat(g: GAT, h: Tensor, heads: list[int], r: list[int], i: int) -> Tensor:
    near = neighbours(heads, i)
    values = (h @ g.value.weight.T).view(len(h), *g.shape)
    rows = [2 * NUM_RELATIONS if j == i else r[i] if heads[i] == j else NUM_RELATIONS + r[j] for j in near]
    parts = []
    for a in range(g.shape[0]):
        scores = [
            g.own[a] @ values[i, a] + g.other[a] @ values[j, a] + term(g.edge, row)[a]
            for row, j in zip(rows, near, strict=True)
        ]
        weights = nn.functional.leaky_relu(torch.stack(scores), 0.2).softmax(0)
        parts.append(sum(weight * values[j, a] for weight, j in zip(weights, near, strict=True)))
    return torch.cat(parts)


FORMULAS: list[tuple[Callable[[], Interaction], Formula]] = [
    (lambda: SelfInteraction(SIZE, NUM_RELATIONS), lambda g, h, heads, r, i: h[i]),
    (lambda: Concatenation(SIZE, NUM_RELATIONS), lambda g, h, heads, r, i: torch.cat([h[i], h[heads[i]]])),
    (lambda: Addition(SIZE, NUM_RELATIONS), lambda g, h, heads, r, i: h[i] + h[heads[i]]),
    (
        lambda: MLP(SIZE, NUM_RELATIONS),
        lambda g, h, heads, r, i: (g.own.weight @ h[i] + g.own.bias + g.head.weight @ h[heads[i]]).relu(),
    ),
    (
        lambda: Tied(SIZE, NUM_RELATIONS),
        lambda g, h, heads, r, i: (g.both.weight @ (h[i] + h[heads[i]]) + g.both.bias).relu(),
    ),
    (
        lambda: Relation(SIZE, NUM_RELATIONS, relation_size=3),
        lambda g, h, heads, r, i: affine(g, h, heads, r, i).relu(),
    ),
    (lambda: Gate(SIZE, NUM_RELATIONS, relation_size=3), gate),
    (lambda: GRU(SIZE, NUM_RELATIONS), gru),
    (lambda: Product(SIZE, NUM_RELATIONS), product),
    (lambda: Bilinear(SIZE, NUM_RELATIONS, rank=4), bilinear),
    (lambda: FiLM(SIZE, NUM_RELATIONS, relation_size=3), film),
    (lambda: Ancestors(SIZE, NUM_RELATIONS, k=1), ancestors),
    (lambda: Ancestors(SIZE, NUM_RELATIONS, k=3), ancestors),
    (lambda: GCN(SIZE, NUM_RELATIONS, relation_weights=False), gcn),
    (lambda: GCN(SIZE, NUM_RELATIONS, relation_weights=True), gcn),
    (lambda: ReleasedGCN(SIZE, NUM_RELATIONS, relation_weights=False), released_gcn),
    (lambda: ReleasedGCN(SIZE, NUM_RELATIONS, relation_weights=True), released_gcn),
    (lambda: GAT(SIZE, NUM_RELATIONS, relation_size=3, attention_heads=1), gat),
    (lambda: GAT(SIZE, NUM_RELATIONS, relation_size=3, attention_heads=2), gat),
]


@pytest.mark.parametrize(("build", "formula"), FORMULAS, ids=lambda it: getattr(it, "__name__", None))
def test_value_and_gradients_are_the_formulas_at_every_token(build, formula):
    torch.manual_seed(0)
    g, trees = build().double(), random_trees(LENGTHS)
    hidden = torch.randn(*trees.mask.shape, SIZE, dtype=torch.float64, requires_grad=True)
    found = g(hidden, trees)[trees.mask]
    wanted = torch.stack(
        [
            formula(g, hidden[row, :length], trees.heads[row, :length].tolist(), trees.relation_ids[row].tolist(), i)
            for row, length in enumerate(LENGTHS)
            for i in range(length)
        ]
    )
    assert found.shape == (sum(LENGTHS), g.output_size)
    torch.testing.assert_close(found, wanted)
    weights, leaves = torch.randn_like(found), (hidden, *g.parameters())
    for one, other in zip(*(torch.autograd.grad((it * weights).sum(), leaves) for it in (found, wanted)), strict=True):
        torch.testing.assert_close(one, other)


def test_gradients(g):
    trees = random_trees([4, 1, 3])
    hidden = torch.randn(*trees.mask.shape, SIZE, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda hidden: g(hidden, trees)[trees.mask], (hidden,))
    if parameters := tuple(g.parameters()):
        assert torch.autograd.gradcheck(lambda *_: g(hidden, trees)[trees.mask], parameters, fast_mode=True)


def test_padding_order_and_company_change_nothing(g):
    """Each sentence alone gives the values and gradients it gives in a batch, whatever stands in the padding."""
    trees = random_trees(LENGTHS, padded_to=9)
    hidden = torch.randn(*trees.mask.shape, SIZE, dtype=torch.float64)
    hidden = torch.where(trees.mask[:, :, None], hidden, 1e4).requires_grad_()
    weights = torch.randn(*trees.mask.shape, g.output_size, dtype=torch.float64) * trees.mask[:, :, None]
    together = g(hidden, trees)
    leaves = (hidden, *g.parameters())
    gradients = torch.autograd.grad((together * weights).sum(), leaves)
    assert torch.count_nonzero(gradients[0][~trees.mask]) == 0

    total = torch.zeros((), dtype=torch.float64)
    for row in reversed(range(len(LENGTHS))):
        one = (slice(row, row + 1), slice(LENGTHS[row]))
        alone = g(hidden[one], Trees(trees.mask[one], trees.heads[one], trees.relation_ids[one]))
        torch.testing.assert_close(alone[0], together[row, : LENGTHS[row]])
        total = total + (alone * weights[one]).sum()
    for one_by_one, at_once in zip(torch.autograd.grad(total, leaves), gradients, strict=True):
        torch.testing.assert_close(one_by_one, at_once)


def test_every_parameter_learns(g):
    trees = random_trees(LENGTHS)
    hidden = torch.randn(*trees.mask.shape, SIZE, dtype=torch.float64)
    if list(g.parameters()):
        g(hidden, trees)[trees.mask].square().sum().backward()
    assert all(torch.count_nonzero(parameter.grad) for parameter in g.parameters())


def test_works_on_sentences_of_one_word(g):
    hidden = torch.randn(3, 1, SIZE, dtype=torch.float64)
    assert g(hidden, random_trees([1, 1, 1])).isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_works_under_autocast(g, dtype):
    """As training.precision=bfloat16 runs it, whichever of the two the layer below gives."""
    trees = random_trees(LENGTHS)
    hidden = torch.randn(*trees.mask.shape, SIZE)
    wanted = g.float()(hidden, trees)
    with torch.autocast("cpu", torch.bfloat16):
        found = g(hidden.to(dtype), trees)
    torch.testing.assert_close(found.float(), wanted, atol=0.1, rtol=0.1)


def test_sizes():
    sizes = {name: component_from_menu("model/interaction", name)(200, 44).output_size for name in MENU}
    assert {"self": 200, "concat": 400, "add": 200, "mlp": 400}.items() <= sizes.items()  # the paper's
    assert {"tied": 400, "relation": 400, "ancestors": 600}.items() <= sizes.items()


@pytest.mark.parametrize("inner", [Addition, MLP])
def test_residual_is_a_norm_of_the_sum(inner):
    torch.manual_seed(0)
    trees, hidden = random_trees(LENGTHS), torch.randn(4, 7, SIZE)
    g = inner(SIZE, NUM_RELATIONS)
    residual = Residual(g, SIZE)
    added = g(hidden, trees)
    if inner is MLP:
        added = added @ residual.project.weight.T
    summed = hidden + added
    centred = summed - summed.mean(2, keepdim=True)
    wanted = centred / (centred.square().mean(2, keepdim=True) + residual.norm.eps).sqrt()
    torch.testing.assert_close(residual(hidden, trees), wanted)
    assert residual.output_size == SIZE
    assert isinstance(residual.project, nn.Linear) == (inner is MLP)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Ancestors(SIZE, NUM_RELATIONS, k=0), "k is 0: choose 1 ancestor or more"),
        (lambda: Bilinear(SIZE, NUM_RELATIONS, rank=0), "rank is 0"),
        (lambda: Gate(SIZE, NUM_RELATIONS, relation_size=0), "relation_size is 0"),
        (lambda: GAT(SIZE, NUM_RELATIONS, relation_size=2, attention_heads=4), "4 attention heads cannot share"),
    ],
)
def test_options_that_do_not_fit_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()

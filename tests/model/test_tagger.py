"""The taggers as built: that they learn, and what does not change their answers."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
import torch

from ner.corpus.batch import Batch, Words
from ner.corpus.tags import legal_transitions, tag_set
from ner.corpus.vectors import Vectors
from ner.corpus.vocabulary import Vocabularies, Vocabulary
from ner.model.crf import LinearChainCRF
from ner.model.embedder import CharacterLSTM, Embedder
from ner.model.encoder import Encoder, GraphEncoder
from ner.model.graph import GCN
from ner.model.interaction import GRU, MLP, Addition, Product, SelfInteraction
from ner.model.parts import HeadWord, Relation, WordVectors
from ner.model.recurrent import LSTM
from ner.model.size import count_parameters
from ner.model.softmax import Softmax
from ner.model.tagger import NeuralTagger, bilstm_crf, bilstm_gcn_crf, dglstm_crf, initial_vectors
from ner.model.tree_dropout import TreeDropout
from ner.model.tree_lstm import TreeLSTM

TAGS = tag_set(["LOC", "PER"], "IOBES")
VOCABULARIES = Vocabularies(
    words=Vocabulary(("<unk>", "a", "b", "c", "d"), unknown=True),
    characters=Vocabulary(("<pad>", "<unk>", "a", "b", "c", "d"), unknown=True),
    relations=Vocabulary(("<unk>", "root", "nsubj"), unknown=True),
    tags=Vocabulary(TAGS, unknown=False),
    scheme="IOBES",
    digits_to_zero=False,
)
BATCH = Batch(
    words=Words(torch.tensor([1, 2, 3]), torch.tensor([[2], [3], [4]])),
    mask=torch.tensor([[True, True, True], [True, True, False]]),
    word_rows=torch.tensor([[0, 1, 2], [2, 0, 0]]),
    heads=torch.tensor([[1, 1, 1], [0, 0, 2]]),
    relation_ids=torch.tensor([[2, 1, 2], [1, 2, 0]]),
    tag_ids=torch.tensor([[TAGS.index(t) for t in ("B-PER", "E-PER", "O")], [TAGS.index("S-LOC"), 0, 0]]),
)


def small(build=dglstm_crf, **changes) -> NeuralTagger:
    torch.manual_seed(0)
    options = {
        "vocabularies": VOCABULARIES,
        "vectors": None,
        "word_size": 4,
        "word_dropout": 0.0,
        "characters": partial(CharacterLSTM, embedding_size=3, hidden_size=3, dropout=0.0),
        "layers": 2,
        "hidden_size": 8,
        "match_parameters": False,
        "recurrent": LSTM,
        "by_layer": {},
        "input_dropout": 0.0,
        "between_dropout": 0.0,
        "output_dropout": 0.0,
        "locked_dropout": False,
        "decoder": partial(LinearChainCRF, constraints="decoding"),
    }
    if build is dglstm_crf:
        options |= {"head_word": True, "relation_size": 2, "interaction": MLP, "residual": False}
    if build is bilstm_gcn_crf:
        options |= {"graph": partial(GCN, relation_weights=True), "graph_layers": 1, "graph_dropout": 0.0}
    return build(**(options | changes))


BUILDS = [dglstm_crf, bilstm_crf, bilstm_gcn_crf]


@pytest.mark.parametrize(("build", "decoder"), [*((build, LinearChainCRF) for build in BUILDS), (bilstm_crf, Softmax)])
def test_learns_a_batch_by_heart(build, decoder):
    tagger = small(build, decoder=partial(decoder, constraints="none"))
    sparse = [tagger.embedder.word.weight]
    dense = [p for p in tagger.parameters() if p is not sparse[0]]
    optimizers = torch.optim.Adam(dense, 0.05), torch.optim.SparseAdam(sparse, 0.05)
    first = float(tagger.loss(BATCH).detach())
    for _ in range(80):
        for optimizer in optimizers:
            optimizer.zero_grad()
        tagger.loss(BATCH).backward()
        for optimizer in optimizers:
            optimizer.step()
    assert float(tagger.loss(BATCH).detach()) < 0.1 < first
    assert torch.equal(tagger.decode(BATCH), BATCH.tag_ids)


def test_loss_is_the_sum_over_sentences_whatever_their_company():
    tagger = small()
    alone = [
        Batch(BATCH.words, *(getattr(BATCH, name)[row : row + 1, :length] for name in FIELDS))
        for row, length in enumerate([3, 2])
    ]
    torch.testing.assert_close(tagger.loss(BATCH), tagger.loss(alone[0]) + tagger.loss(alone[1]))


def by_hand(build) -> NeuralTagger:
    """What `small` builds, put together from its parts, in the order in which their weights are drawn."""
    torch.manual_seed(0)
    trees = build is dglstm_crf
    words = {
        "word": WordVectors(initial_vectors(VOCABULARIES, None, 4)),
        "characters": CharacterLSTM(6, embedding_size=3, hidden_size=3, dropout=0.0),
    }
    tokens = {"head_word": HeadWord(7), "relation": Relation(3, 2)} if trees else {}
    embedder = Embedder(words=words, tokens=tokens, dropout=0.0)
    encoder = Encoder(
        16 if trees else 7,
        layers=2,
        hidden_size=8,
        num_relations=3,
        recurrent=LSTM,
        interaction=MLP if trees else SelfInteraction,
        between_dropout=0.0,
        output_dropout=0.0,
    )
    if build is bilstm_gcn_crf:
        graph = partial(GCN, relation_weights=True)
        encoder = GraphEncoder(encoder, layers=1, num_relations=3, graph=graph, dropout=0.0)
    decoder = LinearChainCRF(len(TAGS), legal_transitions(TAGS), constraints="decoding")
    return NeuralTagger(embedder=embedder, encoder=encoder, decoder=decoder)


@pytest.mark.parametrize("build", BUILDS)
def test_a_builder_composes_the_parts(build):
    """Weights of the same names in the same order with the same bits, and so the same losses under the same seed."""
    built, expected = small(build), by_hand(build)
    assert list(built.state_dict()) == list(expected.state_dict())
    assert all(torch.equal(one, two) for one, two in zip(built.parameters(), expected.parameters(), strict=True))
    assert torch.equal(built.loss(BATCH), expected.loss(BATCH))


def test_stored_weights_keep_their_names():
    """Runs hold weights by these names: renaming one would leave them unreadable."""
    names = {name for name in small().state_dict() if name.split(".")[0] in ("embedder", "projection")}
    lstm = {f"embedder.characters.lstm.{name}_l0" for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}
    assert names == lstm | {
        "embedder.word.weight",
        "embedder.characters.embedding.weight",
        "embedder.relation.weight",
        "projection.weight",
        "projection.bias",
    }


@pytest.mark.parametrize("build", BUILDS)
def test_a_missing_or_unknown_option_is_refused(build):
    with pytest.raises(TypeError, match="unknown options of a tagger: nonsense"):
        small(build, nonsense=1)
    with pytest.raises(TypeError, match="missing"):
        build(
            **{"layers": 2}
            | ({"graph": GCN, "graph_layers": 1, "graph_dropout": 0.0} if build is bilstm_gcn_crf else {})
        )


FIELDS = ("mask", "word_rows", "heads", "relation_ids", "tag_ids")


def test_decoding_with_word_features_given_is_the_same():
    tagger = small().eval()
    features = tagger.word_features(BATCH.words)
    assert torch.equal(tagger.decode(BATCH, features), tagger.decode(BATCH))


def test_the_plain_model_sees_no_tree():
    tagger = small(bilstm_crf).eval()
    other = replace(BATCH, heads=torch.zeros_like(BATCH.heads), relation_ids=torch.zeros_like(BATCH.relation_ids))
    torch.testing.assert_close(tagger(BATCH), tagger(other))
    for build in (dglstm_crf, bilstm_gcn_crf):
        guided = small(build).eval()
        assert not torch.allclose(guided(BATCH), guided(other))


@pytest.mark.parametrize("layers", [0, 1, 3])
def test_any_number_of_layers(layers):
    assert small(bilstm_crf, layers=layers).loss(BATCH).isfinite()
    assert small(layers=layers, interaction=MLP if layers > 1 else None).loss(BATCH).isfinite()


def test_dropout_between_the_plain_layers_is_an_option():
    """The paper's baseline has none, and its own model has: a fair comparison has it in both, or in neither."""
    torch.manual_seed(1)
    without, dropped = small(bilstm_crf), small(bilstm_crf, between_dropout=0.9)
    torch.testing.assert_close(without(BATCH), without.eval()(BATCH))
    assert not torch.allclose(dropped(BATCH), dropped.eval()(BATCH))
    torch.testing.assert_close(dropped(BATCH), without(BATCH))


def size(tagger: NeuralTagger) -> int:
    """What `match_parameters` matches: all but the words and the decoder."""
    return count_parameters(tagger.encoder) + count_parameters(tagger.projection)


@pytest.mark.parametrize(
    ("build", "reference", "changes"),
    [
        (dglstm_crf, {"interaction": MLP}, {"interaction": Product}),
        (dglstm_crf, {"interaction": MLP}, {"interaction": Addition, "residual": True, "layers": 3}),
        (dglstm_crf, {"interaction": None}, {"interaction": None, "layers": 1}),
        (bilstm_crf, {}, {"layers": 3}),
        (bilstm_gcn_crf, None, {}),
        (bilstm_gcn_crf, None, {"graph": GRU, "graph_layers": 2}),
    ],
)
def test_matched_parameters_are_the_closest_there_are(build, reference, changes):
    matched = small(build, hidden_size=60, match_parameters=True, **changes)
    layers = changes.get("layers", 2)
    if reference is None:
        wanted = size(small(bilstm_crf, hidden_size=60, layers=layers))
    else:
        wanted = size(small(build, hidden_size=60, layers=layers, **reference))
    sizes = {hidden: size(small(build, hidden_size=hidden, **changes)) for hidden in range(20, 100, 2)}
    assert matched.encoder.output_size == min(sizes, key=lambda hidden: abs(sizes[hidden] - wanted))


@pytest.mark.parametrize("build", BUILDS)
def test_matching_changes_nothing_but_the_size(build):
    """The reference at its own hidden size; and the weights are drawn as they are without."""
    matched = small(build, hidden_size=40, match_parameters=True)
    plain = small(build, hidden_size=matched.encoder.output_size)
    assert (matched.encoder.output_size == 40) == (build is not bilstm_gcn_crf)
    for name, parameter in plain.state_dict().items():
        assert torch.equal(parameter, matched.state_dict()[name])


def test_matching_is_refused_where_nothing_has_the_hidden_size():
    with pytest.raises(ValueError, match="no effect with layers=0"):
        small(bilstm_crf, layers=0, match_parameters=True)


def test_matching_leaves_other_errors_as_they_are():
    with pytest.raises(ValueError, match="residual goes around"):
        small(layers=1, interaction=None, residual=True, match_parameters=True)
    with pytest.raises(ValueError, match="odd"):
        small(hidden_size=7, match_parameters=True, interaction=SelfInteraction)


def test_a_loss_needs_tags():
    with pytest.raises(ValueError, match="batch with tags"):
        small().loss(replace(BATCH, tag_ids=None))


def test_words_start_from_their_pretrained_vectors():
    vectors = Vectors(("c", "a"), torch.tensor([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]))
    matrix = initial_vectors(VOCABULARIES, vectors, 4)
    assert matrix[[1, 3]].tolist() == [[5, 6, 7, 8], [1, 2, 3, 4]]
    assert float(matrix[[0, 2, 4]].abs().max()) <= (3 / 4) ** 0.5
    with pytest.raises(ValueError, match="word_size is 5, but the word vectors have 4"):
        initial_vectors(VOCABULARIES, vectors, 5)


@pytest.mark.parametrize(
    ("build", "changes", "uses_trees"),
    [
        (dglstm_crf, {}, True),
        (dglstm_crf, {"interaction": SelfInteraction}, True),
        (dglstm_crf, {"interaction": SelfInteraction, "head_word": False}, True),
        (dglstm_crf, {"interaction": SelfInteraction, "relation_size": 0}, True),
        (dglstm_crf, {"interaction": SelfInteraction, "relation_size": 0, "head_word": False}, False),
        (dglstm_crf, {"interaction": Addition, "relation_size": 0, "head_word": False, "residual": True}, True),
        (bilstm_crf, {}, False),
        (bilstm_crf, {"recurrent": partial(TreeLSTM, direction="both")}, True),
        (bilstm_gcn_crf, {}, True),
    ],
)
def test_it_knows_whether_trees_matter(build, changes, uses_trees):
    """Against what other heads and relations do to the emissions."""
    tagger = small(build, **changes).eval()
    assert tagger.uses_trees == uses_trees
    other = replace(
        BATCH, heads=torch.tensor([[0, 0, 0], [1, 1, 2]]), relation_ids=torch.tensor([[1, 2, 2], [2, 1, 0]])
    )
    found, changed = tagger(BATCH)[BATCH.mask], tagger(other)[BATCH.mask]
    assert torch.equal(found, changed) == (not uses_trees)


@pytest.mark.parametrize("build", [dglstm_crf, bilstm_gcn_crf])
def test_tree_dropout_spoils_the_trees_in_training_only(build):
    dropout = partial(TreeDropout, sentences=1.0, heads=0.0, relations=0.0)
    plain, spoilt = small(build), small(build, tree_dropout=dropout)
    spoilt.load_state_dict(plain.state_dict())
    no_trees = replace(BATCH, heads=torch.arange(3).repeat(2, 1), relation_ids=BATCH.mask.long())  # 1 is `root`
    assert torch.equal(spoilt(BATCH), plain(no_trees))
    assert not torch.equal(spoilt(BATCH), plain(BATCH))
    assert torch.equal(spoilt.eval()(BATCH), plain.eval()(BATCH))


def test_tree_dropout_without_trees_is_refused():
    with pytest.raises(ValueError, match="tree dropout has no effect in a model that uses no trees"):
        small(
            head_word=False,
            relation_size=0,
            interaction=SelfInteraction,
            tree_dropout=partial(TreeDropout, sentences=0.1, heads=0.1, relations=0.1),
        )

"""Two lanes: side by side, in order, and with the results of one."""

from __future__ import annotations

import threading

import pytest
import torch
from torch import nn

from ner.corpus.batch import Words
from ner.model.embedder import WORDS_TOGETHER, CharacterLSTM
from ner.model.recurrent import GRU, LSTM, RNN
from ner.model.trees import Trees
from ner.precision import PRECISIONS, computing_in
from ner.threads import has_two_lanes, in_lanes, num_threads, run_recurrences, share_threads

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def as_before():
    threads, of_torch = num_threads(), torch.get_num_threads()
    yield
    share_threads(threads)
    torch.set_num_threads(of_torch)


@pytest.mark.parametrize(("threads", "each", "two"), [(1, 1, False), (2, 1, True), (3, 1, True), (4, 2, True)])
def test_threads_are_shared_by_the_lanes(threads, each, two):
    share_threads(threads)
    assert (num_threads(), torch.get_num_threads()) == (threads, each)
    assert has_two_lanes(CPU) is two
    assert not has_two_lanes(torch.device("cuda"))


def test_nobody_says_how_many_threads(monkeypatch):
    monkeypatch.setattr("ner.threads.THREADS_OF_TORCH", 3)
    share_threads(1)
    share_threads(None)
    assert num_threads() == 3


@pytest.mark.parametrize("threads", [0, -1])
def test_threads_are_a_positive_number(threads):
    with pytest.raises(ValueError, match="threads must be at least 1"):
        share_threads(threads)


def test_items_are_taken_side_by_side_and_come_back_in_order():
    share_threads(2)
    both_here = threading.Barrier(2, timeout=30)

    def square(number):
        if number < 2:
            both_here.wait()  # breaks where one lane alone takes the first two
        return number**2, threading.get_ident(), torch.get_num_threads()

    found = in_lanes(square, range(9), device=CPU)
    assert [value for value, _, _ in found] == [number**2 for number in range(9)]
    assert len({thread for _, thread, _ in found}) == 2
    assert {threads for *_, threads in found} == {1}


def test_autocast_is_the_same_in_both():
    share_threads(2)
    both_here = threading.Barrier(2, timeout=30)

    def state(_):
        both_here.wait()
        return torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")

    with computing_in("bfloat16", CPU):
        assert in_lanes(state, range(2), device=CPU) == [(True, torch.bfloat16)] * 2
    assert {enabled for enabled, _ in in_lanes(state, range(2), device=CPU)} == {False}


def test_there_is_one_lane_inside_of_a_lane_and_with_one_thread():
    def thread_of_each(_):
        return in_lanes(lambda _: threading.get_ident(), range(3), device=CPU)

    share_threads(2)
    assert all(len(set(threads)) == 1 for threads in in_lanes(thread_of_each, range(4), device=CPU))
    share_threads(1)
    assert set(thread_of_each(None)) == {threading.get_ident()}


@pytest.mark.parametrize("wrong", [0, 1, 5])
def test_what_goes_wrong_in_a_lane_is_raised_and_the_lanes_go_on(wrong):
    share_threads(2)

    def fail(number):
        if number == wrong:
            raise KeyError(number)

    with pytest.raises(KeyError, match=str(wrong)):
        in_lanes(fail, range(6), device=CPU)
    assert in_lanes(str, range(3), device=CPU) == ["0", "1", "2"]


@pytest.mark.parametrize("layer", [RNN, LSTM, GRU])
@pytest.mark.parametrize("needs_gradient", [True, False])
@pytest.mark.parametrize("precision", PRECISIONS)
def test_states_and_gradients_are_those_of_one_lane_to_the_last_bit(layer, needs_gradient, precision):
    torch.manual_seed(0)
    recurrent = layer(5, 8)
    heads = torch.arange(6).repeat(3, 1)
    trees = Trees(mask=heads < torch.tensor([6, 1, 4])[:, None], heads=heads, relation_ids=heads)
    found = []
    for threads in (1, 2):
        share_threads(threads)
        features = torch.randn(3, 6, 5, generator=torch.Generator().manual_seed(1), requires_grad=needs_gradient)
        with computing_in(precision, CPU):
            states = recurrent(features, trees)
        assert states.dtype == {"float32": torch.float32, "bfloat16": torch.bfloat16}[precision]
        leaves = [*recurrent.parameters(), *([features] if needs_gradient else [])]
        found.append([states.detach(), *torch.autograd.grad(states.float().square().sum(), leaves)])
    for one, two in zip(*found, strict=True):
        assert torch.equal(one, two)


def test_a_graph_that_is_retained_is_gone_through_again():
    share_threads(2)
    lstms = [nn.LSTM(3, 4, batch_first=True) for _ in range(2)]
    inputs = [torch.randn(2, 5, 3, requires_grad=True) for _ in lstms]
    loss = sum(states.square().sum() for states in run_recurrences(lstms, inputs))
    leaves = [*inputs, *(parameter for lstm in lstms for parameter in lstm.parameters())]
    once = torch.autograd.grad(loss, leaves, retain_graph=True)
    for one, other in zip(once, torch.autograd.grad(loss, leaves), strict=True):
        assert torch.equal(one, other)
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        torch.autograd.grad(loss, leaves)


def test_the_gradient_of_a_recurrence_that_runs_in_both_lanes_is_their_sum():
    share_threads(2)
    torch.manual_seed(0)
    lstm = nn.LSTM(3, 4, batch_first=True).double()
    inputs = [torch.randn(2, length, 3, dtype=torch.float64, requires_grad=True) for length in (4, 5, 6)]
    states = run_recurrences([lstm] * 3, inputs)
    expected = [lstm(features)[0] for features in inputs]
    leaves = [*inputs, *lstm.parameters()]
    mine, theirs = (torch.autograd.grad(sum(own.square().sum() for own in run), leaves) for run in (states, expected))
    for one, other in zip([*states, *mine], [*expected, *theirs], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("groups", [2, 4, 7])
def test_spellings_and_their_gradients_are_those_of_one_lane_to_the_last_bit(groups):
    """More words than are computed together, whose gradients are summed over the groups."""
    torch.manual_seed(0)
    characters = CharacterLSTM(20, embedding_size=6, hidden_size=7, dropout=0.5)
    num_words = (groups - 1) * WORDS_TOGETHER + 1
    ids = torch.randint(1, 20, (num_words, 9)) * (torch.arange(9) < torch.randint(1, 10, (num_words, 1)))
    weights = torch.randn(num_words, 7)
    words = Words(torch.zeros(num_words, dtype=torch.long), ids)
    found = []
    for threads in (1, 2):
        share_threads(threads)
        torch.manual_seed(1)  # dropout draws in one thread, in one order
        features = characters(words)
        loss = (weights * features.square()).sum()
        found.append([features, *torch.autograd.grad(loss, [*characters.parameters()])])
    for one, two in zip(*found, strict=True):
        assert torch.equal(one, two)

import threading
import time
from itertools import chain

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ner.corpus.batch import Batch, Words
from ner.corpus.sampler import BATCHES, FixedBatches, LengthBuckets, decoding_batches, prefetch, training_batches

CPU = torch.device("cpu")
LENGTHS = st.lists(st.integers(1, 30), min_size=1, max_size=60).map(torch.tensor)


def epoch(buckets, number):
    return [batch.tolist() for batch in buckets.epoch(number)]


@pytest.mark.parametrize("kind", BATCHES)
@given(lengths=LENGTHS, batch_size=st.integers(1, 9), pool=st.integers(1, 5), number=st.integers(0, 3))
def test_an_epoch_holds_each_sentence_once_in_full_batches(kind, lengths, batch_size, pool, number):
    buckets = training_batches(kind, lengths, batch_size, pool=pool, seed=1)
    batches = epoch(buckets, number)
    assert sorted(chain(*batches)) == list(range(len(lengths)))
    assert len(batches) == len(buckets)
    assert sorted(map(len, batches), reverse=True)[:-1] == [batch_size] * (len(batches) - 1)


@pytest.mark.parametrize("sampler", BATCHES.values())
def test_an_epoch_depends_on_seed_and_number_only(sampler):
    lengths = torch.arange(1, 200)
    first, second = (sampler(lengths, 8, pool=4, seed=7) for _ in range(2))
    epoch(first, 0)
    assert epoch(first, 3) == epoch(second, 3)
    assert epoch(first, 3) != epoch(first, 4)
    assert epoch(first, 3) != epoch(sampler(lengths, 8, pool=4, seed=8), 3)


def test_batches_are_composed_anew_in_each_epoch():
    buckets = LengthBuckets(torch.ones(100, dtype=torch.long), 10, pool=10, seed=1)
    assert not set(map(frozenset, epoch(buckets, 0))) & set(map(frozenset, epoch(buckets, 1)))


@pytest.mark.parametrize("pool", [1, 3])
def test_fixed_batches_are_those_of_one_draw_in_another_order_in_each_epoch(pool):
    lengths = torch.arange(1, 100)
    buckets = FixedBatches(lengths, 10, pool=pool, seed=1)
    first, second = epoch(buckets, 1), epoch(buckets, 2)
    assert first != second
    assert sorted(first) == sorted(second)
    assert sorted(first) != sorted(epoch(FixedBatches(lengths, 10, pool=pool, seed=2), 1))
    spans = [int(lengths[batch].max() - lengths[batch].min()) for batch in buckets.epoch(1)]
    assert (min(spans) < 40) == (pool == 3)  # sorted by length within a pool, of all lengths without


def test_an_unknown_kind_of_batches_is_refused():
    with pytest.raises(ValueError, match=r"unknown training.batches 'new': choose one of drawn, fixed"):
        training_batches("new", torch.tensor([1]), 1, pool=1, seed=0)


def test_a_pool_of_all_batches_needs_the_least_padding_and_a_pool_of_one_is_random():
    lengths = torch.randint(1, 60, (640,), generator=torch.Generator().manual_seed(0))

    def padded(pool):
        batches = LengthBuckets(lengths, 16, pool=pool, seed=1).epoch(0)
        return sum(int(lengths[batch].max()) * len(batch) for batch in batches)

    fewest = sum(int(part.max()) * len(part) for part in lengths.sort().values.split(16))
    assert padded(40) == fewest
    assert fewest < padded(5) < padded(1)


def test_lengths_do_not_decide_the_order_of_batches():
    lengths = torch.arange(1, 641)
    means = [float(lengths[batch].float().mean()) for batch in LengthBuckets(lengths, 16, pool=40, seed=1).epoch(0)]
    assert means not in (sorted(means), sorted(means, reverse=True))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size must be at least 1, found 0"),
        ({"pool": 0}, "pool must be at least 1, found 0"),
        ({"seed": -1}, "negative, found -1"),
        ({"lengths": torch.tensor([], dtype=torch.long)}, "no sentence"),
    ],
)
def test_impossible_options_are_refused(options, message):
    options = {"lengths": torch.tensor([1, 2]), "batch_size": 2, "pool": 2, "seed": 1} | options
    with pytest.raises(ValueError, match=message):
        LengthBuckets(options.pop("lengths"), options.pop("batch_size"), **options)


@given(LENGTHS, st.integers(1, 100))
def test_decoding_keeps_to_the_budget(lengths, max_tokens):
    batches = decoding_batches(lengths, max_tokens=max_tokens)
    assert torch.cat(batches).sort().values.tolist() == list(range(len(lengths)))
    longest = [int(lengths[batch].max()) for batch in batches]
    assert longest == sorted(longest, reverse=True)
    for batch, length in zip(batches, longest, strict=True):
        assert len(batch) * length <= max_tokens or len(batch) == 1
    for batch, length in zip(batches[:-1], longest[:-1], strict=True):
        assert (len(batch) + 1) * length > max_tokens


def test_decoding_needs_a_budget():
    with pytest.raises(ValueError, match="at least 1, found 0"):
        decoding_batches(torch.tensor([1]), max_tokens=0)


def numbered(number):
    ids = torch.tensor([[number]])
    words = Words(word_ids=ids[0], character_ids=ids)
    return Batch(words=words, mask=ids == ids, word_rows=ids * 0, heads=ids * 0, relation_ids=ids)


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "prefetch"]


def test_prefetch_keeps_the_order():
    numbers = [int(batch.relation_ids) for batch in prefetch(map(numbered, range(20)), CPU)]
    assert numbers == list(range(20))
    assert not threads()


def test_prefetch_works_ahead_but_not_without_end():
    made = []

    def batches():
        for number in range(100):
            made.append(number)
            yield numbered(number)

    ready = prefetch(batches(), CPU, ahead=3)
    next(ready)
    deadline = time.monotonic() + 5
    while len(made) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    assert len(made) == 5  # one in use, three ready, one waiting for its place
    ready.close()
    assert not threads()


def test_prefetch_passes_errors_on_where_they_belong():
    def batches():
        yield numbered(0)
        raise ValueError("line 7")

    ready = prefetch(batches(), CPU)
    next(ready)
    with pytest.raises(ValueError, match="line 7"):
        next(ready)
    assert not threads()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_prefetch_to_cuda():
    device = torch.device("cuda")
    for number, batch in enumerate(prefetch(map(numbered, range(50)), device)):
        assert batch.mask.is_cuda
        assert int(batch.relation_ids) == number

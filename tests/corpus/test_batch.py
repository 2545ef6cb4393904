from dataclasses import fields

import torch

from ner.corpus.batch import Batch, Words


def a_batch(**options):
    return Batch(
        words=Words(word_ids=torch.tensor([4, 5]), character_ids=torch.tensor([[1, 2], [3, 0]])),
        mask=torch.tensor([[True, True], [True, False]]),
        word_rows=torch.tensor([[0, 1], [1, 0]]),
        heads=torch.tensor([[0, 0], [0, 1]]),
        relation_ids=torch.tensor([[1, 2], [1, 0]]),
        **options,
    )


def test_lengths():
    batch = a_batch()
    assert (len(batch), len(batch.words), batch.num_tokens) == (2, 2, 3)


def every_tensor(record):
    for field in fields(record):
        value = getattr(record, field.name)
        if isinstance(value, Words):
            yield from every_tensor(value)
        elif value is not None:
            yield value


def test_moving_moves_every_tensor():
    batch = a_batch(tag_ids=torch.tensor([[0, 1], [2, 0]]))
    assert len(list(every_tensor(batch))) == 7
    assert all(tensor.is_meta for tensor in every_tensor(batch.to(torch.device("meta"))))


def test_pinning_pins_every_tensor(monkeypatch):
    """Shown without a device to pin for: each tensor is asked."""
    pinned = []
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: pinned.append(tensor) or tensor.clone())
    batch = a_batch()
    batch.pin_memory()
    assert {id(tensor) for tensor in pinned} == {id(tensor) for tensor in every_tensor(batch)}


def test_tags_may_be_unknown():
    assert a_batch().to(torch.device("cpu")).tag_ids is None


def test_selected_words_are_padded_to_the_longest_of_them():
    words = a_batch().words
    chosen = words.select(torch.tensor([1, 1]))
    assert chosen.word_ids.tolist() == [5, 5]
    assert chosen.character_ids.tolist() == [[3], [3]]
    assert words.select(torch.tensor([1, 0])).character_ids.tolist() == [[3, 0], [1, 2]]

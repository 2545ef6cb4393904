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


def test_moving_moves_every_tensor():
    batch = a_batch(tag_ids=torch.tensor([[0, 1], [2, 0]])).to(torch.device("meta"))
    tensors = (batch.words.word_ids, batch.words.character_ids, batch.mask, batch.word_rows, batch.heads)
    assert all(tensor.is_meta for tensor in (*tensors, batch.relation_ids, batch.tag_ids))


def test_tags_may_be_unknown():
    assert a_batch().to(torch.device("cpu")).tag_ids is None

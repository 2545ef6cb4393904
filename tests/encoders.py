"""Tiny random encoders with tokenizers of each family, saved as those of Hugging Face are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

SIZES = {
    "hidden_size": 8,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 12,
    "hidden_dropout_prob": 0.1,
}
LONGEST = 40


def save_encoder(folder: Path, kind: str, texts: Sequence[str]) -> None:
    """Train a tokenizer of a kind on some texts, and save it with an encoder of random weights."""
    from transformers import BertConfig, BertModel, DebertaV2Config, DebertaV2Model, RobertaConfig, RobertaModel

    tokenizer, specials = {"wordpiece": wordpiece, "bpe": bpe, "unigram": unigram}[kind](texts)
    options: dict[str, Any] = {
        **SIZES,
        "vocab_size": tokenizer.get_vocab_size(),
        "pad_token_id": tokenizer.token_to_id(specials[0]),
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = {
            "wordpiece": lambda: BertModel(BertConfig(max_position_embeddings=LONGEST, **options)),
            "bpe": lambda: RobertaModel(
                RobertaConfig(max_position_embeddings=LONGEST + options["pad_token_id"] + 1, **options)
            ),
            "unigram": lambda: DebertaV2Model(
                DebertaV2Config(
                    max_position_embeddings=LONGEST, relative_attention=True, pos_att_type=["p2c", "c2p"], **options
                )
            ),
        }[kind]()
        for parameter in model.parameters():  # as far apart as trained ones are
            parameter.data.normal_(0, 0.3)
    model.save_pretrained(folder)
    tokenizer.enable_padding(length=16)  # as published ones have it now and then
    tokenizer.enable_truncation(12)
    tokenizer.save(str(folder / "tokenizer.json"))


def wordpiece(texts: Sequence[str]) -> tuple[Any, list[str]]:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=60, special_tokens=specials, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    return _around(tokenizer, "[CLS]", "[SEP]"), specials


def bpe(texts: Sequence[str]) -> tuple[Any, list[str]]:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    specials = ["<pad>", "<s>", "</s>"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=specials,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return _around(tokenizer, "<s>", "</s>"), specials


def unigram(texts: Sequence[str]) -> tuple[Any, list[str]]:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    specials = ["<pad>", "<unk>", "[CLS]", "[SEP]"]
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace("\ufeff", "")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=70, special_tokens=specials, unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    return _around(tokenizer, "[CLS]", "[SEP]"), specials


def _around(tokenizer: Any, first: str, last: str) -> Any:
    from tokenizers.processors import TemplateProcessing

    ids = [(name, tokenizer.token_to_id(name)) for name in (first, last)]
    tokenizer.post_processor = TemplateProcessing(single=f"{first} $A {last}", special_tokens=ids)
    return tokenizer

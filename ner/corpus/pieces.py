"""Words as the pieces that a pretrained encoder reads, and sentences as windows of pieces."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ner.corpus.batch import Pieces
from ner.corpus.escapes import text_form
from ner.corpus.files import replacing, write_json
from ner.shapes import Bool, Int

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Array = NDArray[np.int64]
POOLINGS = ("first", "mean", "last")
TOKENIZER, SETTINGS = "tokenizer.json", "pieces.json"
_BEFORE = "a"  # each word is cut as it stands in running text: after another, and a blank


@dataclass(frozen=True, eq=False, kw_only=True)
class Cutter:
    """Cuts words into pieces with an encoder's own tokenizer, and sentences into windows that it can take.

    `prefix`, `suffix` and `padding` are ids of pieces: what the encoder expects around a text, and what fills up.
    A sentence of more than `window` pieces, prefix and suffix among them, is cut into windows that share `stride`
    pieces. A shorter one has up to `context` pieces of its document before it and as many after it.
    `pooling` says which pieces stand for a word: the `first`, the `last`, or all (`mean`).

    The tokenizer's own padding and truncation are turned off, and what looks like one of its special pieces in a text
    is text.

    Raises:
        ValueError: for an unknown pooling, a negative number, and a stride that leaves a window nothing of its own.
    """

    tokenizer: Tokenizer
    prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    padding: int
    window: int
    stride: int
    context: int
    pooling: str

    def __post_init__(self) -> None:
        if self.pooling not in POOLINGS:
            raise ValueError(f"unknown pooling {self.pooling!r}: choose one of {', '.join(POOLINGS)}")
        if self.context < 0:
            raise ValueError(f"context is {self.context}: it must be 0 or more pieces")
        if not 0 <= self.stride < self.room:
            raise ValueError(
                f"stride is {self.stride}: it must be 0 or more, and less than the {self.room} pieces of text in a "
                f"window of {self.window}"
            )
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()
        self.tokenizer.encode_special_tokens = True

    @property
    def room(self) -> int:
        """The pieces of text that a window holds."""
        return self.window - len(self.prefix) - len(self.suffix)

    @classmethod
    def of(
        cls,
        tokenizer: Tokenizer,
        *,
        padding: int,
        window: int,
        stride: int,
        context: int = 0,
        pooling: str = "first",
    ) -> Cutter:
        """A cutter with the prefix and suffix that the tokenizer puts around a text."""
        tokenizer.no_padding()
        tokenizer.no_truncation()
        plain = tokenizer.encode(_BEFORE, add_special_tokens=False).ids
        whole = tokenizer.encode(_BEFORE, add_special_tokens=True).ids
        start = next((i for i in range(len(whole)) if whole[i : i + len(plain)] == plain), 0)
        return cls(
            tokenizer=tokenizer,
            prefix=tuple(whole[:start]),
            suffix=tuple(whole[start + len(plain) :]),
            padding=padding,
            window=window,
            stride=stride,
            context=context,
            pooling=pooling,
        )

    def save(self, folder: Path) -> None:
        """Write what `load` reads."""
        with replacing(folder / TOKENIZER) as file:
            file.write(self.tokenizer.to_str().encode())
        write_json(folder / SETTINGS, self.settings())

    @classmethod
    def load(cls, folder: Path) -> Cutter:
        """Read what `save` wrote.

        Raises:
            ValueError: naming the file that is missing or holds anything else.
        """
        try:
            settings: dict[str, Any] = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
            settings |= {name: tuple(settings[name]) for name in ("prefix", "suffix")}
            return cls(tokenizer=read_tokenizer(folder / TOKENIZER), **settings)
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{folder}: not the tokenizer of a run ({error})") from error

    def settings(self) -> dict[str, Any]:
        """All but the tokenizer, as JSON holds it."""
        return {
            "prefix": self.prefix,
            "suffix": self.suffix,
            "padding": self.padding,
            "window": self.window,
            "stride": self.stride,
            "context": self.context,
            "pooling": self.pooling,
        }

    def cut(self, words: Iterable[str]) -> list[list[int]]:
        """The ids of the pieces of each word as it is written in text; none where the tokenizer drops all of it.

        Raises:
            ValueError: for a tokenizer that puts two words into one piece.
        """
        texts = [f"{_BEFORE} {text_form(word)}" for word in words]
        special = {*self.prefix, *self.suffix, self.padding}  # a vocabulary may have them among its pieces of text
        cut = []
        for text, encoded in zip(texts, self.tokenizer.encode_batch(texts, add_special_tokens=False), strict=True):
            own = [piece for piece, (_, end) in zip(encoded.ids, encoded.offsets, strict=True) if end > len(_BEFORE)]
            if len(own) == len(encoded.ids):
                raise ValueError(f"the tokenizer joins the words of {text!r} in one piece: choose another encoder")
            cut.append([piece for piece in own if piece not in special])
        return cut

    def cut_split(
        self,
        words: Sequence[str],
        word_rows: Int[Tensor, " token"],
        offsets: Int[Tensor, " offset"],
        documents: Sequence[object | None],
    ) -> SplitPieces:
        """Cut all sentences of a split.

        Args:
            words: the distinct words.
            word_rows: the word of each token.
            offsets: where sentences begin among the tokens, and where the last ends.
            documents: that of each sentence; None for a sentence that stands alone.
        """
        cut = self.cut(words)
        lengths = np.array([len(pieces) for pieces in cut], dtype=np.int64)
        ends_of_words = np.cumsum(lengths)
        flat = np.fromiter((piece for pieces in cut for piece in pieces), dtype=np.int64, count=int(lengths.sum()))
        rows = word_rows.numpy()
        ends = np.concatenate([[0], np.cumsum(lengths[rows])])
        within = np.arange(ends[-1]) - np.repeat(ends[:-1], lengths[rows])
        pieces = flat[np.repeat((ends_of_words - lengths)[rows], lengths[rows]) + within]
        bounds = ends[offsets.numpy()]
        spans = []
        for _, group in groupby(range(len(documents)), lambda i: i if documents[i] is None else documents[i]):
            sentences = list(group)
            spans += [(bounds[sentences[0]], bounds[sentences[-1] + 1])] * len(sentences)
        return SplitPieces(
            cutter=self,
            pieces=pieces,
            ends=ends,
            tokens=offsets.numpy(),
            documents=np.array(spans),
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class SplitPieces:
    """The pieces of all tokens of a split, one after the other.

    Token t owns the pieces from `ends[t]` to `ends[t + 1]`, sentence s the tokens from `tokens[s]` to `tokens[s + 1]`;
    its document spans the pieces from `documents[s, 0]` to `documents[s, 1]`.
    """

    cutter: Cutter
    pieces: Array
    ends: Array
    tokens: Array
    documents: Array

    @property
    def has_neighbours(self) -> bool:
        """Whether any sentence stands in a document with others."""
        bounds = self.ends[self.tokens]
        return bool((self.documents != np.stack([bounds[:-1], bounds[1:]], 1)).any())

    def batch(self, sentences: Sequence[int] | Int[Tensor, " batch"], mask: Bool[Tensor, "batch token"]) -> Pieces:
        """The windows of some sentences, which `mask` pads to the longest."""
        windows: list[Array] = []
        rows: list[Array] = []
        columns: list[Array] = []
        owners: list[Array] = []
        cutter = self.cutter
        for place, sentence in enumerate(torch.as_tensor(sentences).tolist()):
            own, tokens = self._standing(sentence)
            starts, end = self._windows(sentence)
            stops = np.minimum(starts + cutter.room, end)
            # Of the windows that hold a piece, the one with the most on its nearer side.
            best = np.minimum(own - starts[:, None], stops[:, None] - 1 - own).argmax(0)
            rows.append(len(windows) + best)
            columns.append(len(cutter.prefix) + own - starts[best])
            owners.append(place * mask.shape[1] + tokens)
            windows += [self.pieces[start:stop] for start, stop in zip(starts, stops, strict=True)]
        width = len(cutter.prefix) + max(map(len, windows)) + len(cutter.suffix)
        ids = np.full((len(windows), width), cutter.padding, dtype=np.int64)
        is_real = np.zeros(ids.shape, dtype=bool)
        for row, window in enumerate(windows):
            whole = np.concatenate([cutter.prefix, window, cutter.suffix])
            ids[row, : len(whole)] = whole
            is_real[row, : len(whole)] = True
        return Pieces(
            piece_ids=torch.from_numpy(ids),
            mask=torch.from_numpy(is_real),
            positions=torch.from_numpy(np.concatenate(rows) * width + np.concatenate(columns)),
            owners=torch.from_numpy(np.concatenate(owners)),
        )

    def _standing(self, sentence: int) -> tuple[Array, Array]:
        """Which of a sentence's pieces stand for a word, by their places in `pieces`, and the position of that word."""
        first, last = self.tokens[sentence : sentence + 2]
        begins, ends = self.ends[first:last], self.ends[first + 1 : last + 1]
        if self.cutter.pooling == "mean":
            return np.arange(begins[0], ends[-1]), np.repeat(np.arange(last - first), ends - begins)
        (words,) = np.nonzero(ends > begins)
        return begins[words] if self.cutter.pooling == "first" else ends[words] - 1, words

    def _windows(self, sentence: int) -> tuple[Array, int]:
        """Where the windows of a sentence begin in `pieces`, and where the last of them ends."""
        begin, end = (int(self.ends[token]) for token in self.tokens[sentence : sentence + 2])
        room = self.cutter.room
        if end - begin > room:
            starts = np.arange(begin, end - room + room - self.cutter.stride, room - self.cutter.stride)
            return np.minimum(starts, end - room), end
        context = min(self.cutter.context, (room - (end - begin)) // 2)
        document_begin, document_end = (int(bound) for bound in self.documents[sentence])
        return np.array([max(document_begin, begin - context)]), min(document_end, end + context)


def read_tokenizer(path: Path) -> Tokenizer:
    """Read a `tokenizer.json`, which is data: nothing of it is executed.

    Raises:
        ValueError: naming the file, where it holds anything else, and where the package `tokenizers` is missing.
    """
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise ValueError(MISSING) from error
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare exceptions
        raise ValueError(f"{path}: not a tokenizer ({error})") from error


MISSING = (
    "contextual vectors need the packages transformers, tokenizers and safetensors: "
    "pip install 'dependency-guided-ner[contextual]'"
)

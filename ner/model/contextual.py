"""Contextual vectors: what a pretrained transformer makes of a word in its sentence, in the place of ELMo.

Jie & Lu (2019) put ELMo's vector of a word (not of its head) into the word's input.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from ner.corpus.batch import Batch, Pieces
from ner.corpus.pieces import MISSING, Cutter, read_tokenizer
from ner.corpus.pretrained import EncoderFiles, Pretrained, find, read_configuration
from ner.model.dropout import Dropout
from ner.model.parts import TokenPart
from ner.shapes import Float

LAYERS = ("last", "mean", "mix")
DEFAULT_WINDOW = 512
_LONGEST = 1_000_000  # tokenizers without a limit give a huge one
_UNTRUSTED = ("attn_implementation", "experts_implementation", "auto_map")  # may name code to fetch and execute


@dataclass(frozen=True, kw_only=True)
class Transformer:
    """Which encoder, how sentences are cut for it, and what is made of its layers.

    Args:
        name, revision: see `ner.corpus.pretrained.find`.
        layers: the `last` hidden layer; the `mean` of the last `num_layers`; or `mix`, gamma * sum_l softmax(w)_l h_l
            over them with learned w and gamma (Peters et al., 2018).
        num_layers: of `mean` and `mix`; None for all of them, the embeddings among them.
        finetune: whether the encoder is trained too.
        dropout: on the vectors, before that of the whole input.
        window, stride, context, pooling: see `ner.corpus.pieces.Cutter`; a `window` of None is the longest that the
            encoder takes.
        gradient_checkpointing: whether an encoder in training computes its layers again for the backward pass instead
            of keeping them.

    Raises:
        ValueError: for an unknown choice, and for an option that cannot take effect.
    """

    name: str
    revision: str | None
    layers: str
    num_layers: int | None
    pooling: str
    finetune: bool
    dropout: float
    window: int | None
    stride: int
    context: int
    gradient_checkpointing: bool

    def __post_init__(self) -> None:
        if self.layers not in LAYERS:
            raise ValueError(f"unknown layers {self.layers!r}: choose one of {', '.join(LAYERS)}")
        if self.layers == "last" and self.num_layers is not None:
            raise ValueError("num_layers has no effect with layers=last: set it to null")
        if self.num_layers is not None and self.num_layers < 1:
            raise ValueError(f"num_layers is {self.num_layers}: it must be 1 or more")
        if self.gradient_checkpointing and not self.finetune:
            raise ValueError("gradient_checkpointing has no effect on a frozen encoder: set finetune=true too")

    def find(self) -> Pretrained:
        """The encoder's files; see `ner.corpus.pretrained.find`."""
        return find(self.name, self.revision)

    def cutter(self, folder: Path) -> Cutter:
        """What cuts sentences for the encoder in a folder.

        Raises:
            ValueError: where the folder has no fast tokenizer, and for a window that is longer than the encoder takes.
        """
        with torch.device("meta"):
            encoder = build_encoder(folder)
        limit = longest_window(encoder, folder)
        if self.window is not None and limit is not None and self.window > limit:
            raise ValueError(f"window is {self.window}, but {self.name} takes {limit} pieces at most")
        return Cutter.of(
            _tokenizer(folder),
            padding=_padding(encoder.config),
            window=self.window or limit or DEFAULT_WINDOW,
            stride=self.stride,
            context=self.context,
            pooling=self.pooling,
        )

    def part(self, files: EncoderFiles) -> Contextual:
        """The part of a token's features.

        Raises:
            ValueError: for more layers than the encoder has.
        """
        with torch.device("meta"):
            shape = build_encoder(files.folder)
        num_hidden = shape.config.num_hidden_layers + 1
        num_layers = 1 if self.layers == "last" else self.num_layers or num_hidden
        if num_layers > num_hidden:
            raise ValueError(f"num_layers is {num_layers}, but {self.name} has {num_hidden}, with the embeddings")

        def load() -> Any:
            return build_encoder(files.folder, files.find_weights() if files.find_weights else None)

        options = {"num_layers": num_layers, "is_mean": self.layers == "mean"}
        layers_of = partial(LayersOf, num_layers=num_layers, is_mean=self.layers == "mean")
        encoder: LayersOf | Frozen
        if self.finetune:
            encoder = layers_of(load())
            if self.gradient_checkpointing:
                _checkpoint(encoder.encoder)
        else:
            encoder = Frozen(lambda: layers_of(load()))
        return Contextual(
            encoder,
            num_layers=num_layers if self.layers == "mix" else 1,
            size=shape.config.hidden_size,
            dropout=self.dropout,
            settings=options,
        )


class Contextual(TokenPart):
    """The vector of each word from the layers of an encoder; zeros for a word that vanished in the tokenizer.

    Layers that a batch brings are taken as they are; else the encoder makes them of the batch's pieces.

    Args:
        encoder: from pieces to (batch, token, `num_layers`, `size`).
        num_layers: more than one are mixed by learned weights.
        settings: what is said of the layers in the digest of stored ones.
    """

    def __init__(
        self,
        encoder: LayersOf | Frozen,
        *,
        num_layers: int,
        size: int,
        dropout: float,
        settings: Mapping[str, object] = MappingProxyType({}),
    ) -> None:
        super().__init__()
        self.settings = dict(settings)
        self.encoder = encoder
        self.output_size, self.num_layers = size, num_layers
        self.dropout = Dropout(dropout)
        if num_layers > 1:
            self.weights = nn.Parameter(torch.zeros(num_layers))
            self.scale = nn.Parameter(torch.ones(()))

    @property
    def is_frozen(self) -> bool:
        """Whether the layers of a sentence never change, so that they can be computed once."""
        return isinstance(self.encoder, Frozen)

    def forward(self, batch: Batch, words: Float[Tensor, "batch token word"]) -> Float[Tensor, "batch token feature"]:
        layers = self.layers(batch) if batch.layers is None else batch.layers.to(words.dtype)
        if self.num_layers > 1:
            vectors = self.scale * (layers * self.weights.softmax(0)[:, None]).sum(2)
        else:
            vectors = layers[:, :, 0]
        dropped: Tensor = self.dropout(vectors)
        return dropped

    def layers(self, batch: Batch) -> Float[Tensor, "batch token layer vector"]:
        """What the encoder makes of the batch; of a frozen one, rounded to float16 as it is stored.

        Raises:
            ValueError: for a batch without pieces.
        """
        if batch.pieces is None:
            raise ValueError("a model with contextual vectors needs batches with pieces: encode with its vocabularies")
        num_sentences, num_tokens = batch.mask.shape
        layers: Tensor = self.encoder(batch.pieces, num_sentences * num_tokens)
        return layers.view(num_sentences, num_tokens, *layers.shape[1:])


class LayersOf(nn.Module):
    """The last layers of an encoder, or their mean, for each token: the mean over the pieces that stand for it."""

    rate_group = "transformer"

    def __init__(self, encoder: nn.Module, *, num_layers: int, is_mean: bool) -> None:
        super().__init__()
        self.encoder = encoder
        self.num_layers, self.is_mean = num_layers, is_mean

    def forward(self, pieces: Pieces, num_tokens: int) -> Float[Tensor, "token layer vector"]:
        output = self.encoder(
            input_ids=pieces.piece_ids, attention_mask=pieces.mask.long(), output_hidden_states=True, return_dict=True
        )
        hidden: Tensor = torch.stack(output.hidden_states[-self.num_layers :], 2)
        if self.is_mean:
            hidden = hidden.mean(2, keepdim=True)
        standing = hidden.flatten(0, 1)[pieces.positions]
        counts = standing.new_zeros(num_tokens).index_add_(0, pieces.owners, standing.new_ones(len(pieces.owners)))
        sums: Tensor = standing.new_zeros(num_tokens, *standing.shape[1:]).index_add_(0, pieces.owners, standing)
        return sums / counts.clamp(min=1)[:, None, None]


class Frozen(nn.Module):
    """An encoder that is not trained: no part of the weights of a model, and loaded when it is first needed."""

    def __init__(self, load: Callable[[], LayersOf]) -> None:
        super().__init__()
        self._load = load
        self._loaded: list[LayersOf] = []  # in a list, so that it is no submodule
        self._lock = Lock()

    def forward(self, pieces: Pieces, num_tokens: int) -> Float[Tensor, "token layer vector"]:
        with torch.no_grad(), torch.autocast(pieces.mask.device.type, enabled=False):
            layers: Tensor = self._encoder(pieces.mask.device)(pieces, num_tokens).half()
        if not bool(layers.isfinite().all()):
            raise ValueError("the encoder's vectors are too large for float16: choose other layers, or another encoder")
        return layers.float()

    def _encoder(self, device: torch.device) -> LayersOf:
        with self._lock:  # batches may be decoded in two threads
            if not self._loaded:
                with torch.inference_mode(False):
                    self._loaded.append(self._load().eval().requires_grad_(False).to(device))
            return self._loaded[0]

    def __deepcopy__(self, memo: dict[int, Any]) -> Frozen:
        """The same encoder, which nothing changes."""
        return self


def build_encoder(folder: Path, weights: Path | None = None) -> Any:
    """The encoder that a folder's `config.json` describes, with the weights of another folder, or with random ones.

    Nothing that comes with it is executed: the classes are those of transformers, and what a configuration says of
    code or kernels to fetch is passed over. It is without pooler, and of an encoder-decoder only the encoder. No
    random number is drawn from the generator of the process.

    Raises:
        ValueError: for a kind of encoder that transformers does not know, weights that do not fit, and where the
            package is missing.
    """
    try:
        from transformers import AutoConfig, AutoModel
    except ImportError as error:
        raise ValueError(MISSING) from error
    options = _trusted(read_configuration(folder))
    kind = options.pop("model_type")
    try:
        config = AutoConfig.for_model(kind, **options)
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(f"{folder}: transformers has no encoder of the kind {kind!r} with these options") from error
    with torch.random.fork_rng(devices=[]), _quiet():
        for attention in ("sdpa", "eager"):
            common = {"attn_implementation": attention, "dtype": torch.float32, "trust_remote_code": False}
            try:
                if weights is None:
                    model = AutoModel.from_config(config, **common)
                else:
                    model, loaded = AutoModel.from_pretrained(
                        weights,
                        config=config,
                        use_safetensors=True,
                        local_files_only=True,
                        output_loading_info=True,
                        **common,
                    )
                    _check_loaded(weights, loaded)
                break
            except (ValueError, OSError, RuntimeError) as error:
                if attention == "eager" or "attention implementation" not in str(error):
                    reason = str(error).strip().splitlines()[0]
                    raise ValueError(f"{weights or folder}: no encoder that transformers loads ({reason})") from error
    if config.is_encoder_decoder:
        model = model.get_encoder()
    if getattr(model, "pooler", None) is not None:
        model.pooler = None
    return model


def _check_loaded(weights: Path, loaded: dict[str, Any]) -> None:
    """Refuse weights that are not all there, in whose place transformers would put random ones."""
    missing = sorted(name for name in loaded["missing_keys"] if "pooler" not in name)
    if missing:
        raise ValueError(f"the weights in {weights} lack {len(missing)} of the encoder's, {missing[0]} first")


def _padding(config: Any) -> int:
    """The id of the piece that fills up: the encoder's own, or where it has none another that no text has."""
    ids = (getattr(config, f"{name}_token_id", None) for name in ("pad", "eos", "bos"))
    return next((one for one in ids if isinstance(one, int) and one >= 0), 0)


def longest_window(encoder: nn.Module, folder: Path) -> int | None:
    """How many pieces an encoder takes at a time, if it or its tokenizer has a limit."""
    limits = []
    for name, module in encoder.named_modules():
        if isinstance(module, nn.Embedding) and name.endswith(("position_embeddings", "wpe")):
            # RoBERTa counts positions from the one after that of the padding.
            limits.append(module.num_embeddings - (0 if module.padding_idx is None else module.padding_idx + 1))
    path = folder / "tokenizer_config.json"
    if path.is_file():
        limit = json.loads(path.read_text(encoding="utf-8")).get("model_max_length")
        if isinstance(limit, int | float) and limit < _LONGEST:
            limits.append(int(limit))
    return min(limits, default=None)


def _checkpoint(encoder: Any) -> None:
    """Let an encoder compute its layers anew for the backward pass, under the name that transformers has for it."""
    enable = getattr(encoder, "activation_checkpointing_enable", None) or encoder.gradient_checkpointing_enable
    enable({"use_reentrant": False})


def _tokenizer(folder: Path) -> Any:
    """The tokenizer in a folder, as a fast one."""
    if (folder / "tokenizer.json").is_file():
        return read_tokenizer(folder / "tokenizer.json")
    from transformers import AutoTokenizer

    with _quiet():
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        except Exception as error:  # of many kinds, where a file or a package for converting it is missing
            reason = str(error).strip().splitlines()[0]
            raise ValueError(f"{folder}: no tokenizer that can be loaded ({reason})") from error
    if not tokenizer.is_fast:
        raise ValueError(f"{folder}: its tokenizer is not a fast one, which is needed: it has no tokenizer.json")
    return tokenizer.backend_tokenizer


def _trusted(value: Any) -> Any:
    """A configuration without what may name code."""
    if isinstance(value, dict):
        return {name: _trusted(own) for name, own in value.items() if not any(word in name for word in _UNTRUSTED)}
    return [_trusted(own) for own in value] if isinstance(value, list) else value


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers from telling of each weight that an encoder has no use for."""
    from transformers.utils import logging

    level, had_bar = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(level)
        if had_bar:
            logging.enable_progress_bar()

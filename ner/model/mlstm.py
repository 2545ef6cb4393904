"""The mLSTM of xLSTM (Beck et al., 2024): a matrix for a memory, and no recurrence from h, so parallel over time."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ner.model.directions import head_size, join_directions, split_directions
from ner.model.recurrent import Recurrent, choose
from ner.model.trees import Trees
from ner.shapes import Float

CHUNK = 64  # tokens processed at once; few sentences have more


class MLSTM(Recurrent):
    """C = f C- + i v k^T;  n = f n- + i k;  h = o * C q / max(|n.q|, 1), in both directions

    with q = W_q x, k = W_k x / sqrt(d), v = W_v x, o = sigma(W_o x + b_o), i = exp(w_i x + b_i), and f likewise. In the
    paper, q, k and v have biases too; here they have none.

    Weights are initialised as in torch's LSTM. The bias of a logistic forget gate is initialised between 3 and 6,
    evenly over the memory heads; those of i and of an exponential forget gate to 0.

    Args:
        forget: the forget gate, `sigma` or `exp`.
        heads: memory heads of each direction, each with a matrix of its own (not heads of a tree).

    Raises:
        ValueError: for another name, or a hidden size that directions and memory heads cannot share.
    """

    def __init__(self, input_size: int, hidden_size: int, *, forget: str, heads: int) -> None:
        super().__init__()
        size = head_size(hidden_size, heads)
        self.output_size = hidden_size
        self.heads = heads
        self.log_forget = choose("forget", forget, {"sigma": nn.LogSigmoid(), "exp": nn.Identity()})
        self.weight = nn.Parameter(torch.empty(2, input_size, 4 * heads * size + 2 * heads))  # q, k, v, o, i, f
        self.output_bias = nn.Parameter(torch.empty(2, 1, 1, heads * size))
        self.input_bias = nn.Parameter(torch.zeros(2, 1, 1, heads))
        first = torch.linspace(3, 6, heads) if forget == "sigma" else torch.zeros(heads)
        self.forget_bias = nn.Parameter(first.repeat(2, 1, 1, 1))
        for parameter in (self.weight, self.output_bias):
            nn.init.uniform_(parameter, -((heads * size) ** -0.5), (heads * size) ** -0.5)

    def forward(
        self, features: Float[Tensor, "batch token input"], trees: Trees
    ) -> Float[Tensor, "batch token hidden"]:
        read = split_directions(features, trees.mask)
        products = (read.flatten(1, 2) @ self.weight).to(self.weight.dtype)
        values = torch.unflatten(products, 1, read.shape[1:3])
        width = self.output_size // 2
        *qkv, o, i, f = torch.split(values, [width] * 4 + [self.heads] * 2, -1)
        q, k, v = (torch.unflatten(part, 3, (self.heads, -1)).permute(0, 2, 3, 1, 4) for part in qkv)
        log_i = (i + self.input_bias).permute(0, 2, 3, 1)
        log_f = self.log_forget(f + self.forget_bias).permute(0, 2, 3, 1)
        with torch.autocast(features.device.type, enabled=False):  # sums of exponentials
            cells = matrix_memory(q, k * k.shape[-1] ** -0.5, v, log_i, log_f)
        hidden = torch.sigmoid(o + self.output_bias) * cells.permute(0, 3, 1, 2, 4).flatten(3)
        return join_directions(hidden, trees.mask)


def matrix_memory(
    q: Float[Tensor, "*memory token key"],
    k: Float[Tensor, "*memory token key"],
    v: Float[Tensor, "*memory token value"],
    log_i: Float[Tensor, "*memory token"],
    log_f: Float[Tensor, "*memory token"],
    *,
    chunk: int = CHUNK,
) -> Float[Tensor, "*memory token value"]:
    """C q / max(|n.q|, 1) of every token: the tokens of a chunk all at once, and C and n carried between chunks.

    Time and memory are therefore linear in the length of the sentence. v is extended by a 1, so that n is the last
    column of C. All weights are scaled by exp(-m), where m_t is the largest logarithm of the weight that t gives to
    any token; the result does not depend on m, which has no gradient.
    """
    v = torch.cat([v, torch.ones_like(v[..., :1])], -1)
    memory = torch.zeros_like(k[..., :1, :].transpose(-1, -2) * v[..., :1, :])
    m = torch.full_like(log_i[..., :1], -torch.inf)
    parts = (
        *(torch.split(part, chunk, -2) for part in (q, k, v)),
        *(torch.split(part, chunk, -1) for part in (log_i, log_f)),
    )
    outputs = []
    for q_chunk, k_chunk, v_chunk, log_i_chunk, log_f_chunk in zip(*parts, strict=True):
        decay = log_f_chunk.cumsum(-1)
        future = torch.ones_like(log_i_chunk[..., None, :] * decay[..., None], dtype=torch.bool).triu(1)
        within = (decay[..., None] + (log_i_chunk - decay)[..., None, :]).masked_fill(future, -torch.inf)
        before = decay + m
        peak = torch.maximum(within.detach().amax(-1), before.detach())
        weights = (q_chunk @ k_chunk.transpose(-1, -2)) * torch.exp(within - peak[..., None])
        read = weights @ v_chunk + (q_chunk @ memory) * torch.exp(before - peak)[..., None]
        norm = torch.maximum(read[..., -1].abs(), torch.exp(-peak))
        outputs.append(read[..., :-1] / norm[..., None])
        m = peak[..., -1:]
        written = k_chunk * torch.exp(within[..., -1, :] - m)[..., None]
        memory = memory * torch.exp(before[..., -1:] - m)[..., None] + written.transpose(-1, -2) @ v_chunk
    return torch.cat(outputs, -2)

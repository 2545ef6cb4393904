import math
from pathlib import Path

import pytest
import torch
from torch import nn

from ner.training.loop import Progress
from ner.training.optimizer import adam, sgd
from ner.training.weights import check_weights, progress_of, put_back

PATH = Path("best.pt")


def weights(**changes):
    return {"weight": torch.zeros(2, 3), "bias": torch.zeros(2)} | changes


def test_weights_of_the_model_are_taken_even_by_one_without_memory():
    for device in ("cpu", "meta"):
        check_weights(nn.Linear(3, 2, device=device), weights(), path=PATH)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (None, "other names"),
        ([], "other names"),
        (weights(more=torch.zeros(1)), "other names"),
        ({"weight": torch.zeros(2, 3)}, "other names"),
        (weights(bias=[0.0, 0.0]), "bias is no tensor of torch.float32"),
        (weights(bias=torch.zeros(2, dtype=torch.float64)), "bias is no tensor of torch.float32"),
        (weights(bias=torch.zeros(2).to_sparse()), "bias is no tensor of torch.float32"),
        (weights(weight=torch.zeros(1).expand(10**6, 10**6)), r"weight is \(1000000, 1000000\), .* \(2, 3\)"),
        (weights(bias=torch.tensor([0.0, math.nan])), "the weights bias are not finite: train again"),
    ],
)
def test_all_others_are_refused(state, message):
    with pytest.raises(ValueError, match=rf"best\.pt: .*{message}"):
        check_weights(nn.Linear(3, 2, device="meta"), state, path=PATH)


def test_an_optimizer_gets_its_own_state_back_and_no_other():
    model = nn.Linear(3, 2)
    model(torch.ones(1, 3)).sum().backward()
    optimizer = adam(model, learning_rate=0.1)
    optimizer.step(0.1)
    state = optimizer.state_dict()
    put_back(adam(model, learning_rate=0.1), state, path=PATH)
    broken = adam(model, learning_rate=0.1).state_dict()
    broken["parts"][0]["state"] = {0: {"step": torch.tensor(1.0), "exp_avg": torch.zeros(5, 5)}}
    fewer = sgd(nn.Linear(2, 1, bias=False), learning_rate=1.0).state_dict()
    for other in (None, {}, {"parts": []}, {"parts": [{}]}, fewer, broken):
        with pytest.raises(ValueError, match=r"best\.pt: not the state of the optimizer"):
            put_back(adam(model, learning_rate=0.1), other, path=PATH)


@pytest.mark.parametrize(
    "stored",
    [
        None,
        {"epoch": -1, "step": 1, "best_epoch": 1, "best_f1": 0.5},
        {"epoch": "1", "step": 1, "best_epoch": 1, "best_f1": 0.5},
        {"epoch": 1, "step": 1, "best_epoch": 1, "best_f1": "high"},
        {"epoch": 1, "more": 2},
    ],
)
def test_progress_is_counts_and_a_score(stored):
    good = {"epoch": 2, "step": 9, "best_epoch": 1, "best_f1": 0.5}
    assert progress_of({"progress": good}, path=PATH) == Progress(**good)
    with pytest.raises(ValueError, match=r"best\.pt: does not say how far"):
        progress_of({"progress": stored}, path=PATH)

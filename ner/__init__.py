"""Named entity recognition with a dependency-guided LSTM-CRF (Jie & Lu, EMNLP 2019)."""

__version__ = "0.1.0"

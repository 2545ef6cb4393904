"""Shape annotations where jaxtyping, a development tool, is not installed."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.slow
def test_the_package_works_without_jaxtyping():
    code = (
        "import sys; sys.modules['jaxtyping'] = None\n"
        "import torch\n"
        "from ner.shapes import Float\n"
        "from ner.model.dropout import Dropout\n"
        "assert Float[torch.Tensor, 'batch token'] is torch.Tensor\n"
        "assert Dropout(0.5).eval()(torch.ones(3)).tolist() == [1, 1, 1]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

"""Documents to write."""

from __future__ import annotations

import pytest
from tagged import document_of


@pytest.fixture(scope="session")
def documents():
    """Three documents; the second is hard on a page, and the third has no tree and no entity."""
    text = "Olga Kornell visited Raldur\non Monday."
    first = document_of(text, (0, 4, 5, 12, 13, 20, 21, 27, 28, 30, 31, 37, 38), name="a/news.txt")
    hard = document_of("</script><script>fail() <b> &amp; \U0001f600 زار", (0, 9, 23, 24, 27, 28, 33, 34, 35, 36, 39))
    return (first, hard, document_of("Hm .", (0, 2), name="<i>", tree=False))

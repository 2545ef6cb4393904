from collections import Counter

from ner.corpus.dependencies import describe


def test_only_what_there_is_is_described():
    assert describe(Counter({"sentences": 3})) == "sentences without a dependency tree: 0 of 3"
    lines = describe(Counter({"sentences": 3, "without tree": 1, "malformed": 1, "repaired": 2})).splitlines()
    assert lines == [
        "sentences without a dependency tree: 1 of 3",
        "sentences whose heads are no tree: 1",
        "sentences whose heads were no tree and were repaired: 2",
    ]

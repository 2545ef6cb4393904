"""A share of the training sentences held out for validation, where a corpus has no validation split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random

from ner.corpus.format import Outcome
from ner.corpus.sentence import Sentence

_FEWEST_DOCUMENTS = 10


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """Which documents, or where there are few, which sentences by number are held out; and that in words."""

    documents: frozenset[str]
    numbers: frozenset[int]
    description: str

    def select(self, outcomes: Iterable[Outcome], *, held_out: bool) -> Iterator[Outcome]:
        """Yield the sentences that are held out, or the others with whatever could not be read."""
        number = 0
        for outcome in outcomes:
            if isinstance(outcome, Sentence):
                is_held_out = outcome.document in self.documents or number in self.numbers
                number += 1
                if is_held_out != held_out:
                    continue
            elif held_out:
                continue
            yield outcome


def hold_out(sentences: Iterable[Sentence], *, share: float, seed: int) -> HeldOut:
    """Choose whole documents at random until they have a share of the sentences.

    Single sentences are chosen where there are few documents, or these are so unequal that they would come to less than
    half of the share; never documents that come to more than twice of it.

    Raises:
        ValueError: for a share that is not between 0 and 1, and where there are not two sentences.
    """
    if not 0 < share < 1:
        raise ValueError(f"validation_share is {share}, where a number between 0 and 1 is needed")
    sizes = Counter(sentence.document for sentence in sentences)
    total = sum(sizes.values())
    if total < 2:
        raise ValueError(f"{total} training sentences: too few to hold some out for validation; give corpus.validation")
    wanted = min(max(round(share * total), 1), total - 1)
    random = Random(seed)
    chosen: list[str] = []
    held_out = 0
    if len(sizes) >= _FEWEST_DOCUMENTS:
        documents = list(sizes)
        random.shuffle(documents)
        for document in documents[:-1]:
            if held_out >= wanted:
                break
            if held_out + sizes[document] <= 2 * wanted:
                chosen.append(document)
                held_out += sizes[document]
    if 2 * held_out < wanted:
        numbers = frozenset(random.sample(range(total), wanted))
        what = f"{wanted:,} of {total:,} sentences"
        return HeldOut(documents=frozenset(), numbers=numbers, description=_describe(what, seed))
    what = f"{len(chosen):,} of {len(sizes):,} documents ({held_out:,} of {total:,} sentences)"
    return HeldOut(documents=frozenset(chosen), numbers=frozenset(), description=_describe(what, seed))


def _describe(what: str, seed: int) -> str:
    return f"no corpus.validation: {what} of the training files are held out at random (split_seed={seed})"

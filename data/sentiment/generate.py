"""The sample corpus of sentiment towards targets: invented sentences about a restaurant, free to use and to give away.

python data/sentiment/generate.py            writes train, validation and test.xml, and their trees in ud/
python data/sentiment/generate.py --check    compares them with the files that are there
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1])]

from ner.corpus.conllx import write_conllx  # noqa: E402
from ner.corpus.semeval import SemevalFiles  # noqa: E402
from ner.corpus.sentence import DependencyTree  # noqa: E402

SIZES = {"train": 400, "validation": 100, "test": 100}
TARGETS = (
    *("soup", "bread", "salad", "waiter", "terrace", "menu", "music", "bill", "kitchen", "bar", "fish", "steak"),
    *("dessert", "coffee", "location", "owner", "staff", "wine_list", "house_wine", "lemon_tart", "table_service"),
    *("fish_soup", "beer_garden"),
)
ONLY_TESTED = ("pizza", "chef", "pasta", "patio", "lunch_menu", "apple_cake")
"""Targets of validation and test that training does not have, a fifth of the targets there."""
ADJECTIVES = {
    "positive": ("lovely", "superb", "excellent", "charming", "perfect", "wonderful", "brilliant", "splendid"),
    "negative": ("awful", "dreadful", "horrible", "terrible", "appalling", "mediocre", "poor", "shabby"),
}
LIKED = {
    "positive": ("adored", "loved", "enjoyed", "praised"),
    "negative": ("hated", "disliked", "regretted", "cursed"),
}
PLEASED = {
    "positive": ("delighted", "charmed", "impressed", "cheered"),
    "negative": ("annoyed", "disappointed", "upset", "bored"),
}
OPPOSITE = {"positive": "negative", "negative": "positive"}

CLAUSES = (
    # Each word with the number of its head, 0 for the root, and its relation. @1 and @2 are targets. ADJ, LIKED and
    # PLEASED are opinions; the one after them is about @1, ADJ2 about @2, and NOT turns @1's round.
    (4, "the>2:det @1>4:nsubj was>4:cop ADJ>0:root"),
    (3, "the>2:det @1>5:nsubj was>5:cop NOT>5:advmod ADJ>0:root"),
    (2, "they>2:nsubj serve>0:root some>5:det ADJ>5:amod @1>2:obj"),
    (2, "we>2:nsubj LIKED>0:root the>4:det @1>2:obj"),
    (2, "the>2:det @1>3:nsubj PLEASED>0:root us>3:obj"),
    (2, "we>2:nsubj asked>0:root about>5:case the>5:det @1>2:obl"),
    (2, "the>2:det @1>3:nsubj changes>0:root on>5:case Mondays>3:obl"),
    (3, "the>2:det @1>7:nsubj behind>5:case the>5:det @2>2:nmod was>7:cop ADJ>0:root"),
    (3, "the>2:det @1>7:nsubj beside>6:case the>6:det ADJ2>6:amod @2>2:nmod PLEASED>0:root us>7:obj"),
    (
        4,
        "the>2:det @1>11:nsubj ,>5:punct which>5:nsubj replaced>2:acl:relcl the>8:det ADJ2>8:amod @2>5:obj ,>5:punct "
        "was>11:cop ADJ>0:root",
    ),
    (
        3,
        "the>2:det @1>9:nsubj that>4:nsubj follows>2:acl:relcl the>7:det ADJ2>7:amod @2>4:obj was>9:cop ADJ>0:root",
    ),
)
WITHOUT = ("we>2:nsubj came>0:root on>4:case Friday>2:obl", "it>2:nsubj rained>0:root all>4:det evening>2:obl")
JOINTS = ((4, ""), (3, ", but"), (2, "and"), (1, ", while"))


@dataclass(frozen=True)
class Word:
    """`target` is the number of the target that it belongs to in its sentence, and 0 for none."""

    form: str
    head: int
    relation: str
    target: int = 0


Clause = tuple[list[Word], dict[int, str]]
"""Words with their heads from 0, -1 for the root, and the polarity of each target."""


def clause(rng: random.Random, pattern: str, nouns: Sequence[str], first: int) -> Clause:
    """Fill a pattern out; its targets are numbered from `first`."""
    polarities = {number: "neutral" for number in (1, 2) if f"@{number}" in pattern}
    filled: list[list[str]] = []
    for piece in pattern.split():
        form = piece.partition(">")[0]
        about = 2 if form == "ADJ2" else 1
        if form in ("ADJ", "ADJ2", "LIKED", "PLEASED"):
            polarity = rng.choice(list(OPPOSITE))
            choices = {"LIKED": LIKED, "PLEASED": PLEASED}.get(form, ADJECTIVES)[polarity]
            polarities[about] = OPPOSITE[polarity] if "NOT" in pattern else polarity
            filled.append([rng.choice(choices)])
        elif form.startswith("@"):
            filled.append(nouns[int(form[1]) - 1].split("_"))
        else:
            filled.append([form.lower() if form == "NOT" else form])
    ends = [sum(map(len, filled[: number + 1])) - 1 for number in range(len(filled))]
    words = []
    for piece, forms, end in zip(pattern.split(), filled, ends, strict=True):
        form, _, rest = piece.partition(">")
        head, _, relation = rest.partition(":")
        target = int(form[1]) + first - 1 if form.startswith("@") else 0
        words += [Word(part, end, "compound", target) for part in forms[:-1]]
        words.append(Word(forms[-1], ends[int(head) - 1] if int(head) else -1, relation, target))
    return words, {number + first - 1: polarity for number, polarity in polarities.items()}


def joined(first: Clause, second: Clause, joint: str) -> Clause:
    """Two clauses, the second a conjunct of the first."""
    words, polarities = list(first[0]), first[1] | second[1]
    pieces = joint.split()
    start = len(words) + len(pieces)
    root = next(place for place, word in enumerate(words) if word.head < 0)
    other = start + next(place for place, word in enumerate(second[0]) if word.head < 0)
    words += [Word(piece, other, "punct" if piece == "," else "cc") for piece in pieces]
    for word in second[0]:
        moved = replace(word, head=word.head + start) if word.head >= 0 else replace(word, head=root, relation="conj")
        words.append(moved)
    return words, polarities


def sentence(rng: random.Random, *, training: bool) -> Clause:
    """A sentence of one or two clauses."""
    nouns = rng.sample(TARGETS, 4)
    if not training and rng.random() < 0.5:
        nouns[rng.randrange(2)] = rng.choice(ONLY_TESTED)
    if rng.random() < 0.05:
        made = clause(rng, rng.choice(WITHOUT), (), 1)
    else:
        patterns = rng.choices([text for _, text in CLAUSES], [weight for weight, _ in CLAUSES], k=2)
        [joint] = rng.choices([text for _, text in JOINTS], [weight for weight, _ in JOINTS])
        made = clause(rng, patterns[0], nouns[:2], 1)
        if joint:
            made = joined(made, clause(rng, patterns[1], nouns[2:], 3), joint)
    words, polarities = made
    root = next(place for place, word in enumerate(words) if word.head < 0)
    first = words[0].form[0].upper() + words[0].form[1:]
    return [replace(words[0], form=first), *words[1:], Word(".", root, "punct")], polarities


def to_xml(sentences: Sequence[Clause], split: str) -> str:
    """The sentences as SemEval-2014 has them."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<sentences>"]
    for number, (words, polarities) in enumerate(sentences, 1):
        text, offsets = "", []
        for word in words:
            text += "" if not text or word.form in (",", ".") else " "
            offsets.append((len(text), len(text) + len(word.form)))
            text += word.form
        lines += [f'  <sentence id="{split}-{number}">', f"    <text>{escape(text)}</text>"]
        if polarities:
            lines.append("    <aspectTerms>")
            for target in sorted(polarities):
                places = [place for place, word in enumerate(words) if word.target == target]
                start, end = offsets[places[0]][0], offsets[places[-1]][1]
                term = f"term={quoteattr(text[start:end])} polarity={quoteattr(polarities[target])}"
                lines.append(f'      <aspectTerm {term} from="{start}" to="{end}"/>')
            lines.append("    </aspectTerms>")
        lines.append("  </sentence>")
    return "\n".join([*lines, "</sentences>", ""])


def write(folder: Path, seed: int) -> None:
    """Write all files of the corpus."""
    rng, seen = random.Random(seed), set[str]()
    (folder / "ud").mkdir(exist_ok=True)
    for split, size in SIZES.items():
        made: list[Clause] = []
        while len(made) < size:
            words, polarities = sentence(rng, training=split == "train")
            text = " ".join(word.form for word in words)
            if text not in seen or not polarities:
                seen.add(text)
                made.append((words, polarities))
        (folder / f"{split}.xml").write_text(to_xml(made, split), encoding="utf-8")
        trees = [tree(words) for words, polarities in made for _ in polarities]
        read = SemevalFiles().read_path(folder / f"{split}.xml")
        with_trees = (replace(one, tree=other) for one, other in zip(read, trees, strict=True))
        write_conllx(with_trees, folder / "ud" / f"{split}.conllx")


def tree(words: Sequence[Word]) -> DependencyTree:
    """The root is its own head."""
    heads = tuple(place if word.head < 0 else word.head for place, word in enumerate(words))
    return DependencyTree(heads, tuple(word.relation for word in words))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--folder", type=Path, default=HERE, help="where the files are, or go to (default: here)")
    parser.add_argument("--check", action="store_true", help="write nothing; fail where a file would differ")
    options = parser.parse_args()
    if not options.check:
        write(options.folder, options.seed)
        return
    with tempfile.TemporaryDirectory() as temporary:
        write(Path(temporary), options.seed)
        for made in sorted(Path(temporary).rglob("*.*")):
            path = options.folder / made.relative_to(temporary)
            if path.read_bytes() != made.read_bytes():
                sys.exit(f"{path} is not what the generator makes with seed {options.seed}: generate it anew")


if __name__ == "__main__":
    main()

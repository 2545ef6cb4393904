"""The sample corpus: invented text in the full CoNLL-2012 format, free to use and to give away.

python data/sample/generate.py                  writes train, validation and test.gold_conll
python data/sample/generate.py --check          compares them with the files that are there
python data/sample/generate.py --dependencies   converts the files that are there to ud/ and sd/; needs Java
"""

from __future__ import annotations

import argparse
import io
import random
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from annotation import Tree, argument_column, brackets, coreference_column, entities, is_auxiliary, mentions  # noqa: E402
from lexicon import Names, Pools, read_sections  # noqa: E402
from notation import Expander  # noqa: E402

from ner.corpus.conll2012 import read_conll2012, write_conll2012  # noqa: E402
from ner.corpus.conllx import write_conllx  # noqa: E402
from ner.corpus.sentence import Conll2012Columns, Sentence  # noqa: E402

SIZES = {"train": 1200, "validation": 200, "test": 200}
SECTIONS = {
    "nw": {"ambiguous": 6, "news": 4},
    "bn": {"ambiguous": 6, "news": 4},
    "mz": {"ambiguous": 6, "news": 4},
    "wb": {"ambiguous": 5, "web": 5},
    "bc": {"ambiguous": 5, "news": 1, "talk": 4},
    "tc": {"ambiguous": 3, "talk": 7},
}
"""How often a genre's sentences come from a section of the patterns."""
SPEAKERS = {"bc": ("Speaker#1", "Speaker#2", "Edith_Calmara"), "tc": ("A", "B")}
"""Who speaks, in the genres of talk."""


def corpus(seed: int) -> dict[str, list[Sentence]]:
    """The sentences of each split; no two in all of them are the same."""
    rng = random.Random(seed)
    rules = read_sections(HERE / "patterns.txt")
    pools = Pools(rng, seen_share=0.2)
    seen: set[tuple[str, ...]] = set()
    return {split: list(_split(rng, rules, pools, split, folder, seen)) for folder, split in enumerate(SIZES)}


def _split(
    rng: random.Random, rules: dict[str, list[str]], pools: Pools, split: str, folder: int, seen: set[tuple[str, ...]]
) -> Iterator[Sentence]:
    decks = {section: _deck(rng, rules[section]) for genre in SECTIONS.values() for section in genre}
    left = SIZES[split]
    number = 0
    while left:
        genre = list(SECTIONS)[number % len(SECTIONS)]
        number += 1
        document = f"{genre}/sample/{folder:02d}/sample_{number:04d}"
        names = Names(pools, rng, training=split == "train", return_share=0.25)
        expander = Expander(rules, names, rng)
        for part in range(2 if number % 8 == 0 else 1):
            size = min(left, rng.randrange(8, 15))
            left -= size
            trees: list[Tree] = []
            while len(trees) < size:
                [section] = rng.choices(*zip(*SECTIONS[genre].items(), strict=True))
                tree = Tree(expander.sentence(next(decks[section])))
                words = tuple(leaf.word for leaf in tree.leaves)
                if words not in seen:
                    seen.add(words)
                    trees.append(tree)
            speakers = [rng.choice(SPEAKERS.get(genre, ("-",))) for _ in trees]
            yield from _part(document, part, trees, speakers)


def _deck(rng: random.Random, patterns: list[str]) -> Iterator[str]:
    """Patterns in random order, over and over, so that each is used as often as it is listed."""
    while True:
        yield from rng.sample(patterns, len(patterns))


def _part(document: str, part: int, trees: list[Tree], speakers: list[str]) -> Iterator[Sentence]:
    """The sentences of a part: names and pronouns that occur together in it are chains of coreference."""
    counts = Counter(key for tree in trees for key, _ in mentions(tree))
    chains = {key: chain for chain, key in enumerate(key for key, count in counts.items() if count > 1)}
    for tree, speaker in zip(trees, speakers, strict=True):
        verbs = [leaf for leaf in tree.leaves if leaf.lemma]
        yield Sentence(
            words=tuple(leaf.word for leaf in tree.leaves),
            spans=entities(tree),
            pos=tuple(leaf.label for leaf in tree.leaves),
            parse=brackets(tree.root),
            document=document,
            part=part,
            columns=Conll2012Columns(
                lemmas=tuple(leaf.lemma or "-" for leaf in tree.leaves),
                framesets=tuple(
                    ("03" if leaf.lemma == "be" and is_auxiliary(tree, leaf) else "01") if leaf.lemma else "-"
                    for leaf in tree.leaves
                ),
                senses=tuple("1" if leaf.lemma and not is_auxiliary(tree, leaf) else "-" for leaf in tree.leaves),
                speakers=(speaker,) * len(tree.leaves),
                arguments=tuple(argument_column(tree, verb) for verb in verbs),
                coreference=coreference_column(
                    tree, [(chains[key], node) for key, node in mentions(tree) if key in chains]
                ),
            ),
            source=f"pattern of {document}",
        )


def write_dependencies(folder: Path) -> None:
    """The corpus of a folder in CoNLL-X, by Universal and by Stanford Dependencies."""
    from ner.corpus.dependencies import StanfordDependencies, UniversalDependencies

    for dependencies in (UniversalDependencies(), StanfordDependencies()):
        (folder / dependencies.name).mkdir(exist_ok=True)
        for split in SIZES:
            sentences = dependencies.convert(read_conll2012(folder / f"{split}.gold_conll"))
            write_conllx(sentences, folder / dependencies.name / f"{split}.conllx")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=15)
    parser.add_argument("--folder", type=Path, default=HERE, help="where the files are, or go to (default: here)")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--check", action="store_true", help="write nothing; fail where a file would differ")
    action.add_argument("--dependencies", action="store_true", help="convert the files that are there")
    options = parser.parse_args()
    if options.dependencies:
        write_dependencies(options.folder)
        return
    for split, sentences in corpus(options.seed).items():
        path = options.folder / f"{split}.gold_conll"
        text = io.BytesIO()
        write_conll2012(sentences, text)
        if not options.check:
            path.write_bytes(text.getvalue())
        elif path.read_bytes() != text.getvalue():
            sys.exit(f"{path} is not what the generator makes with seed {options.seed}: generate it anew")


if __name__ == "__main__":
    main()

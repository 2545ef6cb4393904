"""Train the tiny Stanza models that the tests parse with, on the bundled sample: `python tests/stanza_models`.

A minute or two of CPU. The models (tokeniser, tagger and parser; Universal Dependencies) are beside this file, in the
layout that `stanza.Pipeline(dir=...)` reads.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from importlib import import_module
from pathlib import Path

from ner.corpus.conllx import read_conllx
from ner.corpus.sentence import Sentence
from ner.resources import data_path

HERE = Path(__file__).parent
FORMS = {"-LRB-": "(", "-RRB-": ")", "``": '"', "''": '"'}
NO_BLANK_BEFORE = {".", ",", "?", "!", ";", ":", "%", ")", "n't", "'s", "'m", "'ll", "'re", "'ve", "'d", "'"}
SPLITS = {"train": "train", "dev": "validation"}


def glued(words: list[str]) -> list[bool]:
    """Whether each word stands directly after the one before it, as in English text."""
    result, is_open = [], False
    for number, word in enumerate(words):
        closes = word == '"' and is_open
        is_open ^= word == '"'
        before = words[number - 1] if number else ""
        opened = before in ("(", "$") or (before == '"' and is_open and word != '"')
        result.append(number == 0 or word in NO_BLANK_BEFORE or closes or opened)
    return result


def write(sentences: list[Sentence], directory: Path, split: str) -> None:
    """Write a split as CoNLL-U, and as text with Stanza's label of each character: 2 ends a sentence, 1 a token."""
    blocks, text, labels = [], "", ""
    for sentence in sentences:
        words = [FORMS.get(word, word) for word in sentence.words]
        joins = glued(words)
        lines = []
        for number, word in enumerate(words):
            is_last = number + 1 == len(words)
            gap = " " if is_last or not joins[number + 1] else ""
            tree = sentence.tree
            assert tree is not None
            assert sentence.pos is not None
            head = 0 if tree.heads[number] == number else tree.heads[number] + 1
            misc = "_" if gap else "SpaceAfter=No"
            tag = sentence.pos[number]
            lines.append(f"{number + 1}\t{word}\t_\t{tag}\t{tag}\t_\t{head}\t{tree.relations[number]}\t_\t{misc}")
            text += word + gap
            labels += "0" * (len(word) - 1) + ("2" if is_last else "1") + "0" * len(gap)
        blocks.append("\n".join(lines) + "\n\n")
    (directory / f"{split}.conllu").write_text("".join(blocks), encoding="utf-8")
    (directory / f"{split}.txt").write_text(text, encoding="utf-8")
    (directory / f"{split}.toklabels").write_text(labels, encoding="utf-8")


OPTIONS = {
    "tokenize": "--steps 400 --lr0 .01 --eval_steps 100 --no_use_mwt --max_seqlen 300",
    "pos": "--max_steps 600 --batch_size 100 --no_pretrain --no_char --hidden_dim 40 --word_emb_dim 40 "
    "--deep_biaff_hidden_dim 40 --composite_deep_biaff_hidden_dim 20 --tag_emb_dim 10",
    "depparse": "--max_steps 400 --batch_size 2000 --eval_interval 100 --no_pretrain --no_char --hidden_dim 40 "
    "--word_emb_dim 40 --deep_biaff_hidden_dim 30 --tag_emb_dim 20 --transformed_dim 40 --no_second_optim "
    "--no_checkpoint",
}
MODULES = {"tokenize": "tokenizer", "pos": "tagger", "depparse": "parser"}


def main(kinds: list[str]) -> None:
    """Train the models of these kinds, or all."""
    with tempfile.TemporaryDirectory() as name:
        data = Path(name)
        for split, ours in SPLITS.items():
            write(list(read_conllx(data_path("sample") / "ud" / f"{ours}.conllx")), data, split)
        (data / "mwt.json").write_text("{}")
        for kind in kinds or MODULES:
            files = (
                f"--txt_file {data}/train.txt --label_file {data}/train.toklabels --mwt_json_file {data}/mwt.json "
                f"--dev_txt_file {data}/dev.txt --dev_label_file {data}/dev.toklabels "
                f"--dev_conll_gold {data}/dev.conllu --conll_file {data}/out.conllu"
                if kind == "tokenize"
                else f"--train_file {data}/train.conllu --eval_file {data}/dev.conllu --output_file {data}/out.conllu"
            )
            directory = HERE / "en" / kind
            shutil.rmtree(directory, ignore_errors=True)
            common = f"--mode train --lang en --shorthand en_sample --seed 1 --cpu --save_name sample.pt {files}"
            arguments = f"{common} {OPTIONS[kind]}".split()
            import_module(f"stanza.models.{MODULES[kind]}").main([*arguments, "--save_dir", str(directory)])
    models = {kind: {"sample": {"md5": "", "dependencies": []}} for kind in MODULES}
    packages = {"default": dict.fromkeys(MODULES, "sample")}
    resources = {"en": {**models, "packages": packages, "lang_name": "English"}}
    (HERE / "resources.json").write_text(json.dumps(resources, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])

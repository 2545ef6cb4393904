"""A run as others can use it: weights in safetensors, plain JSON and a model card, as the Hugging Face Hub lays it out.

`config.json` (model, formalism, scheme, labels, temperature), `model.safetensors`, `vocabularies.json`, `scores.json`,
`calibration.json`, `README.md` (the card), `encoder` for contextual vectors, `model.onnx` if asked for, and
`SHA256SUMS` of them all. Nothing in it is executed when it is loaded.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import torch
import yaml

import ner
from ner.compatibility import completed
from ner.components import check_components, component
from ner.corpus.checksums import verify_checksums, write_checksums
from ner.corpus.files import appearing, check_directory, write_json
from ner.corpus.vocabulary import Vocabularies
from ner.model.size import shapes_only
from ner.model.tagger import Tagger
from ner.options import check_component
from ner.stored import first_line, name, read_json
from ner.training.encoder_folder import FOLDER, EncoderFolder
from ner.training.onnx import write_onnx
from ner.training.run import Run
from ner.training.run_directory import WEIGHTS, check_plain
from ner.training.weights import check_size, check_weights

CONFIG = "config.json"
VOCABULARIES = "vocabularies.json"
MODEL_TYPE = "dependency-guided-ner"
NEEDED = "pip install 'dependency-guided-ner[export]' (safetensors) for exported models"
KINDS = {
    "dglstm_crf": "a dependency-guided LSTM-CRF (Jie & Lu, EMNLP 2019)",
    "bilstm_crf": "a BiLSTM-CRF",
    "bilstm_gcn_crf": "a BiLSTM-GCN-CRF",
    "feature_crf": "a CRF over feature templates",
}
DATA_LICENCES = {
    "sample": "The training data, the invented sample corpus of the project, is under the MIT licence.",
    "ontonotes": "Trained on OntoNotes 5.0, licensed by the Linguistic Data Consortium (LDC2013T19). "
    "`vocabularies.json` lists words of its training split: check your licence before you publish it.",
}
UNKNOWN_LICENCE = (
    "The licence of the training data is not recorded in the run. `vocabularies.json` lists words of its training "
    "split: find out before you publish it."
)


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What an exported directory holds, ready to decode."""

    tagger: Tagger
    vocabularies: Vocabularies
    formalism: str
    temperature: float
    trained_trees: Mapping[str, Any]


def write_export(
    run: Run, target: Path, *, licence: str = "other", data_licence: str | None = None, onnx: bool = False
) -> None:
    """Write the best epoch of a run to a new directory, which appears when it is complete.

    Args:
        licence: of the weights, by its identifier on the Hub, such as `mit`.
        data_licence: a sentence for the card about the training data, in place of what is known of the corpus.
        onnx: whether to write `model.onnx` too.

    Raises:
        ValueError: where there is something at the target, no epoch was finished, or safetensors is missing; where a
            frozen encoder that belongs into the export is not found; for a run of another task than `ner`; and as
            `write_onnx`.
    """
    _check_safetensors()
    from safetensors.torch import save

    if run.vocabularies.task != "ner":
        raise ValueError(f"{run.directory} labels given targets (task={run.vocabularies.task}): no export is for that")
    if target.exists() or target.is_symlink():
        raise ValueError(f"to={target} exists already: choose another, or remove it")
    check_directory(target)
    tagger = run.best_tagger(torch.device("cpu"))
    with appearing(target) as partial:
        state = {name: value.detach().clone().contiguous() for name, value in tagger.state_dict().items()}
        (partial / WEIGHTS).write_bytes(save(state, metadata={"format": "pt"}))
        run.vocabularies.save(partial / VOCABULARIES)
        write_json(partial / CONFIG, _config(run, tagger))
        if tagger.contextual is not None:
            EncoderFolder.open(run.directory).export(partial, weights=tagger.contextual.is_frozen)
        for name in ("scores.json", "calibration.json"):
            if (run.directory / name).is_file():
                shutil.copyfile(run.directory / name, partial / name)
        card = model_card(run, tagger, licence=licence, data_licence=data_licence)
        (partial / "README.md").write_text(card, encoding="utf-8")
        if onnx:
            write_onnx(tagger, run.vocabularies, partial / "model.onnx")
        write_checksums(partial)


def load_export(directory: Path, device: torch.device) -> Exported:
    """Load what `write_export` wrote. It may be a stranger's: nothing that it brings is executed.

    Raises:
        ValueError: naming the file that is missing, damaged, or not of ours.
    """
    _check_safetensors()
    check_plain(directory)
    verify_checksums(directory, only=_is_loaded, remedy="export the run again, or restore it from a copy")
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = directory / CONFIG
    try:
        config = read_json(path)
        if config["model_type"] != MODEL_TYPE:
            raise ValueError(f"model_type is {config['model_type']!r}, not {MODEL_TYPE!r}")
        model, formalism, temperature = (
            config["model"],
            name(config, "formalism", where="it"),
            float(config["temperature"]),
        )
        trained_trees = config.get("trained_trees", {})
        if not isinstance(trained_trees, dict):
            raise ValueError("trained_trees is no mapping")
        if not 0.01 <= temperature <= 100:
            raise ValueError(f"a temperature of {temperature}")
        check_components(model, "ner.model")
        model = completed({"model": model})["model"]
        check_component("model", model)
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: not the configuration of an exported model ({error})") from error
    vocabularies = Vocabularies.load(directory / VOCABULARIES)
    given: dict[str, Any] = {"vocabularies": vocabularies, "vectors": None}
    if (contextual := model.get("contextual")) is not None:
        encoder = EncoderFolder.open(directory)
        given["vocabularies"] = vocabularies = replace(vocabularies, cutter=encoder.cutter())
        given["encoder"] = encoder.files(weights=False)
    build = component(model, "ner.model")
    with shapes_only():
        blueprint = build(**given)
    check_size(blueprint)
    path = directory / WEIGHTS
    try:
        state = load_file(str(path))
    except SafetensorError as error:
        raise ValueError(f"{path}: not the weights of the model in {CONFIG} ({first_line(str(error))})") from error
    check_weights(blueprint, state, path=path, config=CONFIG)
    if contextual is not None and not contextual["finetune"]:
        given["encoder"] = encoder.files(weights=True)
    tagger = cast(Tagger, build(**given))
    tagger.load_state_dict(state)
    return Exported(
        tagger=tagger.to(device).eval(),
        vocabularies=vocabularies,
        formalism=formalism,
        temperature=temperature,
        trained_trees=trained_trees,
    )


def _is_loaded(name: str) -> bool:
    """The card may be edited and files be added; the weights of an encoder are known by their digest."""
    return name in (CONFIG, VOCABULARIES, WEIGHTS) or (
        name.startswith(f"{FOLDER}/") and not name.endswith(".safetensors")
    )


def model_card(run: Run, tagger: Tagger, *, licence: str, data_licence: str | None) -> str:
    """The card: what the model is, its scores, how it is used, and the licence of its data."""
    scores: dict[str, Any] = {}
    if (run.directory / "scores.json").is_file():
        scores = read_json(run.directory / "scores.json")
    corpus = _corpus_name(run)
    splits = [name for name in ("validation", "test") if name in scores]
    micro = {name: scores[name]["strict"]["micro"] for name in splits}
    results = [
        {
            "task": {"type": "token-classification", "name": "Named Entity Recognition"},
            "dataset": {"name": corpus, "type": corpus, "split": name},
            "metrics": [
                {"type": metric, "value": round(found[metric], 4), "name": f"{metric}, exact spans"}
                for metric in ("precision", "recall", "f1")
            ],
        }
        for name, found in micro.items()
    ]
    kind = str(run.config["model"]["_target_"]).rpartition(".")[2]
    language = _language(run, corpus)
    header = {
        "license": licence,
        **({} if language is None else {"language": language}),
        "library_name": MODEL_TYPE,
        "pipeline_tag": "token-classification",
        "tags": [
            "ner",
            "named-entity-recognition",
            "crf" if run.vocabularies.features is not None else "lstm-crf",
            *(["dependency-parsing"] if tagger.uses_trees else []),
        ],
        **({"model-index": [{"name": run.directory.name, "results": results}]} if results else {}),
    }
    needs = f"It reads dependency trees ({run.formalism})." if tagger.uses_trees else "It needs no dependency trees."
    table = ["| split | precision | recall | F1 |", "|---|---|---|---|"]
    table += [
        f"| {name} | " + " | ".join(f"{100 * found[key]:.2f}" for key in ("precision", "recall", "f1")) + " |"
        for name, found in micro.items()
    ]
    labels = sorted({tag[2:] for tag in run.vocabularies.tags.items if tag != "O"})
    return "\n".join(
        [
            "---",
            yaml.safe_dump(header, sort_keys=False, allow_unicode=True).rstrip(),
            "---",
            "",
            f"# {kind}, trained on {corpus}",
            "",
            f"A named-entity recognizer with {KINDS.get(kind, kind)}. {needs}",
            "",
            f"Entity types: {', '.join(labels)}.",
            "",
            *(["Exact spans, in per cent:", "", *table, ""] if micro else ["The run has no scores yet.", ""]),
            "```python",
            "from ner import Recognizer",
            "",
            'recognizer = Recognizer.load("DIRECTORY")',
            "```",
            "",
            "## Data",
            "",
            data_licence or DATA_LICENCES.get(corpus, UNKNOWN_LICENCE),
            "",
            f"Exported with dependency-guided-ner {ner.__version__}; seed {run.environment.get('seed')}, "
            f"corpus digest {str(run.environment.get('digest'))[:10]}.",
            "",
        ]
    )


def _config(run: Run, tagger: Tagger) -> Mapping[str, Any]:
    tags = run.vocabularies.tags.items
    return {
        "model_type": MODEL_TYPE,
        "architectures": [str(run.config["model"]["_target_"]).rpartition(".")[2]],
        "ner_version": ner.__version__,
        "formalism": run.formalism,
        "trained_trees": dict(run.trained_trees),
        "uses_trees": tagger.uses_trees,
        "scheme": run.vocabularies.scheme,
        "id2label": {str(number): tag for number, tag in enumerate(tags)},
        "label2id": {tag: number for number, tag in enumerate(tags)},
        "temperature": run.temperature,
        "model": run.config["model"],
    }


def _corpus_name(run: Run) -> str:
    """`sample`, `ontonotes`, or the kind of source, as far as the run knows."""
    corpus = run.config.get("corpus")
    if not isinstance(corpus, Mapping):
        return Path(str(run.environment.get("prepared", "corpus"))).name.split("-")[0]
    kind = str(corpus.get("_target_", "")).rpartition(".")[2].lower()
    if "ontonotes" in kind or kind.startswith("hub"):
        return "ontonotes"
    return str(corpus.get("name") or kind.removesuffix("source") or "corpus")


def _language(run: Run, corpus: str) -> str | None:
    """The code of the corpus's language, None where the run does not say."""
    options = run.config.get("corpus") or {}
    return "en" if corpus == "sample" else cast("str | None", options.get("language"))


def _check_safetensors() -> None:
    if find_spec("safetensors") is None:
        raise ValueError(NEEDED)

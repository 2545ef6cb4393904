import json
import os
import shutil
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from ner.analysis.run_files import Shared, Unusable, read_run
from ner.corpus.sentence import Span
from ner.corpus.vocabulary import build
from ner.stored import printable

read = partial(read_run, name="run", split="test", shared=Shared())


@pytest.fixture
def write(write_run, sentences, tmp_path):
    """Writes a run of the first six sentences: `write(name, overrides...)`."""

    def one(name, *overrides, predicted=None, **options):
        gold = [sentence.spans for sentence in sentences[:6]]
        return write_run(tmp_path / name, sentences[:6], predicted or gold, *overrides, **options)

    return one


def reason(directory):
    with pytest.raises(Unusable) as caught:
        read(directory)
    return str(caught.value)


def outcome(directory):
    """What is read, or why nothing is."""
    try:
        return read_run(directory, name="run", split="test", shared=Shared())
    except Unusable as error:
        return str(error)


def edit(path, *keys, value):
    """Set `content[keys[0]][keys[1]]...` of a JSON file."""
    content = json.loads(path.read_text())
    inner = content
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    path.write_text(json.dumps(content))


def test_the_choices_are_those_kept_in_the_run(write):
    run = read(write("run", "model=bilstm_crf", "optimizer=sgd"))
    assert (run.choices["model"], run.choices["optimizer"], run.settings["optimizer"]) == ("bilstm_crf", "sgd", "sgd")


def test_an_older_run_has_its_choices_in_hydras_record(write):
    directory = write("run", "model/interaction=add")
    environment = json.loads((directory / "environment.json").read_text())
    choices = environment.pop("choices")
    (directory / "environment.json").write_text(json.dumps(environment))
    assert read(directory).settings["model.interaction"] == "Addition"
    (directory / ".hydra").mkdir()
    record = {"hydra": {"runtime": {"choices": {**choices, "hydra/launcher": "basic", "experiment": None}}}}
    OmegaConf.save(record, directory / ".hydra" / "hydra.yaml")
    run = read(directory)
    assert run.settings["model.interaction"] == "add"
    assert run.settings == read(write("new", "model/interaction=add")).settings


def test_known_words_are_those_of_the_training_split_and_shared(write):
    vocabularies = build(word_counts={"Ulm": 2}, other_words=["Rome"], vectors=["Rome"], relations=[], labels=["GPE"])
    runs = [write(name) for name in ("first", "second", "older", "without")]
    for run, kept in zip(runs, (vocabularies, vocabularies, replace(vocabularies, num_trained=None)), strict=False):
        kept.save(run / "vocabularies.json")
    shared = Shared()
    first, second, older, without = (read(run, shared=shared).known_words for run in runs)
    assert first is second
    assert [word in first for word in ("Ulm", "Rome", "<unk>")] == [True, False, False]
    assert (older, without) == (None, None)


def unlink(name):
    return lambda directory: (directory / name).unlink()


def put(name, content):
    return lambda directory: (directory / name).write_bytes(content)


def set_field(name, *keys, value):
    return lambda directory: edit(directory / name, *keys, value=value)


def with_link(name):
    def link(directory):
        (directory / name).rename(directory / f"{name}.real")
        (directory / name).symlink_to(directory / f"{name}.real")

    return link


BOMB = b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
F1 = ("test", "strict", "micro", "f1")


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (put("failed.txt", b"ValueError: no such file\n\nTraceback"), "failed: ValueError: no such file"),
        (put("failed.txt", b"\x1b[31m\xff\x00 bad\n"), "failed: \\x1b[31m\ufffd\\x00 bad"),
        (unlink("scores.json"), "not finished: 2 of 30 epochs"),
        (unlink("predictions-test.conll"), "no predictions for test: `python -m ner.evaluate run="),
        (unlink("metrics.jsonl"), "damaged: metrics.jsonl holds no epoch"),
        (unlink("environment.json"), "cannot be read: "),
        (put("vocabularies.json", b"{}"), "damaged: "),
        (put("best.pt", b"PK"), "damaged: best.pt: not the weights of a run ("),
        (put("best.pt", b""), "damaged: best.pt: not the weights of a run ("),
        (put("config.yaml", b""), "damaged: config.yaml: vocabulary"),
        (put("config.yaml", b"- 1"), "damaged: "),
        (put("config.yaml", b"a: [1"), "damaged: config.yaml: not a configuration ("),
        (put("config.yaml", BOMB), "damaged: config.yaml holds YAML aliases, which are not allowed"),
        (put("config.yaml", b"x" * 300_000), "damaged: config.yaml has 300,000 bytes, more than the 262,144"),
        (put("scores.json", b"{}"), "damaged: scores.json: validation is missing"),
        (put("scores.json", b'{"epoch": 2'), "damaged: scores.json: not JSON ("),
        (put("scores.json", b"\xff\xfe"), "damaged: scores.json: not JSON ("),
        (put("scores.json", b"[" * 100_000), "damaged: scores.json: not JSON ("),
        (
            set_field("scores.json", *F1, value="0.9"),
            "damaged: scores.json: test.strict.micro.f1 is '0.9', not a number",
        ),
        (set_field("scores.json", *F1, value=float("inf")), "damaged: scores.json: not JSON (Infinity is not JSON)"),
        (set_field("scores.json", *F1, value=10**400), "damaged: "),
        (
            set_field("scores.json", *F1, value=1.5),
            "damaged: scores.json: test.strict.micro.f1 is 1.5, not from 0 to 1",
        ),
        (set_field("scores.json", *F1, value=None), "damaged: scores.json: test.strict.micro.f1 is None, not a number"),
        (set_field("scores.json", "epoch", value=True), "damaged: scores.json: epoch is True, not a whole number"),
        (
            set_field("environment.json", "seed", value="1"),
            "damaged: environment.json: seed is '1', not a whole number",
        ),
        (
            set_field("environment.json", "digest", value=7),
            "damaged: environment.json: digest is 7, not a plain string",
        ),
        (set_field("environment.json", "formalism", value="\x1b"), "damaged: environment.json: formalism is"),
        (set_field("environment.json", "formalism", value="/tmp/x"), "damaged: environment.json: formalism is"),
        (set_field("environment.json", "choices", value=[]), "damaged: "),
        (put("metrics.jsonl", b'{"validation": {}}\n'), "damaged: metrics.jsonl:1: epoch is missing"),
        (put("metrics.jsonl", b'\n{"validation": NaN}\n'), "damaged: metrics.jsonl:2: not JSON (NaN is not JSON)"),
        (put("predictions-test.conll", b""), "damaged: predictions-test.conll holds no sentence"),
        (put("predictions-test.conll", b"Ada\tO\tO\n\n"), "damaged: predictions-test.conll:1: not the 7 columns"),
        (put("predictions-test.conll", b"\xff\n\n"), "damaged: "),
        (
            put("predictions-test.conll", b"a\t_\t0\troot\tb\tO\tO\n\nA\x1b[2J"),
            "damaged: predictions-test.conll:3: a control",
        ),
        (put("predictions-test.conll", b"a\t_\t5\troot\tb\tO\tO\n\n"), "damaged: the head of word 0 is 4, outside"),
        (put("predictions-test.conll", b"a\t_\t0\troot\tb\tO\tQ-X\n\n"), "damaged: 'Q-X' is no tag"),
        (with_link("scores.json"), "damaged: scores.json is a link, which is not followed"),
        (with_link("predictions-test.conll"), "damaged: predictions-test.conll is a link, which is not followed"),
    ],
)
def test_damage_is_named(write, damage, expected):
    directory = write("run")
    damage(directory)
    found = reason(directory)
    assert found.startswith(expected)
    assert printable(found) == found
    assert len(found) < 500


def test_a_device_is_not_read(write):
    directory = write("run")
    (directory / "scores.json").unlink()
    os.mkfifo(directory / "scores.json")
    assert reason(directory) == "damaged: scores.json is not a regular file"


def test_predictions_of_other_weights(write):
    write("right")
    other = write("other", seed=2, predicted=[(Span(0, 1, "ORG"),)] * 6)
    shutil.copy(other.parent / "right" / "predictions-test.conll", other)
    assert reason(other).startswith("predictions-test.conll and scores.json disagree: `python -m ner.evaluate run=")


def test_predictions_made_on_another_device_are_those_reported(write):
    directory = write("run", predicted=[(Span(0, 1, "ORG"),)] * 6)
    f1 = json.loads((directory / "scores.json").read_text())["test"]["strict"]["micro"]["f1"]
    edit(directory / "scores.json", *F1, value=f1 + 0.001)
    assert read(directory).scores.f1 == f1


def test_a_run_in_training_is_known_by_its_finished_epochs(write):
    directory = write("running")
    (directory / "scores.json").unlink()
    with (directory / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": 3, "validation": {"micro"')
    assert reason(directory) == "not finished: 2 of 30 epochs"


def test_the_scheme_of_the_tags_is_that_of_the_run(write):
    directory = write("bio")
    config = OmegaConf.load(directory / "config.yaml")
    config.vocabulary.scheme = "BIO"
    OmegaConf.save(config, directory / "config.yaml")
    path = directory / "predictions-test.conll"
    lines = [line.rpartition("\t") for line in path.read_text().split("\n")]
    bio = {"S": "B", "E": "I"}
    path.write_text("\n".join(f"{rest}{tab}{bio.get(tag[:1], tag[:1])}{tag[1:]}" for rest, tab, tag in lines))
    assert read(directory).scores.f1 == 1


FILES = ("config.yaml", "environment.json", "metrics.jsonl", "scores.json", "predictions-test.conll")


@pytest.fixture(scope="module")
def fuzzed(write_run, sentences, tmp_path_factory):
    """A run whose files the test below damages and mends."""
    chosen = sentences[:3]
    return write_run(tmp_path_factory.mktemp("fuzzed") / "run", chosen, [sentence.spans for sentence in chosen])


@pytest.mark.slow
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(
    name=st.sampled_from(FILES),
    keep=st.one_of(st.none(), st.floats(0, 1)),
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=3),
)
def test_whatever_is_damaged_the_run_is_read_or_the_reason_given(fuzzed, name, keep, changes):
    """A file is cut, and some of its bytes are others."""
    path = fuzzed / name
    whole = path.read_bytes()
    content = bytearray(whole if keep is None else whole[: int(keep * len(whole))])
    for place, byte in changes:
        if content:
            content[int(place * (len(content) - 1))] = byte
    path.write_bytes(bytes(content))
    try:
        found = outcome(fuzzed)
    finally:
        path.write_bytes(whole)
    if isinstance(found, str):
        assert printable(found) == found
        assert len(found) < 500
    else:
        assert len(found.sentences) == len(found.predicted) > 0

import json
import os
import re
import shlex
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ner import train as command
from ner.corpus.conllx import ConllxSource, write_conllx
from ner.corpus.dataset import load
from ner.corpus.dependencies import GivenDependencies
from ner.corpus.preparation import prepare
from ner.corpus.sentence import DependencyTree
from ner.errors import Refused
from ner.overrides import pasted
from ner.recognizer import Recognizer
from ner.training.run import Run, locked


def weights(directory, name="last.pt"):
    return torch.load(directory / name, weights_only=True)["tagger"]


def metrics(directory):
    """All that does not depend on the clock."""
    lines = [json.loads(line) for line in (directory / "metrics.jsonl").read_text().splitlines()]
    return [{key: value for key, value in line.items() if "second" not in key} for line in lines]


@pytest.fixture
def interrupt(monkeypatch):
    """Interrupts the training when the loss of an epoch is looked at for the first time."""
    from ner.training.loop import Step
    from ner.training.records import Records

    write = Records.write

    def arrange(epoch, *, by):
        def write_or_interrupt(records, result):
            write(records, result)
            if isinstance(result, Step) and result.epoch == epoch:
                by()

        monkeypatch.setattr(Records, "write", write_or_interrupt)
        return lambda: monkeypatch.setattr(Records, "write", write)

    return arrange


def ctrl_c():
    raise KeyboardInterrupt


@pytest.fixture
def train_in_two_parts(compose_config, interrupt):
    """Trains until the second epoch, and resumes: `train_in_two_parts(cfg, directory, "training.other_trees=DIR")`."""

    def train(cfg, directory, *overrides):
        go_on = interrupt(2, by=ctrl_c)
        with pytest.raises(KeyboardInterrupt):
            command.train_and_score(cfg, directory)
        go_on()
        overrides = [f"resume={directory}", *overrides]
        command.train_and_score(compose_config("train", *overrides), directory, overrides=overrides)

    return train


@pytest.mark.parametrize("in_a_sweep", [False, True])
def test_an_interrupted_run_ends_as_it_would_have(compose_config, tiny, run_directory, tmp_path, interrupt, in_a_sweep):
    directory = tmp_path / "run"
    go_on = interrupt(3, by=ctrl_c)
    with pytest.raises(KeyboardInterrupt, match=r"interrupted after epoch 2; .* holds the best so far"):
        command.train_and_score(compose_config("train", *tiny, "training.epochs=5"), directory)
    assert Run.open(directory).best_tagger(torch.device("cpu"))
    assert len(metrics(directory)) < len(metrics(run_directory))
    go_on()
    torch.manual_seed(99)  # the state of the process must not matter
    if in_a_sweep:
        best_f1 = command.train_unless_done(compose_config("train", *tiny, "training.epochs=5"), directory)
    else:
        overrides = [f"resume={directory}"]
        best_f1 = command.train_and_score(compose_config("train", *overrides), tmp_path, overrides=overrides)
    for name in ("last.pt", "best.pt"):
        expected, found = weights(run_directory, name), weights(directory, name)
        assert expected.keys() == found.keys()
        assert all(torch.equal(value, found[key]) for key, value in expected.items())
    assert metrics(directory) == metrics(run_directory)
    scores = json.loads((directory / "scores.json").read_text())
    assert scores == json.loads((run_directory / "scores.json").read_text())
    assert scores["validation"]["strict"]["micro"]["f1"] == best_f1


def test_a_crf_over_feature_templates_is_trained_resumed_and_used(compose_config, tiny, tmp_path, interrupt):
    options = [option for option in tiny if not option.startswith("model.")]
    options += ["experiment=feature_crf", "model/templates=dependencies", "model.templates.min_count=1"]
    config = compose_config("train", *options, "training.epochs=3")
    f1 = command.train_and_score(config, tmp_path / "whole")
    go_on = interrupt(2, by=ctrl_c)
    with pytest.raises(KeyboardInterrupt, match="after epoch 1"):
        command.train_and_score(config, tmp_path / "parts")
    go_on()
    assert command.train_unless_done(config, tmp_path / "parts") == f1
    for name in ("last.pt", "best.pt"):
        expected, found = weights(tmp_path / "whole", name), weights(tmp_path / "parts", name)
        assert all(torch.equal(value, found[key]) for key, value in expected.items())
    recognizer = Recognizer.load(tmp_path / "whole")
    assert recognizer.uses_trees
    document = recognizer.tag(["Zora", "lives", "in", "Bonn", "."], heads=[1, 1, 3, 1, 1], k=2)
    assert len(document.sentences[0].readings) == 2


def test_what_has_no_effect_on_a_crf_over_feature_templates(compose_config, tiny, tmp_path):
    options = [*(option for option in tiny if not option.startswith("model.")), "model=feature_crf"]
    vectors = tmp_path / "vectors.txt"
    vectors.write_text("a 0.1 0.2\n")
    with pytest.raises(ValueError, match="has no effect: this model reads no word vectors"):
        command.train_and_score(compose_config("train", *options, f"vectors={vectors}"), tmp_path / "a")
    config = compose_config("train", *options, "model.templates.lines.words=['W:%x[0,0]']")
    with pytest.raises(ValueError, match=r"the template 'W:%x\[0,0\]' begins with neither U nor B"):
        command.train_and_score(config, tmp_path / "b")
    assert not list((tmp_path / "b").glob("*"))


def test_averaged_weights_are_what_is_scored_and_kept(compose_config, tiny, tmp_path, train_in_two_parts):
    config = compose_config("train", *tiny, "training.epochs=3", "training.average=0.5")
    command.train_and_score(config, tmp_path / "whole")
    lines = [line for line in metrics(tmp_path / "whole") if "validation" in line]
    assert all("validation_unaveraged" in line for line in lines)
    state = torch.load(tmp_path / "whole" / "last.pt", weights_only=True)
    averaged, trained = state["average"]["tagger"], state["tagger"]
    assert any(not torch.equal(value, trained[name]) for name, value in averaged.items())
    if lines[-1]["is_best"]:
        best = weights(tmp_path / "whole", "best.pt")
        assert all(torch.equal(value, best[name]) for name, value in averaged.items())
    scores = json.loads((tmp_path / "whole" / "scores.json").read_text())
    assert scores["validation"]["strict"] == next(
        line["validation"] for line in lines if line["epoch"] == scores["epoch"]
    )

    train_in_two_parts(config, tmp_path / "resumed")
    assert metrics(tmp_path / "resumed") == metrics(tmp_path / "whole")
    resumed = torch.load(tmp_path / "resumed" / "last.pt", weights_only=True)["average"]
    assert resumed["added"] == state["average"]["added"]
    assert all(torch.equal(value, resumed["tagger"][name]) for name, value in averaged.items())


def test_gold_and_parsed_trees_are_mixed(compose_config, tiny, parsed, tmp_path, train_in_two_parts):
    """Such a training differs from those on either kind of trees, and goes on as it would have when interrupted."""
    options = [*tiny, "training.epochs=2", "model/tree_dropout=noise"]
    mixed = compose_config("train", *options, f"training.other_trees={parsed}", "training.other_share=0.3")
    command.train_and_score(mixed, tmp_path / "whole")
    command.train_and_score(compose_config("train", *options), tmp_path / "gold")
    assert metrics(tmp_path / "whole") != metrics(tmp_path / "gold")
    run = Run.open(tmp_path / "whole")
    assert run.other_digest == load(parsed).digest != run.environment["digest"]
    assert "guess" in run.vocabularies.relations  # which the parser alone gives

    moved = shutil.copytree(parsed, tmp_path / "moved")
    train_in_two_parts(mixed, tmp_path / "resumed", f"training.other_trees={moved}")
    assert metrics(tmp_path / "resumed") == metrics(tmp_path / "whole")
    expected, found = weights(tmp_path / "whole"), weights(tmp_path / "resumed")
    assert all(torch.equal(value, found[name]) for name, value in expected.items())

    for other in ("null", run.environment["prepared"]):
        overrides = [f"resume={tmp_path / 'whole'}", f"training.other_trees={other}", "training.epochs=3"]
        with pytest.raises(ValueError, match=r"other_trees is not what .*whole was trained with: its digest differs"):
            command.train_and_score(compose_config("train", *overrides), tmp_path, overrides=overrides)


@pytest.fixture
def parsed(corpus_files, tmp_path):
    """The tiny corpus prepared with other trees, in which every word hangs on the first."""

    def parse(sentence):
        relations = ("root", *["guess"] * (len(sentence) - 1))
        return replace(sentence, tree=DependencyTree((0,) * len(sentence), relations))

    names = ("train", "validation", "test")
    gold = ConllxSource(**{split: corpus_files / f"{split}.conllx" for split in names})
    files = {split: tmp_path / f"{split}.conllx" for split in names}
    for split, file in files.items():
        write_conllx(map(parse, gold.read(split)), file)
    return prepare(ConllxSource(**files), GivenDependencies(), root=tmp_path / "prepared")


def test_other_trees_that_do_not_fit_are_refused(compose_config, tiny, parsed, run_directory, tmp_path):
    def refused(name, *overrides):
        with pytest.raises(ValueError, match=r"other_trees") as error:
            command.train_and_score(compose_config("train", *overrides), tmp_path / name, overrides=overrides)
        assert not (tmp_path / name / "config.yaml").exists()
        return str(error.value)

    other = f"training.other_trees={parsed}"
    plain = [option for option in tiny if "relation_size" not in option]
    assert "has no effect in a model that uses no trees" in refused("plain", *plain, "model=bilstm_crf", other)
    assert "null: training.other_share cannot be set" in refused("share", *tiny, "training.other_share=0.3")
    files = [f"corpus.train={tmp_path}/test.conllx", f"corpus.validation={tmp_path}/train.conllx"]
    message = refused("others", *tiny, *files, other)
    assert re.search(r"holds other sentences than \S+: sentence 1 of 16 \(\S+test\.conllx:2\) has other", message)


def test_a_job_that_is_done_is_not_done_again(compose_config, tiny, run_directory, monkeypatch, caplog):
    caplog.set_level("INFO")
    monkeypatch.setattr(command, "fit", None)
    best_f1 = command.train_unless_done(compose_config("train", *tiny, "training.epochs=5", "threads=2"), run_directory)
    assert best_f1 == Run.open(run_directory).best_f1
    assert f"done before, validation F1 {100 * best_f1:.2f}: {run_directory}" in caplog.text


def test_a_job_of_another_corpus_is_not_taken_for_the_same(compose_config, tiny, run_directory, tmp_path):
    directory = shutil.copytree(run_directory, tmp_path / "job")
    environment = json.loads((directory / "environment.json").read_text())
    (directory / "environment.json").write_text(json.dumps(environment | {"digest": "1" * 64}))
    before = {path: path.stat().st_mtime_ns for path in directory.rglob("*")}
    with pytest.raises(
        Refused, match=f"holds a run of another corpus .digest 1111111111, .* {environment['digest'][:10]}"
    ):
        command.train_unless_done(compose_config("train", *tiny, "training.epochs=5"), directory)
    assert {path: path.stat().st_mtime_ns for path in directory.rglob("*")} == before


def test_a_run_of_which_no_epoch_was_finished_begins_anew(compose_config, tiny, run_directory, tmp_path, interrupt):
    config = compose_config("train", *tiny, "training.epochs=5")
    go_on = interrupt(1, by=ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        command.train_and_score(config, tmp_path)
    assert metrics(tmp_path)
    go_on()
    command.train_and_score(config, tmp_path)
    assert metrics(tmp_path) == metrics(run_directory)


def test_a_run_is_trained_by_one_process_at_a_time(compose_config, tiny, tmp_path):
    with locked(tmp_path), pytest.raises(ValueError, match="is being trained by another process"):
        command.train_and_score(compose_config("train", *tiny), tmp_path)


def test_scores_are_good_and_of_the_best_epoch(run_directory):
    scores = json.loads((run_directory / "scores.json").read_text())
    best = [line for line in metrics(run_directory) if line.get("is_best")][-1]
    assert scores["epoch"] == best["epoch"]
    assert scores["validation"]["strict"] == best["validation"]
    assert scores["validation"]["strict"]["micro"]["f1"] > 0.5
    assert set(scores["test"]) == {"strict", "conlleval", "released"}


def test_more_epochs_may_be_asked_for(compose_config, run_directory, tmp_path, caplog):
    directory = tmp_path / "longer"
    shutil.copytree(run_directory, directory)
    overrides = [f"resume={directory}", "training.epochs=6"]
    command.train_and_score(compose_config("train", *overrides), tmp_path, overrides=overrides)
    assert metrics(directory)[-1]["epoch"] == 6
    assert Run.open(directory).config["training"]["epochs"] == 6
    assert "the learning rate continues as in a training of 6 epochs" in caplog.text


def test_what_is_finished_is_not_done_again(compose_config, run_directory, tmp_path, caplog):
    caplog.set_level("INFO")
    directory = shutil.copytree(run_directory, tmp_path / "run")
    before = {path: path.stat().st_mtime_ns for path in directory.rglob("*") if path.name != ".lock"}
    for more in ((), ("training.epochs=4",), ("training.patience=1",)):
        overrides = [f"resume={directory}", *more]
        caplog.clear()
        best_f1 = command.train_and_score(compose_config("train", *overrides), tmp_path, overrides=overrides)
        assert f"finished before, validation F1 {100 * best_f1:.2f}: {directory}" in caplog.text
        assert {path: path.stat().st_mtime_ns for path in directory.rglob("*") if path.name != ".lock"} == before


def test_other_options_are_kept(compose_config, run_directory, tmp_path):
    overrides = [f"resume={run_directory}", "model.hidden_size=32", "seed=2"]
    with pytest.raises(ValueError, match=r"keeps the options of the run .*: model.hidden_size, seed cannot be set"):
        command.train_and_score(compose_config("train", *overrides), tmp_path, overrides=overrides)


def test_a_prepared_corpus_is_used_directly(compose_config, tiny, run_directory, tmp_path):
    prepared = Run.open(run_directory).environment["prepared"]
    options = [
        option for option in tiny if option.split("=")[0].split(".")[0] not in ("corpus", "dependencies", "vocabulary")
    ]
    overrides = [*options, f"prepared={prepared}", "training.epochs=1", "vocabulary.min_count=2"]
    command.train_and_score(compose_config("train", *overrides), tmp_path / "run", overrides=overrides)
    run = Run.open(tmp_path / "run")
    assert (run.config["corpus"], run.config["dependencies"]) == (None, None)
    assert run.environment["prepared"] == prepared
    with pytest.raises(ValueError, match="corpus cannot be set"):
        command.train_and_score(
            compose_config("train", *overrides, "corpus=sample"), tmp_path, overrides=[*overrides, "corpus=sample"]
        )


def test_word_vectors_are_used_and_not_needed_afterwards(compose_config, tiny, tmp_path, caplog):
    caplog.set_level("INFO")
    vectors = tmp_path / "vectors.txt"
    vectors.write_text("lives " + " ".join(["0.5"] * 12) + "\nunused " + " ".join(["0.1"] * 12) + "\n")
    config = compose_config("train", *tiny, "training.epochs=1", f"vectors={vectors}")
    command.train_and_score(config, tmp_path / "run")
    assert "2 word vectors of 12 numbers" in caplog.text
    for split, covered in (("train", "16 of 144"), ("validation", "8 of 72"), ("test", "8 of 72")):
        assert re.search(rf"{split} split\n.*\ntokens {covered}", caplog.text)
    vectors.unlink()
    run = Run.open(tmp_path / "run")
    assert "unused" not in run.vocabularies.words
    row = run.vocabularies.words.id("lives")
    trained = run.best_tagger(torch.device("cpu")).embedder.word.weight[row]
    assert torch.allclose(trained, torch.full((12,), 0.5), atol=0.3)


def test_word_vectors_set_the_word_size_unless_it_was_given_and_differs(compose_config, tiny, tmp_path):
    vectors = tmp_path / "vectors.txt"
    vectors.write_text("lives 1 2 3 4 5\n")
    overrides = [option for option in tiny if "word_size" not in option]
    overrides += [f"vectors={vectors}", "training.epochs=1"]
    command.train_unless_done(compose_config("train", *overrides), tmp_path / "run", overrides=overrides)
    assert Run.open(tmp_path / "run").config["model"]["word_size"] == 5
    command.train_unless_done(
        compose_config("train", *overrides), tmp_path / "run", overrides=overrides
    )  # the same run
    overrides.append("model.word_size=50")
    with pytest.raises(ValueError, match=r"model.word_size=50, but the vectors in .* have 5 numbers"):
        command.train_unless_done(compose_config("train", *overrides), tmp_path / "other", overrides=overrides)


@pytest.mark.parametrize("by", [ctrl_c, lambda: os.kill(os.getpid(), signal.SIGTERM)])
def test_interruption_says_what_is_left(tiny, tmp_path, interrupt, run_command, by):
    interrupt(1, by=by)
    status, errors = run_command("train", *tiny, f"hydra.run.dir={tmp_path / 'run'}")
    assert status == 130
    assert errors.splitlines()[-1] == f"interrupted before an epoch was finished: {tmp_path / 'run'} holds no weights"
    status, errors = run_command("train", f"resume={tmp_path / 'run'}")
    assert status == 1
    assert "no epoch of this run was finished" in errors


def test_a_resumed_run_keeps_its_records(run_directory, tmp_path, run_command):
    directory = tmp_path / "model.interaction=mlp,seed=1"  # as a sweep names it
    shutil.copytree(run_directory, directory)
    (directory / ".hydra").mkdir()
    (directory / ".hydra" / "config.yaml").write_text("first: true\n")
    (override,) = shlex.split(pasted("resume", directory))
    assert run_command("train", override, "training.epochs=6")[0] == 0
    assert (directory / ".hydra" / "config.yaml").read_text() == "first: true\n"
    assert len(list((directory / ".hydra").glob("resume-*/overrides.yaml"))) == 1
    assert f"run: {directory}" in (directory / "train.log").read_text()


def test_what_was_chosen_from_the_menu_is_kept(tiny, tmp_path, run_command):
    options = ["model/interaction=add", "+model/recurrent@model.by_layer.2=gru", "training.epochs=1"]
    assert run_command("train", *tiny, *options, f"hydra.run.dir={tmp_path / 'run'}")[0] == 0
    choices = json.loads((tmp_path / "run" / "environment.json").read_text())["choices"]
    assert choices["model/interaction"] == "add"
    assert choices["model/recurrent@model.by_layer.2"] == "gru"
    assert choices["corpus"] == "conllx"
    assert not {"experiment", "system"} & choices.keys()  # nothing was chosen there
    assert not any(group.startswith("hydra/") for group in choices)


def snapshot(directory):
    return {path.relative_to(directory): path.read_bytes() if path.is_file() else None for path in directory.rglob("*")}


@pytest.mark.parametrize(
    "override",
    ["training.epochs=-1", "training.patience=0", "prepared=/nope training.epochs=7", "training.log_every=0", "seed=3"],
)
def test_a_refused_command_leaves_a_run_as_it_was(run_directory, tmp_path, run_command, override):
    directory = shutil.copytree(run_directory, tmp_path / "run")
    before = snapshot(directory)
    status, errors = run_command("train", f"resume={directory}", *override.split())
    assert (status, len(errors.splitlines())) == (1, 1)
    assert override.split("=")[0].split(".")[-1] in errors or "/nope" in errors
    assert snapshot(directory) == before


def test_an_unfinished_run_cannot_end_before_what_it_has_done(run_directory, tmp_path, run_command):
    directory = shutil.copytree(run_directory, tmp_path / "run")
    (directory / "scores.json").unlink()
    before = snapshot(directory)
    status, errors = run_command("train", f"resume={directory}", "training.epochs=4")
    assert (status, errors) == (1, f"error: training.epochs=4, but 5 epochs of {directory} are done\n")
    assert snapshot(directory) == before
    assert run_command("train", f"resume={directory}", "training.epochs=5")[0] == 0
    assert Run.open(directory).best_f1 is not None


def test_a_resumed_run_is_unfinished_until_it_is_scored_again(
    compose_config, run_directory, tmp_path, interrupt, run_command
):
    directory = shutil.copytree(run_directory, tmp_path / "run")
    interrupt(6, by=ctrl_c)
    assert run_command("train", f"resume={directory}", "training.epochs=7")[0] == 130
    assert Run.open(directory).best_f1 is None
    assert Run.open(directory).config["training"]["epochs"] == 7
    is_another = Run.open(directory).best_progress() != Run.open(run_directory).best_progress()
    assert (directory / "calibration.json").exists() != is_another


def test_a_diverged_training_keeps_the_last_good_epoch_and_says_what_to_change(
    tiny, tmp_path, run_command, monkeypatch
):
    save = Run.save

    def save_and_spoil(run, tagger, *rest, **options):
        save(run, tagger, *rest, **options)
        with torch.no_grad():
            tagger.projection.bias.fill_(torch.nan)

    monkeypatch.setattr(Run, "save", save_and_spoil)
    directory = tmp_path / "run"
    status, errors = run_command("train", *tiny, f"hydra.run.dir={directory}", "training.epochs=3")
    assert (status, len(errors.splitlines())) == (1, 1)
    assert "try a lower optimizer.learning_rate" in errors
    assert f"stopped after epoch 1; {directory} holds the best so far, epoch 1" in errors
    assert Run.open(directory).best_tagger(torch.device("cpu"))


@pytest.mark.parametrize("name", ["train.log", "metrics.jsonl", ".hydra", "config.yaml", ".lock", "scores.json"])
def test_links_in_a_strangers_run_are_refused(run_directory, tmp_path, run_command, name):
    directory = shutil.copytree(run_directory, tmp_path / "run")
    victim = tmp_path / "victim"
    victim.mkdir() if name == ".hydra" else victim.write_text("kept")
    (directory / name).unlink(missing_ok=True)
    (directory / name).symlink_to(victim)
    for arguments in (("train", f"resume={directory}"), ("evaluate", f"run={directory}")):
        status, errors = run_command(*arguments)
        assert (status, len(errors.splitlines())) == (1, 1)
        assert f"{directory / name} is a link, which is not followed" in errors
    assert list(victim.iterdir()) == [] if name == ".hydra" else victim.read_text() == "kept"


@pytest.mark.parametrize(
    "override", ["corpus.train=/nope", "training.epochs=0", "vectors=/nope", "model.layers=abc", "prepared=/nope"]
)
def test_a_refused_training_leaves_nothing(tiny, tmp_path, run_command, override):
    status, errors = run_command("train", *tiny, f"hydra.run.dir={tmp_path}/a/b", override)
    assert (status, len(errors.splitlines())) == (1, 1)
    assert override.partition("=")[0].rpartition(".")[2] in errors
    assert not list(tmp_path.iterdir())


def test_an_option_without_effect_is_one_line(tiny, tmp_path, run_command):
    status, errors = run_command("train", *tiny, "model.layers=1", f"hydra.run.dir={tmp_path}")
    assert status == 1
    assert errors.splitlines()[-1].startswith("error: an interaction function stands between two recurrent layers")
    assert "Traceback" not in errors


@pytest.mark.parametrize("name", ["paper"])
def test_experiments_compose(compose_config, name):
    config = compose_config("train", f"experiment={name}", "corpus=ontonotes", f"corpus.root={Path()}")
    assert (config.optimizer.learning_rate, config.optimizer.weight_decay) == (0.01, 1e-8)
    assert (config.training.batch_size, config.training.reduction, config.training.epochs) == (10, "sum", 100)
    assert config.schedule._target_.endswith("constant")
    assert config.dependencies._target_.endswith("StanfordDependencies")


def test_a_model_without_trees_trains_on_a_corpus_without_trees(compose_config, tiny, sentences, tmp_path):
    """One that uses them refuses before the first step, though the sentences are those of the test split."""
    for split, chosen in (("train", sentences[:16]), ("validation", sentences[16:20]), ("test", sentences[20:24])):
        bare = [replace(sentence, tree=None) for sentence in chosen]
        write_conllx(bare if split == "test" else chosen, tmp_path / f"{split}.conllx")
    files = [f"corpus.{split}={tmp_path / split}.conllx" for split in ("train", "validation", "test")]
    options = [*(option for option in tiny if "relation_size" not in option), *files, "training.epochs=1"]
    with pytest.raises(ValueError, match=r"test\.conllx:2: .* no dependency tree, as 4 of 4 test sentences"):
        command.train_and_score(compose_config("train", *options), tmp_path / "dglstm")
    assert not (tmp_path / "dglstm" / "last.pt").exists()
    command.train_and_score(compose_config("train", *options, "model=bilstm_crf"), tmp_path / "bilstm")
    assert (tmp_path / "bilstm" / "scores.json").is_file()
    command.train_and_score(compose_config("train", *options, "missing_trees=self_heads"), tmp_path / "self_heads")
    run = Run.open(tmp_path / "self_heads")
    assert run.environment["trees"] == {"provider": "given", "formalism": "given"}


def test_columns_without_test_split_from_training_to_prediction(run_command, tiny, tmp_path, caplog):
    caplog.set_level("INFO")
    people, towns = ("Ada", "Bruno", "Chiara"), ("Ulm", "Graz", "Turin")
    texts = [f"{one} NNP U-PER\nsaw VBD O\n{two} NNP U-LOC\n" for one in people for two in towns]
    corpus = tmp_path / "all.conll"
    corpus.write_text("\n".join(texts * 3))
    run = tmp_path / "run"
    options = [option for option in tiny if not option.startswith(("corpus", "dependencies", "model.relation"))]
    status, errors = run_command(
        *("train", "model=bilstm_crf", "corpus=columns", f"corpus.train={corpus}", "corpus.labels={LOC: GPE}"),
        *(*options, "training.epochs=2", f"hydra.run.dir={run}"),
    )
    assert status == 0, errors
    scores = json.loads((run / "scores.json").read_text())
    assert set(scores) == {"epoch", "validation"}
    assert set(scores["validation"]["strict"]["labels"]) == {"GPE", "PER"}
    assert not (run / "predictions-test.conll").exists()
    status, errors = run_command("evaluate", f"run={run}", "device=cpu")
    assert (status, "has no test split, only train and validation; files=PATH scores files" in errors) == (1, True)
    status, errors = run_command("evaluate", f"run={run}", "device=cpu", f"files={corpus}")
    assert status == 0, errors
    assert set(json.loads(next(run.glob("scores-all-*.json")).read_text())["strict"]["labels"]) == {"GPE", "PER"}
    output = tmp_path / "out.conll"
    status, errors = run_command("predict", f"run={run}", "device=cpu", f"input={corpus}", f"output={output}")
    assert status == 0, errors
    before, after = corpus.read_text().splitlines(), output.read_text().splitlines()
    assert [line.split()[:2] for line in before] == [line.split()[:2] for line in after]
    assert {line.split()[2] for line in after if line} <= {
        f"{letter}-{label}" for letter in "BILU" for label in ("GPE", "PER")
    } | {"O"}


def test_a_share_of_the_training_sentences(
    compose_config, tiny, run_directory, tmp_path, train_in_two_parts, run_command
):
    """The vocabularies and the steps are those of the share, which a training that is resumed keeps."""
    options = [*tiny, "training.share=0.2", "training.epochs=2", "training.batch_size=1", "training.log_every=1"]
    cfg = compose_config("train", *options)
    command.train_and_score(cfg, tmp_path / "whole")
    sentences = len(load(Path(Run.open(run_directory).environment["prepared"])).splits["train"])
    assert max(line.get("step", 0) for line in metrics(tmp_path / "whole")) == 2 * round(sentences / 5)
    words, all_words = (Run.open(directory).vocabularies.words for directory in (tmp_path / "whole", run_directory))
    assert len(words) < len(all_words)

    assert run_command("evaluate", f"run={tmp_path / 'whole'}", "split=train", "device=cpu", "threads=1")[0] == 0
    assert json.loads((tmp_path / "whole" / "scores-train.json").read_text())["sentences"] == round(sentences / 5)

    train_in_two_parts(cfg, tmp_path / "resumed")
    assert metrics(tmp_path / "resumed") == metrics(tmp_path / "whole")


def test_a_folder_of_the_users_is_left_when_a_training_is_refused(tmp_path, run_command):
    folder = tmp_path / "models" / "encoder"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_text("mine")
    status, told = run_command("train", f"hydra.run.dir={tmp_path / 'models'}", f"prepared={tmp_path / 'typo'}")
    assert (status, "typo" in told) == (1, True)
    assert [file.read_text() for file in folder.iterdir()] == ["mine"]

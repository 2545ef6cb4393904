import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from ner.options import CHOICES, RANGES, check_command, check_component
from ner.resources import conf_directory
from ner.schemas import SCHEMAS, Train, flattened

COMPONENTS = ("corpus", "dependencies", "model", "optimizer", "schedule")


@pytest.fixture(scope="module")
def composed(compose_config):
    def compose(*overrides):
        return OmegaConf.to_container(compose_config("train", *overrides), resolve=True)

    return compose


@pytest.fixture(scope="module")
def defaults(composed):
    return composed()


def check(config):
    check_command(config, Train)
    for name in COMPONENTS:
        check_component(name, config[name])


def menu():
    for group in ("corpus", "dependencies", "optimizer", "schedule", "model"):
        for path in sorted((conf_directory() / group).rglob("*.yaml")):
            group = path.parent.relative_to(conf_directory()).as_posix()
            package = f"@model.features.{path.stem}" if group == "model/feature" else ""  # of which none is the default
            yield f"{'+' if package else ''}{group}{package}={path.stem}"


@pytest.mark.parametrize("choice", list(menu()))
def test_the_whole_menu_is_allowed(composed, choice):
    model = ["model=feature_crf"] * choice.startswith("model/templates")  # the only one with templates
    check(composed(*model, choice))


WRONG = [
    ("model.layers=abc", "model.layers is 'abc': it must be a whole number from 0 to 100"),
    ("model.layers=1.5", "model.layers is 1.5: it must be a whole number"),
    ("model.layers=true", "model.layers is True: it must be a whole number"),
    ("model.layers=10000000", "model.layers is 10000000: it must be a whole number from 0 to 100"),
    ("model.hidden_size=-4", "model.hidden_size is -4: it must be a whole number from 1 to 65,536"),
    ("model.head_word=3", "model.head_word is 3: it must be true or false"),
    ("model.characters=3", r"model.characters is 3: it must be a component of the menu .* or null"),
    ("model.characters.dropout=1", r"model.characters.dropout is 1: it must be a number from 0 to 1 \(excluded\)"),
    ("model.recurrent=null", "model.recurrent is None: it must be a component"),
    ("+model.by_layer.2=x", "model.by_layer.2 is 'x': it must be a component"),
    ("+model.foo=1", "unknown option model.foo: dglstm_crf has between_dropout, "),
    ("+model.hiden_size=1", r"unknown option model.hiden_size: did you mean model.hidden_size\?"),
    ("~model.layers", "model.layers is missing: dglstm_crf needs it"),
    ("optimizer.learning_rate=nan", "optimizer.learning_rate is nan: it must be a number above 0"),
    ("+optimizer.rates.word=x", "optimizer.rates.word is 'x': it must be a number"),
    ("schedule.warmup=2", "schedule.warmup is 2: it must be a number from 0"),
    ("training.epochs=-1", "training.epochs is -1: it must be a whole number from 1"),
    ("training.patience=0", "training.patience is 0: .* or null"),
    ("seed=-1", "seed is -1: it must be a whole number from 0"),
]


@pytest.mark.parametrize(("override", "message"), WRONG)
def test_what_may_not_be_is_named_with_what_may(composed, override, message):
    with pytest.raises(ValueError, match=message):
        check(composed(override))


@given(data=st.data())
def test_of_any_other_type_or_range_no_option_is_accepted(defaults, data):
    """Drawn from the complement of the schema: a mapping without component, or a number out of all ranges."""
    names = [name for name, _ in flattened({"model": defaults["model"], "training": defaults["training"]})]
    name = data.draw(st.sampled_from([name for name in names if not name.endswith("_")]))
    wrong = st.one_of(
        st.lists(st.integers(), min_size=1),
        st.dictionaries(st.text(max_size=3), st.integers(), min_size=1),
        st.sampled_from([-1, -0.5, math.nan, math.inf, 10**400, b"bytes", object()]),
    )
    *way, last = name.split(".")
    config = OmegaConf.to_container(OmegaConf.create(defaults))
    part = config
    for step in way:
        part = part[step]
    part[last] = data.draw(wrong)
    with pytest.raises(ValueError, match=rf"{name} is .*: it must be"):
        check(config)


@pytest.mark.parametrize("value", [None, 3, "text", [], {}, {"target": 1}])
def test_what_is_no_component_is_said_so(value):
    with pytest.raises(ValueError, match=r"model is .*: it must be a component"):
        check_component("model", value)


def test_ranges_say_what_they_are():
    assert str(RANGES["layers"]) == "from 0 to 100"
    assert str(RANGES["learning_rate"]) == "above 0"
    assert str(RANGES["word_rate"]) == "at least 0"
    assert 0.0 not in RANGES["warmup"]
    assert 1.0 not in RANGES["*dropout"]
    assert 0.0 in RANGES["*dropout"]


@pytest.mark.parametrize("command", sorted(SCHEMAS))
def test_what_commands_do_by_default_is_allowed(compose_config, command):
    named = ["tune.study=x", "tune.directory=x"] if command == "tune" else []
    cfg = compose_config(command, *named)
    check_command(OmegaConf.to_container(cfg, resolve=True), SCHEMAS[command])


def test_choices_are_those_of_the_modules_they_are_made_by():
    from ner import precision, tune
    from ner.corpus import sampler, schemes, tags
    from ner.corpus.dependencies import policy
    from ner.model import crf
    from ner.training import run, step

    assert {
        "device": run.DEVICES,
        "precision": ("auto", *precision.PRECISIONS),
        "training.precision": ("auto", *precision.PRECISIONS),
        "training.batches": tuple(sampler.BATCHES),
        "training.reduction": step.REDUCTIONS,
        "vocabulary.scheme": tags.SCHEMES,
        "corpus.scheme": schemes.FILE_SCHEMES,
        "corpus.malformed_tags": schemes.MALFORMED_TAGS,
        "missing_trees": policy.MISSING_TREES,
        "malformed_trees": policy.MALFORMED_TREES,
        "model.decoder.constraints": crf.CONSTRAINTS,
        "tune.pruner": tune.PRUNERS,
        "on_error": ("stop", "skip"),
    } == CHOICES


@pytest.mark.parametrize(
    ("name", "override", "message"),
    [
        ("train", "training.reduction=mean", "training.reduction is 'mean': it must be sum, sentence or token"),
        ("tune", "tune.pruner=x", "tune.pruner is 'x': it must be median, hyperband or none"),
        ("evaluate", "missing_trees=x", "missing_trees is 'x': it must be error or self_heads"),
        ("report", "sentences=-1", "sentences is -1: it must be a whole number from 0 to"),
        ("serve", "limits.queue=0", "limits.queue is 0: it must be a whole number from 1 to"),
        ("prepare", "malformed_trees=mend", "malformed_trees is 'mend': it must be error, self_heads or repair"),
    ],
)
def test_a_command_is_checked_against_its_schema(compose_config, name, override, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        check_command(OmegaConf.to_container(compose_config(name, override)), SCHEMAS[name])


@pytest.mark.parametrize("override", ["corpus.train=3", "corpus.labels=3", "corpus.labels={A: [1]}", "corpus.tag=[a]"])
def test_options_of_a_corpus_have_types_too(compose_config, override):
    config = compose_config("prepare", "corpus=columns", "corpus.train=x", override)
    with pytest.raises(ValueError, match=f"{override.partition('=')[0]}.* is .*: it must be"):
        check_component("corpus", OmegaConf.to_container(config.corpus))

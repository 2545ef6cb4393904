"""Where the trees of a file come from."""

from dataclasses import dataclass, field

import pytest

from ner.corpus.dependencies import CoreNLPParser, StanfordDependencies, StanzaParser
from ner.training.prediction import PARSERS, Trained, as_trained


@dataclass
class Model:
    formalism: str = "sd"
    trained_trees: dict[str, str] = field(default_factory=dict)

    def check_formalism(self, formalism):
        pass


def test_trees_are_made_as_those_that_a_run_was_trained_on():
    assert isinstance(Model(), Trained)
    assert isinstance(as_trained(Model()), StanfordDependencies)
    assert isinstance(as_trained(Model(trained_trees={"provider": "given", "formalism": "sd"})), StanfordDependencies)
    for choice in (CoreNLPParser(), CoreNLPParser(formalism="ud", parser="neural")):
        again = as_trained(Model(choice.formalism, choice.fingerprint()))
        assert isinstance(again, CoreNLPParser)
        assert again.fingerprint() == choice.fingerprint()
    german = {"provider": "stanza", "formalism": "ud", "language": "de"}
    again = as_trained(Model("ud", german))
    assert isinstance(again, StanzaParser)
    assert again.language == "de"


@pytest.mark.parametrize("trees", [{"provider": "../../x"}, {}])
def test_a_strangers_names_open_no_file(trees):
    with pytest.raises(ValueError, match="unknown dependencies '/tmp/evil'"):
        as_trained(Model("/tmp/evil", trees))


def test_a_strangers_paths_are_not_used():
    fingerprint = {**CoreNLPParser().fingerprint(), "classpath": "evil.jar", "cache_dir": "/tmp/evil"}
    assert as_trained(Model("sd", fingerprint)).classpath is None
    assert all("path" not in option and "dir" not in option for options in PARSERS.values() for option in options)

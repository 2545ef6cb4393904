"""Dependency trees for sentences: providers of one protocol, and what becomes of a sentence that has no tree."""

from ner.corpus.dependencies.conversion import StanfordDependencies, UniversalDependencies
from ner.corpus.dependencies.corenlp_parser import CoreNLPParser
from ner.corpus.dependencies.given import GivenDependencies
from ner.corpus.dependencies.policy import TreePolicy
from ner.corpus.dependencies.provider import TextParser, TokenizedSentence, TreeProvider, describe
from ner.corpus.dependencies.stanza_parser import StanzaParser

__all__ = [
    "CoreNLPParser",
    "GivenDependencies",
    "StanfordDependencies",
    "StanzaParser",
    "TextParser",
    "TokenizedSentence",
    "TreePolicy",
    "TreeProvider",
    "UniversalDependencies",
    "describe",
]

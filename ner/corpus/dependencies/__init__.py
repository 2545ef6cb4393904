"""Dependency trees for sentences: providers of one protocol, and what becomes of a sentence that has no tree."""

from ner.corpus.dependencies.conversion import StanfordDependencies, UniversalDependencies
from ner.corpus.dependencies.given import GivenDependencies
from ner.corpus.dependencies.policy import TreePolicy
from ner.corpus.dependencies.provider import TreeProvider, describe

__all__ = [
    "GivenDependencies",
    "StanfordDependencies",
    "TreePolicy",
    "TreeProvider",
    "UniversalDependencies",
    "describe",
]

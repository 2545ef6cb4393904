"""The languages whose constituency trees CoreNLP can convert, told by their parts of speech."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

# fmt: off
_ENGLISH_TAGS = frozenset((
    "CC", "CD", "DT", "EX", "FW", "IN", "JJ", "JJR", "JJS", "LS", "MD", "NN", "NNS", "NNP", "NNPS", "PDT", "POS", "PRP",
    "PRP$", "RB", "RBR", "RBS", "RP", "SYM", "TO", "UH", "VB", "VBD", "VBG", "VBN", "VBP", "VBZ", "WDT", "WP", "WP$",
    "WRB", ".", ",", ":", "``", "''", "-LRB-", "-RRB-", "$", "#", "HYPH", "NFP", "ADD", "AFX", "XX", "VERB", "GW",
    "-NONE-", "CODE", "IP", "RM", "RS",
))
_CHINESE_TAGS = frozenset((
    "AD", "AS", "BA", "CC", "CD", "CS", "DEC", "DEG", "DER", "DEV", "DT", "ETC", "FW", "IJ", "INF", "JJ", "LB", "LC",
    "M", "MSP", "NN", "NOI", "NR", "NT", "OD", "ON", "P", "PN", "PU", "SB", "SP", "URL", "VA", "VC", "VE", "VV", "X",
    "-NONE-",
))
_ENGLISH_PHRASES = frozenset((
    "ADJP", "ADV", "ADVP", "CONJP", "EDITED", "EMBED", "FRAG", "INTJ", "JJP", "LST", "META", "NAC", "NML", "NP", "NX",
    "POSSP", "PP", "PRN", "PRT", "QP", "ROOT", "RRC", "S", "SBAR", "SBARQ", "SINV", "SQ", "TOP", "TYPO", "UCP", "VB",
    "VP", "WHADJP", "WHADVP", "WHNP", "WHPP", "X", "XS", "XSL",
))
_CHINESE_PHRASES = frozenset((
    "ADJP", "ADVP", "CLP", "CP", "DFL", "DNP", "DP", "DVP", "FLR", "FRAG", "INC", "INTJ", "IP", "LCP", "LST", "NP",
    "OTH", "PP", "PRN", "QP", "ROOT", "TOP", "UCP", "VCD", "VCP", "VNV", "VP", "VPT", "VRD", "VSB", "WHNP", "WHPP", "X",
))
# fmt: on


@dataclass(frozen=True, kw_only=True)
class Language:
    """A language's treebank, and how CoreNLP converts its trees.

    `phrases` are the labels that have a head rule for both formalisms: CoreNLP dies of any other that has two children,
    or drops it. `deleted_tags` are the parts of speech that its reader drops with their words. `programs` are the Java
    classes by formalism, where they are run from the command line, with their options. `leaves` replaces words in the
    tree that is given to Java, and `known` is a sentence to test an installation with: brackets, words, parts of
    speech, and edges.
    """

    code: str
    name: str
    tags: frozenset[str]
    phrases: frozenset[str]
    deleted_tags: frozenset[str]
    programs: Mapping[str, tuple[str, ...]]
    leaves: Mapping[str, str] = field(default_factory=dict)
    known: tuple[str, tuple[str, ...], tuple[str, ...], tuple[tuple[int, str], ...]]


ENGLISH = Language(
    code="en",
    name="English",
    tags=_ENGLISH_TAGS,
    phrases=_ENGLISH_PHRASES,
    deleted_tags=frozenset(("CODE", "IP", "RM", "RS")),
    programs={"sd": ("edu.stanford.nlp.trees.EnglishGrammaticalStructure", "-originalDependencies")},
    known=(
        "(TOP(S(NP**)(VP*)*))",
        ("The", "dog", "barks", "."),
        ("DT", "NN", "VBZ", "."),
        ((2, "det"), (3, "nsubj"), (0, "root"), (3, "punct")),
    ),
)
_CHINESE_PROGRAMS = "edu.stanford.nlp.trees.international.pennchinese"
CHINESE = Language(
    code="zh",
    name="Chinese",
    tags=_CHINESE_TAGS,
    phrases=_CHINESE_PHRASES,
    deleted_tags=frozenset(),
    programs={
        "sd": (f"{_CHINESE_PROGRAMS}.ChineseGrammaticalStructure",),
        "ud": (f"{_CHINESE_PROGRAMS}.UniversalChineseGrammaticalStructure",),
    },
    leaves={
        "(": "\uff08",
        ")": "\uff09",
        "-LRB-": "\uff08",
        "-RRB-": "\uff09",
    },  # full-width, as that treebank has them
    known=(
        "(TOP(IP(NP*)(VP*(NP*))*))",
        ("狗", "追", "猫", "。"),
        ("NN", "VV", "NN", "PU"),
        ((2, "nsubj"), (0, "root"), (2, "dobj"), (2, "punct")),
    ),
)
LANGUAGES = {language.code: language for language in (ENGLISH, CHINESE)}


def language_of(pos: Sequence[str]) -> Language | None:
    """The language of a sentence's tree by its parts of speech; None where it may be any.

    Raises:
        ValueError: where most parts of speech are of neither treebank, as those of Arabic are.
    """
    strange = [tag for tag in pos if tag not in _ENGLISH_TAGS and tag not in _CHINESE_TAGS]
    if 2 * len(strange) > len(pos):
        shown = ", ".join(list(dict.fromkeys(strange))[:4])
        raise ValueError(
            f"the parts of speech {shown} are neither of English nor of Chinese trees, and CoreNLP converts no others "
            "(Arabic ones, say); a model without trees takes the corpus with dependencies=given"
        )
    english = sum(tag not in _CHINESE_TAGS for tag in pos)
    chinese = sum(tag not in _ENGLISH_TAGS for tag in pos)
    return None if english == chinese else ENGLISH if english > chinese else CHINESE

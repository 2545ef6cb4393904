"""Where CoreNLP's jars come from: a class path the user has, or Maven Central, once."""

from __future__ import annotations

import hashlib
import http.client
import os
import urllib.request
from glob import glob
from pathlib import Path
from typing import BinaryIO, NamedTuple

from tqdm import tqdm

from ner.corpus.files import replacing

MAVEN_CENTRAL = "https://repo1.maven.org/maven2"


class Jar(NamedTuple):
    """A jar by its Maven coordinates, its licence, and the digest of what it has to be."""

    group: str
    artifact: str
    version: str
    license: str
    sha256: str
    classifier: str = ""

    @property
    def file_name(self) -> str:
        return f"{self.artifact}-{self.version}{self.classifier and '-'}{self.classifier}.jar"

    @property
    def path(self) -> str:
        return f"{self.group.replace('.', '/')}/{self.artifact}/{self.version}/{self.file_name}"


JARS = (
    Jar(
        "edu.stanford.nlp",
        "stanford-corenlp",
        "4.5.10",
        "GPL v3",
        "f813ce4ed7319d79225f2a520d40733075c6b3500dd0b81ee069229e461aab43",
    ),
    Jar(
        "com.google.protobuf",
        "protobuf-java",
        "3.25.5",
        "BSD",
        "8540247fad9e06baefa8fb45eb313802d019f485f14300e0f9d6b556ed88e753",
    ),
)


def class_path(classpath: str | None = None, cache_dir: str | Path | None = None) -> str:
    """Find CoreNLP's jars, as Java's -cp wants them.

    The first of: `classpath` (also a directory of jars, or the word `$CLASSPATH` for the environment variable, as
    Stanza has it), the directory in the environment variable CORENLP_HOME, the jars in the cache directory, which are
    downloaded if they are not there.

    Raises:
        ValueError: when the class path or directory asked for is not there, or a jar is not the expected one.
        OSError: when a jar cannot be downloaded, saying what to do.
    """
    if classpath is None and "CORENLP_HOME" in os.environ:
        home = os.environ["CORENLP_HOME"]
        if home != "$CLASSPATH" and not Path(home).is_dir():
            raise ValueError(f"CORENLP_HOME={home} is no directory; unset it to have the CoreNLP jars downloaded")
        classpath = home
    if classpath is None:
        return os.pathsep.join(str(path) for path in fetch_jars(cache_dir))
    if classpath == "$CLASSPATH":
        if not os.environ.get("CLASSPATH"):
            raise ValueError("the class path is to be $CLASSPATH, but the environment variable CLASSPATH is not set")
        return os.environ["CLASSPATH"]
    return str(Path(classpath) / "*") if Path(classpath).is_dir() else classpath


def jar_digests(classpath: str | None = None, cache_dir: str | Path | None = None) -> dict[str, str]:
    """The SHA-256 of each jar on the class path that `class_path` finds, by its name; nothing is downloaded.

    Raises:
        ValueError: as `class_path`, and where the class path holds no file.
    """
    if classpath is None and "CORENLP_HOME" not in os.environ:
        return {jar.file_name: jar.sha256 for jar in JARS}  # the only ones that `fetch_jars` accepts
    places = class_path(classpath, cache_dir).split(os.pathsep)
    found = [Path(path) for place in places for path in sorted(glob(place))]
    files = [file for path in found for file in (sorted(path.rglob("*.class")) if path.is_dir() else [path])]
    if not files:
        raise ValueError(f"there is no jar on CoreNLP's class path {os.pathsep.join(places)}")
    return {file.name: sha256(file) for file in files}


def sha256(file: Path) -> str:
    """The digest of a file's content."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def cache_directory() -> Path:
    """The environment variable NER_CACHE, else ~/.cache/dependency-guided-ner."""
    return Path(os.environ.get("NER_CACHE") or Path.home() / ".cache" / "dependency-guided-ner")


def fetch_jars(cache_dir: str | Path | None = None, *, repository: str = MAVEN_CENTRAL) -> tuple[Path, ...]:
    """Give the paths of the two jars in the cache directory, downloading those that are not there.

    Raises:
        ValueError: when a jar's SHA-256 is not the pinned one.
        OSError: when a jar cannot be downloaded.
    """
    directory = cache_directory() if cache_dir is None else Path(cache_dir).expanduser()
    return tuple(_fetch(jar, directory / jar.file_name, repository) for jar in JARS)


def _fetch(jar: Jar, path: Path, repository: str) -> Path:
    if path.exists():
        digest = sha256(path)
        if digest != jar.sha256:
            raise ValueError(
                f"{path} is not {jar.artifact} {jar.version}: its SHA-256 is {digest}, not {jar.sha256}; "
                "delete it to have it downloaded again"
            )
        return path
    url = f"{repository}/{jar.path}"
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        digest = download(url, file, f"{jar.file_name} ({jar.license})")
        if digest != jar.sha256:
            raise ValueError(
                f"{url} is not what it should be: its SHA-256 is {digest}, not {jar.sha256}; "
                "was it cut short, or did a proxy answer in its place?"
            )
    return path


def download(url: str, file: BinaryIO, description: str) -> str:
    """Copy what is at `url` into `file`, and give its SHA-256."""
    digest = hashlib.sha256()
    try:
        with urllib.request.urlopen(url, timeout=60) as response:
            size = int(response.headers.get("Content-Length") or 0) or None
            with tqdm(desc=description, total=size, unit="B", unit_scale=True, disable=None) as progress:
                while block := response.read(1 << 16):
                    file.write(block)
                    digest.update(block)
                    progress.update(len(block))
    except (OSError, http.client.HTTPException) as error:
        raise OSError(
            f"cannot download {url}: {error}. CoreNLP (GPL v3) makes dependency trees; it is not part of this package "
            "but downloaded when first needed. Set HTTPS_PROXY if you are behind a proxy; or "
            "download "
            + " and ".join(f"{MAVEN_CENTRAL}/{jar.path}" for jar in JARS)
            + f" elsewhere and put them into {cache_directory()}, or into a directory that CORENLP_HOME names."
        ) from error
    return digest.hexdigest()

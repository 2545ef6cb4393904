"""CoreNLP's models for English: single files out of two large jars on Maven Central, fetched when first needed."""

from __future__ import annotations

import http.client
import io
import logging
import tempfile
import urllib.request
import zipfile
from pathlib import Path
from typing import BinaryIO, NamedTuple

from tqdm import tqdm

from ner.corpus.files import replacing
from ner.corpus.jars import MAVEN_CENTRAL, Jar, cache_directory, download, sha256

log = logging.getLogger(__name__)

_IN_JAR = "edu/stanford/nlp/models"
_BLOCK = 1 << 22  # bytes asked for at a time
_MODELS_JAR = Jar(
    "edu.stanford.nlp",
    "stanford-corenlp",
    "4.5.10",
    "GPL v3",
    "a5da9f6feb35a0fd2ea2cbe8909bede3952965b238a68c833ae3e031ed9026a0",
    "models",
)
_ENGLISH_JAR = Jar(
    "edu.stanford.nlp",
    "stanford-corenlp",
    "4.5.10",
    "GPL v3",
    "fb260e7df725a19e6861db3df9444b4a6bbad2b2ab223d3a73d508bfadb5e159",
    "models-english",
)


class Model(NamedTuple):
    """A file in a jar of models, with what it has to be."""

    jar: Jar
    path: str
    size: int
    sha256: str

    @property
    def file_name(self) -> str:
        return f"{self.jar.version}-{self.path.rpartition('/')[2]}"


TAGGER = Model(
    _MODELS_JAR,
    "pos-tagger/english-left3words-distsim.tagger",
    13_547_114,
    "25d3f63ba8b7e6c83156ac3869f5ef611df4398c44434775f284c1984484868c",
)
SHIFT_REDUCE = Model(
    _ENGLISH_JAR,
    "srparser/englishSR.ser.gz",
    63_744_771,
    "13dfed586c82005dea0cc8b0f1cae5687ba8959e2ccae86fd52d7bd5c3763e06",
)
NEURAL = {
    "sd": Model(
        _MODELS_JAR,
        "parser/nndep/english_SD.gz",
        13_666_012,
        "74e12b542eaa89f1ba49c51ed0a86be01245d46e9b74d260cde8d7ac4166c921",
    ),
    "ud": Model(
        _MODELS_JAR,
        "parser/nndep/english_UD.gz",
        13_653_968,
        "b6ddc3f9bdfde9cb30d03ec51d656e5313b1939c1017324d5b9c4dcb65ee6c62",
    ),
}
"""CoreNLP's dependency parsers, by formalism."""


def fetch_models(
    models: tuple[Model, ...], cache_dir: str | Path | None = None, *, repository: str = MAVEN_CENTRAL
) -> tuple[Path, ...]:
    """Give the paths of models in the cache directory, downloading those that are not there.

    Only the models are downloaded, by HTTP range requests into their jar. A repository that takes none sends the whole
    jar, which is not kept.

    Raises:
        ValueError: when a model's SHA-256 is not the pinned one.
        OSError: when it cannot be downloaded, saying what to do.
    """
    directory = cache_directory() if cache_dir is None else Path(cache_dir).expanduser()
    paths = tuple(directory / model.file_name for model in models)
    missing = [(model, path) for model, path in zip(models, paths, strict=True) if not path.exists()]
    for jar in dict.fromkeys(model.jar for model, _ in missing):
        wanted = [(model, path) for model, path in missing if model.jar == jar]
        size = sum(model.size for model, _ in wanted)
        log.info("%.1f MB of CoreNLP's models (%s) are downloaded to %s", size / 1e6, jar.license, directory)
        _fetch(jar, wanted, f"{repository}/{jar.path}")
    for model, path in zip(models, paths, strict=True):
        if path.stat().st_size != model.size:
            raise ValueError(f"{path} is not CoreNLP's {model.path}: delete it to have it downloaded again")
    return paths


def _fetch(jar: Jar, models: list[tuple[Model, Path]], url: str) -> None:
    try:
        remote = _RemoteFile(url)
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(url, error) from error
    with tempfile.TemporaryFile() as whole:
        if remote.takes_ranges:
            source: BinaryIO = io.BufferedReader(remote, _BLOCK)
        else:
            log.info("%s sends no part of a file, so all %.1f MB are downloaded", url, remote.size / 1e6)
            download(url, whole, f"{jar.file_name} ({jar.license})")
            source = whole
        try:
            with zipfile.ZipFile(source) as archive:
                for model, path in models:
                    _extract(archive, model, path)
        except (zipfile.BadZipFile, KeyError) as error:
            raise ValueError(f"{url} is not the jar that it should be ({error}); does a proxy answer?") from error
        except (OSError, http.client.HTTPException) as error:
            raise _unreachable(url, error) from error


def _extract(archive: zipfile.ZipFile, model: Model, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file, archive.open(f"{_IN_JAR}/{model.path}") as member:
        title = f"{Path(model.path).name} ({model.jar.license})"
        with tqdm(desc=title, total=model.size, unit="B", unit_scale=True, disable=None) as progress:
            while block := member.read(1 << 16):
                file.write(block)
                progress.update(len(block))
        file.flush()
        digest = sha256(Path(file.name))
        if digest != model.sha256:
            raise ValueError(
                f"{model.path} in {model.jar.file_name} is not what it should be: its SHA-256 is {digest}, "
                f"not {model.sha256}"
            )


def _unreachable(url: str, error: Exception) -> OSError:
    return OSError(
        f"cannot download {url}: {error}. CoreNLP's models (GPL v3) are not part of this package but downloaded when "
        f"first needed. Set HTTPS_PROXY if you are behind a proxy, or copy {cache_directory()} from a machine that has "
        "downloaded them."
    )


class _RemoteFile(io.RawIOBase):
    """A file behind HTTP that can be read anywhere, where the server takes range requests."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.position = 0
        with self._open(0, 1) as response:
            self.takes_ranges = response.status == http.client.PARTIAL_CONTENT
            total = response.headers.get("Content-Range", "").rpartition("/")[2]
            self.size = int(total if total.isdecimal() else response.headers.get("Content-Length") or 0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.position = offset + (0, self.position, self.size)[whence]
        return self.position

    def tell(self) -> int:
        return self.position

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        end = min(self.size, self.position + len(buffer))
        if end <= self.position:
            return 0
        with self._open(self.position, end) as response:
            content = response.read(end - self.position)
        buffer[: len(content)] = content
        self.position += len(content)
        return len(content)

    def _open(self, start: int, end: int) -> http.client.HTTPResponse:
        request = urllib.request.Request(self.url, headers={"Range": f"bytes={start}-{end - 1}"})
        response: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=60)
        return response

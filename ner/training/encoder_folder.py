"""The pretrained encoder of a run, or of an exported model, as far as its directory holds it."""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from ner.corpus.files import write_json
from ner.corpus.pieces import Cutter
from ner.corpus.pretrained import CONFIGURATION, EncoderFiles, Pretrained, find
from ner.stored import read_json

FOLDER = "encoder"
SOURCE = "source.json"


@dataclass(frozen=True, kw_only=True)
class Source:
    """Which encoder it is: `folder` is where it was, None if that says nothing elsewhere."""

    name: str
    folder: str | None
    revision: str | None
    digest: str


@dataclass(frozen=True, kw_only=True)
class EncoderFolder:
    """`path` has the configuration of an encoder, what cuts sentences for it, and its `source` in `source.json`.

    The weights of an encoder that was trained are among those of the run. Those of a frozen one are not stored: they
    are found again, and known by their digest; in the folder itself first, if someone put them there.
    """

    path: Path
    source: Source

    @classmethod
    def create(cls, directory: Path, encoder: Pretrained, cutter: Cutter) -> EncoderFolder:
        """Write the folder of a run that begins.

        Raises:
            ValueError: where there is another folder of this name.
        """
        source = Source(
            name=encoder.name, folder=str(encoder.folder), revision=encoder.revision, digest=encoder.digest()
        )
        made = cls(path=directory / FOLDER, source=source)
        if made.path.exists() and not (made.path / SOURCE).is_file():
            raise ValueError(f"{made.path} exists, and is not that of a run: choose another hydra.run.dir")
        made.path.mkdir(exist_ok=True)
        write_json(made.path / SOURCE, asdict(source))  # first, by which the folder is known to be a run's
        shutil.copyfile(encoder.folder / CONFIGURATION, made.path / CONFIGURATION)
        cutter.save(made.path)
        return made

    @classmethod
    def open(cls, directory: Path) -> EncoderFolder:
        """The folder of a run or of an exported model.

        Raises:
            ValueError: where it is missing or damaged.
        """
        path = directory / FOLDER
        try:
            return cls(path=path, source=Source(**read_json(path / SOURCE)))
        except (OSError, TypeError, ValueError) as error:
            raise ValueError(f"{path}: not the encoder of a run ({error})") from error

    def cutter(self) -> Cutter:
        """What cuts sentences for the encoder.

        Raises:
            ValueError: where it is missing or damaged.
        """
        return Cutter.load(self.path)

    def files(self, *, weights: bool) -> EncoderFiles:
        """What an encoder is built from; without `weights`, they are loaded into it afterwards."""
        return EncoderFiles(folder=self.path, find_weights=self.find_weights if weights else None)

    def find_weights(self) -> Path:
        """The folder of the encoder's weights: this one, where they were, or found again by name and revision.

        Raises:
            ValueError: where they are nowhere, or not those of the encoder.
        """
        source = self.source
        try:
            if any(self.path.glob("*.safetensors")):
                found = Pretrained(name=source.name, folder=self.path, revision=None)
            elif source.folder is not None and Path(source.folder).is_dir():
                found = Pretrained(name=source.name, folder=Path(source.folder), revision=source.revision)
            else:
                found = find(source.name, source.revision)
        except ValueError as error:
            raise ValueError(f"{error}; copy the encoder's safetensors into {self.path}, and it is found") from error
        if found.digest() != source.digest:
            raise ValueError(
                f"{found.folder} is not the encoder {source.name} that {self.path.parent} was trained with: its digest "
                f"differs; copy the right config.json and safetensors into {self.path}"
            )
        return found.folder

    def export(self, directory: Path, *, weights: bool) -> None:
        """Copy the folder to where others find all they need: with the `weights` that they could not find by name."""
        target = directory / FOLDER
        shutil.copytree(self.path, target)
        if weights and self.source.revision is None:
            for file in self.find_weights().glob("model*.safetensors*"):
                shutil.copyfile(file, target / file.name)
        name = self.source.name if self.source.revision else Path(self.source.name).name
        write_json(target / SOURCE, {**asdict(self.source), "name": name, "folder": None})

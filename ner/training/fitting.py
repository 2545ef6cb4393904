"""A training that is ready to go: what a run and its corpus come to, in each of its workers."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from ner.corpus.dataset import Prepared, encode_trees
from ner.corpus.mixture import TreeMixture
from ner.corpus.sampler import training_batches
from ner.corpus.tags import tags_to_spans
from ner.corpus.vectors import Vectors
from ner.model.tagger import Tagger
from ner.precision import choose_precision
from ner.scoring import Scores, score
from ner.training import loop
from ner.training.decoding import predict_tags
from ner.training.loop import Epoch, Step
from ner.training.run import Run, random_state
from ner.training.workers import ALONE, Workers


class Fitting:
    """A run with its tagger, optimiser and average, as they are at first or after the epoch that is resumed.

    Args:
        other: the corpus of `training.other_trees`.
        vectors: those that words begin with.
        is_resumed: whether to go on after the run's last epoch.

    Raises:
        ValueError: for options that do not fit together or with the corpus, and as `Run.restore`.
    """

    def __init__(
        self,
        run: Run,
        prepared: Prepared,
        *,
        other: Prepared | None = None,
        vectors: Vectors | None = None,
        device: torch.device,
        is_resumed: bool = False,
        rank: int = 0,
    ) -> None:
        self.run, self.options = run, run.config["training"]
        self.precision = choose_precision(self.options["precision"], device)
        if self.options["batch_size"] < self.options["workers"]:
            raise ValueError(
                f"training.workers={self.options['workers']} cannot share batches of {self.options['batch_size']}: "
                "choose fewer, or a larger training.batch_size"
            )
        self.tagger = run.new_tagger(vectors, pretrained=not is_resumed).to(device)
        policy = run.tree_policy(uses_trees=self.tagger.uses_trees)
        prepared.check_trees(policy)
        self.optimizer = run.new_optimizer(self.tagger)
        self.split, self.validation = (run.encode(prepared, name, self.tagger) for name in ("train", "validation"))
        pieces = self.split.pieces
        if pieces is not None and pieces.cutter.context and not pieces.has_neighbours:
            raise ValueError(
                f"model.contextual.context={pieces.cutter.context} has no effect: no two training sentences in a row "
                "are of one document"
            )
        self.mixture = None
        if other is not None:
            if not self.tagger.uses_trees:
                raise ValueError("training.other_trees has no effect in a model that uses no trees")
            if self.split.feature_ids is not None:
                raise ValueError("training.other_trees has no effect on feature templates, which read a corpus once")
            heads, relation_ids = encode_trees(other.splits["train"], run.vocabularies, trees=policy)
            share, seed = self.options["other_share"], run.config["seed"]
            self.mixture = TreeMixture(self.split, heads, relation_ids, share=share, seed=seed)
        self.sampler = training_batches(
            self.options["batches"],
            self.split.lengths,
            self.options["batch_size"],
            pool=self.options["pool"],
            seed=run.config["seed"],
        )
        self.gold = [tags_to_spans(tags) for tags in prepared.splits["validation"]["tags"]]
        self.average = run.new_average(self.tagger, steps_per_epoch=len(self.sampler))
        if rank:  # its own draws of dropout
            torch.manual_seed((run.config["seed"] + rank) % 2**63)
        self.after = run.restore(self.tagger, self.optimizer, self.average, rank=rank) if is_resumed else None

    def results(self, workers: Workers = ALONE) -> Iterator[Step | Epoch]:
        """What training yields, see `ner.training.loop.epochs`; the first worker's weights are those of all."""

        def validate(tagger: Tagger) -> Scores:
            predicted = predict_tags(tagger, self.validation, self.run.vocabularies, workers=workers)
            vocabularies = self.run.vocabularies
            found = (tags_to_spans(tags, scheme=vocabularies.scheme) for tags in predicted)
            return score(self.gold, found, task=vocabularies.task)

        for tagger in (self.tagger, *([] if self.average is None else [self.average.tagger])):
            workers.weights_from_first(tagger)
        return loop.epochs(
            self.tagger,
            self.split,
            sampler=self.sampler,
            validate=validate,
            optimizer=self.optimizer,
            schedule=self.run.schedule(),
            num_epochs=self.options["epochs"],
            mixture=self.mixture,
            average=self.average,
            patience=self.options["patience"],
            reduction=self.options["reduction"],
            precision=self.precision,
            log_every=self.options["log_every"],
            after=self.after,
            workers=workers,
        )

    def keep(self, epoch: Epoch, workers: Workers = ALONE) -> None:
        """Keep the state after an epoch in the run, which the first worker writes."""
        states = workers.of_all(random_state())
        if workers.is_first:
            self.run.save(self.tagger, self.optimizer, epoch, self.average, random=states)

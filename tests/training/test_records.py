import json
import os
from importlib.util import find_spec

import pytest

from ner.training.loop import Progress, Step
from ner.training.records import Records, hyper_parameters, record_end


def test_events_hold_what_the_json_lines_hold(run_directory):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run_directory))
    events.Reload()
    lines = [json.loads(line) for line in (run_directory / "metrics.jsonl").read_text().splitlines()]
    epochs = [line for line in lines if "validation" in line]
    looks = [line for line in lines if "validation" not in line]
    assert len(epochs) == 5
    assert len(looks) > len(epochs)
    for name, expected in (
        ("training/loss", [(line["step"], line["loss"]) for line in looks]),
        ("training/learning_rate", [(line["step"], line["learning_rate"]) for line in looks]),
        ("training/gradient_norm", [(line["step"], line["gradient_norm"]) for line in looks]),
        ("validation/f1", [(line["step"], line["validation"]["micro"]["f1"]) for line in epochs]),
    ):
        written = [(event.step, event.value) for event in events.Scalars(name)]
        assert [step for step, _ in written] == [step for step, _ in expected]
        assert [value for _, value in written] == pytest.approx([value for _, value in expected])
    assert {"validation_f1/PERSON", "training/tokens_per_second"} <= set(events.Tags()["scalars"])


def test_records_close_their_files(tmp_path):
    with Records(tmp_path, config={}) as records:
        pass
    assert records._metrics.closed


def test_of_what_was_written_whole_records_are_kept(tmp_path):
    whole = [b'{"epoch": 1, "step": 1}\n', b'{"epoch": 2, "step": 2}\n']
    others = [b"{}\n", b"[1]\n", b'{"epoch": "1"}\n', b'{"epoch": 1, "st{"epoch": 1}\n', b"\xff\n", b'{"epoch": 3}\n']
    (tmp_path / "metrics.jsonl").write_bytes(b"".join([whole[0], *others, whole[1], b'{"epoch": 1}']))
    with Records(tmp_path, config={}, after=Progress(epoch=2)):
        assert (tmp_path / "metrics.jsonl").read_bytes() == b"".join(whole)


def test_a_record_that_cannot_be_written_names_its_file(tmp_path):
    looked = {"loss": 1.0, "learning_rate": 1.0, "gradient_norm": 1.0, "tokens_per_second": 1.0}
    step = Step(epoch=1, step=1, sentences=1, **looked)
    with Records(tmp_path, config={}) as records:
        with open("/dev/full", "wb") as full:
            os.dup2(full.fileno(), records._metrics.fileno())
        with pytest.raises(OSError, match="No space left on device") as raised:
            records.write(step)
    assert raised.value.filename == str(tmp_path / "metrics.jsonl")


def test_components_are_called_by_their_names():
    config = {"model": {"_target_": "ner.model.tagger.x", "_partial_": True, "deep": {"size": 2}}, "a": None, "b": True}
    assert hyper_parameters(config) == {"model": "x", "model.deep.size": 2, "a": "null", "b": "true"}


def test_tensorboard_shows_options_beside_scores(run_directory):
    """As its HParams tab asks for them; the run is one run there, not two."""
    from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
    from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
    from tensorboard.context import RequestContext
    from tensorboard.plugins.base_plugin import TBContext
    from tensorboard.plugins.hparams import api_pb2
    from tensorboard.plugins.hparams.backend_context import Context
    from tensorboard.plugins.hparams.list_session_groups import Handler

    events = EventMultiplexer().AddRunsFromDirectory(str(run_directory.parent)).Reload()
    provider = MultiplexerDataProvider(events, str(run_directory.parent))
    backend, request = Context(TBContext(data_provider=provider)), RequestContext()
    content = backend.hparams_metadata(request, "")
    assert set(content) == {"run"}
    experiment = backend.experiment_from_metadata(request, "", True, content, [])
    metrics = [info for info in experiment.metric_infos if info.name.tag.startswith("best/")]
    asked = api_pb2.ListSessionGroupsRequest(
        allowed_statuses=[api_pb2.STATUS_SUCCESS],  # of the runs that are over
        col_params=[api_pb2.ColParams(metric=metric.name) for metric in metrics],
        slice_size=10,
    )
    (group,) = Handler(request, backend, "", asked).run().session_groups
    assert group.hparams["model"].string_value == "dglstm_crf"
    assert group.hparams["model.interaction"].string_value == "MLP"
    assert group.hparams["model.layers"].number_value == 2
    scores = json.loads((run_directory / "scores.json").read_text())
    found = {value.name.tag: value.value for value in group.metric_values}
    for split in ("validation", "test"):
        assert found[f"best/{split}_f1"] == pytest.approx(scores[split]["strict"]["micro"]["f1"])


def test_tensorboard_shows_the_scores_by_label(run_directory):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(run_directory))
    events.Reload()
    lines = [json.loads(line) for line in (run_directory / "metrics.jsonl").read_text().splitlines()]
    tables = events.Tensors("validation/by_label/text_summary")
    assert [table.step for table in tables] == [line["step"] for line in lines if line.get("is_best")]
    (test,) = events.Tensors("best/test_by_label/text_summary")
    assert "    PERSON  " in test.tensor_proto.string_val[0].decode()
    shown = events.Tags()["images"] if find_spec("matplotlib") else events.Tags()["tensors"]
    assert any(name.startswith("best/test_confusion") for name in shown)


def test_a_picture_may_be_text(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    record_end(tmp_path, {}, {"test_confusion": "| gold |"}, step=3)
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    (text,) = events.Tensors("best/test_confusion/text_summary")
    assert (text.step, text.tensor_proto.string_val[0].decode()) == (3, "| gold |")

"""The benchmarks run, on tiny sizes, and what they say is well formed; no time is asserted."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
import torch
from bench import __main__ as command
from bench import crf, layers, precision, scaling, time_to_score
from bench.material import invented, random_lengths
from bench.measuring import Options, Row, assert_equal, compare, saved_bytes
from bench.training import profile
from torch import nn

from ner.model.encoder import Encoder
from ner.resources import conf_directory
from ner.threads import num_threads, share_threads

TINY = Options(repeat=1, sentences=6, batch_sizes=(2, 3), multiples=(), lengths=(3, 9), tokens=27)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(command.SECTIONS.keys() - command.HOURS - {"workers"}))
def test_rows_are_well_formed(name):
    rows = list(command.SECTIONS[name](TINY))
    assert rows
    for row in rows:
        assert row.what
        assert row.settings
        assert row.unit
        assert 0 < row.value < math.inf
        assert (row.ratio is None) == (row.peer_value is None)


def test_a_peer_that_was_stopped_gives_a_lower_bound(capsys):
    curves = ours, theirs = time_to_score.Curve(), time_to_score.Curve()
    for curve, points in zip(curves, ([(60, 0.8), (120, 0.86)], [(1200, 0.7), (2400, 0.855)]), strict=True):
        for seconds, f1 in points:
            curve.add(seconds, f1)
    rows = [time_to_score.compared(score, ours.until(score), theirs, "recipe") for score in (85.0, 86.0)]
    assert [(row.value, row.peer_value, row.ratio) for row in rows] == [(2, 40, 20)] * 2
    assert [row.note for row in rows] == ["", "theirs was stopped at 85.50: a lower bound"]
    assert ours.until(86.5) is None
    assert len(capsys.readouterr().out.splitlines()) == 4


@pytest.mark.parametrize("has_it", [True, False])
def test_bfloat16_stands_beside_float32_where_the_cpu_has_it(monkeypatch, has_it):
    for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"):
        monkeypatch.setattr(torch.cpu, name, lambda: has_it)
    row = precision.layer_row(TINY, 2)
    assert (row.ratio is not None) is has_it
    assert ("would be slower" in row.note) is not has_it


@pytest.mark.slow
def test_memory_and_time_are_taken_from_files_to_an_epoch(monkeypatch):
    monkeypatch.setattr(scaling, "train_once", lambda material: None)
    tokens, costs, start, peak = scaling.go_through(1, 1)
    assert tokens > 20_000
    assert list(costs) == ["preparing", "encoding", "epoch"]
    assert 0 < start <= peak


def test_a_missing_peer_is_named_with_the_way_to_get_it(monkeypatch):
    monkeypatch.setattr(crf, "HAS_PEER", False)
    rows = [row for row in crf.rows(replace(TINY, batch_sizes=(2,))) if row.peer == crf.PEER]
    assert len(rows) == 3
    for row in rows:
        assert row.ratio is None
        assert "pip install pytorch-crf" in row.note


def test_wide_emissions_go_through_the_other_algorithms():
    model = crf.new_crf(TINY)
    names = [crf.algorithms(model, crf.draw_inputs(TINY, 3, scale=scale)) for scale in (1, 10, 100)]
    assert names == ["float32", "float64", "log space"]


@pytest.mark.parametrize("group", ["recurrent", "interaction"])
def test_layers_measures_all_of_the_menu(group):
    names = {path.stem for path in (conf_directory() / "model" / group).glob("*.yaml")}
    assert {name for name, _ in layers.menu(group)} == names - {"none"}


def test_a_layer_is_measured_beside_its_equal():
    build = dict(layers.menu("recurrent"))["lstm"]
    encoder = Encoder(
        layers.INPUT_SIZE,
        layers=1,
        hidden_size=layers.HIDDEN_SIZE,
        num_relations=3,
        recurrent=build,
        interaction=None,
        between_dropout=0.0,
        output_dropout=0.0,
    )
    inputs = [layers.draw(batch, TINY.device) for batch in invented([4, 1, 7]).batches(3, num_sentences=3)]
    row = layers.layer_row("lstm", encoder, inputs, TINY, 3)
    peer = nn.LSTM(layers.INPUT_SIZE, layers.HIDDEN_SIZE // 2, bidirectional=True)
    assert row.also["parameters"] == sum(parameter.numel() for parameter in peer.parameters())
    assert all(value > 0 for value in row.also.values())


def test_the_turns_are_taken_one_by_one():
    calls = []
    times = compare(lambda: calls.append("ours"), lambda: calls.append("peer"), repeat=2)
    assert calls == ["ours", "peer"] * 3
    assert times.ratio > 0


def test_a_peer_has_all_threads_and_we_share_them_in_lanes():
    before, of_torch = num_threads(), torch.get_num_threads()
    seen = []
    share_threads(2)
    try:
        compare(*2 * [lambda: seen.append(torch.get_num_threads())], repeat=1)
        assert torch.get_num_threads() == 1
    finally:
        share_threads(before)
        torch.set_num_threads(of_torch)
    assert seen == [1, 2, 1, 2]


def test_what_differs_is_not_timed():
    values = torch.ones(3)
    assert_equal([values], [values * (1 + 1e-6)], what="values")
    with pytest.raises(AssertionError, match=r"values: ours differs from the peer by 1\.0e-02"):
        assert_equal([values * 1.01], [values], what="values")


def test_what_is_kept_is_counted_once():
    values = torch.ones(100, requires_grad=True)
    assert saved_bytes(lambda: values.exp().sum()) == 400
    assert saved_bytes(lambda: values * values) == 400


def test_invented_sentences_are_as_long_as_those_of_ontonotes():
    lengths = random_lengths(20_000)
    assert sum(lengths) / len(lengths) == pytest.approx(18.2, abs=0.4)
    assert min(lengths) == 1
    assert 98 < max(lengths) <= 210
    material = invented([4, 1, 7])
    assert material.split.lengths.tolist() == [4, 1, 7]
    assert len(material.vocabularies.tags) == crf.NUM_TAGS


def test_the_profile_covers_the_step():
    material = invented([4, 1, 7])
    spent = profile(material.tagger(torch.device("cpu")), material.batches(2, num_sentences=2))
    parts = {"embedder", "recurrent layers", "interaction", "projection", "CRF", "optimiser", "averaged weights"}
    assert set(spent) == parts
    assert all(time > 0 for time in spent.values())


def test_the_command_prints_a_table_and_writes_json(monkeypatch, tmp_path, capsys):
    row = Row(what="reading", settings="tiny", value=1234.5, unit="tokens/s", peer="other", peer_value=617.0, ratio=2.0)
    monkeypatch.setitem(command.SECTIONS, "reading", lambda options: iter([row]))
    monkeypatch.setattr("sys.argv", ["bench", "--only", "reading", "--json", str(tmp_path / "rows.json")])
    command.main()
    assert "1,234 tokens/s" in " ".join(capsys.readouterr().out.split())
    content = json.loads((tmp_path / "rows.json").read_text(encoding="utf-8"))
    assert content["rows"][0]["ratio"] == 2.0
    assert content["machine"]["threads"] == num_threads()

import csv
import json
import shutil

import pytest


@pytest.fixture
def runs(sweep_directory, tmp_path):
    """A copy of the sweep, for its report."""
    return shutil.copytree(sweep_directory, tmp_path / "sweep")


def test_a_sweep_becomes_a_page_tables_and_numbers(runs, run_command):
    assert run_command("report", f"runs={runs}", "resamples=100", "pictures=false") == (0, "")
    report = runs / "report"
    assert {path.name for path in report.iterdir()} == {"report.html", "summary.json", "tables"}
    stems = {path.stem for path in (report / "tables").iterdir()}
    assert {path.name for path in (report / "tables").iterdir()} == {
        f"{stem}.{suffix}" for stem in stems for suffix in ("md", "tex", "csv")
    }
    assert {
        "results",
        "significance",
        "by-type",
        "by-length",
        "by-genre",
        "by-relation",
        "errors",
        "structure",
    } <= stems
    summary = json.loads((report / "summary.json").read_text())
    assert list(summary["systems"]) == ["bilstm_crf", "dglstm_crf"]
    assert summary["significance"]["resamples"] == 100
    page = (report / "report.html").read_text()
    assert "Ada" in page
    assert "dglstm_crf" in page


def test_the_tables_can_be_recomputed_from_the_runs(runs, run_command):
    run_command("report", f"runs={runs}", "resamples=10", "pictures=false", "split=validation")
    rows = list(csv.DictReader((runs / "report" / "tables" / "results.csv").read_text().splitlines()))
    for row in rows:
        scores = [json.loads((runs / f"{row['system']}-{seed}" / "scores.json").read_text()) for seed in (1, 2)]
        precision = [100 * one["validation"]["strict"]["micro"]["precision"] for one in scores]
        assert float(row["validation P"]) == pytest.approx(sum(precision) / 2)


def test_the_same_runs_give_the_same_report(runs, run_command):
    for output in ("a", "b"):
        run_command("report", f"runs={runs}", f"output={runs / output}", "resamples=50", "pictures=false")
    for name in ("summary.json", "report.html", "tables/significance.md"):
        assert (runs / "a" / name).read_bytes() == (runs / "b" / name).read_bytes()


def test_nothing_of_the_text_is_left_without_it(runs, run_command, sentences):
    run_command("report", f"runs={runs}", "resamples=10", "pictures=false")
    assert (runs / "report" / "tables" / "entities-gained.md").is_file()
    run_command("report", f"runs={runs}", "resamples=10", "pictures=false", "text=false")
    words = {word for sentence in sentences for word in sentence.words if len(word) > 4}
    for path in (runs / "report").rglob("*.*"):
        text = path.read_text()
        assert {word for word in words if word in text} == set(), path


def test_pictures(runs, run_command):
    pytest.importorskip("matplotlib")
    assert run_command("report", f"runs={runs / 'dglstm_crf-1'}", "resamples=10", f"output={runs}")[0] == 0
    names = {path.name for path in (runs / "pictures").iterdir()}
    assert {"validation-f1.svg", "validation-f1.png", "by-type.svg", "relations-gold-ud.png"} <= names


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["runs=/nowhere"], "error: /nowhere: no such directory"),
        (["split=train"], "error: unknown split 'train': choose one of validation, test"),
        (["baseline=crf"], "error: no system 'crf' in "),
        (["compare=[bilstm_crf]"], "error: compare takes two systems"),
        (["resamples=0"], "error: the number of resamples must be at least 1, not 0"),
        (["sentences=-1"], "error: the limit of sentences must be at least 0, not -1"),
    ],
)
def test_errors_are_one_line_and_leave_no_report(runs, run_command, options, message):
    status, errors = run_command("report", f"runs={runs}", "pictures=false", *options)
    assert status == 1
    assert errors.startswith(message)
    assert len(errors.splitlines()) == 1
    assert not (runs / "report").exists()


def test_pictures_without_matplotlib_are_refused_at_once(runs, run_command, monkeypatch):
    monkeypatch.setattr("ner.report.find_spec", lambda name: None)
    status, errors = run_command("report", f"runs={runs}")
    assert status == 1
    assert errors == "error: pictures need matplotlib: pip install 'dependency-guided-ner[report]', or pictures=false\n"
    assert not (runs / "report").exists()


def test_a_directory_without_a_finished_run(runs, run_command, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "there is no run in it" in run_command("report", f"runs={tmp_path / 'empty'}")[1]
    assert "late: not finished: 2 of 30 epochs" in run_command("report", f"runs={runs / 'late'}")[1]

import csv
import json
import shutil
import sys

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
        (["runs=/nowhere"], "error: runs=/nowhere: no such directory"),
        (["split=train"], "error: unknown split 'train': choose one of validation, test"),
        (["baseline=crf"], "error: no system 'crf' in "),
        (["compare=[bilstm_crf]"], "error: compare takes two systems"),
        (["resamples=0"], "error: resamples is 0: it must be a whole number from 1 to"),
        (["runs=[]"], "error: runs is []: give a directory, or several as in 'runs=[A,B]'"),
        (["sentences=-1"], "error: sentences is -1: it must be a whole number from 0 to"),
    ],
)
def test_errors_are_one_line_and_leave_no_report(runs, run_command, options, message):
    status, errors = run_command("report", f"runs={runs}", "pictures=false", *options)
    assert status == 1
    assert errors.startswith(message)
    assert len(errors.splitlines()) == 1
    assert not (runs / "report").exists()


def test_a_base_install_reports_with_svg_charts(runs, run_command, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert run_command("report", f"runs={runs}", "resamples=10") == (0, "")
    names = {path.suffix for path in (runs / "report" / "pictures").iterdir()}
    assert names == {".svg"}


def test_a_list_of_runs_is_compared(runs, run_command):
    options = f"runs=[{runs / 'dglstm_crf-1'},{runs / 'bilstm_crf-1'}]"
    assert run_command("report", options, "resamples=10", "pictures=false") == (0, "")
    summary = json.loads((runs / "report" / "summary.json").read_text())
    assert list(summary["systems"]) == ["bilstm_crf", "dglstm_crf"]


def test_damaged_runs_are_named_and_the_others_reported(runs, run_command):
    (runs / "bilstm_crf-2" / "scores.json").write_text('{"epoch": Infinity}')
    (runs / "dglstm_crf-2" / "best.pt").write_bytes(b"PK\x03\x04")
    assert run_command("report", f"runs={runs}", "resamples=10", "pictures=false") == (0, "")
    left_out = dict(csv.reader((runs / "report" / "tables" / "left-out.csv").read_text().splitlines()[1:]))
    assert left_out.keys() == {"bilstm_crf-2", "dglstm_crf-2", "late"}
    assert left_out["bilstm_crf-2"] == "damaged: scores.json: not JSON (Infinity is not JSON)"
    assert left_out["dglstm_crf-2"].startswith("damaged: best.pt: not the weights of a run (")


def test_nothing_is_written_through_a_link_or_over_a_device(runs, run_command, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (runs / "report").symlink_to(elsewhere)
    options = ("resamples=10", "pictures=false")
    assert "report is a link: a report is not written through it" in run_command("report", f"runs={runs}", *options)[1]
    (runs / "report").unlink()
    (runs / "report").mkdir()
    (runs / "report" / "tables").symlink_to(elsewhere)
    assert "tables is a link" in run_command("report", f"runs={runs}", *options)[1]
    (runs / "report" / "tables").unlink()
    (elsewhere / "mine").write_text("mine")
    (runs / "report" / "summary.json").symlink_to(elsewhere / "mine")
    assert "summary.json is a link, which is not written over" in run_command("report", f"runs={runs}", *options)[1]
    assert [path.read_text() for path in elsewhere.iterdir()] == ["mine"]
    assert "not a directory" in run_command("report", f"runs={runs}", "output=/dev/null", *options)[1]


def test_a_directory_without_a_finished_run(runs, run_command, tmp_path):
    (tmp_path / "empty").mkdir()
    assert "there is no run in it" in run_command("report", f"runs={tmp_path / 'empty'}")[1]
    assert "late: not finished: 2 of 30 epochs" in run_command("report", f"runs={runs / 'late'}")[1]

from pathlib import Path


def test_a_run_is_exported_by_a_command(run_directory, tmp_path, run_command):
    status, errors = run_command("export", f"run={run_directory}", f"to={tmp_path / 'model'}", "licence=mit")
    assert (status, errors) == (0, "")
    assert (tmp_path / "model" / "model.safetensors").is_file()
    status, errors = run_command("export", f"run={run_directory}", f"to={tmp_path / 'model'}")
    assert status == 1
    assert errors.startswith("error: to=")
    assert run_command("export", f"run={tmp_path}", f"to={tmp_path / 'other'}")[0] == 1
    assert not Path(tmp_path / "other").exists()

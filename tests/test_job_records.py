import logging

from ner.job_records import HeldLog


def test_a_log_is_held_back_until_it_is_known_where_to(tmp_path):
    held, logger = HeldLog(), logging.getLogger("held")
    held.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    logger.addHandler(held)
    logger.setLevel("INFO")
    try:
        logger.info("one")
        held.write_to(tmp_path / "log")
        assert (tmp_path / "log").read_text() == "INFO one\n"
        logger.info("two")
        assert (tmp_path / "log").read_text() == "INFO one\nINFO two\n"
    finally:
        logger.removeHandler(held)
        held.target.close()
        held.close()


def test_a_log_that_is_not_wanted_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    held = HeldLog()
    held.handle(logging.makeLogRecord({"msg": "unheard", "levelno": 20}))
    held.close()
    assert not list(tmp_path.iterdir())

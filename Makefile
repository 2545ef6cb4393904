# Everything runs in .venv, which the first target makes; `make PYTHON=python3.12 train` chooses the interpreter.
PYTHON ?= python3
BIN := .venv/bin
INSTALL := PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet -c constraints.txt

.PHONY: train test lint bench fuzz
.DEFAULT_GOAL := train

train: .venv/installed
	$(BIN)/python -m ner.train corpus=sample

test: .venv/installed-dev
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

fuzz: .venv/installed-dev
	NER_FUZZ_INPUTS=20000 NER_FUZZ_KILLS=40 NER_FUZZ_FAULTS=99 \
		$(BIN)/python -m pytest -q tests/test_fuzz.py tests/test_kills.py tests/test_full_disk.py

lint: .venv/installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: .venv/installed-dev .venv/installed-bench
	$(BIN)/python -m tests.bench

.venv/bin/python:
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet "pip>=25.1"

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	$(INSTALL) -e .
	@touch $@

.venv/installed-dev: .venv/installed
	$(INSTALL) --group dev
	@touch $@

.venv/installed-bench: .venv/installed
	$(INSTALL) -e ".[bench]"
	@touch $@

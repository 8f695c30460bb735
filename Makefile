# Everything a newcomer types. Each target sets up what it needs first; set-up is quick when done.

.DEFAULT_GOAL := help
.PHONY: help setup reproduce test slow lint format doctor lock clean

# Stages are started as `python -m stages.NAME`: that python is the environment's.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
unexport PYTHONDONTWRITEBYTECODE PYTHONHOME PYTHONPATH

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

setup: ## make .venv with the locked packages; PYTHON=... and EXTRA=cpu|gpu override the choice
	@sh setup/install

reproduce: setup ## compute the tables and the report; ARGS="..." are passed on
	@exemplar reproduce report $(ARGS)

test: setup ## run the tests; ARGS="..." are passed on to pytest
	@OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 python -m pytest -n 3 --dist loadfile \
	  --no-loadscope-reorder $(ARGS)

slow: setup ## run the long tests, most of them on real data
	@python -m pytest -m slow $(ARGS)

lint: setup ## ruff and pyright
	@status=0; \
	ruff check . || status=1; \
	ruff format --check . || status=1; \
	pyright || status=1; \
	exit $$status

format: setup ## let ruff format and repair what it can
	@ruff format .
	@ruff check --fix .

doctor: setup ## check machine, data and set-up, and say what to do
	@exemplar doctor

lock: ## write requirements.lock anew from pyproject.toml; ARGS=--upgrade takes newer packages
	@test -x .venv/bin/uv || sh setup/install
	@.venv/bin/uv pip compile pyproject.toml --universal --python-version 3.11 --all-extras \
	  --generate-hashes --no-emit-index-url --no-annotate --quiet \
	  --custom-compile-command "make lock" -o requirements.lock $(ARGS)

clean: ## remove .venv and caches of tools; results and their cache stay
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

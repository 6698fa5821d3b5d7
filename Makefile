# Each target sets up what it needs: a virtual environment in .venv with the versions of constraints.txt, made once and
# again when pyproject.toml or constraints.txt change.
.DEFAULT_GOAL := help
.PHONY: help demo test check format lint types docs reproduce bench peers peers-simulation peers-plasticity clean

# An active environment or a PYTHONPATH of the caller's must not leak into ours.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PEERS := $(VENV)/.peers
# NEST and Brian2 want an older NumPy.
SIMULATORS := .venv-simulators
# BindsNET asks for another PyTorch, and for more than it needs.
BINDSNET := .venv-bindsnet

help:
	@echo 'make demo    train on handwritten digits; open runs/demo/report.html afterwards'
	@echo 'make test    run the tests'
	@echo 'make check   format, lint, types, layers, tests, docs: what a change must pass'
	@echo 'make docs    write the pages that are made from the code'
	@echo 'make reproduce  measure the recipes whose code has changed; hours, may be stopped; make docs afterwards'
	@echo 'make bench   measure speed against SpikingJelly, snnTorch, Norse and plain PyTorch'
	@echo 'make clean   remove .venv, caches and runs/demo'

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Spikeloom needs Python 3.11 or newer, got %s. Name one: make PYTHON=/path/to/python3.11" % sys.version.split()[0])'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -c constraints.txt torch==2.13.0
	$(BIN)/python -m pip install -c constraints.txt -e '.[dev]'
	@touch $@

# Without their dependencies: torchvision would bring a CUDA build of PyTorch of several gigabytes.
$(PEERS): $(INSTALLED)
	$(BIN)/python -m pip install -c constraints.txt tqdm==4.70.1 requests==2.34.2
	$(BIN)/python -m pip install --no-deps spikingjelly==2.0.0 snntorch==1.0.0 norse==1.1.0 loguru==0.7.3 nir==1.0.8 nirtorch==2.0.5 pyNN==0.13.0 lazyarray==0.7.0
	@touch $@

$(SIMULATORS)/.installed:
	test -x $(SIMULATORS)/bin/python || $(PYTHON) -m venv $(SIMULATORS)
	$(SIMULATORS)/bin/python -m pip install 'numpy<2.4' nest-simulator==3.10.0 brian2==2.9.0 cython
	@touch $@

# As above: PyTorch first, and without the dependencies of what would bring another.
$(BINDSNET)/.installed: constraints.txt
	test -x $(BINDSNET)/bin/python || $(PYTHON) -m venv $(BINDSNET)
	$(BINDSNET)/bin/python -m pip install -c constraints.txt torch==2.13.0
	$(BINDSNET)/bin/python -m pip install -c constraints.txt matplotlib pandas scikit-learn scipy cloudpickle tqdm==4.70.1 protobuf==7.36.2 Farama-Notifications==0.0.6
	$(BINDSNET)/bin/python -m pip install --no-deps bindsnet==0.3.4 torchvision==0.28.0 gymnasium==1.4.0 ale-py==0.12.1 opencv-python-headless==5.0.0.93 tensorboardX==2.6.5
	@touch $@

demo: $(INSTALLED)
	$(BIN)/spikeloom train --data digits --out runs/demo --overwrite

# A process for each core, because most of the time goes into compiling kernels.
test: $(INSTALLED)
	$(BIN)/python -m pytest -n auto --dist worksteal

check: format lint types test

format: $(INSTALLED)
	$(BIN)/ruff format --check .

lint: $(INSTALLED)
	$(BIN)/ruff check .

types: $(INSTALLED)
	$(BIN)/mypy

docs: $(INSTALLED)
	$(BIN)/python docs/make.py

# Of some only: .venv/bin/python docs/reproduce.py NAME
reproduce: $(INSTALLED)
	$(BIN)/python docs/reproduce.py

peers: $(PEERS)

peers-simulation: $(SIMULATORS)/.installed

peers-plasticity: $(SIMULATORS)/.installed $(BINDSNET)/.installed

bench: $(PEERS)
	$(BIN)/python -m benchmarks --json

clean:
	rm -rf $(VENV) $(SIMULATORS) $(BINDSNET) build dist runs/demo .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find src tests benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} +

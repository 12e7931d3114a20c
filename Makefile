# The two commands are `make up` and `make test`; `make help` lists the rest.
# Everything that is created lies below .venv/ and var/.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-builtin-rules
.ONESHELL:
.DEFAULT_GOAL := help

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
INSTANCE ?= musterkreis
UV ?= uv

# The stamp carries the hash of the lock: another lock, another installation.
LOCK_HASH := $(shell sha256sum requirements.lock | cut -c1-16)
STAMP := $(VENV)/.installed-$(LOCK_HASH)
CODE := disclosure expectations ingestion lagebild orchestration semantic_layer superset_assets tests

# Caches and browsers stay in the project whatever HOME is.
export LAGEBILD_VAR ?= $(CURDIR)/var
export PIP_CACHE_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/pip
export XDG_CACHE_HOME ?= $(LAGEBILD_VAR)/cache
export RUFF_CACHE_DIR := $(LAGEBILD_VAR)/cache/ruff
export MYPY_CACHE_DIR := $(LAGEBILD_VAR)/cache/mypy
export PYTHONUTF8 := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export DO_NOT_TRACK := 1

.PHONY: help setup up down status refresh logins test lint format lock screenshots clean chromium

help: ## diese Übersicht
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 20

setup: $(STAMP) ## virtuelle Umgebung mit den festgelegten Paketen

$(STAMP): requirements.lock
	@command -v $(PYTHON) > /dev/null || { echo "Es fehlt $(PYTHON) (Debian/Ubuntu: apt-get install python3.11 python3.11-venv)." >&2; exit 1; }
	echo "Pakete einrichten (einige Minuten beim ersten Mal) …"
	[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	total=$$(grep -c '^[A-Za-z0-9].*==' requirements.lock)
	$(BIN)/python -m pip install --no-deps --require-hashes --progress-bar off -r requirements.lock \
	  | awk -v total="$$total" '/^(Collecting|Requirement already)/ { if (++n % 25 == 0 || n == total) { print "  Paket " n " von " total; fflush() } } /^Installing/ { print "  einrichten …"; fflush() }'
	# The code is used in place: a path entry and a starter, no build.
	site=$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
	printf '%s\n' '$(CURDIR)' > "$$site/lagebild.pth"
	printf '%s\n' '#!$(CURDIR)/$(BIN)/python' 'from orchestration.cli import app' 'app(prog_name="lagebild")' > $(BIN)/lagebild
	chmod +x $(BIN)/lagebild
	rm -f $(VENV)/.installed-*
	touch $@
	echo "Pakete eingerichtet."

up: setup ## alles einrichten, Musterkreis rechnen, Dashboards und Zeitplan starten
	@$(BIN)/lagebild up

down: setup ## anhalten, was »make up« gestartet hat
	@$(BIN)/lagebild down

status: setup ## was läuft, welche Veröffentlichung aktuell ist, wie alt jede Quelle ist
	@$(BIN)/lagebild status

refresh: setup ## eine Instanz aktualisieren: make refresh INSTANCE=berlin
	@$(BIN)/lagebild refresh $(INSTANCE)

logins: setup ## Zugänge zu den Dashboards
	@$(BIN)/lagebild logins

lint: setup ## ruff, mypy, import-linter, sqlfmt
	@$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/sqlfmt --check --quiet dbt_project

format: setup ## Python und SQL formatieren
	@$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/sqlfmt --quiet dbt_project

test: setup lint chromium ## alle Prüfungen
	@$(BIN)/python -m pytest

# Browser tests skip themselves, with a word, where no chromium is.
chromium:
	@command -v chromium > /dev/null && exit 0
	if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
	  echo "Chromium für die Browser-Tests einrichten …"
	  { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends chromium; } > /dev/null \
	    || echo "Chromium ließ sich nicht einrichten: die Browser-Tests werden übersprungen." >&2
	else
	  echo "Ohne chromium werden die Browser-Tests übersprungen (Debian/Ubuntu: apt-get install chromium)." >&2
	fi

lock: setup ## requirements.lock aus pyproject.toml neu auflösen (braucht uv)
	@$(UV) pip compile pyproject.toml --all-extras --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-header --python-version 3.11 --quiet -o requirements.lock

screenshots: setup ## Bildschirmfotos der Dashboards neu aufnehmen (nach »make up«)
	@$(BIN)/python -m superset_assets.screenshots

clean: ## Umgebung und Zwischenspeicher entfernen; Daten unter var/ bleiben
	@rm -rf $(VENV) $(LAGEBILD_VAR)/cache
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

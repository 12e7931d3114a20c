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

# The stamps carry the hash of the lock: another lock, another installation. What only the tests need (Spark,
# MetricFlow, …) is large and waits for the first `make test`.
LOCK_HASH := $(shell sha256sum requirements.lock | cut -c1-16)
STAMP := $(VENV)/.installed-$(LOCK_HASH)
DEV_LOCK_HASH := $(shell sha256sum requirements-dev.lock | cut -c1-16)
DEV_STAMP := $(VENV)/.installed-dev-$(DEV_LOCK_HASH)
CODE := analysis disclosure expectations ingestion lagebild orchestration reports semantic_layer superset_assets tests

# Caches and browsers stay in the project whatever HOME is.
export LAGEBILD_VAR ?= $(CURDIR)/var
export PIP_CACHE_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/pip
export XDG_CACHE_HOME ?= $(LAGEBILD_VAR)/cache
export RUFF_CACHE_DIR := $(LAGEBILD_VAR)/cache/ruff
export MYPY_CACHE_DIR := $(LAGEBILD_VAR)/cache/mypy
export PYTHONUTF8 := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export DO_NOT_TRACK := 1

.PHONY: help setup setup-dev up down status refresh logins test thorough lint format lock screenshots clean system-packages

help: ## diese Übersicht
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 20

setup: $(STAMP) ## virtuelle Umgebung mit den festgelegten Paketen

# $(1): lock. Prints progress, because the first time takes minutes. Without bytecode: most modules are never imported.
define install
	total=$$(grep -c '^[A-Za-z0-9].*==' $(1))
	$(BIN)/python -m pip install --no-deps --no-compile --require-hashes --progress-bar off -r $(1) \
	  | awk -v total="$$total" '/^(Collecting|Requirement already)/ { if (++n % 25 == 0 || n == total) { print "  Paket " n " von " total; fflush() } } /^Installing/ { print "  einrichten …"; fflush() }'
endef

$(STAMP): requirements.lock
	@command -v $(PYTHON) > /dev/null || { echo "Es fehlt $(PYTHON) (Debian/Ubuntu: apt-get install python3.11 python3.11-venv)." >&2; exit 1; }
	echo "Pakete einrichten (einige Minuten beim ersten Mal) …"
	[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	$(call install,requirements.lock)
	# The code is used in place: a path entry and a starter, no build.
	site=$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
	printf '%s\n' '$(CURDIR)' > "$$site/lagebild.pth"
	# Worker processes import the starter again: without the question for its name they would start the command again.
	printf '%s\n' '#!$(CURDIR)/$(BIN)/python' 'from orchestration.cli import app' 'if __name__ == "__main__":' \
	  '    app(prog_name="lagebild")' > $(BIN)/lagebild
	chmod +x $(BIN)/lagebild
	rm -f $(VENV)/.installed-*
	touch $@
	echo "Pakete eingerichtet."

setup-dev: $(DEV_STAMP)

$(DEV_STAMP): requirements-dev.lock $(STAMP)
	@echo "Pakete der Prüfungen einrichten (Spark, MetricFlow, …) …"
	$(call install,requirements-dev.lock)
	touch $@

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

lint: setup-dev ## ruff, mypy, import-linter, sqlfmt
	@$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/sqlfmt --check --quiet dbt_project

format: setup-dev ## Python und SQL formatieren
	@$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/sqlfmt --quiet dbt_project

test: setup-dev lint system-packages ## alle Prüfungen
	@$(BIN)/python -m pytest -m "not thorough" -n 2 --dist loadscope --no-loadscope-reorder --durations 30

thorough: setup-dev system-packages ## die großen Fälle der Prüfungen (Minuten je Fall)
	@$(BIN)/python -m pytest -m thorough

# What pip cannot bring: a browser, PostgreSQL as a source system, Java for Spark. Tests whose program is missing skip
# themselves with a word.
system-packages:
	@missing=()
	command -v chromium > /dev/null || missing+=(chromium)
	ls /usr/lib/postgresql/*/bin/initdb > /dev/null 2>&1 || missing+=(postgresql)
	command -v java > /dev/null || missing+=(openjdk-17-jre-headless)
	[ $${#missing[@]} -eq 0 ] && exit 0
	if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
	  echo "Einrichten für die Prüfungen: $${missing[*]} …"
	  { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install --no-install-recommends "$${missing[@]}"; } > /dev/null \
	    || echo "Nicht alles ließ sich einrichten: die Prüfungen, die es brauchen, werden übersprungen." >&2
	else
	  echo "Ohne $${missing[*]} werden Prüfungen übersprungen (Debian/Ubuntu: apt-get install $${missing[*]})." >&2
	fi

UV_COMPILE := $(UV) pip compile pyproject.toml --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
	--python-version 3.11 --quiet

lock: setup ## beide Festlegungen aus pyproject.toml neu auflösen (braucht uv)
	@$(UV_COMPILE) -o requirements.lock
	$(UV_COMPILE) --extra dev -c requirements.lock -o requirements-dev.lock

screenshots: setup-dev ## Bildschirmfotos der Dashboards neu aufnehmen (nach »make up«)
	@for width in 1440 390; do
	  $(BIN)/lagebild dashboard drucken lage-$(INSTANCE) --breite $$width --ausgabe docs/images/lage-$(INSTANCE)-$$width.png
	done

clean: ## Umgebung und Zwischenspeicher entfernen; Daten unter var/ bleiben
	@rm -rf $(VENV) $(LAGEBILD_VAR)/cache
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup run test lint bench prove lock messages

setup: .venv/.done node_modules/.done

.venv/.done: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; name it with: make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

node_modules/.done: package-lock.json .venv/.done
	if command -v npm >/dev/null; then npm ci --silent; else PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --silent; fi
	touch $@

run: setup
	$(BIN)/registry demo

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: setup lint
	$(BIN)/pytest -n 2

# Measures the program beside what it stands on; takes long with 100,000 entries. See bench/__main__.py.
bench: setup
	$(BIN)/python -m bench

# Races, crashes and random steps with bookings, so often that it proves something; takes about an hour.
prove: setup
	REGISTRY_TEST_ROUNDS=200 REGISTRY_TEST_EXAMPLES=300 $(BIN)/pytest --timeout 7200 --durations 20 \
	    tests/test_booking_races.py tests/test_booking_step_races.py \
	    tests/test_booking_crashes.py tests/test_booking_machine.py

lock:
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --group dev --output-file requirements.lock pyproject.toml

# Collects the texts of code and templates into the catalogues; translate what is new in locales/sv.
messages: setup
	$(BIN)/pybabel --quiet extract --mapping locales/babel.cfg --keywords N_ --no-location --sort-output --omit-header --output locales/messages.pot app.py registry search admin templates
	$(BIN)/pybabel --quiet update --input-file locales/messages.pot --output-dir locales --locale sv --no-fuzzy-matching --ignore-obsolete
	$(BIN)/pybabel --quiet update --input-file locales/messages.pot --output-dir locales --locale en --no-fuzzy-matching --ignore-obsolete
	rm locales/messages.pot

# Sets up, runs and tests the product. `make run` is all a newcomer needs.
#
# Everything a machine lacks is installed here: Python packages from the lock files into .venv (the product) and
# .venv-test (its tests), Debian packages by apt-get where that is allowed. pip and apt-get use the machine's own
# configuration. Console scripts are called as `python -m …`, so that the folder may be renamed.

SHELL := /bin/bash
.NOTPARALLEL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
DEMO ?= 1
export HEARINGS_DEMO ?= $(DEMO)
export PYTHON PORT

RUN := .venv/bin/python
TEST := .venv-test/bin/python

# What WeasyPrint loads, and the fonts a Chinese page falls back to.
PDF_PACKAGES := libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz0b libharfbuzz-subset0 fonts-noto-cjk
TEST_PACKAGES := $(PDF_PACKAGES) chromium postgresql poppler-utils libical3 \
  libreoffice-writer-nogui libreoffice-calc-nogui \
  evolution-data-server gir1.2-ecal-2.0 gir1.2-edataserver-1.2 python3-gi dbus vdirsyncer radicale python3-caldav calcurse dovecot-imapd thunderbird
# Thunderbird itself comes with the test suite, which uses its parser.
THUNDERBIRD_PACKAGES := thunderbird-l10n-zh-cn xvfb xdotool

# Compiled catalogues are not kept in git: each goal makes them with the environment it uses.
MO := $(patsubst %.po,%.mo,$(wildcard hearings/locale/*/LC_MESSAGES/*.po))
# A translation that would break a sentence (a placeholder that the text does not have) is an error.
BABEL := $(TEST)
run: BABEL := $(RUN)
%.mo: %.po
	@$(BABEL) -c "import sys; from babel.messages.frontend import main; sys.exit(main())" \
	  --quiet compile --input-file $< --output-file $@

.PHONY: help run env test-env catalogues lint test test-long check-thunderbird bench format lock catalog clean

help: ## list the goals
	@sed -n 's/^\([a-z-]*\):[^#]*## /  make \1	/p' Makefile | expand -t 26

run: env catalogues ## set up, and serve on http://127.0.0.1:$PORT (PORT=5000; DEMO=0 starts empty)
	@.ci/fonts $(RUN)
	@$(RUN) -m flask --app wsgi first-start
	@exec $(RUN) -m gunicorn

# Without these packages the rest still works, or is skipped; in CI nothing may be missing.
env:
	@.ci/packages "printing PDFs" $(PDF_PACKAGES) || [ "$$CI" != true ]
	@.ci/venv .venv requirements.txt

test-env:
	@.ci/packages "the whole test suite" $(TEST_PACKAGES) || [ "$$CI" != true ]
	@.ci/venv .venv-test requirements-test.txt

catalogues: $(MO)

lint: test-env ## style, types and templates
	$(TEST) -m ruff check .
	$(TEST) -m ruff format --check .
	$(TEST) -m mypy
	$(TEST) -m djlint --quiet --check templates
	$(TEST) -m djlint --quiet --lint templates

test: lint catalogues ## lint, then every test but the long ones, on both databases and in the browser
	@.ci/fonts $(TEST)
	$(TEST) -m pytest -n 2 --dist loadfile -m "not long and not thunderbird" $(ARGS)

test-long: test-env catalogues ## seeded walks, fuzz, kill rounds
	@$(TEST) -m pytest -m long $(ARGS); code=$$?; \
	if [ $$code -eq 5 ] && ! grep -rqE 'mark\.long\b' tests; then echo "There are no long tests yet."; code=0; fi; \
	exit $$code

check-thunderbird: test-env catalogues ## before a release: our mails and calendars in Debian's Thunderbird, on a screen of its own
	@.ci/packages "Thunderbird on a screen of its own" $(THUNDERBIRD_PACKAGES) || [ "$$CI" != true ]
	$(TEST) -m pytest -m thunderbird tests/thunderbird $(ARGS)

bench: test-env catalogues ## the benchmarks (PART=feeds, papers, subscribers, mail or pages for one)
	@$(TEST) -m tests.benchmarks $(PART) $(ARGS)

format: test-env ## bring code and templates into the house style
	$(TEST) -m ruff check --fix .
	$(TEST) -m ruff format .
	-$(TEST) -m djlint --quiet --reformat templates

lock: test-env ## compile requirements*.in into the lock files (ARGS=--upgrade for newer versions)
	$(TEST) -m piptools compile --quiet --strip-extras --no-emit-index-url --no-emit-find-links \
	  --no-emit-trusted-host $(ARGS) --output-file requirements.txt requirements.in
	$(TEST) -m piptools compile --quiet --strip-extras --no-emit-index-url --no-emit-find-links \
	  --no-emit-trusted-host $(ARGS) --output-file requirements-test.txt requirements-test.in

catalog: test-env ## gather the texts of code and templates into the catalogues
	@.ci/catalog $(TEST)

clean: ## remove what can be made again; instance/ and the environments stay
	rm -rf .ruff_cache .mypy_cache .pytest_cache .hypothesis tests/browser/shots
	find hearings migrations tests -name __pycache__ -prune -exec rm -rf {} +
	find hearings -name '*.mo' -delete

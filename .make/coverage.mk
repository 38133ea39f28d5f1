# Which lines and branches the tests reach, and how many they have to. Included by the Makefile.

# Unit tests that hold src/core/ to account.
CORE_UNITS := binary core_memory diff document document_memory plan policy profile report report_audit session
COVERED := $(MAKE) --no-print-directory TARGET=native B=build/coverage COVERAGE='--coverage -Wl,-u,__gcov_dump'
GCOVR := gcovr --root . --object-directory build/coverage --exclude-unreachable-branches

# Under a minute, with few of the random plans: they reach what they reach within the first thousand.
coverage-core: ## every branch of src/core/ is reached by its unit tests
	@.ci/setup build test coverage
	@find build/coverage -name '*.gcda' -delete 2>/dev/null || true
	@PLAN_SETS=5000 $(COVERED) UNITS='$(CORE_UNITS)' run-unit
	@$(GCOVR) --filter src/core/ --branches --fail-under-branch 100 --txt build/coverage/core.txt build/coverage/obj/src/core || \
		{ sed -n '/^File/p; /^src.*[0-9]$$/p' build/coverage/core.txt; echo 'coverage: not all branches of src/core/ are reached' >&2; exit 1; }
	@sed -n 's/^TOTAL *\([0-9]*\) *\([0-9]*\) .*/coverage: \2 of \1 branches of src\/core\/ reached/p' build/coverage/core.txt
	@echo 'coverage: 1 passed, 0 failed'

# The Windows half is built by another compiler and is not looked at here; its tests run under wine.
coverage: ## lines and branches reached by unit and end-to-end tests (at least 90 % of lines): build/coverage/index.html
	@$(MAKE) --no-print-directory coverage-core
	@$(COVERED) bin-executable run-unit
	@SSM_ENFORCE_BIN=$(CURDIR)/build/coverage/ssm-enforce $(PYTHON) -m pytest -q -p no:cacheprovider tests/e2e || \
		echo 'coverage: end-to-end tests failed; what they reached counts'
	@$(GCOVR) --filter src/ --print-summary --fail-under-line 90 --html-details build/coverage/index.html \
		--txt build/coverage/lines.txt | tee build/coverage/summary.txt

.PHONY: coverage coverage-core

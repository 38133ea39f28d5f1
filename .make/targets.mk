# The end-to-end tests with the executables that this machine runs only through something else. Included by the Makefile.

# $(call e2e,TARGET,EXECUTABLE,WHAT RUNS IT,ITS ENVIRONMENT)
define e2e
@.ci/setup build test cross
@$(MAKE) --no-print-directory TARGET=linux-x86_64 all
@$(MAKE) --no-print-directory TARGET=$(1) all check-binary
@$(4) SSM_ENFORCE_BIN=$(CURDIR)/build/$(1)/$(2) SSM_ENFORCE_WRAP='$(3)' \
	$(PYTHON) -m pytest -q -ra -p no:cacheprovider $(if $(T),tests/e2e/test_$(T).py,tests/e2e)
endef

e2e-windows: ## the end-to-end tests with the Windows executable under wine (T=NAME: one file of them)
	$(call e2e,windows-x86_64,ssm-enforce.exe,/usr/lib/wine/wine64,WINEDEBUG=-all WINEPREFIX=$(CURDIR)/build/wine)

.PHONY: e2e-windows

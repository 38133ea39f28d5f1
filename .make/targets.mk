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

e2e-aarch64: ## the same with the executable for arm64 under qemu-user
	$(call e2e,linux-aarch64,ssm-enforce,qemu-aarch64-static)

.PHONY: e2e-aarch64 e2e-windows

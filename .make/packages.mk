# What leaves the house: licences, man page, completions, packages, the release.

build/gen/licenses.txt: .make/licenses.sh src/third_party/pins src/third_party/mingw-w64.license src/base/version.h LICENSE | $(LIBRARIES)/SOURCES
	@mkdir -p $(@D)
	@.make/licenses.sh $@

# ---- written from the option table and profiles/, by a program for the machine that builds ----

HOST_CC ?= gcc
G := build/gen
MAN := $(G)/ssm-enforce.1
COMPLETIONS := $(addprefix $(G)/ssm-enforce.,bash zsh fish powershell)
RELEASE_DATE = $(shell date -u -d @$(SOURCE_DATE_EPOCH) +%Y-%m-%d)

GENERATE_SOURCES := .make/generate.c src/cmd/options_table.c src/core/profile.c src/format/text.c src/base/buf.c src/base/err.c
$(G)/generate: $(GENERATE_SOURCES) $(G)/profiles.c $(wildcard src/base/*.h src/cmd/options.h src/core/profile.h src/format/text.h)
	@$(HOST_CC) -std=gnu11 -O1 $(WARNINGS) -Isrc -o $@ $(GENERATE_SOURCES) $(G)/profiles.c

$(G)/profiles.c: .make/embed.sh $(wildcard profiles/*)
	@mkdir -p $(@D)
	@.make/embed.sh $@ $(sort $(wildcard profiles/*))
	@touch $@

# As of the last commit: the man page has its date.
$(MAN): $(G)/generate .make/ssm-enforce.1.in FORCE
	@$< man .make/ssm-enforce.1.in $(RELEASE_DATE) >$@

$(COMPLETIONS): $(G)/ssm-enforce.%: $(G)/generate
	@$< $* >$@

completions: $(COMPLETIONS) ## build/gen/ssm-enforce.bash, .zsh, .fish, .powershell
man: $(MAN) ## build/gen/ssm-enforce.1


infrastructure: $(G)/generate ## writes the profile lines into deploy/cloudformation.yaml and deploy/terraform
	@.make/infrastructure.sh $<

# ---- packages: P/... ----

P := build/packages
PACKAGES_FROM = $(G)/licenses.txt $(MAN) $(COMPLETIONS)

packages: ## .deb, .rpm, zip and a Systems Manager Distributor package: build/packages
	@.ci/setup build cross packages
	@$(MAKE) --no-print-directory all-targets
	@$(MAKE) --no-print-directory run-packages

run-packages: $(PACKAGES_FROM)
	@rm -rf $(P) && mkdir -p $(P)
	@.make/package-deb.sh amd64 build/linux-x86_64/ssm-enforce $(P)/ssm-enforce_$(VERSION)_amd64.deb
	@.make/package-deb.sh arm64 build/linux-aarch64/ssm-enforce $(P)/ssm-enforce_$(VERSION)_arm64.deb
	@.make/package-rpm.sh x86_64 build/linux-x86_64/ssm-enforce $(P)/ssm-enforce-$(VERSION)-1.x86_64.rpm
	@.make/package-rpm.sh aarch64 build/linux-aarch64/ssm-enforce $(P)/ssm-enforce-$(VERSION)-1.aarch64.rpm
	@$(PYTHON) .make/package_zip.py windows build/windows-x86_64/ssm-enforce.exe $(P)/ssm-enforce-$(VERSION)-windows-x86_64.zip
	@$(PYTHON) .make/package_zip.py distributor $(P)/distributor x86_64=build/linux-x86_64/ssm-enforce \
		aarch64=build/linux-aarch64/ssm-enforce windows=build/windows-x86_64/ssm-enforce.exe
	@cd $(P) && find . -type f | LC_ALL=C sort | sed 's|^\./|  packages |'

release: ## all targets and packages of the last commit, built twice and compared, SHA256SUMS, SBOM: build/release
	@.ci/setup build cross packages
	@MAKE="$(MAKE)" PYTHON=$(PYTHON) .make/release.sh build/release

.PHONY: completions infrastructure man packages release run-packages

# What leaves the house: licences, man page, completions, packages, the release.

build/gen/licenses.txt: .make/licenses.sh src/third_party/pins src/base/version.h LICENSE | $(LIBRARIES)/SOURCES
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

.PHONY: completions man

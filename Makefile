# make help says what there is. The libraries come from src/third_party; what the machine lacks is installed by .ci/setup.

TARGET ?= linux-x86_64
PYTHON ?= /usr/bin/python3
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 10
SIZE_LIMIT := 1000000
VERSION := $(shell sed -n 's/.*SSM_ENFORCE_VERSION "\(.*\)"/\1/p' src/base/version.h)

export SSM_ENFORCE_CACHE ?= .cache
export SOURCE_DATE_EPOCH ?= $(or $(shell git log -1 --format=%ct 2>/dev/null),1700000000)

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.SUFFIXES:

B := build/$(TARGET)
EXE := $(if $(filter windows-%,$(TARGET)),.exe)
BIN := $(B)/ssm-enforce$(EXE)

all: $(BIN) ## the executable: build/TARGET/ssm-enforce (TARGET: linux-x86_64, linux-aarch64, windows-x86_64)

# ---- the libraries, and the compiler and flags that go with them ----

# Goals that build for TARGET itself need its flags; the others only run make again or need no compiler.
compiling := $(filter all install check-binary debug build/% bin-% run-%,$(or $(MAKECMDGOALS),all))
ifneq ($(compiling),)
# Named, for $(shell) does not get what is exported to recipes before make 4.4.
LIBRARIES := $(shell SSM_ENFORCE_CACHE='$(SSM_ENFORCE_CACHE)' src/third_party/build.sh --path $(TARGET))
# Another recipe or cache: flags.mk and all that is made with it are out of date.
$(shell mkdir -p $(B) && { [ "$$(cat $(B)/libraries 2>/dev/null)" = "$(LIBRARIES)" ] || echo "$(LIBRARIES)" >$(B)/libraries; })
include $(B)/flags.mk
endif

$(LIBRARIES)/SOURCES:
	@.ci/setup build $(if $(filter native-asan,$(TARGET)),test) $(if $(filter linux-aarch64 windows-%,$(TARGET)),cross)
	@+src/third_party/build.sh $(TARGET)

$(B)/flags.mk: $(B)/libraries $(LIBRARIES)/SOURCES
	@.ci/setup build $(if $(filter native-asan,$(TARGET)),test) $(if $(filter linux-aarch64 windows-%,$(TARGET)),cross)
	@src/third_party/build.sh --flags $(TARGET) >$@

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2
# C99's %zu in mingw's printf family. Its gcc checks formats by Microsoft's older rules all the same: the other targets do.
windows_cflags := $(if $(EXE),-DCURL_STATICLIB -DXML_STATIC -D__USE_MINGW_ANSI_STDIO=1 -Wno-format -Wno-format-extra-args)
CFLAGS_ALL = $(TARGET_CFLAGS) $(WARNINGS) -Isrc $(PREFIX_MAP) $(windows_cflags) $(COVERAGE) $(CFLAGS)
# Paths of this machine stay out of what is built; gcov has to find the sources.
PREFIX_MAP = $(if $(COVERAGE),,-ffile-prefix-map=$(CURDIR)=. -ffile-prefix-map=$(LIBRARIES)=.)
LDFLAGS_ALL = $(TARGET_LDFLAGS) $(COVERAGE) $(LDFLAGS)

# ---- our own sources ----

other := $(if $(EXE),linux,windows)
SOURCES := $(sort $(filter-out src/third_party/% src/platform/$(other)%.c,$(wildcard src/*.c src/*/*.c)))
GENERATED := build/gen/embedded.c build/gen/amazon_roots.c
OBJECTS := $(SOURCES:%.c=$(B)/obj/%.o) $(GENERATED:%.c=$(B)/obj/%.o)
LIBRARY_OBJECTS := $(filter-out $(B)/obj/src/main.o,$(OBJECTS))
RESOURCES := $(if $(EXE),$(B)/obj/src/platform/windows.res.o)

$(B)/obj/%.o: %.c $(B)/flags.mk
	@mkdir -p $(@D)
	@echo "  cc $< ($(TARGET))"
	@$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

comma := ,
$(B)/obj/%.res.o: %.rc src/base/version.h $(B)/flags.mk
	@mkdir -p $(@D)
	@echo "  windres $<"
	@$(CC:gcc=windres) -Isrc -DVERSION_NUMBERS=$(subst .,$(comma),$(VERSION)),0 $< $@

EMBEDDED := $(sort $(wildcard profiles/* deploy/*.json deploy/*.sh deploy/*.ps1)) build/gen/licenses.txt
build/gen/embedded.c: .make/embed.sh build/gen/licenses.txt FORCE
	@mkdir -p $(@D)
	@.make/embed.sh $@ $(EMBEDDED)

build/gen/amazon_roots.c: .make/roots.sh src/net/roots/SHA256SUMS $(wildcard src/net/roots/*.pem)
	@mkdir -p $(@D)
	@.make/roots.sh $@ src/net/roots/SHA256SUMS $(wildcard src/net/roots/*.pem)

# Stripped while linking: strip would put a time stamp into the Windows executable.
$(BIN): $(B)/obj/src/main.o $(RESOURCES) $(B)/libssm-enforce.a
	@echo "  link $@"
	@$(CC) $(CFLAGS_ALL) -o $@ $^ $(LDFLAGS_ALL) $(if $(filter native%,$(TARGET)),,-s) $(LIBS)

debug: $(B)/ssm-enforce.debug ## the same with symbols: build/TARGET/ssm-enforce.debug
$(B)/ssm-enforce.debug: $(B)/obj/src/main.o $(RESOURCES) $(B)/libssm-enforce.a
	@$(CC) $(CFLAGS_ALL) -o $@ $^ $(LDFLAGS_ALL) $(LIBS)

check-binary: $(BIN) ## the executable is static and small enough
	@.make/check-binary.sh $(BIN) $(SIZE_LIMIT)

install: $(BIN) ## into DESTDIR and PREFIX (/usr/local)
	install -D -m 0755 $(BIN) "$(DESTDIR)$(PREFIX)/bin/ssm-enforce$(EXE)"

all-targets: ## all three executables
	@$(MAKE) --no-print-directory TARGET=linux-x86_64 all check-binary
	@$(MAKE) --no-print-directory TARGET=linux-aarch64 all check-binary
	@$(MAKE) --no-print-directory TARGET=windows-x86_64 all check-binary

# ---- unit tests and fuzzers: linked with everything but main.c ----

$(B)/libssm-enforce.a: $(LIBRARY_OBJECTS)
	@rm -f $@
	@$(AR) rcD $@ $(LIBRARY_OBJECTS)

# Of what is for all platforms the tests run on Linux alone: they wrap malloc and more in the ways of its linker and C library.
UNITS ?= %
UNIT_SOURCES := $(sort $(filter-out tests/unit/test_platform_$(other)%.c,$(wildcard tests/unit/$(if $(EXE),test_platform_)*.c)))
UNIT_TESTS := $(patsubst %.c,$(B)/%$(EXE),$(filter $(UNITS:%=tests/unit/test_%.c),$(UNIT_SOURCES)))
UNIT_SUPPORT := $(patsubst %.c,$(B)/obj/%.o,$(filter-out tests/unit/test_%.c,$(UNIT_SOURCES)))

# A test that needs link options says so in a line "// link: -Wl,--wrap=malloc".
$(UNIT_TESTS): $(B)/tests/unit/%$(EXE): $(B)/obj/tests/unit/%.o $(UNIT_SUPPORT) $(RESOURCES) $(B)/libssm-enforce.a
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS_ALL) -o $@ $< $(UNIT_SUPPORT) $(RESOURCES) $(B)/libssm-enforce.a $(LDFLAGS_ALL) \
		$$(sed -n 's|^// link: ||p' tests/unit/$*.c) $(LIBS) -lcmocka -lm

bin-executable: $(BIN)
bin-unit: $(UNIT_TESTS)
run-unit: $(UNIT_TESTS) $(if $(filter native-asan,$(TARGET)),$(B)/compile_commands.json)
	@.make/run-unit.sh $(RUNNER) -- $(UNIT_TESTS)

FUZZERS := $(patsubst %.c,$(B)/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
$(FUZZERS): $(B)/tests/fuzz/%: $(B)/obj/tests/fuzz/%.o $(B)/libssm-enforce.a
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS_ALL) -fsanitize=fuzzer -o $@ $< $(B)/libssm-enforce.a $(LDFLAGS_ALL) $(LIBS) -lm

bin-fuzz: $(FUZZERS)
run-fuzz: $(FUZZERS)
	@.make/run-fuzz.sh $(FUZZ_SECONDS) $(FUZZERS)

# The whole protocol, with many runs at once in a simulated world (tests/sim).
SIM_RUNS ?= 20000
SIM_OBJECTS := $(patsubst %.c,$(B)/obj/%.o,$(sort $(wildcard tests/sim/*.c)))
$(B)/tests/sim/sim: $(SIM_OBJECTS) $(B)/libssm-enforce.a
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS_ALL) -o $@ $^ $(LDFLAGS_ALL) $(LIBS) -lm

run-sim: $(B)/tests/sim/sim
	@$< $(SIM_RUNS)
	@echo 'sim: 1 passed, 0 failed'

sim: ## SIM_RUNS (20000) simulated runs of the protocol under ASan and UBSan
	@.ci/setup build test
	@$(MAKE) --no-print-directory TARGET=native-asan run-sim

unit: ## unit tests under ASan and UBSan (T=MODULE: one of them)
	@.ci/setup build test
	@$(MAKE) --no-print-directory TARGET=native-asan run-unit

# Debian has no cmocka for Windows: it is built beside the other libraries.
unit-windows: ## the Windows executable's unit tests under wine
	@.ci/setup build cross
	@cmocka=$$(.make/cmocka-windows.sh) && \
		WINEDEBUG=-all WINEPREFIX=$(CURDIR)/build/wine $(MAKE) --no-print-directory TARGET=windows-x86_64 run-unit \
		RUNNER=/usr/lib/wine/wine64 CFLAGS="$(CFLAGS) -isystem $$cmocka/include" LDFLAGS="$(LDFLAGS) -L$$cmocka/lib"

valgrind: ## unit tests under valgrind
	@.ci/setup build test
	@$(MAKE) --no-print-directory TARGET=native run-unit RUNNER='valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=all'

asan: ## the executable with ASan and UBSan: build/native-asan/ssm-enforce
	@.ci/setup build test
	@$(MAKE) --no-print-directory TARGET=native-asan all

fuzz: ## every fuzzer for FUZZ_SECONDS (10)
	@.ci/setup build test
	@$(MAKE) --no-print-directory TARGET=native-asan run-fuzz

# gcc's analyzer takes a store at a computed offset for a pointer lost; leaks are found by the sanitizers and valgrind.
# ---- lint: one stamp a source file, so that only what changed is looked at again ----

LINT_SOURCES := $(filter-out build/%,$(SOURCES))
LINTED := $(LINT_SOURCES:%.c=build/lint/%.ok)
FORMATTED := $(filter-out src/third_party/%,$(wildcard src/*.[ch] src/*/*.[ch])) $(wildcard .make/*.c tests/*/*.[ch])
SCRIPTS := $(wildcard .make/*.sh .make/distributor/*.sh .ci/run .ci/setup src/third_party/*.sh)

build/lint/%.ok: %.c .clang-tidy $(B)/flags.mk | $(B)/compile_commands.json
	@mkdir -p $(@D)
	@echo "  lint $<"
	@clang-tidy --quiet -p $(B) $< 2>&1 | sed '/warnings generated/d; /Suppressed/d; /Use -header-filter/d'
	@$(CC) $(CFLAGS_ALL) -Werror -fsyntax-only $<
	@gcc -std=gnu11 $(WARNINGS) -Werror -fanalyzer -Wno-analyzer-malloc-leak -isystem $(LIBRARIES)/include -Isrc -MMD -MP -MT $@ -MF $(@:.ok=.d) -c -o $(@:.ok=.o) $<
	@touch $@

# The Windows half is linted with mingw's headers alone; none of the libraries is included there.
WINDOWS_SOURCES := $(sort $(wildcard src/platform/windows*.c))
WINDOWS_LINTED := $(WINDOWS_SOURCES:%.c=build/lint/%.ok)
WINDOWS_FLAGS := --target=x86_64-w64-windows-gnu -std=gnu11 $(WARNINGS) -Isrc -isystem /usr/x86_64-w64-mingw32/include \
	-D_WIN32_WINNT=0x0A00 -D__USE_MINGW_ANSI_STDIO=1

$(WINDOWS_LINTED): build/lint/%.ok: %.c .clang-tidy
	@mkdir -p $(@D)
	@echo "  lint $<"
	@clang-tidy --quiet $< -- $(WINDOWS_FLAGS) 2>&1 | sed '/warnings generated/d; /Suppressed/d; /Use -header-filter/d'
	@clang $(WINDOWS_FLAGS) -Werror -fsyntax-only -MMD -MP -MT $@ -MF $(@:.ok=.d) $<
	@touch $@

lint-format:
	@clang-format --dry-run -Werror $(FORMATTED)
lint-cppcheck:
	@cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
		-Isrc --suppress=missingIncludeSystem $(LINT_SOURCES)
	@cppcheck --quiet --std=c11 --platform=win64 -D_WIN32=1 --enable=warning,performance,portability --inline-suppr \
		--error-exitcode=1 -Isrc --suppress=missingIncludeSystem $(WINDOWS_SOURCES)
lint-floors:
	@$(PYTHON) .ci/lint-floors
lint-scripts:
	@shellcheck -x $(SCRIPTS)
	@$(PYTHON) -c 'import ast, sys; [ast.parse(open(f, encoding="utf-8").read(), f) for f in sys.argv[1:]]' \
		.ci/lint-floors $(wildcard .make/*.py) $$(find tests -name "*.py" 2>/dev/null)

bin-lint: lint-format lint-floors lint-scripts lint-cppcheck $(LINTED) $(WINDOWS_LINTED)
	@echo "lint: $(words $(LINTED) $(WINDOWS_LINTED)) sources, no findings"

# For editors and clang-tidy: as the sanitizers' build compiles.
$(B)/compile_commands.json: $(B)/flags.mk FORCE
	@{ echo '['; for f in $(SOURCES) $(UNIT_SOURCES) $(wildcard tests/fuzz/*.c); do \
		printf '%s{"directory": "%s", "file": "%s", "command": "%s"}' "$${comma-}" "$(CURDIR)" "$$f" \
		"$(CC) $(CFLAGS_ALL) -c $$f"; comma=$$',\n'; done; echo; echo ']'; } >$@.$$$$; \
		if cmp -s $@.$$$$ $@; then rm $@.$$$$; else mv $@.$$$$ $@; fi
	@ln -sfn $@ compile_commands.json

compile_commands.json: ## for editors
	@.ci/setup build test
	@$(MAKE) --no-print-directory TARGET=native-asan build/native-asan/compile_commands.json

include .make/packages.mk

# ---- everything ----

test: ## all tests: units, then the executable end to end, as released and with the sanitizers
	@.ci/setup build test coverage packages witness
	@$(MAKE) --no-print-directory all check-binary
	@$(MAKE) --no-print-directory asan
	@PYTHON=$(PYTHON) MAKE="$(MAKE)" .make/run-tests.sh

demo: ## watch it at work against an emulator of AWS on this machine
	@.ci/setup build test
	@$(MAKE) --no-print-directory all
	@$(PYTHON) tests/emulator/demo.py

demo-deploy: ## watch an administrator at work: deploy, rollback, undeploy
	@.ci/setup build test
	@$(MAKE) --no-print-directory all
	@$(PYTHON) tests/emulator/demo_deploy.py

lint: ## formatting, clang-tidy, cppcheck, gcc -fanalyzer, floors, shell and Python
	@.ci/setup build test lint
	@$(MAKE) --no-print-directory -k TARGET=native-asan bin-lint

clean: ## build/ (the libraries stay in the cache)
	rm -rf build compile_commands.json

help: ## this list
	@sed -n 's/^\([a-z0-9_.-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

include .make/targets.mk
include .make/coverage.mk
include .make/proof.mk
include .make/bench.mk

FORCE:
.PHONY: FORCE all all-targets asan bin-executable bin-fuzz bin-unit check-binary clean compile_commands.json debug demo demo-deploy fuzz help install \
	lint lint-cppcheck lint-floors lint-format lint-scripts run-fuzz run-sim run-unit sim test unit unit-windows valgrind

-include $(OBJECTS:.o=.d) $(wildcard $(B)/obj/tests/*/*.d) $(if $(filter bin-lint,$(MAKECMDGOALS)),$(LINTED:.ok=.d) $(WINDOWS_LINTED:.ok=.d))

# What a run costs, beside other programs that do the same. Included by the Makefile.

bench: ## measure speed and size against the floor and against peers, and write docs/bench.md (QUICK=1: fewer runs, no page)
	@.ci/setup build test bench
	@$(MAKE) --no-print-directory all
	@mkdir -p build/bench
	@gcc -O2 -Wall -Wextra -static -o build/bench/measure tests/bench/measure.c
	@$(MAKE) --no-print-directory build/bench/limit-go || echo 'bench: the Go program could not be built: it is left out'
	@$(PYTHON) tests/bench/bench.py $(if $(QUICK),--quick,--page docs/bench.md) build/linux-x86_64/ssm-enforce

profile: ## show where a run's instructions and memory go (callgrind, massif)
	@.ci/setup build test
	@$(MAKE) --no-print-directory all debug
	@$(MAKE) --no-print-directory TARGET=native all
	@$(PYTHON) tests/bench/profile.py build/linux-x86_64/ssm-enforce.debug build/native/ssm-enforce

# Of Debian's packaged sources, without a network.
build/bench/limit-go: tests/bench/peers/limit.go
	@cd tests/bench/peers && GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$(CURDIR)/build/bench/go CGO_ENABLED=0 \
		go build -trimpath -ldflags '-s -w' -o $(CURDIR)/$@ limit.go

.PHONY: bench profile

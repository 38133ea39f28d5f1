# The long forms of the proofs, the model, and the page of their figures. Included by the Makefile.

PROOF_PLANS ?= 1000000
PROOF_RUNS ?= 1000000
PROOF_FUZZ_SECONDS ?= 240
PROOF_STAGES := plan sim model-3 model-4 unit faults many hostile fuzz valgrind coverage

model: ## the protocol's model checked with spin: N=3 sessions in seconds, N=4 in some minutes
	@.ci/setup proof
	@tests/model/check $(or $(N),3)

proof: ## the long forms of all proofs, then docs/proof.md with their figures (PROOF_FUZZ_SECONDS=240 a fuzzer)
	@$(MAKE) --no-print-directory $(PROOF_STAGES:%=proof-%)
	@$(MAKE) --no-print-directory proof-page

proof-page: ## docs/proof.md from what the stages of make proof left in build/proof
	@$(PYTHON) .make/proof_page.py build/proof docs/proof.md $(PROOF_STAGES)

# One stage: make proof-NAME. What two of them need is built first, so that they may run side by side.
proof-built:
	@.ci/setup build test proof coverage
	@$(MAKE) --no-print-directory all asan
	@$(MAKE) --no-print-directory TARGET=native bin-unit build/native/tests/sim/sim
	@$(MAKE) --no-print-directory TARGET=native-asan bin-unit bin-fuzz

kept = @.make/proof-stage.sh $(@:proof-%=%)
e2e_tests = SSM_ENFORCE_BIN=$(CURDIR)/build/linux-x86_64/ssm-enforce $(PYTHON) -m pytest -v -rP -p no:cacheprovider

proof-plan: proof-built
	$(kept) env PLAN_SETS=$(PROOF_PLANS) $(MAKE) --no-print-directory TARGET=native UNITS=plan run-unit

proof-sim: proof-built
	$(kept) $(MAKE) --no-print-directory TARGET=native run-sim SIM_RUNS=$(PROOF_RUNS)

proof-model-3 proof-model-4: proof-model-%: proof-built
	$(kept) tests/model/check $*

proof-unit: proof-built
	$(kept) $(MAKE) --no-print-directory unit

proof-faults: proof-built
	$(kept) env $(e2e_tests) tests/e2e/test_faults.py tests/e2e/test_faults_connections.py

proof-many: proof-built
	$(kept) env SSM_ENFORCE_TEST_LONG=1 $(e2e_tests) tests/e2e/test_many.py

proof-hostile: proof-built
	$(kept) env $(e2e_tests) tests/e2e/test_hostile.py tests/e2e/test_secrets.py tests/e2e/test_transport.py

proof-fuzz: proof-built
	$(kept) $(MAKE) --no-print-directory fuzz FUZZ_SECONDS=$(PROOF_FUZZ_SECONDS)

proof-valgrind: proof-built
	$(kept) $(MAKE) --no-print-directory valgrind

proof-coverage: proof-built
	$(kept) $(MAKE) --no-print-directory coverage

.PHONY: model proof proof-built proof-page $(PROOF_STAGES:%=proof-%)

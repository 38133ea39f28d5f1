# The long forms of the proofs, and the model. Included by the Makefile.

model: ## the protocol's model checked with spin: N=3 sessions in seconds, N=4 in some minutes
	@.ci/setup proof
	@tests/model/check $(or $(N),3)

proof: ## the long forms: a million random plans, a million simulated runs, the model with 4 sessions, the fuzzers for long
	@.ci/setup build test proof
	@PLAN_SETS=1000000 $(MAKE) --no-print-directory unit T=plan
	@$(MAKE) --no-print-directory TARGET=native run-sim SIM_RUNS=1000000
	@$(MAKE) --no-print-directory model N=4
	@$(MAKE) --no-print-directory fuzz FUZZ_SECONDS=$(or $(PROOF_FUZZ_SECONDS),240)

.PHONY: model proof

# make            this list
# Variables: NODES=1|2, CLUSTER=current (the current kube context instead of the embedded cluster), REGISTRY=host/path,
# VALUES=FILE (of the chart, for deploy and demo)
.DEFAULT_GOAL := help
.PHONY: help demo test test-unit test-long lint bench bench-engine bench-truth faults generate cluster-up cluster-down cluster-status images deploy clean

help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' Makefile | expand -t 18
demo: ## from nothing to the verdict of a run against LiteLLM
	@hack/demo.sh
test: ## everything, with all of its set-up
	@hack/test.sh
test-unit: ## the quick tests that need no cluster
	@hack/test-unit.sh
test-long: ## cluster tests that take minutes each, on the cluster that make test leaves
	@taskset -c 0 .venv/bin/pytest tests/cluster -m long
lint: ## every static check
	@hack/lint.sh
bench: ## how fast the mock and the load generators are, on this machine
	@hack/bench.sh
bench-engine: ## how fast and how exact the Go engine is, beside other load generators (PARTS="speed …", OWN_CPU=1, QUICK=1)
	@hack/bench-engine.sh
bench-truth: ## whether the judgements hold where the truth is known
	@hack/bench-truth.sh
faults: ## the table of faults, with the tests of each row
	@hack/python.sh && .venv/bin/python hack/faults.py
generate: ## CRDs, API reference, goldens
	@hack/generate.sh
cluster-up: ## start the embedded cluster (NODES=2: with a second node)
	@hack/cluster/up.sh
cluster-down: ## remove the embedded cluster without a trace
	@hack/cluster/down.sh
cluster-status: ## what of the embedded cluster runs
	@hack/cluster/status.sh
images: ## build the images and load them (CLUSTER=current REGISTRY=…: push them)
	@hack/images/images.sh
deploy: ## install the chart, or upgrade it
	@hack/deploy.sh
clean: cluster-down ## remove what was built in the tree; the cache outside stays
	@rm -rf build .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info

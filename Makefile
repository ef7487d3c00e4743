# Two commands matter: 'make run' does the main job once, 'make test' tests everything.
# On a fresh machine they need Go, gcc and npm, and set up the rest.

# Folder of test data; tests that need it say so and skip without it.
export CALLAMA_TESTDATA ?= $(abspath ../shared/data)

# 'make run' asks this. MODEL is a GGUF file; without one the built-in model answers.
# TOOLS is a file of tools; without one there are the sample tools.
MODEL    ?=
TOOLS    ?=
QUESTION ?= Find the sum of a = [1, -1, 2] and b = [3, 0, -4].

# A model whose words are noise ends only where it must.
MAXTOKENS ?= 192

# Time for each fuzz target, and a pattern for their names.
FUZZTIME ?= 30s
FUZZ     ?= ^Fuzz
# Pattern of the benchmarks to run.
BENCH    ?= .
# Longest time for the tests of one package.
TESTTIMEOUT ?= 40m

GO ?= go

# Packages that build without cgo; deps_test.go holds them to it.
PUREGO = ./grammar/... ./sampler/... ./chat/... ./gguf/... ./demo/... ./bench/bfcl/... ./cuda/... ./engine/runtimes/... ./internal/...

.DEFAULT_GOAL := help
.PHONY: help run demo build runtime test race fuzz bench model model-smoke model-deps check fmt vet staticcheck nocgo mod clean

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: build runtime ## Answer a question with calls (MODEL=file.gguf, TOOLS=file.json, QUESTION=text).
	bin/callama call $(if $(MODEL),-m '$(MODEL)') $(if $(TOOLS),--tools '$(TOOLS)') --tool-choice required --max-tokens $(MAXTOKENS) --timings "$$QUESTION"
run: export QUESTION := $(QUESTION)

demo: build runtime ## Show the whole cycle: questions, calls, tools that run, answers.
	bin/callama demo $(if $(MODEL),-m '$(MODEL)')

build: ## Build bin/callama.
	$(GO) build -o bin/callama ./cmd/callama

runtime: build ## Install the llama.cpp libraries into the user's cache, if they are not there.
	bin/callama runtime install

test: runtime ## Test everything.
	$(GO) test -timeout $(TESTTIMEOUT) ./...

race: ## Test the packages without cgo under the race detector.
	$(GO) test -race -short -timeout $(TESTTIMEOUT) $(PUREGO)

fuzz: ## Run every fuzz target for FUZZTIME (default 30s); FUZZ=pattern selects.
	@set -e; for pkg in $$($(GO) list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}' ./...); do \
		for target in $$($(GO) test -list '$(FUZZ)' $$pkg | grep '^Fuzz' || true); do \
			echo "$$pkg $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10s $$pkg; \
		done; \
	done

bench: ## Run the benchmarks (BENCH=pattern selects).
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -timeout $(TESTTIMEOUT) ./...

model: build ## Train the demo model from nothing: train/README.md. OUT=folder, GPU=1.
	$(MAKE) --no-print-directory -f train/Makefile

# The smallest setting in which every step of 'make model' happens.
SMOKE = COPY=300 SHORT=300 CHOOSE=100 FULL=300 HELDOUT=40 VOCAB=4608 VOCABROWS=300 \
	FLAGS='--no-plot --steps 12 --warmup 4 --batch-tokens 2048 --micro-tokens 1024' HOURS= ADAPTERHOURS= \
	MODELFLAGS='--hidden 64 --layers 2 --intermediate 128'

model-smoke: build ## Run the recipe of the demo model in a minute, to see that it works.
	rm -rf $(or $(OUT),out/smoke)
	$(MAKE) --no-print-directory -f train/Makefile OUT=$(or $(OUT),out/smoke) $(SMOKE)

model-deps: ## Install what training needs (Debian).
	apt-get install -y --no-install-recommends python3-torch python3-numpy python3-matplotlib libopenblas0-pthread gcc libc6-dev

check: ## Check formatting, vet, staticcheck, builds without cgo, races, module files.
	@set -e; before=$$(git status --porcelain 2>/dev/null || true); \
	$(MAKE) --no-print-directory fmt vet staticcheck nocgo mod race; \
	if [ "$$before" != "$$(git status --porcelain 2>/dev/null || true)" ]; then \
		echo 'check: the checks changed the working tree:' >&2; git status --short >&2; exit 1; \
	fi

fmt: ## Fail on files that gofmt would change.
	@unformatted=$$(gofmt -l .) || exit 1; \
	if [ -n "$$unformatted" ]; then echo "gofmt would change:"; echo "$$unformatted"; exit 1; fi

vet: ## Run go vet.
	$(GO) vet ./...

staticcheck: ## Run staticcheck, in the version that go.mod pins.
	$(GO) tool staticcheck ./...

nocgo: ## Build and vet without cgo what must not need it.
	CGO_ENABLED=0 $(GO) build $(PUREGO)
	CGO_ENABLED=0 $(GO) vet $(PUREGO)

mod: ## Verify the dependencies, and that go.mod and go.sum are tidy.
	$(GO) mod verify
	$(GO) mod tidy -diff

clean: ## Remove what was built here.
	rm -rf bin out

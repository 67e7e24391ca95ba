# Everything runs on the Node that this file fetches: nothing else has to be on the machine but
# Node 20 or newer with npm, git and make.
NODE_VERSION := 26.10.0
TOOLS := .tools/node-$(NODE_VERSION)
NODE_BIN := $(CURDIR)/$(TOOLS)/node_modules/node/bin
export PATH := $(NODE_BIN):$(CURDIR)/node_modules/.bin:$(PATH)
HOME_DIR ?= $(CURDIR)/.home

.DEFAULT_GOAL := help
.PHONY: help install build plugins check test bench run clean

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# npm runs the package's own installer, which fetches the one binary of this machine's kind.
$(TOOLS)/ok:
	@echo "fetching Node $(NODE_VERSION)"
	@mkdir -p $(TOOLS)
	@npm install --prefix $(TOOLS) --no-save --no-audit --no-fund --silent node@$(NODE_VERSION)
	@"$(NODE_BIN)/node" --version >/dev/null
	@touch $@

node_modules/.package-lock.json: package-lock.json | $(TOOLS)/ok
	@echo "installing packages"
	@npm ci --no-audit --no-fund --silent
	@touch $@

install: $(TOOLS)/ok node_modules/.package-lock.json ## Install what the project needs, in this folder only

build/kernel.wasm: runtime/sandbox/guest/kernel.wat runtime/sandbox/guest/build-kernel.ts | install
	@node runtime/sandbox/guest/build-kernel.ts

build: build/kernel.wasm plugins ## Build the kernel and the plugins whose toolchain is here

plugins: | install
	@node plugins/build.ts

check: build/kernel.wasm ## Types, lint, format and the house rules
	@tsc -p .
	@biome check --diagnostic-level=warn .
	@node --test test/tidy.test.ts

test: check plugins ## Every check and test; CI runs exactly this
	@node --test --test-concurrency=1 'test/**/*.test.ts'

bench: build ## Measure the numbers of the README against a peer in the same run
	@node test/bench/main.ts

run: build ## Start the host on 127.0.0.1:7700 with the example plugins, and print a line to try
	@node --disable-sigusr1 plugins/run.ts --home "$(HOME_DIR)"

clean: ## Remove what was built and installed
	@rm -rf build .tools node_modules plugins/*/build

# The programs that npm installed (Node 24 among them) come first: a machine with an older Node and npm is enough.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
SHELL := bash
.DEFAULT_GOAL := help
INSTALLED := node_modules/.package-lock.json

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(INSTALLED) ## Run the service with a stand-in WeChat side and sample articles
	@exec node src/main.ts sandbox

say: $(INSTALLED) ## Say TEXT=… to the WeCom bot of `make run`, and print its answer (LONG=1: by the long connection; SAY=--help)
	@exec node src/main.ts say $(if $(LONG),--long) $(SAY) $(if $(TEXT),-- "$$TEXT")

test: $(INSTALLED) ## Run all tests, on SQLite and on a MySQL-compatible server (FILES=… for some)
	@exec node test/run.ts $(FILES)

chaos: $(INSTALLED) ## Break things for real: kills, freezes, skewed clocks (PART=storm,… or short; CHAOS_SEED=…)
	@exec node test/chaos/run.ts

verify: $(INSTALLED) ## What CI runs beside the tests: types, lint, format, contract, generated code, house rules
	tsc
	biome ci --colors=off --error-on-warnings
	buf lint
	buf format proto --path proto/wxmp --path proto/expert --path proto/dispatch --path proto/wecom --diff --exit-code
	buf breaking proto --against proto/released.binpb
	node scripts/check-gen.ts
	node --test 'test/house/*.test.ts'

gen: $(INSTALLED) ## Generate gen/ from the contract
	buf format proto --path proto/wxmp --path proto/expert --path proto/dispatch --path proto/wecom --write
	buf generate

lint: $(INSTALLED) ## Lint and format, mending what can be mended
	biome check --write
	buf lint

bench: $(INSTALLED) ## Measure search and index against SQLite FTS5, and many bots over the long connection (PART=search or connections)
	@exec node test/bench/run.ts

eval: $(INSTALLED) ## Measure retrieval, answers and refusal on the data in EVAL_DATA (see test/eval/measure.ts)
	@exec node test/eval/run.ts

build: $(INSTALLED) ## Build dist/, which runs on plain Node 24
	node scripts/build.ts

release-contract: $(INSTALLED) ## After a release: from now on its contract may not be broken
	buf build proto -o proto/released.binpb

$(INSTALLED): package.json package-lock.json
	npm ci
	@touch $@

.PHONY: help run say test chaos verify gen lint bench eval build release-contract

SHELL := /usr/bin/env bash
.SHELLFLAGS := -eo pipefail -c
.DEFAULT_GOAL := help

FUZZTIME ?= 30s
LINT_VERSION := 2.15.0
LINT_PACKAGE := github.com/golangci/golangci-lint/v2/cmd/golangci-lint
# What a full run must not skip.
REQUIRE := redis,ffmpeg,postgres,mariadb

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "%-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/afterput, static
	CGO_ENABLED=0 go build -trimpath -o bin/afterput ./cmd/afterput

.PHONY: test
test: ## The full run: installs what is missing, race detector, nothing skipped, a table of the back ends
	@deploy/tools/ensure redis-server postgres mariadbd ffmpeg gcc
	@mkdir -p bin && go build -o bin/testcount ./deploy/tools/testcount
	@export CGO_ENABLED=1 AFTERPUT_TEST_REQUIRE=$(REQUIRE); go test -race -json ./... | bin/testcount

.PHONY: race
race: ## Tests with the race detector, parts without their server skipped
	CGO_ENABLED=1 go test -race ./...

.PHONY: lint
lint: bin/golangci-lint-$(LINT_VERSION) ## golangci-lint with its formatters, go vet, go mod tidy -diff
	$< config verify
	$< run ./...
	go vet ./...
	go vet -tags chaos ./cmd/...
	go mod tidy -diff

# Reuses a binary of the right version on the PATH.
bin/golangci-lint-$(LINT_VERSION):
	@mkdir -p bin
	@if [ "$$(golangci-lint version --short 2>/dev/null)" = "$(LINT_VERSION)" ]; then \
		ln -sf "$$(command -v golangci-lint)" $@; \
	else \
		echo "installing golangci-lint $(LINT_VERSION) into bin, once"; \
		GOBIN="$$PWD/bin" go install $(LINT_PACKAGE)@v$(LINT_VERSION); \
		mv bin/golangci-lint $@; \
	fi

.PHONY: fuzz
fuzz: ## Each fuzz target for FUZZTIME (30s)
	@grep -rlE --include='*_test.go' '^func Fuzz' . | sort | while read -r file; do \
		grep -oE '^func Fuzz[A-Za-z0-9_]*' "$$file" | awk '{print $$2}' | while read -r target; do \
			echo "fuzz $$target in $$(dirname "$$file")"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$(dirname "$$file")" </dev/null; \
		done; \
	done

.PHONY: e2e
e2e: ## The end-to-end tests (TestE2E...) on a real Redis
	@deploy/tools/ensure redis-server postgres mariadbd
	AFTERPUT_TEST_REQUIRE=$(REQUIRE) go test -count=1 -run '^TestE2E' ./...

.PHONY: deploy-check
deploy-check: ## The files of deploy, read by what reads them: Kubernetes' types, compose, systemd, nginx, promtool
	@deploy/tools/ensure promtool nginx systemd-analyze
	cd deploy/checks && go vet ./... && AFTERPUT_TEST_REQUIRE=promtool,nginx,systemd-analyze go test -count=1 ./...

.PHONY: clients
clients: ## Real clients against a real afterput: Tencent's guides and SDKs, standardwebhooks, the forwarders; needs npm
	@deploy/clients/run

# A command of the battery; its counts are kept in CHAOS_DIR. CHAOS_LEDGER (sqlite,
# postgres, mariadb) and CHAOS_REDIS (plain, sentinel) move every row that can.
CHAOS = bin/chaos -binary bin/afterput-chaos -dir $(CHAOS_DIR) -ledger "$(CHAOS_LEDGER)" -redis "$(CHAOS_REDIS)"
CHAOS_DIR ?= bin/chaos.d
CHAOS_LEDGER ?=
CHAOS_REDIS ?=
CHAOS_ROWS ?=
CHAOS_SEEDS ?= 0
CHAOS_N ?= 0

bin/chaos-built:
	@deploy/tools/ensure redis-server postgres $(if $(filter mariadb,$(CHAOS_LEDGER)),mariadbd)
	@mkdir -p bin
	@go build -o bin/chaos ./cmd/chaos
	@CGO_ENABLED=0 go build -tags chaos -o bin/afterput-chaos ./cmd/afterput
.PHONY: bin/chaos-built

.PHONY: chaos
chaos: bin/chaos-built ## The battery's short form: kills, wipes and duplicates, counted from outside
	@$(CHAOS) -parallel 3

.PHONY: chaos-long
chaos-long: bin/chaos-built ## The whole battery; CHAOS_ROWS=1,6 CHAOS_SEEDS=5 CHAOS_N=10000 narrow or widen it
	@$(CHAOS) -long -rows "$(CHAOS_ROWS)" -seeds $(CHAOS_SEEDS) -n $(CHAOS_N)

LOAD_FLAGS ?=

.PHONY: load
load: build ## Announcements at half of what the machine can take, Redis stopped for 20 s of 2 min; LOAD_FLAGS="-for 30s"
	@deploy/tools/ensure redis-server
	@go build -o bin/load ./cmd/load
	@bin/load -binary bin/afterput -dir bin/load.d $(LOAD_FLAGS)

.PHONY: bench
bench: ## Benchmarks with allocations
	go test -run '^$$' -bench . -benchmem ./...

.PHONY: bench-thumb
bench-thumb: ## The thumbnail engine against sharp and libvips; BENCH_PHOTOS=DIR takes your photos; needs npm
	@deploy/bench/thumb/run

.PHONY: tidy
tidy: bin/golangci-lint-$(LINT_VERSION) ## Format the code and tidy go.mod
	$< fmt ./...
	go mod tidy

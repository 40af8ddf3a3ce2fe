.DEFAULT_GOAL := help
GO ?= go

.PHONY: accuracy samples theory sbom reproducible reliability probes help build test race lint vuln cross fuzz nemesis soak mutants bench peers gates quick scale e2e pictures packages module-path ci nemesis-rocketmq lives

help: ## list the targets
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-11s %s\n", $$1, $$2}'
build: ## the command, into bin/
	$(GO) build -trimpath -o bin/ ./cmd/rmqbench
test: ## all tests that need only Go
	$(GO) test ./...
race: ## the same under the race detector, but for what it has nothing to find in
	.ci/race
lint: ## vet, formatting and golangci-lint
	.ci/lint
vuln: ## known vulnerabilities that our code reaches
	$(GO) run golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./...
sbom: ## what is in the binary, as CycloneDX, into bin/
	.ci/sbom
reproducible: ## two builds of the last commit are one file
	.ci/reproducible
cross: ## build for every platform we support
	.ci/cross
fuzz: ## every fuzz target, FUZZTIME each (10m)
	.ci/fuzz $(or $(FUZZTIME),10m)
nemesis: ## a million sends under 100 seeds' faults, read back and checked, ten minutes (NEMESIS_SEEDS, NEMESIS_SENDS; NEMESIS_SEED: the first)
	NEMESIS_SEEDS=$(or $(NEMESIS_SEEDS),100) NEMESIS_SENDS=$(or $(NEMESIS_SENDS),10000) NEMESIS_SEED=$(or $(NEMESIS_SEED),1) \
		$(GO) test -count=1 -timeout 2h -v -run '^TestR55_Nemesis$$' ./internal/nemesis
nemesis-rocketmq: ## five seeds on real RocketMQ 5.4.0, with kill -9 and SIGSTOP of brokers (NEMESIS_SEEDS)
	RMQBENCH_E2E_SEEDS=$(or $(NEMESIS_SEEDS),5) $(GO) test -tags e2e -count=1 -timeout 1h -v -run '^TestR55_NemesisRocketMQ$$' ./e2e/
soak: ## one producer under faults for SOAK (1h), memory and goroutines watched; E2E=1: on real RocketMQ 5.4.0
	SOAK=$(or $(SOAK),1h) $(GO) test -count=1 -timeout 25h -v $(if $(E2E),-tags e2e -run '^TestR27_SoakRocketMQ$$' ./e2e/,-run '^TestR27_Soak$$' ./internal/nemesis)
accuracy: ## is a rate of 1 k, 10 k and 50 k/s kept for ACCURACY (30s) each, and does the pacer leave a bystander alone; four minutes on a quiet machine
	ACCURACY=$(or $(ACCURACY),30s) $(GO) test -count=1 -timeout 1h -v -run '^TestRule0[57]' ./bench
samples: ## 100 million recorded samples and a day in virtual time: memory flat, counts exact; two minutes
	SAMPLES=long $(GO) test -count=1 -timeout 1h -v -run '^TestR26_ManySamples$$|^TestR27_Hours$$' ./bench
lives: ## 10,000 connections made and closed, 1,000 producers started and shut down: what stays of them; 100 runs killed: what each leaves
	CONNECTS=10000 $(GO) test -count=1 -v -run '^TestR48_' ./remoting
	LIVES=1000 $(GO) test -count=1 -v -run '^TestR48_' ./producer
	KILLS=100 $(GO) test -count=1 -v -timeout 30m -run '^TestR29_' ./cmd/rmqbench
mutants: ## ten deliberate bugs, each caught by a test: docs/mutants.md
	$(GO) run ./internal/mutants
bench: ## benchmarks beside the code, ready for benchstat
	$(GO) test -run '^$$' -bench . -count $(or $(COUNT),6) ./remoting/... ./producer ./broker ./results
peers: ## rmqbench, rocketmq-client-go and a floor side by side, as ratios (ARGS='-n HOST:PORT -java' for a real broker)
	cd peers && $(GO) run ./compare $(ARGS)
gates: ## the regression gate 40 times against itself and 40 against 5 % more, two hours; and a slowed Go service (GATES=4 GATES_AT_ONCE=2: shorter)
	$(GO) test -tags gates -count=1 -run '^TestR57_Gates$$' -timeout 4h -v ./cmd/rmqbench
	cd peers && $(GO) test -count=1 -run '^TestSlowerServiceIsSeen$$' -v ./service
reliability: ## the tests of what must not break it, and docs/reliability.md from what they say (E2E=1: those on real brokers and in namespaces too)
	$(GO) run ./internal/rows $(if $(E2E),-e2e) $(if $(GATES),-gates)
theory: ## three searches for a capacity, within 3 % of what queueing theory says
	THEORY=3 $(GO) test -count=1 -v -run '^TestR58_CapacityOfMD1$$' ./bench
probes: ## five faults put to rocketmq-client-go and to rmqbench, side by side, into docs/reliability.md
	cd peers && $(GO) run ./probes > ../internal/rows/probes.txt
	$(GO) run ./internal/rows -run none
quick: ## the shipped quick scenario
	$(GO) run ./cmd/rmqbench run
scale: ## what merging 1,000 machines' shares takes
	SHARES=1000 $(GO) test -count=1 -v -run TestMergeMany ./results
e2e: ## against real RocketMQ brokers: needs JDK 17, Maven, Chromium and Python with pip
	$(GO) test -tags e2e -count=1 -timeout 20m -v ./e2e/
pictures: ## README's pictures, of a run that is made now; needs Chromium
	.ci/pictures
packages: ## archives for every platform, checksums, SBOMs, manual pages and completions into dist/; builds goreleaser first, which takes long
	$(GO) run github.com/goreleaser/goreleaser/v2@v2.17.0 release --snapshot --clean
module-path: ## change the module's path everywhere (TO=example.org/you/rmqbench)
	.ci/module-path $(TO)
ci: ## everything that CI runs
	.ci/run

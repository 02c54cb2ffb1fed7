SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

OUT ?= out
# The share that kills and judge-mutants play of the mutants, restarts of the cases, and model of the situations: K of N, counted from 0.
PART ?= 0/1
# How long fuzz runs each target.
SECONDS ?= 60
# The race detector needs cgo and a C compiler; without them the tests run without it.
RACE := $(shell command -v "$$(go env CC 2>/dev/null)" >/dev/null 2>&1 && [ "$$(go env GOOS)" = linux -o "$$(go env GOOS)" = darwin ] && echo -race)
# Packages whose tests take minutes with the race detector: they import drivers of a browser and of Docker or a validator of
# OpenAPI, which are slow to compile, or they start the command, some of them many times, and would build it with cgo once more.
# What the command calls is tested with the race detector. The tests of docs read files with regular expressions, one after the other.
APART := cmd/httpdest docs examples examples/go/receiver internal/packaging mockendpoint/admin tests/containers scenarios/probe/receivers tests/browser
# Packages with tests of volume, which ask for testing.Short(): they are tested with the race detector without these, and in full
# without it.
LONG := scenarios/probe scenarios/simulate
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOLANGCI := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0

.PHONY: help
help: ## Print this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.PHONY: run
run: build ## Play the library and judge it; recordings and report.json go to out/
	@bin/httpdest run --out $(OUT)

.PHONY: test
test: ## Run all tests; says what it has to leave out
	@if [ -n "$(RACE)" ]; then echo "tests with the race detector"; export CGO_ENABLED=1
	else echo "tests WITHOUT the race detector: it needs a C compiler (install gcc)"; fi
	for witness in curl openssl; do
		command -v "$$witness" >/dev/null || echo "tests WITHOUT $$witness as a witness of the mock endpoint: install $$witness"
	done
	command -v chromium >/dev/null || command -v google-chrome >/dev/null || echo "tests WITHOUT a browser: neither the page of the mock endpoint nor the HTML report is tested; install chromium"
	docker version >/dev/null 2>&1 || curl -fs -m 5 --unix-socket /var/run/docker.sock http://docker/_ping >/dev/null 2>&1 ||
		echo "tests WITHOUT receiver and sender in containers: no Docker daemon answers, start one"
	PATH=$$PATH:/usr/sbin command -v nginx >/dev/null || echo "tests WITHOUT nginx as a witness of the mTLS decision, and as a receiver: install nginx-light, or nginx"
	command -v node >/dev/null || echo "tests WITHOUT the receiver in Node: install nodejs"
	command -v python3 >/dev/null || echo "tests WITHOUT the receiver in Python: install python3"
	apart="$(APART)"
	if [ -n "$(RACE)" ]; then
		echo "tests WITHOUT the race detector of $$apart, and of the volume of $(LONG): it makes minutes of them; make race has them with it"
		go test -timeout 30m $(RACE) -short $$(printf './%s ' $(LONG))
		apart="$$apart $(LONG)"
	fi
	go test -timeout 30m $(RACE) $$(go list ./... | grep -v $$(printf -- '-e /%s$$ ' $$apart))
	CGO_ENABLED=0 go test -timeout 30m $$(printf './%s ' $$apart)

.PHONY: race
race: ## Run all tests with the race detector, those too of which it makes minutes
	@CGO_ENABLED=1 go test -race ./...

.PHONY: check
check: build ## Check what you changed, before a commit: format, vet, architecture, touched packages, prose, the library
	@base=$$(git merge-base HEAD origin/main 2>/dev/null || git rev-parse HEAD)
	touched=$$( (git diff --name-only --diff-filter=d "$$base"; git ls-files --others --exclude-standard) | sort -u || true)
	code=$$(grep '\.go$$' <<<"$$touched" || true)
	if [ -n "$$code" ]; then
		unformatted=$$(gofmt -l $$code)
		if [ -n "$$unformatted" ]; then echo "not formatted, run gofmt -w on:" $$unformatted; exit 1; fi
	fi
	# A file of another kind, such as rules.yaml or a mutant, belongs to the package in its folder or in the nearest one above. The
	# tests of ./docs read all code, YAML and pages.
	packages=$$( (while read -r file; do
		folder=$$(dirname "$$file")
		until [ "$$folder" = . ] || compgen -G "$$folder/*.go" >/dev/null && [[ "/$$folder/" != */testdata/* ]]; do folder=$$(dirname "$$folder"); done
		[ "$$folder" = . ] || echo "./$$folder"
	done <<<"$$touched"; [ -z "$$touched" ] || echo ./docs) | sort -u)
	if [ -n "$$packages" ]; then
		CGO_ENABLED=0 go vet $$packages
		quick=$$(grep -vx ./cmd/httpdest <<<"$$packages" || true) # its scripts take a minute: make test runs them
		[ -z "$$quick" ] || CGO_ENABLED=0 go test $$quick
	fi
	CGO_ENABLED=0 go test ./cmd/httpdest -run 'TestArchitecture|TestFilesStaySmall'
	bin/httpdest run --quiet --out $(OUT)

.PHONY: golangci
golangci: ## Lint with golangci-lint as .golangci.yml says; building it takes minutes
	@CGO_ENABLED=0 go run $(GOLANGCI) run ./...

.PHONY: vulnerabilities
vulnerabilities: ## Look for known vulnerabilities in what the code calls; it asks vuln.go.dev
	@CGO_ENABLED=0 go run $(GOVULNCHECK) ./...

.PHONY: docs
docs: ## Write the pages of docs/, and the parts of schemas, that are made from the code
	@CGO_ENABLED=0 go test ./internal/faultspec -count=1 -run 'TestGenerated' -args -write
	CGO_ENABLED=0 go test ./docs ./cmd/httpdest -count=1 -run 'TestGenerated' -args -write

.PHONY: pictures
pictures: build ## Draw the pictures of the documentation with Chromium: docs/pictures/
	@browser=$$(command -v chromium || command -v google-chrome) || { echo "install chromium"; exit 1; }
	dir=$$(mktemp -d)
	trap 'rm -rf "$$dir"' EXIT
	mkdir -p docs/pictures
	bin/httpdest run scenarios/library/retry/six-exports.yaml --out "$$dir" >/dev/null
	"$$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --force-color-profile=srgb --window-size=1100,$(or $(HEIGHT),780) \
		--virtual-time-budget=3000 --screenshot=docs/pictures/report.png "file://$$dir/report.html$(FRAGMENT)" 2>/dev/null
	ls -l docs/pictures

.PHONY: docs-check
docs-check: ## Check the documentation: links, commands, generated pages, citations, prose
	@CGO_ENABLED=0 go test ./docs
	CGO_ENABLED=0 go test ./internal/faultspec ./cmd/httpdest -run 'TestGenerated|TestDocuments|TestProse|TestScripts/(tutorial|readme|help)'

.PHONY: lint
lint: ## Check format, go vet, staticcheck, and that go.mod is tidy
	@unformatted=$$(gofmt -l $$(git ls-files '*.go'))
	if [ -n "$$unformatted" ]; then echo "not formatted, run gofmt -w on:" $$unformatted; exit 1; fi
	go vet ./...
	go run $(STATICCHECK) ./...
	go mod tidy -diff

.PHONY: mutants
mutants: ## Play the library under every mutant and write the kill matrix; ONLY=regexp plays some and writes nothing, MISSING=1 plays what was not measured
	@CGO_ENABLED=0 go test ./scenarios/mutants -v -count=1 -timeout 60m -run 'TestMutants$$' -args -mutants -only '$(ONLY)' $(if $(MISSING),-missing)

.PHONY: kills
kills: ## Play every mutant with the cases that must find it; ONLY=regexp for some of them, PART=K/N for a share, as CI does
	@CGO_ENABLED=0 go test ./scenarios/mutants -v -count=1 -timeout 30m -run 'TestMutants$$' -args -mutants -named -only '$(ONLY)' -part '$(PART)'

.PHONY: mutants-live
mutants-live: ## Play every mutant of the engine through the engine of serve, its store and its wire; ONLY=regexp, PART=K/N
	@CGO_ENABLED=0 go test ./scenarios/mutants -v -count=1 -timeout 60m -run 'TestMutantsThroughLive$$' -args -mutants -only '$(ONLY)' -part '$(PART)'

.PHONY: coverage
coverage: build ## Show that every rule is proved
	@bin/httpdest rules coverage

.PHONY: differential
differential: ## Play HISTORIES (10000) random histories from SEED (1) and have the oracle judge each; 200 over mTLS too
	@CGO_ENABLED=0 go test ./tests/differential -v -count=1 -timeout 30m -run 'TestHistories' -args -histories $${HISTORIES:-10000} -wire 200 -seed $${SEED:-1}

.PHONY: wrong-senders
wrong-senders: ## Break right captures of HISTORIES (10000) random histories from SEED (1) in WAYS (5) of fifty ways each, and have judge name each
	@CGO_ENABLED=0 go test ./tests/differential -v -count=1 -timeout 60m -run 'TestWrongSenders$$' -args -wrong $${HISTORIES:-10000} -ways $${WAYS:-5} -seed $${SEED:-1}

.PHONY: other-readings
other-readings: ## Judge right senders of HISTORIES (300) random histories from SEED (1) under each other reading, without the reading: none may fail
	@CGO_ENABLED=0 go test ./tests/differential -v -count=1 -timeout 60m -run 'TestOtherReadingsOfHistories$$' -args -others $${HISTORIES:-300} -seed $${SEED:-1}

.PHONY: differential-mutants
differential-mutants: ## Build every wrong decider and show that random histories find it; ONLY=regexp for some of them
	@CGO_ENABLED=0 go test ./tests/differential -v -count=1 -timeout 30m -run 'TestDeciderMutants$$' -args -mutants -histories 1000 -only '$(ONLY)'

.PHONY: crash
crash: kill restarts ## Kill the engine, compare histories with a kill against the same without, and take the power away at every write of a small history
	@CGO_ENABLED=0 go test ./engine/live -count=1 -timeout 30m -run 'TestCrashAtEveryWrite$$' -args -crash

.PHONY: kill
kill: ## Kill the engine CYCLES times (10) with each kind of message, a receiver at work, and show that nothing is lost
	@CGO_ENABLED=0 go test ./cmd/httpdest -v -count=1 -timeout 30m -run 'TestKill$$' -args -cycles $${CYCLES:-10}

.PHONY: restarts
restarts: ## Compare HISTORIES (2000) random histories, WHOLE (20) of them at every point, and the cases of the library with a kill against the same without
	@CGO_ENABLED=0 go test ./engine/live -v -count=1 -timeout 30m -run 'TestRestartEquivalence$$' -args -histories $${HISTORIES:-2000} -whole $${WHOLE:-20}
	CGO_ENABLED=0 go test ./scenarios/simulate -v -count=1 -timeout 60m -run 'TestLibraryOverRestarts$$' -args -every-case -part '$(PART)'

.PHONY: hostile
hostile: ## Send hostile requests and a gigabyte to serve and mock, and hold their memory to its bounds (a minute)
	@CGO_ENABLED=0 go test ./cmd/httpdest -v -count=1 -timeout 10m -run 'Hostile' -args -hostile

.PHONY: damage
damage: ## Damage every file of a closed and of a killed store in each way, and show that nothing is lost in silence or deleted
	@CGO_ENABLED=0 go test ./engine/store/local -v -count=1 -timeout 30m -run 'TestDamage$$' -args -damage

.PHONY: durability-mutants
durability-mutants: ## Break what survives a crash in one way each, and show that a test finds it; ONLY=regexp for some of them
	@CGO_ENABLED=0 go test ./scenarios/mutants -v -count=1 -timeout 30m -run 'TestDurabilityMutants$$' -args -mutants -only '$(ONLY)'

.PHONY: judge-mutants
judge-mutants: ## Break the checks, the oracle, the reports … in one way each, and show that a test of that layer finds it; ONLY=regexp, PART=K/N
	@CGO_ENABLED=0 go test ./scenarios/mutants -v -count=1 -timeout 30m -run 'TestJudgeMutants$$' -args -mutants -only '$(ONLY)' -part '$(PART)'

.PHONY: mock-mutants
mock-mutants: ## Break the mock where no scenario shows it, as its admin page, and show that a test finds it; ONLY=regexp for some of them
	@CGO_ENABLED=0 go test ./scenarios/mutants -v -count=1 -timeout 30m -run 'TestMockMutants$$' -args -mutants -only '$(ONLY)'

.PHONY: secrets-mutants
secrets-mutants: ## Show a credential in one place each, and see the suite of all commands find it; ONLY=regexp for some of them
	@CGO_ENABLED=0 go test ./scenarios/mutants -v -count=1 -timeout 30m -run 'TestSecretsMutants$$' -args -mutants -only '$(ONLY)'

.PHONY: mutants-all
mutants-all: mutants mutants-live judge-mutants mock-mutants secrets-mutants durability-mutants differential-mutants ## Play every mutant there is (half an hour)

.PHONY: receiver-cases
receiver-cases: ## Play every case of the library that a receiver can be played to the right receivers, and read their stores (4 minutes)
	@command -v node >/dev/null || echo "plays WITHOUT the receiver in Node: install nodejs"
	command -v python3 >/dev/null || echo "plays WITHOUT the receiver in Python: install python3"
	go test ./scenarios/probe/receivers -v -count=1 -timeout 15m -run 'TestRightReceiversPassTheLibrary$$' -args -library

.PHONY: probe-examples
probe-examples: build ## Probe the right receivers, which must pass, and each wrong one, which must fail its rules and no others; ONLY=regexp for some of them
	@command -v node >/dev/null || echo "probes WITHOUT the receiver in Node: install nodejs"
	command -v python3 >/dev/null || echo "probes WITHOUT the receiver in Python: install python3"
	PATH=$$PATH:/usr/sbin command -v nginx >/dev/null || echo "probes WITHOUT nginx in front: install nginx-light, or nginx"
	PATH=$$PATH:/usr/sbin command -v haproxy >/dev/null || echo "probes WITHOUT HAProxy in front: install haproxy"
	PATH=$$PATH:/usr/sbin command -v apache2 >/dev/null || echo "probes WITHOUT Apache in front: install apache2"
	command -v caddy >/dev/null || echo "probes WITHOUT Caddy in front: install caddy"
	go test ./scenarios/probe/receivers -v -count=1 -timeout 15m -parallel 8 -run 'TestExamples$$' -args -examples -httpdest '$(CURDIR)/bin/httpdest' -only '$(ONLY)'

.PHONY: histories
histories: ## Play random histories to the right receivers (RIGHT, 1000) and to each that keeps a wrong state, with SEEDS (5); PART=K/N of the wrong ones
	@command -v node >/dev/null || echo "histories WITHOUT the receiver in Node: install nodejs"
	command -v python3 >/dev/null || echo "histories WITHOUT the receiver in Python: install python3"
	CGO_ENABLED=0 go test ./scenarios/probe/receivers -v -count=1 -timeout 30m -parallel 9 -run 'TestHistories$$' -args -histories -seeds $${SEEDS:-5} -right $${RIGHT:-1000} -part '$(PART)'

.PHONY: live-kills
live-kills: ## Play every case through the engine of serve with a kill after every commit, and compare the exports (minutes)
	@CGO_ENABLED=0 go test ./scenarios/simulate -v -count=1 -timeout 30m -run 'TestLibraryThroughLiveWithKills$$' -args -kills 1000000

.PHONY: served
served: build ## Play every short case through the binary's serve with its store, driven by its API (a minute and a half, little CPU)
	@bin/httpdest run --quiet --through serve --out $(OUT)/serve

.PHONY: table
table: build ## Print what became of every case in the simulation, the model, on the wall clock, the live engine, serve, and under kills (five minutes)
	@rm -rf $(OUT)/table && mkdir -p $(OUT)/table
	for through in simulation wall serve; do bin/httpdest run --quiet --through $$through --out $(OUT)/table/$$through >$(OUT)/table/$$through.txt 2>&1 || true; done
	CGO_ENABLED=0 go test ./scenarios/simulate -count=1 -timeout 30m -run 'TestModelAndWireAgree$$|TestLibraryThroughLive$$|TestLibraryThroughLiveWithKills$$' -args -cells '$(abspath $(OUT))/table/cells' >$(OUT)/table/tests.txt || true
	CGO_ENABLED=0 go test ./scenarios/simulate -v -count=1 -run 'TestTable$$' -args -cells '$(abspath $(OUT))/table/cells' \
		-table 'simulation=$(abspath $(OUT))/table/simulation/report.json,wall=$(abspath $(OUT))/table/wall/report.json,serve=$(abspath $(OUT))/table/serve/report.json'

.PHONY: wall
wall: ## Play every short scenario on the wall clock too, and compare (a minute)
	@go test ./scenarios -v -count=1 -run 'TestLibraryOnTheWallClock$$' -args -wall

.PHONY: load
load: build ## Load the engine with RATE (1000) updates a second for 30 s: durable store, mTLS, the mock endpoint beside it
	@bin/httpdest load mock --through-engine --mock-tls mtls-only --rate $${RATE:-1000} --for 30s --profiles $$(( $${RATE:-1000} * 100 )) --slo 'rate>='$$(( $${RATE:-1000} * 99 / 100 ))'/s' --out $(OUT)

.PHONY: starved
starved: ## Stop, starve and nice the generator of a load, and show that its lateness is not taken for a slow receiver (two minutes, two idle CPUs, Linux)
	@CGO_ENABLED=0 go test ./cmd/httpdest -v -count=1 -timeout 10m -run 'TestStarvedGenerator$$' -args -starved

.PHONY: search
search: ## Search for the limits of four receivers of known capacity on the wall clock (half an hour of an idle machine)
	@CGO_ENABLED=0 go test ./loadtest -v -count=1 -timeout 90m -run 'TestSearchOnTheWallClock$$' -args -wall

.PHONY: coverage-of-intervals
coverage-of-intervals: ## Play queues of known latency at four loads with SEEDS (200) runs each, and count how often the truth is within the interval; A/A and A/B pairs of report compare (five idle minutes)
	@CGO_ENABLED=0 go test ./loadtest -v -count=1 -timeout 60m -run 'TestCoverageOfIntervals$$|TestCompareCriesNoWolf$$' -args -coverage -seeds $${SEEDS:-200}

.PHONY: model
model: ## Play the volume of load and plan, which make test leaves out with the race detector: the model against the simulation for SCALE (1) times a hundred thousand profiles
	@volume=$$(awk '/^func Test/ { split($$2, name, "(") } /^\t[a-z.]*[vV]olume\(t\)/ { print name[1] }' loadtest/*_test.go | paste -sd '|' -)
	CGO_ENABLED=0 go test ./loadtest -v -count=1 -timeout 60m -run "^(.*SecondSimulation|$$volume)\$$" -args -nine -scale $${SCALE:-1} -part '$(PART)'

.PHONY: bench
bench: ## Run the benchmarks, and measure the engine against our bare client and Vegeta before one receiver
	@go test -run '^$$' -bench . -benchmem ./...
	CGO_ENABLED=0 go test ./tests/ratios -v -count=1 -timeout 30m -run 'TestRatios$$' -args -ratios

.PHONY: floors
floors: ## Hold the engine to its floors: as shares of our bare client, of Vegeta and of itself without a disk, in one run; and the mock endpoint (a minute)
	@CGO_ENABLED=0 go test ./tests/ratios -v -count=1 -timeout 30m -run 'TestRatios$$' -args -ratios -floors -length 1s -contenders bare,vegeta,durable,memory
	CGO_ENABLED=0 go test ./mockendpoint -run '^$$' -bench 'Throughput$$' -benchtime 3x -args -floors

.PHONY: fuzz
fuzz: ## Run every fuzz target in turn for SECONDS (60) each, ONLY=regexp for some of them, and name those with a finding
	@export CGO_ENABLED=0; failed=""
	for folder in $$(git grep -l '^func Fuzz' -- '*_test.go' | xargs -n1 dirname | sort -u); do
		for target in $$(grep -ho '^func Fuzz[A-Za-z0-9_]*' "$$folder"/*_test.go | cut -d' ' -f2 | grep -E '$(ONLY)'); do
			go test "./$$folder" -run '^$$' -fuzz "^$$target\$$" -fuzztime $(SECONDS)s -parallel 2 || failed="$$failed $$folder:$$target"
		done
	done
	[ -z "$$failed" ] || { echo "findings in:$$failed"; exit 1; }

.PHONY: build
build: ## Build bin/httpdest, a static binary
	@CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o bin/httpdest ./cmd/httpdest

.PHONY: dist
dist: ## Build a release in dist/: binaries for PLATFORMS (all six), SBOMs, manual pages, completions, checksums
	@.ci/dist dist $(PLATFORMS)
	cat dist/SHA256SUMS

.PHONY: reproducible
reproducible: ## Build a release for PLATFORMS (linux/amd64) in two folders and compare every byte; CLEAN=1 with an empty cache
	@.ci/reproducible $(or $(PLATFORMS),linux/amd64)

.PHONY: image
image: ## Build the image httpdest:VERSION from scratch with Docker; no registry is asked
	@.ci/image-context out/image
	docker build -t httpdest:$${VERSION:-$$(.ci/version)} -t httpdest:latest out/image

.PHONY: clean-containers
clean-containers: ## Remove the containers, networks and images that tests left when they were killed
	@docker ps -aq --filter label=httpdest.test=true | xargs -r docker rm -f
	docker network ls -q --filter label=httpdest.test=true | xargs -r docker network rm
	docker images -q httpdest-test | sort -u | xargs -r docker rmi -f

.PHONY: clean
clean: ## Remove what the other targets made
	@rm -rf bin $(OUT)

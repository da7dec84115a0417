.PHONY: run test check generate pebble soak bench

run:            ## try it: the demo, in a throw-away folder
	go run ./cmd/postroom demo

test:           ## what a newcomer runs
	go test ./...

check:          ## the gate
	.ci/run

generate:       ## views, scripts, styles, settings
	cd tools && go tool templ generate -path ../internal/web/view
	cd internal/web/ui && npm ci --no-audit --no-fund
	cd tools && go run ./bundle
	go test ./internal/app -run SettingsPage -update

pebble:         ## an ACME authority, for the test of certificates
	cd tools && go build -o ../bin/pebble github.com/letsencrypt/pebble/v2/cmd/pebble

soak:           ## the long proofs; the result belongs into docs/soak.md
	POSTROOM_SOAK=1 go test -count=1 -timeout 3h -v ./internal/prove

bench:          ## the figures of docs/benchmarks.md
	go test -run NONE -bench . -benchtime 2s ./internal/db ./internal/desktest ./internal/query ./internal/workflow ./internal/email

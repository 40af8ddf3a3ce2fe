// Command rows runs the tests that are named after the rows of the list of faults, and writes docs/reliability.md.
//
//	go run ./internal/rows            run what needs only Go, write the page
//	go run ./internal/rows -e2e       and what needs Java, Maven or a network namespace
//	go run ./internal/rows -gates     and the gate against itself, in short
//	go run ./internal/rows -run R05   run those of a row
//	go run ./internal/rows -run none  write the page from what it said before
//	go run ./internal/rows -run none -from FILE   and what FILE has of a run made elsewhere (go test -json), as of a soak of an hour
//
// A test covers a row by its name: TestR05_ResetMidFrame, or TestR06_R07_CutAtEveryByte for two; a subtest likewise
// ("R01_Killed"). What is not run this time keeps what the page said of it, with its date.
package main

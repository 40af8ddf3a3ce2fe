#!/usr/bin/env bash
# Builds the benchmarks of a Go package at two commits and lets gate.sh measure them in turns, on one machine, in one job.
#   PACKAGE            directory of the package (.)
#   BENCH              which benchmarks (.)
#   BENCHTIME          of one measurement (1s)
#   BASE_COMMIT        the commit to compare with (the merge base with origin/HEAD)
# and what gate.sh reads.
set -euo pipefail

package=${PACKAGE:-.}
base=${BASE_COMMIT:-$(git merge-base HEAD origin/HEAD)}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'git worktree remove --force "$work/base" 2>/dev/null || true; rm -rf "$work"' EXIT

inside=$(git rev-parse --show-prefix) # where we are within the repository
git worktree add --quiet --detach "$work/base" "$base"
(cd "$work/base/$inside$package" && go test -c -o "$work/base.test" .)
(cd "$package" && go test -c -o "$work/head.test" .)

# Benchmarks read files beside them, so each runs where its code is.
run="-test.run ^$ -test.benchmem -test.benchtime ${BENCHTIME:-1s} -test.bench '${BENCH:-.}'"
A="cd '$work/base/$inside$package' && '$work/base.test' $run" B="cd '$PWD/$package' && '$work/head.test' $run" "$here/gate.sh"

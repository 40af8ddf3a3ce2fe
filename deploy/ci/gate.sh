#!/usr/bin/env bash
# The gate of action.yml and gitlab.yml: rmqbench gate, with its reports, and what "inconclusive" means here. It is told all in its environment:
#   BASE, NEW          results, directories of repeats or benchmark text; or
#   A, B               things for rmqbench to measure in turns: commands, or arguments of run
#   ARGUMENTS          behind both A and B, by spaces
#   MAX_REGRESSION     5%          BUDGET 5m         SLO, METRIC: none
#   ON_INCONCLUSIVE    warn, fail or pass (warn)
#   REPORTS            directory for gate.xml (JUnit), gate.md and gate.prom (OpenMetrics); gate-reports
#   RMQBENCH           the binary (rmqbench)
# Exit status: rmqbench's; 4, inconclusive, becomes 0 unless ON_INCONCLUSIVE is fail.
set -euo pipefail

rmqbench=${RMQBENCH:-rmqbench}
reports=${REPORTS:-gate-reports}
policy=${ON_INCONCLUSIVE:-warn}
case $policy in
warn | fail | pass) ;;
*)
  echo "on-inconclusive: $policy: warn, fail or pass" >&2
  exit 2
  ;;
esac

flags=(--max-regression "${MAX_REGRESSION:-5%}")
[ -z "${SLO:-}" ] || flags+=(--slo "$SLO")
[ -z "${METRIC:-}" ] || flags+=(--metric "$METRIC")
mkdir -p "$reports"
rm -f "$reports/gate.xml" "$reports/gate.md" "$reports/gate.prom"
flags+=(--junit "$reports/gate.xml" --markdown "$reports/gate.md" --openmetrics "$reports/gate.prom")

status=0
if [ -n "${A:-}" ] || [ -n "${B:-}" ]; then
  read -ra extra <<<"${ARGUMENTS:-}"
  [ ${#extra[@]} -eq 0 ] || extra=(-- "${extra[@]}")
  "$rmqbench" gate "${flags[@]}" --budget "${BUDGET:-5m}" --progress plain -o "$reports/runs" --a "${A:-}" --b "${B:-}" "${extra[@]}" || status=$?
else
  "$rmqbench" gate "${flags[@]}" "${BASE:-}" "${NEW:-}" || status=$?
fi

# A fork's token can't comment on a pull request; the job's summary takes it.
if [ -n "${GITHUB_STEP_SUMMARY:-}" ] && [ -f "$reports/gate.md" ]; then
  cat "$reports/gate.md" >>"$GITHUB_STEP_SUMMARY"
fi
[ -z "${GITHUB_OUTPUT:-}" ] || echo "status=$status" >>"$GITHUB_OUTPUT"

if [ "$status" -eq 4 ] && [ "$policy" != fail ]; then
  [ "$policy" = pass ] || echo "::warning title=rmqbench gate::inconclusive: too noisy or too short to tell; see $reports/gate.md"
  status=0
fi
exit "$status"

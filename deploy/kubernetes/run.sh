#!/usr/bin/env bash
# Runs one load from the pods of a Job and makes one result of it: applies an overlay, waits, collects what the pods printed, merges it,
# and cleans up.
#
#   deploy/kubernetes/run.sh OVERLAY [RESULTS]
#
#   deploy/kubernetes/run.sh deploy/kubernetes/overlays/smoke          # three pods against rmqbench's own broker
#   deploy/kubernetes/run.sh my-overlay results                        # the merged result goes into results/ (runs/)
#
# Wants kubectl, which goes where KUBECONFIG says, and rmqbench (RMQBENCH names another binary). NAMESPACE, or the context's.
# TIMEOUT=1800: so many seconds until it gives up on the Job. KEEP=1 leaves everything in the cluster. Exit status: that of rmqbench
# merge, or 1.
set -euo pipefail

overlay=${1:?which overlay? see the head of $0}
results=${2:-runs}
rmqbench=${RMQBENCH:-rmqbench}
timeout=${TIMEOUT:-1800}
job=rmqbench
kube=(kubectl)
[ -n "${NAMESPACE:-}" ] && kube+=(--namespace "$NAMESPACE")

command -v kubectl >/dev/null || { echo "run.sh: kubectl is not there" >&2; exit 1; }
command -v "$rmqbench" >/dev/null || { echo "run.sh: $rmqbench is not there; go build ./cmd/rmqbench, and RMQBENCH=./rmqbench" >&2; exit 1; }
if "${kube[@]}" get job "$job" >/dev/null 2>&1; then
  echo "run.sh: a Job $job is there already: somebody else's run, or one that was kept; kubectl delete job $job" >&2
  exit 1
fi

logs=$(mktemp -d)
following=()
clean() {
  status=$?
  for pid in "${following[@]}"; do
    kill "$pid" 2>/dev/null || true
  done
  if [ -z "${KEEP:-}" ]; then
    "${kube[@]}" delete -k "$overlay" --ignore-not-found --wait=true --timeout=60s >/dev/null 2>&1 || echo "run.sh: not everything could be deleted: kubectl delete -k $overlay" >&2
  fi
  rm -rf "$logs"
  exit "$status"
}
trap clean EXIT

# follow keeps what each pod that runs prints, as it is printed: a pod that is deleted takes its log with it.
follow() {
  local pod
  while read -r pod; do
    if [ -n "$pod" ] && [ ! -e "$logs/$pod.log" ]; then
      "${kube[@]}" logs --follow "$pod" >"$logs/$pod.log" 2>"$logs/.$pod.err" &
      following+=("$!")
    fi
  done < <("${kube[@]}" get pods -l "batch.kubernetes.io/job-name=$job" -o jsonpath='{range .items[?(@.status.phase!="Pending")]}{.metadata.name}{"\n"}{end}')
}

"${kube[@]}" apply -k "$overlay" >/dev/null
pods=$("${kube[@]}" get job "$job" -o jsonpath='{.spec.completions}')
last='' complete='' broken=''
for ((began = SECONDS; ; )); do
  # A question that fails is asked again: the load goes on whether the API server answers or not.
  if IFS='|' read -r ready succeeded failed complete broken < <("${kube[@]}" get job "$job" -o \
    jsonpath='{.status.ready}|{.status.succeeded}|{.status.failed}|{.status.conditions[?(@.type=="Complete")].status}|{.status.conditions[?(@.type=="Failed")].status}{"\n"}'); then
    line="$pods pods: ${ready:-0} ready, ${succeeded:-0} done, ${failed:-0} failed"
    if [ "$line" != "$last" ]; then
      echo "$((SECONDS - began)) s  $line" >&2
      last=$line
    fi
    follow
  fi
  [ "$complete" = True ] || [ "$broken" = True ] && break
  if ((SECONDS - began > timeout)); then
    echo "run.sh: the Job is not done after $timeout s; merged is what there is" >&2
    [ "${#following[@]}" -eq 0 ] || kill "${following[@]}" 2>/dev/null || true
    break
  fi
  sleep 1
done

# The records are the last lines; a pod that was killed left at least the line that says who it was.
for pid in "${following[@]}"; do
  wait "$pid" || true
done
cat "$logs"/.*.err >&2 2>/dev/null || true
rm -f "$logs"/.*.err
# What was followed can have been cut off on its way; of a pod that is still there its log has all of it.
for log in "$logs"/*.log; do
  pod=$(basename "$log" .log)
  if "${kube[@]}" logs "$pod" >"$logs/.again" 2>/dev/null && [ "$(wc -c <"$logs/.again")" -gt "$(wc -c <"$log")" ]; then
    mv "$logs/.again" "$log"
  fi
done
rm -f "$logs/.again"
if ! grep -qs rmqbench:whole "$logs"/*.log; then
  tail -n 3 "$logs"/*.log >&2 || true
fi
"$rmqbench" merge "$logs" -o "$results"

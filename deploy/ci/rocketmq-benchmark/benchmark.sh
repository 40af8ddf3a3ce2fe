#!/usr/bin/env bash
# In place of the benchmark job of Apache RocketMQ's own CI, for its producer: the same thresholds under the same names, held to what a record says
# instead of to lines that a regular expression found. It is told all in its environment:
#   NAMESRV                  HOST:PORT of the name servers
#   TEST_TIME                seconds of measuring (900), after WARMUP seconds (30) that don't count
#   MIN_SEND_TPS_THRESHOLD   messages a second (12000)
#   MAX_RT_MS_THRESHOLD      longest send, ms (500)     AVG_RT_MS_THRESHOLD   mean of the sends, ms (10)
#   TOPIC                    made if it isn't there (RMQBENCH_BENCHMARK)
#   REPORTS                  directory for the result, summary.md and junit.xml (benchmark)
#   RMQBENCH                 the binary (rmqbench)
# Exit status: rmqbench's; 3 is a threshold that was missed, 4 a run too disturbed to say.
set -euo pipefail

rmqbench=${RMQBENCH:-rmqbench}
reports=${REPORTS:-benchmark}
slo="rate>${MIN_SEND_TPS_THRESHOLD:-12000}/s,max<${MAX_RT_MS_THRESHOLD:-500}ms,mean<${AVG_RT_MS_THRESHOLD:-10}ms"

# benchmark/producer.sh's defaults: 64 threads that send 128 bytes as fast as answers come.
status=0
before=$(find "$reports" -mindepth 2 -maxdepth 2 -name run.json 2>/dev/null | sort || true) # a run that is refused leaves none, and an older one isn't its
"$rmqbench" run -n "${NAMESRV:?HOST:PORT of the name servers}" -t "${TOPIC:-RMQBENCH_BENCHMARK}" --set topic.create=if_absent \
  -m sync -w 64 -s 128B --unlimited --warmup "${WARMUP:-30}s" -d "${TEST_TIME:-900}s" --slo "$slo" --progress plain -o "$reports" || status=$?

result=$(comm -13 <(echo "$before") <(find "$reports" -mindepth 2 -maxdepth 2 -name run.json 2>/dev/null | sort) | tail -1)
if [ -n "$result" ]; then
  result=$(dirname "$result")
  "$rmqbench" report "$result" --format junit
  if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then "$rmqbench" report "$result" --format md -o - >>"$GITHUB_STEP_SUMMARY"; fi
fi
exit "$status"

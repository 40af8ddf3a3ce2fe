package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"rmqbench/bench"
	"rmqbench/internal/kubernetes"
	"rmqbench/results"
)

// shareFlags make a run one of several that send one schedule together.
type shareFlags struct {
	shard, startAt string
	print          bool
}

// indexVariable is what an Indexed Job of Kubernetes tells its pods.
const indexVariable = "JOB_COMPLETION_INDEX"

func (f *shareFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.shard, "shard", "", "send share k/N of the schedule, k from 0; N alone: k is JOB_COMPLETION_INDEX. The others run elsewhere, with the same flags")
	flags.StringVar(&f.startAt, "start-at", "", "with --shard: when all begin, as 2026-03-01T12:00:00Z; or kubernetes: when the Job's pods are ready")
	flags.BoolVar(&f.print, "print-record", false, "with --shard: print the record as lines for a log, which rmqbench merge - reads")
}

// barrierFor is how long a pod waits for the others.
const barrierFor = 10 * time.Minute

// share is what the flags ask for; nil: nothing.
func (f *shareFlags) share(flags *pflag.FlagSet, warn func(string)) (*bench.Share, error) {
	if f.shard == "" {
		for _, name := range []string{"start-at", "print-record"} {
			if flags.Changed(name) {
				return nil, &usageError{fmt.Sprintf("--%s needs --shard k/N", name)}
			}
		}
		return nil, nil
	}
	if asJSON, _ := flags.GetBool("json"); asJSON && f.print { // every command with --shard has --json
		return nil, &usageError{"--print-record and --json both want stdout: one of them"}
	}
	bad := &usageError{fmt.Sprintf("--shard %s: write k/N with k from 0 to N-1, such as --shard 0/4, or N alone where %s is set", f.shard, indexVariable)}
	k, n, slash := strings.Cut(f.shard, "/")
	if !slash {
		k, n = os.Getenv(indexVariable), f.shard
		if k == "" {
			return nil, bad
		}
	}
	s := &bench.Share{Host: hostName()}
	var err error
	if s.Index, err = strconv.Atoi(k); err != nil {
		return nil, bad
	}
	if s.Of, err = strconv.Atoi(n); err != nil || s.Index < 0 || s.Index >= s.Of || s.Of > results.MaxShards {
		return nil, bad
	}
	switch f.startAt {
	case "":
		if s.Of > 1 {
			return nil, &usageError{"--shard needs --start-at, the same for all shares, a minute ahead: --start-at " + time.Now().Add(time.Minute).UTC().Format("2006-01-02T15:04:05Z")}
		}
		s.Begin = func(context.Context) (time.Time, error) { return time.Now(), nil }
	case "kubernetes":
		job, err := kubernetes.InCluster(os.Getenv("JOB_NAME"))
		if err != nil {
			return nil, &usageError{"--start-at kubernetes: " + err.Error()}
		}
		job.Told = warn
		s.Begin = func(ctx context.Context) (time.Time, error) {
			ctx, cancel := context.WithTimeoutCause(ctx, barrierFor, fmt.Errorf("they did not come within %v", barrierFor))
			defer cancel()
			return job.Begin(ctx, s.Index, s.Of)
		}
	default:
		at, err := time.Parse(time.RFC3339, f.startAt)
		if err != nil {
			return nil, &usageError{fmt.Sprintf("--start-at %s: write a time as %s, or kubernetes", f.startAt, time.Now().Add(time.Minute).UTC().Format(time.RFC3339))}
		}
		if late := time.Since(at); late > 0 {
			return nil, &usageError{fmt.Sprintf("--start-at %s was %v ago: this share would be late; all shares need a later time", f.startAt, late.Round(time.Second))}
		}
		s.Begin = func(context.Context) (time.Time, error) { return at, nil }
	}
	return s, nil
}

// began tells a log that a share begins, where its record will be printed.
func (f *shareFlags) began(share *bench.Share, s streams) error {
	if !f.print {
		return nil
	}
	return results.PrintBegan(s.out, &results.Shard{Index: share.Index, Of: share.Of, Host: share.Host})
}

// hostName is the pod's, or the machine's.
func hostName() string {
	name, _ := os.Hostname() // a name for people: without one the number has to do
	return cmp.Or(os.Getenv("POD_NAME"), name)
}

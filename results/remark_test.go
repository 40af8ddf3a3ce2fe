package results

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestRemarkLines(t *testing.T) {
	asked, plain := closedCase("asked", "request", 400, 1, 2), closedCase("plain", "sync", 400, 1, 2)
	asked.Replier = &Replier{Pulled: 1400, Replied: 1398, Unreplied: 2, Fault: "broker a\x1b: no"}
	asked.Delayed = &Delayed{Messages: 12345, Until: time.Date(2026, 5, 4, 12, 4, 10, 0, time.UTC)}
	asked.Transactions = &Transactions{Committed: 1289, RolledBack: 29, CheckedBack: 82, AskedAgain: 3, Open: 167}
	want := []string{
		"asked: about 12,345 delayed messages fire until 12:04:10Z (by RocketMQ's own delay levels)",
		"asked: of the transactions 1,289 were committed, 29 rolled back, and 82 ended as the broker asked for it",
		"asked: 167 transactions have no end: no broker asked for it while the run waited, and nobody can say it any more",
		"asked: brokers asked 3 times about commits that they had been told or were being told: some of these messages may be stored twice",
		"asked: rmqbench itself replied, from this process: 1,400 replies, of which 2 could not be passed on",
		`asked: the first fault of the replier: broker a\x1b: no`,
	}
	if got := remarkLines(&Run{Cases: []Case{plain, asked}}); !slices.Equal(got, want) {
		t.Errorf("%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

package results

import (
	"encoding/json"
	"io"
)

// Point is an interval of a case: the sends whose end became known in it, which is up to 0.2 s after they ended.
type Point struct {
	Case              string        `json:"case"`
	Round             int           `json:"round,omitempty"`
	Shard             *int          `json:"shard,omitempty"` // of a merged run: whose it is
	StartOffsetNS     int64         `json:"start_offset_ns"` // monotonic, since the run's start
	LengthNS          int64         `json:"length_ns"`
	Attempted         int64         `json:"attempted"`
	Acknowledged      int64         `json:"acknowledged"`
	Weak              int64         `json:"weak,omitempty"`
	Written           int64         `json:"written,omitempty"`
	Refused           int64         `json:"refused,omitempty"`
	Ambiguous         int64         `json:"ambiguous,omitempty"`
	Failed            int64         `json:"failed,omitempty"`
	MessagesPerSecond *float64      `json:"messages_per_second"` // acknowledged or written
	Response          *Latency      `json:"response_ns"`         // due until done; write time if oneway
	Service           *Latency      `json:"service_ns"`
	Brokers           []BrokerPoint `json:"brokers,omitempty"`
}

// Intervals is what the lines of a case's series sum to: the case and its warm-up.
type Intervals struct {
	Count     int   `json:"count"`
	Attempted int64 `json:"attempted"`
	Successes int64 `json:"successes"` // acknowledged or written
}

// Sum adds up points of one case.
func Sum(points []Point) *Intervals {
	s := &Intervals{Count: len(points)}
	for i := range points {
		s.Attempted += points[i].Attempted
		s.Successes += points[i].Acknowledged + points[i].Written
	}
	return s
}

// BrokerPoint is what a broker said of itself, shortly before the interval's end; null where its version doesn't say.
type BrokerPoint struct {
	Broker              string           `json:"broker"`
	Unknown             string           `json:"unknown,omitempty"` // why it said nothing, such as NotPermitted
	PutPerSecond        *float64         `json:"put_per_second,omitempty"`
	PutsToday           *int64           `json:"puts_today,omitempty"` // messages, of all topics
	PutTimes            map[string]int64 `json:"put_times,omitempty"`  // messages by how long storing took, the broker's own classes
	PageCacheLockNS     *int64           `json:"page_cache_lock_ns,omitempty"`
	SendQueue           *int64           `json:"send_queue,omitempty"`         // requests that wait for a send thread
	SendQueueWaitNS     *int64           `json:"send_queue_wait_ns,omitempty"` // of the first of these
	DispatchBehindBytes *int64           `json:"dispatch_behind_bytes,omitempty"`
	DiskRatio           *float64         `json:"disk_ratio,omitempty"` // of the commit log's disk that is used
}

// NotPermitted is why a broker said nothing that it says to its operators.
const NotPermitted = "not permitted"

// encodeSeries writes a line of JSON for each point.
func encodeSeries(w io.Writer, points []Point) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	for i := range points {
		if err := e.Encode(&points[i]); err != nil {
			return err
		}
	}
	return nil
}

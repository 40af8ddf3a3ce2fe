package results

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
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
	Queues            []int64       `json:"queues,omitempty"` // of each of the case's queues, acknowledged or written; none where it has over MostQueues
	Brokers           []BrokerPoint `json:"brokers,omitempty"`
}

// MostQueues is up to how many queues an interval tells of each.
const MostQueues = 256

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
	PutsToday           *int64           `json:"puts_today,omitempty"`              // messages, of all topics
	OthersPerSecond     *float64         `json:"other_topics_per_second,omitempty"` // put into other topics than the case's, since the line before
	PutTimes            map[string]int64 `json:"put_times,omitempty"`               // messages by how long storing took, the broker's own classes
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

// What decodeSeries takes into memory.
const (
	maxSeriesBytes = 64 << 20
	maxLineBytes   = 1 << 20
	maxPoints      = 100_000
)

// decodeSeries reads the lines that encodeSeries wrote. What is no series of ours, or larger than one can be, is an error.
func decodeSeries(from io.Reader) ([]Point, error) {
	limited := &io.LimitedReader{R: from, N: maxSeriesBytes + 1}
	lines := bufio.NewScanner(limited)
	lines.Buffer(nil, maxLineBytes)
	var points []Point
	separate := 0
	for n := 1; lines.Scan(); n++ {
		var err error
		if separate, err = bounded(lines.Bytes(), separate); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if n > maxPoints {
			return nil, fmt.Errorf("more than %s lines", groupDigits(maxPoints))
		}
		var p Point
		if err := json.Unmarshal(lines.Bytes(), &p); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if p.LengthNS < 0 || p.StartOffsetNS < 0 {
			return nil, fmt.Errorf("line %d: a time below 0", n)
		}
		points = append(points, p)
	}
	if limited.N == 0 {
		return nil, fmt.Errorf("larger than %s", FormatBytes(maxSeriesBytes))
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return nil, fmt.Errorf("a line of more than %s", FormatBytes(maxLineBytes))
	}
	return points, lines.Err()
}

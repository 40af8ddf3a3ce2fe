package results

// Event is something that was done to the target while a case ran.
type Event struct {
	Kind     string `json:"kind"` // stall, delay, service_time, busy, down, topic; end: of one of these, only if that failed
	Text     string `json:"text,omitempty"`
	Broker   string `json:"broker,omitempty"`    // "": all
	AtNS     int64  `json:"at_ns"`               // since the measured stages began, as planned
	LengthNS int64  `json:"length_ns,omitempty"` // as planned; 0: it stayed so
	Error    string `json:"error,omitempty"`     // why it did not happen
}

// eventEvidence tells of events that did not happen: the case is not what was asked for.
func eventEvidence(c *Case) []Evidence {
	var evidence []Evidence
	for _, e := range c.Events {
		if e.Error != "" {
			evidence = append(evidence, Evidence{Code: "event", Verdict: Partial, Text: "an event did not happen (" + e.Kind + "): " + e.Error})
		}
	}
	return evidence
}

// Pulse is how many measured sends were called in each bin of time to one broker, whatever became of them. Bins follow one another
// from the beginning of the measured stages; those after the last send are left out.
type Pulse struct {
	Broker string  `json:"broker"`
	BinNS  int64   `json:"bin_ns"`
	Sends  []int64 `json:"sends"`
}

// KeyChange is what a change of the topic's queues did to keys.
type KeyChange struct {
	Both        int64 `json:"both"`          // keys sent before the change and after it
	InOneBefore int64 `json:"in_one_before"` // of those: all sends before it lie in one queue
	Moved       int64 `json:"moved"`         // of those: the last send lies in another one
}

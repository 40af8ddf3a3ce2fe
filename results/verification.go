package results

import "fmt"

// Verification is what the brokers stored of a case, its warm-up included, against what was acknowledged: a queue's offset
// grows by one for each message that it stores.
type Verification struct {
	Stored       int64          `json:"stored"` // by which the queues' offsets grew together
	Acknowledged int64          `json:"acknowledged"`
	MayBeStored  int64          `json:"may_be_stored"`        // weak, written and ambiguous sends, and ambiguous attempts before the last
	Missing      int64          `json:"missing"`              // acknowledged, and by its queue's offset not stored
	Unexplained  int64          `json:"unexplained"`          // stored beyond all of these: somebody else's
	Lacking      []LackingQueue `json:"lacking,omitempty"`    // the queues that miss something
	Unverified   string         `json:"unverified,omitempty"` // why it isn't known; the counts are 0 then
}

// LackingQueue is one that stored less than it acknowledged.
type LackingQueue struct {
	Broker       string `json:"broker"`
	Queue        int    `json:"queue"`
	Stored       int64  `json:"stored"`
	Acknowledged int64  `json:"acknowledged"`
}

// verifyEvidence says what a verification found.
func verifyEvidence(c *Case) []Evidence {
	v := c.Verify
	switch {
	case v == nil:
		return nil
	case v.Unverified != "":
		return []Evidence{{Code: "unverified", Verdict: Partial, Text: "the queues' offsets could not be verified: " + v.Unverified}}
	case v.Missing > 0:
		return []Evidence{{Code: "messages_missing", Verdict: Invalid, Value: new(float64(v.Missing)), Limit: new(float64),
			Text: fmt.Sprintf("%s of %s acknowledged messages are not stored, by the offsets of %d queues", groupDigits(v.Missing), groupDigits(v.Acknowledged), len(v.Lacking))}}
	case v.Unexplained > 0:
		return []Evidence{{Code: "messages_unexplained", Verdict: Suspect, Value: new(float64(v.Unexplained)), Limit: new(float64),
			Text: fmt.Sprintf("%s messages more were stored than this run can have sent: somebody else sends to the topic", groupDigits(v.Unexplained))}}
	}
	return []Evidence{{Code: codeVerified, Verdict: Valid, Text: fmt.Sprintf("all %s acknowledged messages are stored, by the queues' offsets", groupDigits(v.Acknowledged))}}
}

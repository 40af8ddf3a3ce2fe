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
	Bodies       *BodyCheck     `json:"bodies,omitempty"`     // where they were read back
	Unverified   string         `json:"unverified,omitempty"` // why it isn't known; the counts are 0 then
}

// BodyCheck is what was read back between the offsets before a case and after it, message by message.
type BodyCheck struct {
	Read            int64  `json:"read"`
	Acknowledged    int64  `json:"acknowledged"`   // read, and acknowledged when they were sent
	Missing         int64  `json:"missing"`        // acknowledged, and not read
	Corrupt         int64  `json:"corrupt"`        // with another body than they were sent with
	Duplicates      int64  `json:"duplicates"`     // read again
	Unacknowledged  int64  `json:"unacknowledged"` // read, and weak, written, ambiguous, or a failed send's ambiguous attempt
	Unexplained     int64  `json:"unexplained"`    // read, and refused or failed without such an attempt, or again without one
	Foreign         int64  `json:"foreign"`        // of somebody else
	Unread          int64  `json:"unread"`         // that the brokers didn't give any more, or that were too many to keep in mind
	OrderBreaks     *int64 `json:"order_breaks"`   // in a queue before a message of the same key that was due earlier; null: no keys, or too many
	KeysInTwoQueues *int64 `json:"keys_in_two_queues"`
}

// evidence says what the reading found.
func (b *BodyCheck) evidence() []Evidence {
	line := func(code string, v Verdict, n int64, format string, args ...any) Evidence {
		return Evidence{Code: code, Verdict: v, Value: new(float64(n)), Limit: new(float64), Text: fmt.Sprintf(format, args...)}
	}
	var found []Evidence
	if b.Corrupt > 0 {
		found = append(found, line("bodies_corrupt", Invalid, b.Corrupt, "%s of %s messages read back have another body than they were sent with", groupDigits(b.Corrupt), groupDigits(b.Read)))
	}
	switch {
	case b.Unread > 0:
		found = append(found, line("bodies_unread", Partial, b.Unread, "%s could not be read back, so that of %s it isn't known whether it is stored",
			FormatCount(b.Unread, "message"), FormatCount(b.Missing, "acknowledged one")))
	case b.Missing > 0:
		found = append(found, line("bodies_missing", Invalid, b.Missing, "%s not found when all was read back", FormatCount(b.Missing, "acknowledged message")))
	}
	if b.Unexplained > 0 {
		found = append(found, line("bodies_unexplained", Suspect, b.Unexplained, "%s stored in spite of being refused or failing, or a second time though sent once", FormatCount(b.Unexplained, "message")))
	}
	if b.Foreign > 0 {
		found = append(found, line("bodies_foreign", Suspect, b.Foreign, "%s read back of somebody else", FormatCount(b.Foreign, "message")))
	}
	read := Evidence{Code: codeBodiesVerified, Verdict: Valid}
	text := FormatCount(b.Acknowledged, "acknowledged message") + " read back"
	if b.Duplicates > 0 {
		text += fmt.Sprintf(", %s a second time", groupDigits(b.Duplicates))
	}
	if b.OrderBreaks != nil {
		text += fmt.Sprintf("; order by key broken %s, %s in more than one queue", FormatCount(*b.OrderBreaks, "time"), FormatCount(*b.KeysInTwoQueues, "key"))
		read.Value = new(float64(*b.OrderBreaks))
	}
	read.Text = text
	return append(found, read)
}

// LackingQueue is one that stored less than it acknowledged.
type LackingQueue struct {
	Topic        string `json:"topic,omitempty"` // of several
	Broker       string `json:"broker"`
	Queue        int    `json:"queue"`
	Stored       int64  `json:"stored"`
	Acknowledged int64  `json:"acknowledged"`
}

// verifyEvidence says what a verification found.
func verifyEvidence(c *Case) []Evidence {
	v := c.Verify
	if v == nil {
		return nil
	}
	found := v.evidence()
	if b := v.Bodies; b != nil && c.Ordered && b.OrderBreaks != nil && *b.OrderBreaks > 0 {
		found = append(found, Evidence{Code: "order_broken", Verdict: Suspect, Value: new(float64(*b.OrderBreaks)), Limit: new(float64),
			Text: fmt.Sprintf("the order by key was to be kept, and was broken %s: a message lies before an earlier one of its key", FormatCount(*b.OrderBreaks, "time"))})
	}
	if v.Bodies != nil {
		found = append(found, v.Bodies.evidence()...)
	}
	return found
}

func (v *Verification) evidence() []Evidence {
	switch {
	case v.Unverified != "":
		return []Evidence{{Code: "unverified", Verdict: Partial, Text: "what is stored could not be verified: " + v.Unverified}}
	case v.Missing > 0:
		return []Evidence{{Code: "messages_missing", Verdict: Invalid, Value: new(float64(v.Missing)), Limit: new(float64),
			Text: fmt.Sprintf("%s of %s acknowledged messages are not stored, by the offsets of %s", groupDigits(v.Missing), groupDigits(v.Acknowledged), FormatCount(len(v.Lacking), "queue"))}}
	case v.Unexplained > 0:
		return []Evidence{{Code: "messages_unexplained", Verdict: Suspect, Value: new(float64(v.Unexplained)), Limit: new(float64),
			Text: fmt.Sprintf("%s stored beyond what this run can have sent: somebody else sends to the topic", FormatCount(v.Unexplained, "message"))}}
	}
	return []Evidence{{Code: codeVerified, Verdict: Valid, Text: fmt.Sprintf("all %s acknowledged messages are stored, by the queues' offsets", groupDigits(v.Acknowledged))}}
}

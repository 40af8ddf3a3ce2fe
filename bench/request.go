package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"

	"rmqbench/producer"
)

// requests makes each send a request, which has succeeded when the reply is there.
type requests struct{ *producer.Producer }

// Send asks, and gives the place that our replier found the question in.
func (r *requests) Send(ctx context.Context, m *producer.Message, opts ...producer.SendOption) (producer.SendResult, error) {
	reply, err := r.Request(ctx, m, opts...)
	switch {
	case err == nil:
		res := producer.SendResult{Attempts: 1}
		if q, offset, ours := parseReply(reply.Body); ours {
			res.Broker, res.QueueID, res.QueueOffset = q.Broker, q.ID, offset
		}
		return res, nil
	case errors.Is(err, errDrained), errors.Is(err, errHurried):
		err = &producer.SendError{Topic: m.Topic, Attempts: 1, Ambiguous: true, Err: err}
	}
	return producer.SendResult{}, err
}

// replyMark begins the body of a reply of ours: who asks learns from it where the question was, which no acknowledgement tells
// in time.
const replyMark = "rmqbench "

func appendReply(dst []byte, q producer.MessageQueue, offset int64) []byte {
	return fmt.Appendf(dst, "%s%d %d %s", replyMark, q.ID, offset, q.Broker)
}

// parseReply reads such a body, which leaves the topic to who asked; false: somebody else has replied.
func parseReply(body []byte) (q producer.MessageQueue, offset int64, ok bool) {
	rest, ok := bytes.CutPrefix(body, []byte(replyMark))
	if !ok {
		return q, 0, false
	}
	id, rest, _ := bytes.Cut(rest, []byte(" "))
	at, broker, ok := bytes.Cut(rest, []byte(" "))
	n, err := strconv.ParseInt(string(id), 10, 32)
	offset, err2 := strconv.ParseInt(string(at), 10, 64)
	if !ok || err != nil || err2 != nil || n < 0 {
		return q, 0, false
	}
	return producer.MessageQueue{Broker: string(broker), ID: int32(n)}, offset, true
}

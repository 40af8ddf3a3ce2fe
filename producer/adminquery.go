package producer

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"rmqbench/remoting"
	"rmqbench/remoting/message"
)

// receivedAll reads the records of an answer's body.
func receivedAll(body []byte) ([]*Received, error) {
	var all []*Received
	for r := range message.Records(body) {
		m, err := NewReceived(r)
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}

// ViewMessage finds a message by the broker's id of it (SendResult.OffsetID), which says where it is, or by the client's
// (SendResult.ID), for which the topic's brokers look into their index; that lags behind a send for a moment. Where
// nobody has it the error is a *NoMessageError.
func (a *Admin) ViewMessage(ctx context.Context, topic, id string) (*Received, error) {
	at, err := message.ParseOffsetID(id)
	if err != nil { // most unique ids are none: where they have the pid an offset id has a port's upper half
		return a.viewByUniqueID(ctx, topic, id)
	}
	m, err := a.viewAt(ctx, topic, at)
	if err != nil {
		if found, _ := a.viewByUniqueID(ctx, topic, id); found != nil {
			return found, nil
		}
	}
	return m, err
}

// viewAt asks the broker that an offset id names. Any broker with that address at that time will do: a record of another
// topic is none of ours.
func (a *Admin) viewAt(ctx context.Context, topic string, at message.OffsetID) (*Received, error) {
	addr := at.Addr.String()
	m, err := askBody(ctx, a, addr, remoting.NewRequest(remoting.ViewMessageByID,
		field("offset", strconv.FormatInt(at.Offset, 10)), field("topic", topic)),
		func(body []byte) (*Received, error) {
			r, _, err := message.DecodeRecord(body)
			if err != nil {
				return nil, err
			}
			return NewReceived(r)
		})
	if err == nil && m.Topic != topic {
		return nil, &NoMessageError{Topic: topic, ID: at.String()}
	}
	return m, err
}

func (a *Admin) viewByUniqueID(ctx context.Context, topic, id string) (*Received, error) {
	if _, err := message.ParseUniqueID(id); err != nil {
		return nil, err
	}
	// From the beginning of time, and not from the id's own as Java does: that one counts from a midnight in the sender's
	// time zone.
	found, err := a.query(ctx, topic, id, maxQuery, time.Time{}, time.Time{}, func(m *Received) bool {
		return m.ID() == id
	})
	if len(found) > 0 {
		return found[0], nil // the first that was stored: later ones are a retry's
	}
	if err == nil {
		err = &NoMessageError{Topic: topic, ID: id}
	}
	return nil, err
}

// maxQuery is how many records a broker answers a query with at most, unless it is configured otherwise
// (MessageStoreConfig.defaultQueryMaxNum).
const maxQuery = 32

// QueryMessages finds messages by one of their keys (Message.Keys), stored between from and to; a zero from or to is no
// limit. most bounds what each broker answers; 0 means 32, which is also what brokers allow. They come in the order of their
// store times. Where some brokers did not answer, the others' messages come with the error.
func (a *Admin) QueryMessages(ctx context.Context, topic, key string, most int, from, to time.Time) ([]*Received, error) {
	return a.query(ctx, topic, key, cmp.Or(most, maxQuery), from, to, func(m *Received) bool {
		keys, _ := m.Properties.Get(message.PropertyKeys)
		return slices.Contains(strings.Fields(keys), key)
	})
}

// query asks every broker of the topic and keeps what is meant: brokers go by a hash of the key.
func (a *Admin) query(ctx context.Context, topic, key string, most int, from, to time.Time, meant func(*Received) bool) ([]*Received, error) {
	route, err := a.Route(ctx, topic)
	if err != nil {
		return nil, &RouteError{Topic: topic, Err: err}
	}
	begin, end := int64(0), int64(math.MaxInt64)
	if !from.IsZero() {
		begin = from.UnixMilli()
	}
	if !to.IsZero() {
		end = to.UnixMilli()
	}
	// Without the field _UNIQUE_KEY_QUERY, which only raises most to 32 and which signatures sometimes cover and sometimes don't.
	req := remoting.NewRequest(remoting.QueryMessage, field("topic", topic), field("key", key), field("maxNum", strconv.Itoa(most)),
		field("beginTimestamp", strconv.FormatInt(begin, 10)), field("endTimestamp", strconv.FormatInt(end, 10)))
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex // protects following
		found []*Received
		fault error // of the last broker that did not answer
	)
	for i := range route.Brokers {
		addr := route.Brokers[i].Master()
		if addr == "" {
			continue
		}
		wg.Go(func() {
			some, err := askBody(ctx, a, addr, req, receivedAll)
			mu.Lock()
			defer mu.Unlock()
			if err != nil && !isCode(err, remoting.QueryNotFound) {
				fault = err
			}
			for _, m := range some {
				if meant(m) {
					found = append(found, m)
				}
			}
		})
	}
	wg.Wait()
	slices.SortStableFunc(found, func(x, y *Received) int {
		return cmp.Or(cmp.Compare(x.StoreTime, y.StoreTime), cmp.Compare(x.PhysicalOffset, y.PhysicalOffset))
	})
	return found, fault
}

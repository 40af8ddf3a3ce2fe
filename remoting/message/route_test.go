package message

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"rmqbench/internal/vectors"
)

// publishList is a publish list as vectors write it: [broker, queue] pairs.
type publishList struct {
	Topic      string
	OrderTopic bool
	Queues     [][2]any
}

func (p publishList) check(t *testing.T, r *Route) {
	t.Helper()
	want := make([]Queue, len(p.Queues))
	for i, q := range p.Queues {
		want[i] = Queue{q[0].(string), int(q[1].(float64))}
	}
	queues, ordered := r.PublishQueues()
	if !slices.Equal(queues, want) || ordered != p.OrderTopic {
		t.Errorf("PublishQueues = %v, ordered %v, want %v, %v", queues, ordered, want, p.OrderTopic)
	}
}

func TestVectorRoute(t *testing.T) {
	for _, tt := range vectors.Load[struct {
		Name, Topic, StandardJSON, JSON string
		JSONHex                         vectors.Hex
		ExpectedPublish                 publishList
	}](t, "route.json") {
		t.Run(tt.Name, func(t *testing.T) {
			bare := cmp.Or(tt.JSON, string(tt.JSONHex))
			r, err := ParseRoute([]byte(bare))
			if err != nil {
				t.Fatal(err)
			}
			tt.ExpectedPublish.check(t, r)

			quoted, err := ParseRoute([]byte(tt.StandardJSON))
			if err != nil || !reflect.DeepEqual(quoted, r) {
				t.Errorf("with quoted keys: %+v, %v, bare %+v", quoted, err, r)
			}
			if got := string(r.AppendJSON(nil, true)); got != tt.StandardJSON {
				t.Errorf("AppendJSON standard\n got %s\nwant %s", got, tt.StandardJSON)
			}
			got := string(r.AppendJSON(nil, false)) // Java writes these maps in hash order: the same, and as long
			if again, err := ParseRoute([]byte(got)); err != nil || !reflect.DeepEqual(again, r) || len(got) != len(bare) {
				t.Errorf("AppendJSON bare\n got %s\nwant %s", got, bare)
			}
		})
	}
}

func TestPublishQueues(t *testing.T) {
	const brokers = `"brokerDatas":[{"brokerAddrs":{0:"h:1"},"brokerName":"a"},{"brokerAddrs":{1:"h:2"},"brokerName":"slave"},` +
		`{"brokerAddrs":{0:"h:3"},"brokerName":"b"},{"brokerAddrs":{1:"h:4"},"brokerName":"b"}]`
	mapping := func(broker string, epoch, total int, ids string) string {
		return fmt.Sprintf(`%q:{"bname":%q,"currIdMap":%s,"epoch":%d,"scope":"__global__","totalQueues":%d}`, broker, broker, ids, epoch, total)
	}
	for _, tt := range []struct {
		name, json string
		want       []Queue
		ordered    bool
		hosts      map[Queue]string
	}{
		{"order conf goes before perms and masters",
			`{"orderTopicConf":"b:2;gone:1;a:1:9;c:-1;","queueDatas":[{"brokerName":"a","perm":0,"writeQueueNums":4}]}`,
			[]Queue{{"b", 0}, {"b", 1}, {"gone", 0}, {"a", 0}}, true, nil},
		{"readable only, without a master, without a broker",
			`{"queueDatas":[{"brokerName":"b","perm":4,"writeQueueNums":4},{"brokerName":"slave","perm":6,"writeQueueNums":4},` +
				`{"brokerName":"nobody","perm":6,"writeQueueNums":4},{"brokerName":"a","perm":2,"writeQueueNums":1}],` + brokers + `}`,
			[]Queue{{"a", 0}}, false, nil},
		{"of brokers with one name the first counts",
			`{"queueDatas":[{"brokerName":"b","perm":6,"writeQueueNums":1}],` + brokers + `}`,
			[]Queue{{"b", 0}}, false, nil},
		{"static topic: later epochs hold, the largest total counts, holes stay",
			`{"topicQueueMappingByBroker":{` + mapping("a", 1, 2, `{0:0,1:1}`) + `,` + mapping("b", 2, 4, `{"1":0,2:1}`) + `}}`,
			[]Queue{{"__syslo__global__", 0}, {"__syslo__global__", 1}, {"__syslo__global__", 2}, {"__syslo__global__", 3}}, false,
			map[Queue]string{{"__syslo__global__", 0}: "a", {"__syslo__global__", 1}: "b", {"__syslo__global__", 2}: "b", {"__syslo__global__", 3}: "__syslo__none__"}},
		{"static topic of a scope",
			`{"topicQueueMappingByBroker":{"a":{"bname":"a","currIdMap":{0:3},"epoch":1,"scope":"s","topic":"T","totalQueues":1}}}`,
			[]Queue{{"__syslo__s", 0}}, false, map[Queue]string{{"__syslo__s", 0}: "a"}},
		{"a static topic with an empty order conf is none",
			`{"orderTopicConf":"","queueDatas":[{"brokerName":"a","perm":6,"writeQueueNums":1}],` + brokers +
				`,"topicQueueMappingByBroker":{` + mapping("a", 1, 2, `{0:0,1:1}`) + `}}`,
			[]Queue{{"a", 0}}, false, nil},
		{"an object met twice",
			`{"queueDatas":[{"brokerName":"a","perm":6,"writeQueueNums":1},{"$ref":"$.queueDatas[0]"}],` + brokers + `}`,
			[]Queue{{"a", 0}, {"a", 0}}, false, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := ParseRoute([]byte(tt.json))
			if err != nil {
				t.Fatal(err)
			}
			queues, ordered := r.PublishQueues()
			if !slices.Equal(queues, tt.want) || ordered != tt.ordered {
				t.Errorf("PublishQueues = %v, %v, want %v, %v", queues, ordered, tt.want, tt.ordered)
			}
			if hosts := r.StaticHosts(); !reflect.DeepEqual(hosts, tt.hosts) {
				t.Errorf("StaticHosts = %v, want %v", hosts, tt.hosts)
			}
			for _, standard := range []bool{true, false} {
				again, err := ParseRoute(r.AppendJSON(nil, standard))
				if err != nil || !reflect.DeepEqual(again, r) {
					t.Errorf("encoded and decoded: %+v, %v, want %+v", again, err, r)
				}
			}
		})
	}
}

func TestRouteMasterAddr(t *testing.T) {
	r := Route{Brokers: []BrokerData{{Name: "a", Addrs: map[int64]string{0: "h:1"}}, {Name: "s", Addrs: map[int64]string{1: "h:2"}}, {Name: "a"}}}
	for broker, want := range map[string]string{"a": "h:1", "s": "", "x": ""} {
		if got := r.MasterAddr(broker); got != want {
			t.Errorf("MasterAddr(%q) = %q, want %q", broker, got, want)
		}
	}
}

func TestParseRouteRefuses(t *testing.T) {
	addrs := strings.Repeat(`{"$ref":"$.brokerDatas[0]"},`, MaxRouteQueues)
	for name, tt := range map[string]struct{ json, reason string }{
		"nothing":                    {``, "end of the text"},
		"no object":                  {`[]`, "not an object"},
		"too many queues":            {`{"queueDatas":[{"writeQueueNums":65536},{"readQueueNums":1}]}`, "more than 65536 queues"},
		"too many in the order":      {`{"orderTopicConf":"a:65536;b:1"}`, "more than 65536 queues"},
		"too many logical":           {`{"topicQueueMappingByBroker":{"a":{"totalQueues":65537}}}`, "more than 65536 queues"},
		"too many addresses":         {`{"brokerDatas":[{"brokerAddrs":{0:"h:1"}},` + addrs + `null]}`, "more than 65536 broker addresses"},
		"unreadable order":           {`{"orderTopicConf":"a:4;b"}`, `order configuration "b"`},
		"a queue number of 2^31":     {`{"queueDatas":[{"writeQueueNums":2147483648}]}`, "writeQueueNums is no number of 32 bits"},
		"a broker id of letters":     {`{"brokerDatas":[{"brokerAddrs":{"x":"h:1"}}]}`, `broker id "x"`},
		"text behind":                {`{} {}`, "text after the end at byte 3"},
		"cut short":                  {`{"brokerDatas":[`, "byte 16"},
		"a logical queue of letters": {`{"topicQueueMappingByBroker":{"a":{"currIdMap":{"x":1}}}}`, `queue id "x"`},
		"a logical epoch of letters": {`{"topicQueueMappingByBroker":{"a":{"epoch":"x"}}}`, "epoch is no number of 64 bits"},
		"an array for a table":       {`{"filterServerTable":[]}`, "filterServerTable is no object"},
	} {
		r, err := ParseRoute([]byte(tt.json))
		var body *BodyError
		if !errors.As(err, &body) || !strings.Contains(err.Error(), tt.reason) {
			t.Errorf("%s: %v, %v, want an error with %q", name, r, err, tt.reason)
		}
	}
}

func FuzzRoute(f *testing.F) {
	for _, tt := range vectors.Load[struct{ JSON, StandardJSON string }](f, "route.json") {
		f.Add([]byte(tt.JSON))
		f.Add([]byte(tt.StandardJSON))
	}
	f.Add([]byte(`{"queueDatas":[{"brokerName":"a","perm":6,"writeQueueNums":"1"},{"$ref":"$.queueDatas[0]"}],"x":{{"a":1}:2},"y":{"$ref":"$"}}`))
	f.Add([]byte(`{"orderTopicConf":"a:1;b:2","topicQueueMappingByBroker":{"a":{"bname":"a","currIdMap":{0:0},"totalQueues":2,"scope":"s"}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := ParseRoute(text)
		if err != nil {
			return
		}
		if queues, _ := r.PublishQueues(); len(queues) > MaxRouteQueues {
			t.Errorf("%d queues", len(queues))
		}
		encoded := r.AppendJSON(nil, false)
		again, err := ParseRoute(encoded)
		if err != nil {
			t.Fatalf("%s: %v", encoded, err)
		}
		if twice := again.AppendJSON(nil, false); string(twice) != string(encoded) {
			t.Errorf("encoded and decoded again:\n%s\n%s", encoded, twice)
		}
	})
}

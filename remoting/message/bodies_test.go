package message

import (
	"bytes"
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"rmqbench/internal/vectors"
)

// jsonBody is a case of json_bodies.json; what it expects depends on the kind.
type jsonBody[T any] struct {
	Name, Kind, ProducedBy, InputText string
	InputHex                          vectors.Hex
	Expected                          T
}

func (b *jsonBody[T]) text() []byte { return []byte(cmp.Or(b.InputText, string(b.InputHex))) }

// eachBody runs check for the cases of one kind, of every version. Decoding Expected into T is only right for those.
func eachBody[T any](t *testing.T, kind string, check func(*testing.T, *jsonBody[T])) {
	t.Helper()
	kinds := vectors.Load[struct{ Kind string }](t, "json_bodies.json")
	var cases int
	for i, tt := range vectors.Load[jsonBody[lazy[T]]](t, "json_bodies.json") {
		name, _, _ := strings.Cut(kinds[i].Kind, "-")
		if name != kind {
			continue
		}
		cases++
		t.Run(tt.Name, func(t *testing.T) {
			b := &jsonBody[T]{tt.Name, tt.Kind, tt.ProducedBy, tt.InputText, tt.InputHex, tt.Expected.decode(t)}
			check(t, b)
		})
	}
	if cases == 0 {
		t.Errorf("json_bodies.json has no %s", kind)
	}
}

func TestVectorJSONBodiesKinds(t *testing.T) {
	known := []string{"heartbeat", "clusterinfo", "topicstats", "kvtable", "topiclist", "producerconnection", "route"}
	for _, tt := range vectors.Load[struct{ Name, Kind string }](t, "json_bodies.json") {
		if kind, _, _ := strings.Cut(tt.Kind, "-"); !slices.Contains(known, kind) {
			t.Errorf("%s: no test reads the kind %q", tt.Name, tt.Kind)
		}
	}
}

// checkAgain holds what the encoder makes of a decoded body against the Java text: byte for byte when it came from
// 5.4.0 and no map is in it that Java writes in hash order; in any case it must decode to the same.
func checkAgain[T any](t *testing.T, want T, encoded []byte, parse func([]byte) (T, error), java []byte) {
	t.Helper()
	if again, err := parse(encoded); err != nil || !reflect.DeepEqual(again, want) {
		t.Errorf("%s decodes to %+v, %v, want %+v", encoded, again, err, want)
	}
	if java != nil && !bytes.Equal(encoded, java) {
		t.Errorf("encoded\n got %s\nwant %s", encoded, java)
	}
}

// from540 is the Java text when 5.4.0 wrote it: the encoders write what that version does.
func (b *jsonBody[T]) from540() []byte {
	if strings.HasSuffix(b.ProducedBy, "5.4.0") {
		return b.text()
	}
	return nil
}

func TestVectorHeartbeat(t *testing.T) {
	eachBody(t, "heartbeat", func(t *testing.T, tt *jsonBody[struct {
		ClientID       string
		ProducerGroups []string
	}]) {
		h, err := ParseHeartbeat(tt.text())
		if err != nil {
			t.Fatal(err)
		}
		if groups := slices.Sorted(slices.Values(h.Producers)); h.ClientID != tt.Expected.ClientID || !slices.Equal(groups, tt.Expected.ProducerGroups) {
			t.Errorf("%+v, want %+v", h, tt.Expected)
		}
		if len(h.Consumers) == 0 {
			checkAgain(t, h, h.AppendJSON(nil), ParseHeartbeat, tt.from540())
		}
	})
}

func TestVectorClusterInfo(t *testing.T) {
	eachBody(t, "clusterinfo", func(t *testing.T, tt *jsonBody[struct{ BrokerAddrs map[string]map[string]string }]) {
		c, err := ParseClusterInfo(tt.text())
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]map[string]string{}
		for name, b := range c.Brokers {
			if b.Name != name || !slices.Contains(c.Clusters[b.Cluster], name) {
				t.Errorf("broker %q of cluster %q is under %q, its cluster has %q", b.Name, b.Cluster, name, c.Clusters[b.Cluster])
			}
			got[name] = map[string]string{}
			for id, addr := range b.Addrs {
				got[name][strconv.FormatInt(id, 10)] = addr
			}
		}
		if !reflect.DeepEqual(got, tt.Expected.BrokerAddrs) {
			t.Errorf("%v, want %v", got, tt.Expected.BrokerAddrs)
		}
		encoded := c.AppendJSON(nil)
		checkAgain(t, c, encoded, ParseClusterInfo, nil)
		if java := tt.from540(); java != nil && len(encoded) != len(java) {
			t.Errorf("encoded\n got %s\nwant %s in any order", encoded, java)
		}
	})
}

func TestVectorTopicStats(t *testing.T) {
	type row struct {
		Topic, BrokerName    string
		QueueID              int
		MinOffset, MaxOffset int64
	}
	eachBody(t, "topicstats", func(t *testing.T, tt *jsonBody[struct{ RowsAnyOrder []row }]) {
		s, err := ParseTopicStats(tt.text())
		if err != nil {
			t.Fatal(err)
		}
		got := map[row]bool{}
		for _, q := range s.Queues {
			got[row{q.Topic, q.Broker, q.Queue, q.MinOffset, q.MaxOffset}] = true
			if q.LastUpdate == 0 {
				t.Errorf("%+v was never updated", q)
			}
		}
		want := map[row]bool{}
		for _, r := range tt.Expected.RowsAnyOrder {
			want[r] = true
		}
		if !maps.Equal(got, want) || len(s.Queues) != len(tt.Expected.RowsAnyOrder) {
			t.Errorf("%v, want %v", got, want)
		}
		checkAgain(t, s, s.AppendJSON(nil), ParseTopicStats, tt.from540())
	})
}

func TestVectorKVTable(t *testing.T) {
	eachBody(t, "kvtable", func(t *testing.T, tt *jsonBody[map[string]string]) {
		table, err := ParseKVTable(tt.text())
		if err != nil || !maps.Equal(table, KVTable(tt.Expected)) {
			t.Errorf("%v, %v, want %v", table, err, tt.Expected)
		}
		checkAgain(t, table, table.AppendJSON(nil), ParseKVTable, nil)
		if java := tt.from540(); java != nil && len(java) != len(table.AppendJSON(nil)) {
			t.Errorf("encoded\n got %s\nwant %s in any order", table.AppendJSON(nil), java)
		}
	})
}

func TestVectorTopicList(t *testing.T) {
	eachBody(t, "topiclist", func(t *testing.T, tt *jsonBody[[]string]) {
		l, err := ParseTopicList(tt.text())
		if err != nil {
			t.Fatal(err)
		}
		if topics := slices.Sorted(slices.Values(l.Topics)); !slices.Equal(topics, tt.Expected) {
			t.Errorf("%q, want %q", topics, tt.Expected)
		}
		checkAgain(t, l, l.AppendJSON(nil), ParseTopicList, tt.from540())
	})
}

func TestVectorProducerConnection(t *testing.T) {
	eachBody(t, "producerconnection", func(t *testing.T, tt *jsonBody[struct {
		ClientID, ClientAddr, Language string
		Version                        int
	}]) {
		p, err := ParseProducerConnection(tt.text())
		want := ProducerConnection{{tt.Expected.ClientID, tt.Expected.ClientAddr, tt.Expected.Language, tt.Expected.Version}}
		if err != nil || !slices.Equal(p, want) {
			t.Errorf("%v, %v, want %v", p, err, want)
		}
		checkAgain(t, p, p.AppendJSON(nil), ParseProducerConnection, tt.from540())
	})
}

func TestVectorRouteBodies(t *testing.T) {
	eachBody(t, "route", func(t *testing.T, tt *jsonBody[publishList]) {
		r, err := ParseRoute(tt.text())
		if err != nil {
			t.Fatal(err)
		}
		tt.Expected.check(t, r)
	})
}

// TestVectorLiveBodies holds both directions of every body against what a live 5.4.0 name server and broker wrote.
func TestVectorLiveBodies(t *testing.T) {
	seen := map[int]int{}
	for _, tt := range vectors.Load[struct {
		Kind, What        string
		Request, Response *struct {
			Code    int
			BodyHex vectors.Hex
		}
	}](t, "live.json") {
		if tt.Request == nil || tt.Response == nil || len(tt.Response.BodyHex) == 0 {
			continue
		}
		t.Run(tt.What, func(t *testing.T) {
			body := []byte(tt.Response.BodyHex)
			var again []byte
			var err error
			switch tt.Request.Code {
			case 105:
				var r *Route
				if r, err = ParseRoute(body); err == nil {
					again = r.AppendJSON(nil, bytes.Contains(body, []byte(`{"0":`)))
				}
			case 106:
				again, err = reencode(ParseClusterInfo, body)
			case 206, 224:
				again, err = reencode(ParseTopicList, body)
			case 202:
				again, err = reencode(ParseTopicStats, body)
			case 351:
				again, err = reencode(ParseTopicConfig, body)
			case 204:
				again, err = reencode(ParseProducerConnection, body)
			case 28:
				t.Skip("Java writes the table in hash order")
			case 11, 12, 33:
				for r := range Records(body) {
					if again, err = AppendRecord(again, &r); err != nil {
						t.Fatal(err)
					}
				}
			default:
				t.Skipf("code %d is none of this package", tt.Request.Code)
			}
			if err != nil || !bytes.Equal(again, body) {
				t.Errorf("%v: decoded and encoded\n got %.2000q\nwant %.2000q", err, again, body)
			}
			seen[tt.Request.Code]++
		})
	}
	for _, code := range []int{105, 106, 202, 11} {
		if seen[code] == 0 {
			t.Errorf("no exchange of code %d", code)
		}
	}
}

func reencode[T interface{ AppendJSON([]byte) []byte }](parse func([]byte) (T, error), body []byte) ([]byte, error) {
	v, err := parse(body)
	if err != nil {
		return nil, err
	}
	return v.AppendJSON(nil), nil
}

func TestParseBodiesRefuse(t *testing.T) {
	for _, tt := range []struct {
		text  string
		parse func([]byte) error
	}{
		{`{"offsetTable":{"x":{}}}`, func(b []byte) error { _, err := ParseTopicStats(b); return err }},
		{`{"offsetTable":{{"queueId":"x"}:{}}}`, func(b []byte) error { _, err := ParseTopicStats(b); return err }},
		{`{"brokerAddrTable":{"b":{"brokerAddrs":[]}}}`, func(b []byte) error { _, err := ParseClusterInfo(b); return err }},
		{`{"producerDataSet":{}}`, func(b []byte) error { _, err := ParseHeartbeat(b); return err }},
		{`[]`, func(b []byte) error { _, err := ParseKVTable(b); return err }},
		{`{"topicList":1}`, func(b []byte) error { _, err := ParseTopicList(b); return err }},
		{`{"perm":1.5}`, func(b []byte) error { _, err := ParseTopicConfig(b); return err }},
		{`{"connectionSet":[{"version":99999999999}]}`, func(b []byte) error { _, err := ParseProducerConnection(b); return err }},
	} {
		if err := tt.parse([]byte(tt.text)); err == nil {
			t.Errorf("%s is taken", tt.text)
		}
	}
}

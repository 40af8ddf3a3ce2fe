package remoting

import (
	"bytes"
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"rmqbench/internal/leaks"
	"rmqbench/internal/vectors"
)

type vectorFrame struct {
	Name, Kind    string
	SerializeType Serialize
	Code          int32
	Language      string
	LanguageCode  *uint8
	Version       int32
	Opaque        int32
	Flag          int32
	Remark        *string
	ExtFields     map[string]*string
	ExtFieldOrder []string
	BodyHex       vectors.Hex
	ExpectedHex   vectors.Hex
	HeaderText    *string
	JavaDecoded   *struct {
		Remark    *string
		ExtFields map[string]*string
		BodyHex   vectors.Hex
	}
}

func (v *vectorFrame) command(t *testing.T) *Command {
	c := &Command{Serialize: v.SerializeType, Code: v.Code, Language: languageNamed([]byte(v.Language)), Version: v.Version,
		Opaque: v.Opaque, Flag: v.Flag, Body: v.BodyHex}
	if v.LanguageCode != nil && c.Language != Language(*v.LanguageCode) {
		t.Errorf("language %s is %d, want %d", v.Language, c.Language, *v.LanguageCode)
	}
	if v.Remark != nil {
		c.Remark = *v.Remark
	}
	if v.ExtFields != nil {
		c.Ext = []Field{}
	}
	order := v.ExtFieldOrder
	if order == nil {
		for k := range v.ExtFields {
			order = append(order, k)
		}
	}
	for _, k := range order {
		if value := v.ExtFields[k]; value != nil {
			c.Ext = append(c.Ext, Field{k, *value})
		}
	}
	return c
}

// extMap has a null value as "", which is all that the binary header can say.
func extMap(fields []Field) map[string]string {
	m := map[string]string{}
	for _, f := range fields {
		m[f.Key] = f.Value
	}
	return m
}

func textMap(fields map[string]*string, keepNull bool) map[string]string {
	m := map[string]string{}
	for k, v := range fields {
		if v != nil {
			m[k] = *v
		} else if keepNull {
			m[k] = ""
		}
	}
	return m
}

func text0(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func TestR54_VectorFrame(t *testing.T) {
	leaks.Check(t)
	for _, v := range vectors.Load[vectorFrame](t, "frame.json") {
		t.Run(v.Name, func(t *testing.T) {
			want := v.command(t)
			got, err := Decode(v.ExpectedHex)
			if err != nil {
				t.Fatal(err)
			}
			if got.Serialize != v.SerializeType || got.Code != v.Code || got.Language != want.Language || got.Version != v.Version || got.Opaque != v.Opaque || got.Flag != v.Flag {
				t.Errorf("decoded %+v, want %+v", got, want)
			}
			remark, ext, body := v.Remark, textMap(v.ExtFields, false), v.BodyHex
			if v.JavaDecoded != nil {
				// Java reads an empty binary value as null: "" to us.
				remark, ext, body = v.JavaDecoded.Remark, textMap(v.JavaDecoded.ExtFields, true), v.JavaDecoded.BodyHex
			}
			if got.Remark != text0(remark) || !maps.Equal(extMap(got.Ext), ext) || !bytes.Equal(got.Body, body) {
				t.Errorf("decoded remark %q ext %v body %x, want %q %v %x", got.Remark, got.Ext, got.Body, text0(remark), ext, []byte(body))
			}

			frame, err := want.AppendFrame([]byte("kept"))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.HasPrefix(frame, []byte("kept")) {
				t.Fatal("AppendFrame overwrote what was there")
			}
			frame = frame[len("kept"):]
			ordered := v.ExtFieldOrder != nil || len(v.ExtFields) <= 1
			if ordered && v.SerializeType == RocketMQ && !bytes.Equal(frame, v.ExpectedHex) {
				t.Errorf("encoded\n%x, want\n%x", frame, []byte(v.ExpectedHex))
			}
			if ordered && v.HeaderText != nil {
				if got := string(frame[8 : len(frame)-len(v.BodyHex)]); v.Remark == nil || *v.Remark != "" {
					if got != *v.HeaderText {
						t.Errorf("header\n%s, want\n%s", got, *v.HeaderText)
					}
				}
			}
			again, err := Decode(frame)
			if err != nil {
				t.Fatal(err)
			}
			if again.Remark != text0(v.Remark) || !maps.Equal(extMap(again.Ext), textMap(v.ExtFields, false)) {
				t.Errorf("our own frame decodes to %+v", again)
			}
		})
	}
}

func TestVectorFrameDecodeOdd(t *testing.T) {
	type odd struct {
		Name, What string
		InputHex   vectors.Hex
		JavaResult struct {
			Error         *string
			Code, Version int32
			Language      *string
			Opaque, Flag  int32
			ExtFields     map[string]string
		}
	}
	for _, v := range vectors.Load[odd](t, "frame_decode_odd.json") {
		t.Run(v.Name, func(t *testing.T) {
			got, err := Decode(v.InputHex)
			want := v.JavaResult
			if want.Error != nil {
				if err == nil {
					t.Fatalf("%s: decoded %+v, Java says %s", v.What, got, *want.Error)
				}
				return
			}
			if err != nil {
				t.Fatalf("%s: %v", v.What, err)
			}
			if got.Code != want.Code || got.Version != want.Version || got.Opaque != want.Opaque || got.Flag != want.Flag || !maps.Equal(extMap(got.Ext), want.ExtFields) && len(want.ExtFields) > 0 {
				t.Errorf("%s: decoded %+v, want %+v", v.What, got, want)
			}
			if want.Language != nil && got.Language.String() != *want.Language {
				t.Errorf("%s: language %s, want %s", v.What, got.Language, *want.Language)
			}
			if want.Language == nil && int(got.Language) < len(languages) {
				t.Errorf("%s: language %s, Java knows none", v.What, got.Language)
			}
		})
	}
}

type vectorSend struct {
	Name, Kind string
	Header     struct {
		ProducerGroup, Topic, DefaultTopic      string
		DefaultTopicQueueNums, QueueID, SysFlag int32
		BornTimestamp                           int64
		Flag                                    int32
		Properties                              *string
		ReconsumeTimes                          *int32
		UnitMode, Batch                         *bool
		MaxReconsumeTimes                       *int32
		BrokerName                              *string
	}
	ExpectedV1, ExpectedV2             map[string]string
	ExpectedExt                        map[string]string
	RequestCode                        RequestCode
	Code                               int32
	Opaque                             int32
	Language                           string
	Version                            int32
	BodyHex                            vectors.Hex
	ExpectedHexJSON, ExpectedHexBinary vectors.Hex
}

func TestR54_VectorSendHeader(t *testing.T) {
	leaks.Check(t)
	for _, v := range vectors.Load[vectorSend](t, "send_header.json") {
		t.Run(v.Name, func(t *testing.T) {
			if v.Kind == "response" {
				for _, frame := range [...][]byte{v.ExpectedHexJSON, v.ExpectedHexBinary} {
					got, err := Decode(frame)
					if err != nil {
						t.Fatal(err)
					}
					if got.Code != v.Code || got.Opaque != v.Opaque || !maps.Equal(extMap(got.Ext), v.ExpectedExt) {
						t.Errorf("decoded %+v, want code %d opaque %d ext %v", got, v.Code, v.Opaque, v.ExpectedExt)
					}
				}
				return
			}
			sendBothWays(t, v)
		})
	}
}

func sendBothWays(t *testing.T, v vectorSend) {
	h := v.Header
	req := SendRequest{Code: v.RequestCode, Language: languageNamed([]byte(v.Language)), Version: v.Version, SendHeader: SendHeader{
		ProducerGroup: h.ProducerGroup, Topic: h.Topic, DefaultTopic: h.DefaultTopic, DefaultQueueNums: h.DefaultTopicQueueNums,
		QueueID: h.QueueID, SysFlag: h.SysFlag, BornTimestamp: h.BornTimestamp, Flag: h.Flag, BrokerName: text0(h.BrokerName)}}
	if h.Properties != nil {
		req.Properties = []byte(*h.Properties)
	}
	if h.ReconsumeTimes != nil {
		req.ReconsumeTimes = *h.ReconsumeTimes
	}
	if h.MaxReconsumeTimes != nil {
		req.MaxReconsume = *h.MaxReconsumeTimes
	}
	req.UnitMode = h.UnitMode != nil && *h.UnitMode
	req.Batch = h.Batch != nil && *h.Batch

	encode := func(code RequestCode, s Serialize) []byte {
		req.Code, req.Serialize = code, s
		head, err := req.AppendHead(nil, v.Opaque, len(v.BodyHex))
		if err != nil {
			t.Fatal(err)
		}
		return append(head, v.BodyHex...)
	}
	// Fields that Java leaves out when null are written here with their default: they must agree where Java has them.
	same := func(what string, frame []byte, want map[string]string) {
		got, err := Decode(frame)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range got.Ext {
			w, ok := want[f.Key]
			if !ok && (f.Value == "0" || f.Value == "false") {
				continue
			}
			if w != f.Value {
				t.Errorf("%s: %s=%q, want %q", what, f.Key, f.Value, w)
			}
		}
		for k, w := range want {
			if g, ok := got.Get(k); !ok || g != w {
				t.Errorf("%s lacks %s=%q", what, k, w)
			}
		}
	}
	for _, s := range [...]Serialize{JSON, RocketMQ} {
		same("V1 "+s.String(), encode(SendMessage, s), v.ExpectedV1)
		same("V2 "+s.String(), encode(v.RequestCode, s), v.ExpectedV2)
	}
	if frame := encode(v.RequestCode, RocketMQ); !bytes.Equal(frame, v.ExpectedHexBinary) {
		same("Java's binary frame", v.ExpectedHexBinary, v.ExpectedV2)
		got, _ := Decode(frame)
		if len(got.Ext) == len(v.ExpectedV2) {
			t.Errorf("binary frame\n%x, want\n%x", frame, []byte(v.ExpectedHexBinary))
		}
	}

	whole := encode(v.RequestCode, RocketMQ)
	req.Template = req.NewTemplate()
	if frame := encode(v.RequestCode, RocketMQ); !bytes.Equal(frame, whole) {
		t.Errorf("from the template\n%x, want\n%x", frame, whole)
	}
	if properties := req.Properties; properties != nil {
		req.Properties = []byte("left alone")
		before := []byte("what is there")
		out := append(req.Template.Open(before, &req, len(properties)), properties...)
		frame, err := req.Template.Close(before, out, v.Opaque, len(v.BodyHex), &req)
		if got, ok := bytes.CutPrefix(append(frame, v.BodyHex...), before); err != nil || !ok || !bytes.Equal(got, whole) {
			t.Errorf("in parts\n%x, want\n%x; %v", frame, whole, err)
		}
		if frame, err := req.Template.Close(before, out, v.Opaque, MaxFrame, &req); err == nil || string(frame) != string(before) {
			t.Errorf("of a body that is too large\n%x, %v", frame, err)
		}
		req.Properties = properties
	}
	req.Template = nil

	for _, frame := range [...][]byte{v.ExpectedHexJSON, v.ExpectedHexBinary, encode(SendMessage, JSON), encode(SendMessage, RocketMQ)} {
		head, body, err := ParseFrame(frame)
		if err != nil {
			t.Fatal(err)
		}
		var view SendView
		if err := view.Parse(&head); err != nil {
			t.Fatal(err)
		}
		if string(view.Topic) != h.Topic || string(view.ProducerGroup) != h.ProducerGroup || string(view.DefaultTopic) != h.DefaultTopic ||
			view.QueueID != h.QueueID || view.SysFlag != h.SysFlag || view.BornTimestamp != h.BornTimestamp || view.Flag != h.Flag ||
			view.DefaultQueueNums != h.DefaultTopicQueueNums || string(view.Properties) != text0(h.Properties) ||
			string(view.BrokerName) != text0(h.BrokerName) || view.Batch != req.Batch || view.UnitMode != req.UnitMode ||
			view.MaxReconsume != req.MaxReconsume || view.ReconsumeTimes != req.ReconsumeTimes || !bytes.Equal(body, v.BodyHex) {
			t.Errorf("parsed %+v, want %+v", view, h)
		}
	}
}

func TestR54_VectorLive(t *testing.T) {
	leaks.Check(t)
	type side struct {
		SerializeType Serialize
		Code          int32
		Language      string
		Version       int32
		Opaque, Flag  int32
		Remark        *string
		ExtFields     map[string]*string
		BodyHex       vectors.Hex
	}
	type exchange struct {
		Name, Kind, What        string
		RequestHex, ResponseHex vectors.Hex
		Request, Response       *side
	}
	check := func(t *testing.T, frame []byte, want *side) {
		if want == nil || len(frame) == 0 {
			return
		}
		got, err := Decode(frame)
		if err != nil {
			t.Fatal(err)
		}
		if got.Serialize != want.SerializeType || got.Code != want.Code || got.Language.String() != want.Language || got.Version != want.Version ||
			got.Opaque != want.Opaque || got.Flag != want.Flag || got.Remark != text0(want.Remark) ||
			!maps.Equal(extMap(got.Ext), textMap(want.ExtFields, true)) || !bytes.Equal(got.Body, want.BodyHex) {
			t.Errorf("decoded %+v, want %+v", got, want)
		}
		again, err := got.AppendFrame(nil)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := Decode(again); err != nil || !maps.Equal(extMap(back.Ext), extMap(got.Ext)) || back.Remark != got.Remark {
			t.Errorf("there and back: %+v, %v", back, err)
		}
	}
	for _, v := range vectors.Load[exchange](t, "live.json") {
		t.Run(v.Name, func(t *testing.T) {
			check(t, v.RequestHex, v.Request)
			check(t, v.ResponseHex, v.Response)
		})
	}
}

// The vectors' keys differ from Go's names in case only, which encoding/json allows; this fails if that ever changes.
func TestVectorKeysAreRead(t *testing.T) {
	for _, v := range vectors.Load[vectorSend](t, "send_header.json") {
		if len(v.ExpectedHexJSON) == 0 || len(v.ExpectedHexBinary) == 0 {
			t.Fatalf("%s: no frames read", v.Name)
		}
	}
	text, err := json.Marshal(vectors.Load[vectorFrame](t, "frame.json")[0].ExtFields)
	if err != nil || !strings.Contains(string(text), "TopicTest") {
		t.Fatalf("ext fields %s, %v", text, err)
	}
}

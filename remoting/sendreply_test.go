package remoting

import (
	"bytes"
	"maps"
	"reflect"
	"strconv"
	"testing"

	"rmqbench/internal/vectors"
)

func TestVectorSendReply(t *testing.T) {
	n := 0
	for _, v := range vectors.Load[vectorSend](t, "send_header.json") {
		if v.Kind != "response" {
			continue
		}
		n++
		t.Run(v.Name, func(t *testing.T) {
			optional := func(key string) []byte {
				if value, ok := v.ExpectedExt[key]; ok {
					return []byte(value)
				}
				return nil
			}
			queue, _ := strconv.ParseInt(v.ExpectedExt["queueId"], 10, 32)
			offset, _ := strconv.ParseInt(v.ExpectedExt["queueOffset"], 10, 64)
			reply := SendReply{Code: Code(v.Code), Language: Java, Version: 493, MsgID: optional("msgId"), QueueID: int32(queue), QueueOffset: offset,
				TransactionID: optional("transactionId"), BatchUniqID: optional("batchUniqId"), RecallHandle: optional("recallHandle"),
				TraceOn: v.ExpectedExt["TRACE_ON"] == "true", Region: v.ExpectedExt["MSG_REGION"]}
			encode := func(s Serialize) []byte {
				reply.Serialize = s
				prefix := []byte("kept")
				frame, err := reply.AppendHead(prefix, v.Opaque, 0)
				if err != nil || !bytes.HasPrefix(frame, prefix) {
					t.Fatalf("%q, %v", frame, err)
				}
				return frame[len(prefix):]
			}
			for _, frame := range [][]byte{v.ExpectedHexBinary, v.ExpectedHexJSON} {
				head, _, err := ParseFrame(frame)
				if err != nil {
					t.Fatal(err)
				}
				var got SendReplyView
				got.Parse(&head)
				want := SendReplyView{reply.MsgID, optional("MSG_REGION"), reply.RecallHandle, reply.QueueID, reply.QueueOffset, v.ExpectedExt["TRACE_ON"] == "false"}
				if !reflect.DeepEqual(got, want) {
					t.Errorf("%s: read %+v, want %+v", head.Serialize, got, want)
				}
			}
			if got := encode(RocketMQ); !bytes.Equal(got, v.ExpectedHexBinary) {
				t.Errorf("binary frame\n%q, want\n%q", got, []byte(v.ExpectedHexBinary))
			}
			got, err := Decode(encode(JSON))
			if err != nil {
				t.Fatal(err)
			}
			want, err := Decode(v.ExpectedHexJSON)
			if err != nil {
				t.Fatal(err)
			}
			if !maps.Equal(extMap(got.Ext), extMap(want.Ext)) || got.Code != want.Code || got.Opaque != want.Opaque || got.Flag != want.Flag ||
				got.Language != want.Language || got.Version != want.Version || got.Remark != want.Remark {
				t.Errorf("JSON header says %+v, want %+v", got, want)
			}
		})
	}
	if n == 0 {
		t.Error("send_header.json holds no response")
	}
}

func BenchmarkSendReply(b *testing.B) {
	reply := SendReply{Serialize: RocketMQ, Language: Go, Version: 493, MsgID: []byte("7F000001000051AF0000000000000000"), QueueOffset: 123456,
		TransactionID: []byte("7F0000010ABC18B4AAC20001E2410001"), TraceOn: true, Region: "DefaultRegion"}
	buf := make([]byte, 0, 1<<10)
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = reply.AppendHead(buf[:0], 7, 0)
	}
}

func BenchmarkSendReplyView(b *testing.B) {
	reply := SendReply{Serialize: RocketMQ, Language: Go, Version: 493, MsgID: []byte("7F000001000051AF0000000000000000"), QueueOffset: 123456,
		TransactionID: []byte("7F0000010ABC18B4AAC20001E2410001"), TraceOn: true, Region: "DefaultRegion"}
	frame, err := reply.AppendHead(nil, 7, 0)
	if err != nil {
		b.Fatal(err)
	}
	head, _, err := ParseFrame(frame)
	if err != nil {
		b.Fatal(err)
	}
	var view SendReplyView
	for b.Loop() {
		view.Parse(&head)
	}
}

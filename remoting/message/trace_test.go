package message

import (
	"slices"
	"testing"

	"rmqbench/internal/vectors"
)

func TestVectorTrace(t *testing.T) {
	for _, tt := range vectors.Load[struct {
		Name, TraceType, RequestID, AccessChannel string
		TimeStamp                                 int64
		RegionID, GroupName                       *string
		CostTime, ContextCode                     int
		Success                                   bool
		Bean                                      struct {
			Topic, MsgID, Tags, Keys, StoreHost, OffsetMsgID, TransactionID *string
			BodyLength, MsgTypeOrdinal, RetryTimes                          int
			TransactionState                                                string
			FromTransactionCheck                                            bool
		}
		ExpectedHex  vectors.Hex
		ExpectedKeys []string
	}](t, "trace.json") {
		t.Run(tt.Name, func(t *testing.T) {
			text := func(s *string) string {
				if s == nil {
					return TraceNull
				}
				return *s
			}
			bean := tt.Bean
			r := TraceRecord{
				Kind: TraceKind(tt.TraceType), Time: tt.TimeStamp, Region: text(tt.RegionID), Group: text(tt.GroupName),
				Topic: text(bean.Topic), MessageID: text(bean.MsgID), Tags: text(bean.Tags), Keys: text(bean.Keys),
				StoreHost: text(bean.StoreHost), BodyLength: bean.BodyLength, CostMillis: tt.CostTime,
				MessageType: bean.MsgTypeOrdinal, OffsetMessageID: text(bean.OffsetMsgID), Success: tt.Success,
				TransactionID: text(bean.TransactionID), TransactionState: bean.TransactionState,
				FromTransactionCheck: bean.FromTransactionCheck, RequestID: tt.RequestID, RetryTimes: bean.RetryTimes,
				ContextCode: tt.ContextCode, Cloud: tt.AccessChannel == "CLOUD",
			}
			if got := AppendTrace([]byte("before"), &r); string(got) != "before"+string(tt.ExpectedHex) {
				t.Errorf("AppendTrace = %q, want %q", got, tt.ExpectedHex)
			}
			keys := r.IndexKeys()
			slices.Sort(keys)
			slices.Sort(tt.ExpectedKeys)
			if !slices.Equal(keys, tt.ExpectedKeys) {
				t.Errorf("IndexKeys = %q, want %q", keys, tt.ExpectedKeys)
			}
		})
	}
	if got := AppendTrace([]byte("x"), &TraceRecord{Kind: "Other"}); string(got) != "x" {
		t.Errorf("an unknown kind appends %q", got)
	}
}

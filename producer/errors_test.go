package producer

import (
	"errors"
	"strings"
	"testing"

	"rmqbench/remoting"
)

// saying answers every send with a code and a remark.
func saying(code remoting.Code, remark string) func(int64, *remoting.Request) {
	return func(_ int64, r *remoting.Request) { _ = r.Answer(answer(code, remark)) }
}

// a broker whose page cache is busy has refused the message, and says which of its settings governs that; one that
// has not flushed or copied it in time has stored it.
func TestR15_BusyAndWeakAreToldApart(t *testing.T) {
	for _, word := range []string{"REJECTREQUEST", "PCBUSY_CLEAN_QUEUE", "TIMEOUT_CLEAN_QUEUE", "OVERLOAD", "PC_SYNCHRONIZED"} {
		s := newStage(t, saying(remoting.SystemBusy, "["+word+"]busy, start flow control for a while"))
		p := s.producer(t, Options{Profile: Measure, InstanceName: t.Name() + word})
		for _, kind := range []string{"sync", "async"} {
			_, err := kinds(t, p)[kind](t.Context(), text("T", "x"))
			be, ok := errors.AsType[*remoting.BrokerError](err)
			if !ok || be.Pushback().String() != word || be.Addr != s.brokers[0].Addr().String() {
				t.Fatalf("%s, %s: %v", word, kind, err)
			}
			if se := sendError(t, err); se.Ambiguous || se.Attempts != 1 || !strings.Contains(err.Error(), be.Pushback().Setting()) || !Retryable(err) {
				t.Errorf("%s, %s: %+v", word, kind, se)
			}
		}
	}
	for code, want := range map[remoting.Code]Status{remoting.FlushDiskTimeout: FlushDiskTimeout, remoting.FlushSlaveTimeout: FlushSlaveTimeout, remoting.SlaveNotAvailable: SlaveNotAvailable} {
		s := newStage(t, stored(code))
		p := s.producer(t, Options{InstanceName: t.Name() + want.String()})
		if res, err := p.Send(t.Context(), text("T", "x")); err != nil || res.Status != want {
			t.Errorf("%s: %+v %v", want, res, err)
		}
	}
}

// a refusal keeps its address, code and remark, of which no more than 512 bytes and none that could disturb a
// terminal show, and is retried where another broker might not refuse.
func TestR16_Refusals(t *testing.T) {
	remark := "\x1b[31mno\nway " + strings.Repeat("x", 4000)
	for code, again := range map[remoting.Code]bool{
		remoting.TopicNotExist: true, remoting.NoPermission: true, remoting.MessageIllegal: false, 999: false,
	} {
		s := newStage(t, saying(code, remark), saying(code, remark))
		p := s.producer(t, Options{InstanceName: t.Name() + code.String()})
		_, err := p.Send(t.Context(), text("T", "x"))
		be, ok := errors.AsType[*remoting.BrokerError](err)
		if !ok || be.Code != code || be.Remark != remark[:512] || be.Addr == "" {
			t.Errorf("%s: %+v", code, be)
		}
		if text := err.Error(); strings.ContainsAny(text, "\x1b\n") || !strings.Contains(text, code.String()) || !strings.Contains(text, be.Addr) {
			t.Errorf("%s: %q", code, text)
		}
		if se := sendError(t, err); (se.Attempts == 3) != again || Retryable(err) != again {
			t.Errorf("%s: %d attempts, retryable %v", code, se.Attempts, Retryable(err))
		}
	}
}

package results

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// A small record of a share that asks for a large memory is refused before that is taken: a bomb, endless lists, nesting, more
// histograms than a run has.
func TestR38_HostileWhole(t *testing.T) {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	var run strings.Builder
	if err := Encode(&run, wholeResult().Run); err != nil {
		t.Fatal(err)
	}
	small, err := json.Marshal(NewHistogram())
	if err != nil {
		t.Fatal(err)
	}
	times := fmt.Sprintf(`{"response":%s,"service":%[1]s,"delay":%[1]s}`, small)
	list := func(piece string, n int) string { return "[" + strings.Repeat(piece+",", n-1) + piece + "]" }
	whole := func(cases, series string) string {
		return fmt.Sprintf(`{"schema":%q,"run":%s,"cases":%s,"series":%s}`, WholeSchema, run.String(), cases, series)
	}
	for name, tt := range map[string]struct{ text, want string }{
		"a bomb":            {whole("[]", `"`+strings.Repeat("0", maxWholeBytes)+`"`), "inflated"},
		"endless cases":     {whole(list("{}", maxListed+2), "[]"), "a list of more than"},
		"endless stages":    {whole(`[{"stages":`+list("0", 1<<20)+`}]`, "[]"), "a list of more than"},
		"endless intervals": {whole("[]", list("{}", 1<<20)), "a list of more than"},
		"nesting":           {whole(strings.Repeat("[", 5000)+strings.Repeat("]", 5000), "[]"), "nested deeper"},
		"many stages":       {whole(`[{"stages":`+list(times, 1+maxWholeHistograms/3)+`}]`, "[]"), "4,100 histograms"},
		"many cases":        {whole(list(`{"first":`+string(small)+`,"last":`+string(small)+`}`, 1+maxWholeHistograms/2), "[]"), "4,098 histograms"},
		"a name of a kind":  {whole(`[{"ANATOMY":`+list(string(small), maxWholeHistograms)+`}]`, "[]"), "4,098 histograms"},
		"an outcome of a kind": {whole(`[{"stages":[{"unsuccessful":{`+func() string {
			var b strings.Builder
			for i := range maxWholeHistograms {
				fmt.Fprintf(&b, `"%d":%s,`, i, small)
			}
			return strings.TrimSuffix(b.String(), ",")
		}()+`}}]}]`, "[]"), "4,101 histograms"},
	} {
		compressed := z.EncodeAll([]byte(tt.text), nil)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := DecodeWhole(compressed)
		runtime.ReadMemStats(&after)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 400<<20 { // io.ReadAll's growing and the parts' own copies
			t.Errorf("%s, %s: took %s", name, FormatBytes(int64(len(compressed))), FormatBytes(int64(took)))
		}
	}
}

func FuzzWholeJSON(f *testing.F) {
	share := sentBy(0, 4, func(i int) bool { return i%400 == 0 })
	data, err := EncodeWhole(share)
	if err != nil {
		f.Fatal(err)
	}
	plain, err := inflateWhole(data)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(plain)
	f.Add([]byte(`{"schema":"rmqbench.whole/1","run":{"schema":"rmqbench.run/1","verdict":"VALID"},"cases":null,"series":[{"queues":[1]}]}`))
	f.Add([]byte(`{"schema":"rmqbench.whole/1","cases":[{"stages":[null],"queues":[{"times":null}]}],"Run":{}}`))
	f.Fuzz(func(t *testing.T, plain []byte) {
		w, err := decodeWhole(plain)
		if err != nil {
			return
		}
		again, err := EncodeWhole(w)
		if err != nil {
			return // of a run that nobody judged
		}
		if _, err := DecodeWhole(again); err != nil {
			t.Fatalf("what was read and written can't be read: %v", err)
		}
		var m Merger
		if m.Add("f", again) == nil {
			_, _ = m.Merge()
		}
	})
}

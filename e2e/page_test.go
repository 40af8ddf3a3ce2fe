//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"rmqbench/bench"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// screenshotsEnv names a directory that keeps the pictures, for people to look at; CI keeps it as an artefact.
const screenshotsEnv = "RMQBENCH_E2E_SCREENSHOTS"

// TestPage looks at reports of real runs in Chromium: nothing on the console, nothing asked of anybody, every chart drawn, nothing
// wider than the screen, in light and dark, on a phone and on paper.
func TestPage(t *testing.T) {
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is not on PATH: install it (Debian: chromium)")
	}
	pictures := os.Getenv(screenshotsEnv)
	if pictures == "" {
		pictures = t.TempDir()
	} else if err := os.MkdirAll(pictures, 0o755); err != nil {
		t.Fatal(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, // root has none
		chromedp.UserDataDir(t.TempDir()), chromedp.WSURLReadTimeout(2*time.Minute))
	browser, stop := chromedp.NewExecAllocator(t.Context(), options...)
	defer stop()
	for _, tt := range []struct {
		name   string
		report *results.Result
		charts []string
	}{
		{"quick", quickResult(t), []string{"throughput", "latency", "curve", "heat"}},
		{"selectors", selectorsResult(t), []string{"throughput", "latency", "brokers", "curve", "heat"}},
		{"capacity", capacityResult(t), []string{"rates", "throughput", "latency"}},
	} {
		file := filepath.Join(pictures, tt.name+".html")
		write(t, tt.report, file)
		for _, screen := range []struct {
			name  string
			width int64
			media *emulation.SetEmulatedMediaParams
		}{
			{"light", 1280, scheme("light")}, {"dark", 1280, scheme("dark")}, {"phone", 360, scheme("light")}, {"print", 1000, emulation.SetEmulatedMedia().WithMedia("print")},
		} {
			t.Run(tt.name+"/"+screen.name, func(t *testing.T) {
				look(t, browser, file, screen.width, screen.media, tt.charts, filepath.Join(pictures, tt.name+"-"+screen.name))
			})
		}
	}
}

func scheme(s string) *emulation.SetEmulatedMediaParams {
	return emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: s}})
}

// look opens the page, checks it, and leaves a picture; of paper a PDF too.
func look(t *testing.T, browser context.Context, file string, width int64, media *emulation.SetEmulatedMediaParams, charts []string, picture string) {
	ctx, done := chromedp.NewContext(browser)
	defer done()
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	var mu sync.Mutex
	var complaints []string
	complain := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		complaints = append(complaints, fmt.Sprintf(format, args...))
	}
	url := "file://" + file
	chromedp.ListenTarget(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventConsoleAPICalled:
			complain("console.%s", e.Type)
		case *runtime.EventExceptionThrown:
			complain("exception: %s", e.ExceptionDetails.Error())
		case *log.EventEntryAdded: // what a policy forbids comes here
			complain("log: %s %s", e.Entry.Level, e.Entry.Text)
		case *network.EventRequestWillBeSent:
			if e.Request.URL != url {
				complain("it asks for %s", e.Request.URL)
			}
		}
	})
	var drawn string
	var overflow int
	var canvases map[string]int
	var pdf, png []byte
	paper := media.Media == "print"
	tasks := chromedp.Tasks{network.Enable(), log.Enable(), emulation.SetDeviceMetricsOverride(width, 900, 1, width < 500), media, chromedp.Navigate(url),
		chromedp.Evaluate(`document.documentElement.dataset.drawn`, &drawn)}
	if paper {
		tasks = append(tasks, chromedp.ActionFunc(func(ctx context.Context) (err error) {
			pdf, _, err = page.PrintToPDF().WithPrintBackground(true).WithPaperWidth(8.27).WithPaperHeight(11.69).Do(ctx)
			return err
		}))
	}
	tasks = append(tasks,
		chromedp.Evaluate(`Math.max(0, document.documentElement.scrollWidth - innerWidth)`, &overflow),
		// How many colours each chart's canvas has: a blank one has one.
		chromedp.Evaluate(`Object.fromEntries([...document.querySelectorAll(".chart")].map(c => {
			const canvas = c.querySelector("canvas");
			if (!canvas) return [c.id, 0];
			const d = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data, seen = new Set();
			for (let i = 0; i < d.length; i += 4) seen.add(d[i] << 24 | d[i + 1] << 16 | d[i + 2] << 8 | d[i + 3]);
			return [c.id, seen.size];
		}))`, &canvases),
		chromedp.FullScreenshot(&png, 100))
	if err := chromedp.Run(ctx, tasks); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{picture + ".png": png, picture + ".pdf": pdf} {
		if len(data) == 0 {
			continue
		}
		if err := os.WriteFile(name, data, 0o644); err != nil {
			t.Error(err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for _, c := range complaints {
		t.Error(c)
	}
	if drawn == "" || drawn == "0" {
		t.Errorf("%q charts are drawn", drawn)
	}
	if overflow > 0 {
		t.Errorf("the page is %d px wider than the screen", overflow)
	}
	for _, name := range charts {
		if canvases[name] < 5 {
			t.Errorf("chart %s has %d colours: it is blank (%v)", name, canvases[name], canvases)
		}
	}
	if paper && !strings.HasPrefix(string(pdf), "%PDF-") {
		t.Error("no PDF")
	}
}

// write writes a result's page anew.
func write(t *testing.T, r *results.Result, file string) {
	t.Helper()
	html, _ := results.FormatNamed("html")
	if err := os.RemoveAll(file); err != nil {
		t.Fatal(err)
	}
	if _, err := html.WriteFile(file, r); err != nil {
		t.Fatal(err)
	}
}

// quickResult is the shipped scenario's, on the embedded broker.
func quickResult(t *testing.T) *results.Result {
	scenario, err := scenarios.Load("quick")
	return runResult(t, scenario, err)
}

// selectorsResult has six selectors beside a broker that becomes slow.
func selectorsResult(t *testing.T) *results.Result {
	file := filepath.Join(t.TempDir(), "selectors.yaml")
	if err := os.WriteFile(file, []byte(`version: 1
name: selectors
target: {embedded: {brokers: 3, service_time: 200us, servers: 1}}
topic: {name: RMQBENCH_SELECTORS, queues_per_broker: 8}
load:
  workers: 64
  stages:
    - {for: 500ms, rate: 500/s, warmup: true}
    - {for: 3s, rate: 1k/s}
events:
  - {at: 1s, for: 1s, broker: 0, delay: 20ms}
slo: [p90<10ms, errors<0.1%]
matrix:
  producer.selector: [round_robin, random, hash, least_in_flight, power_of_two, sticky]
`), 0o644); err != nil {
		t.Fatal(err)
	}
	scenario, err := scenarios.Load(file)
	return runResult(t, scenario, err)
}

func runResult(t *testing.T, scenario *scenarios.Scenario, err error) *results.Result {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	report, err := bench.Run(t.Context(), scenario, bench.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// capacityResult is a short search on an embedded broker that takes 2 ms a send.
func capacityResult(t *testing.T) *results.Result {
	scenario, err := scenarios.FromFlags(scenarios.Override{Path: "target.embedded.service_time", Value: "2ms"},
		scenarios.Override{Path: "load.rate", Value: "50/s"}, scenarios.Override{Path: "load.workers", Value: "64"}, scenarios.Override{Path: "slo", Value: "p50<20ms"})
	if err != nil {
		t.Fatal(err)
	}
	report, err := bench.Capacity(t.Context(), scenario, bench.CapacityOptions{Step: 2 * time.Second, Confirm: 4 * time.Second, Rounds: 2, Tolerance: 0.1, Budget: 2 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(report.Run.Capacity)
	t.Logf("%s %v", text, err)
	return report
}

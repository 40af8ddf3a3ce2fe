package scenarios_test

import (
	"fmt"

	"rmqbench/scenarios"
)

func ExampleFromFlags() {
	s, err := scenarios.FromFlags(
		scenarios.Override{Path: "load.rate", Value: "2k/s", Source: "-r"},
		scenarios.Override{Path: "message.size", Value: "1KiB", Source: "-s"},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range s.Cases() {
		fmt.Println(c.Name, c.Message.Size, c.Load.Stages[0].For, c.Load.Workers)
	}

	_, err = scenarios.FromFlags(scenarios.Override{Path: "load.workers", Value: "0", Source: "-w"})
	fmt.Println(err)
	// Output:
	// sync 2k/s 1KiB 10s auto
	// -w 0: workers must be at least 1
}

func ExampleParse() {
	_, err := scenarios.Parse("mine.yaml", []byte(`
version: 1
name: mine
load: {worker: 8, stages: [{for: 30}]}
`))
	fmt.Println(err)
	// Output:
	// mine.yaml:4:8: unknown key "worker"; nearest: workers
	// mine.yaml:4:34: for has no unit; write 30s
}

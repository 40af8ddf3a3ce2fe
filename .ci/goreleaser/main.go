// Command goreleaser reads configurations as goreleaser does, with its own code: the whole of it takes longer to build than CI may.
package main

import (
	"fmt"
	"os"

	"github.com/goreleaser/goreleaser/v2/pkg/config"
)

func main() {
	for _, name := range os.Args[1:] {
		if _, err := config.Load(name); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
			os.Exit(1)
		}
		fmt.Printf("%s: goreleaser takes it\n", name)
	}
}

package scenarios

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"rmqbench/internal/nearest"
)

//go:embed *.yaml
var files embed.FS

// Info describes a shipped scenario.
type Info struct{ Name, Description string }

// Shipped lists the scenarios that come with rmqbench, by name.
func Shipped() []Info {
	var all []Info
	for _, name := range shippedNames() {
		s, err := Load(name)
		if err != nil {
			panic(fmt.Sprintf("scenarios: shipped and wrong: %v", err)) // a test loads each
		}
		all = append(all, Info{s.Name, s.Description})
	}
	return all
}

// Source gives the text of a shipped scenario. For another name the error, a [Faults], says what there is.
func Source(name string) ([]byte, error) {
	names := shippedNames()
	if slices.Contains(names, name) {
		return files.ReadFile(name + ".yaml")
	}
	near := ""
	if n := nearest.Word(name, names); n != "" {
		near = "nearest: " + n + "; "
	}
	return nil, Faults{{Msg: fmt.Sprintf("unknown scenario %q; %sshipped: %s; a file is written with its .yaml",
		clip(name), near, strings.Join(names, ", "))}}
}

// shippedNames gives the names of the embedded files, sorted.
func shippedNames() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // embedded: it can't fail
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	return names
}

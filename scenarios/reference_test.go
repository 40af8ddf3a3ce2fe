package scenarios

import (
	"fmt"
	"strings"
	"testing"

	"rmqbench/internal/golden"
)

// docs/fields.md is made of the tables that Load reads by: go test ./scenarios -run Reference -update
func TestReference(t *testing.T) {
	var b strings.Builder
	b.WriteString(`# Fields of a scenario file

Made of the tables that rmqbench reads files by. ` + "`[]`" + ` is an item of a list. The [guide](guide.md#a-scenario-file) says how they go together,
` + "`rmqbench scenarios schema`" + ` has the same for editors, ` + "`--set path=value`" + ` fixes those that are in no list.

| field | what to write | default | what it is |
|---|---|---|---|
`)
	cell := func(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
	for _, f := range Fields() {
		if strings.HasPrefix(f.Path, "cases[].") && f.Path != "cases[].name" { // the same again
			continue
		}
		def := ""
		if f.Default != "" {
			def = "`" + cell(f.Default) + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", cell(f.Path), cell(f.Kind), def, cell(f.Help))
	}
	golden.Compare(t, "../../docs/fields.md", b.String())
}

package reference

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"rmqbench/internal/golden"
)

func example() *cobra.Command {
	root := &cobra.Command{Use: "tool", Short: "Does things", Long: "It does things.\n\nExit status:\n  0  done\n  1  not\nSo it is.", Run: func(*cobra.Command, []string) {}}
	sub := &cobra.Command{Use: "go [WHERE]", Short: "Goes", Example: "  tool go -f 3   # a_b\n    .hidden", Run: func(*cobra.Command, []string) {}}
	sub.Flags().IntP("far", "f", 5, "how far, in `KM`: -1 is back, a|b <c>")
	sub.Flags().Bool("fast", false, "don't walk")
	secret := &cobra.Command{Use: "secret", Hidden: true, Run: func(*cobra.Command, []string) {}}
	root.AddCommand(sub, secret)
	return root
}

func TestMarkdown(t *testing.T) { golden.Compare(t, "example.md", Markdown(example())) }

func TestMan(t *testing.T) {
	var b strings.Builder
	for _, p := range Man(example(), "2026-03-01", "tool v1") {
		b.WriteString("--- " + p.Name + "\n" + p.Text)
	}
	golden.Compare(t, "example.1", b.String())
}

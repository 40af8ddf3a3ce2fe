package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"rmqbench/internal/nearest"
	"rmqbench/results"
)

func newReport(s streams) *cobra.Command {
	var names []string
	var out string
	var schema bool
	var about strings.Builder
	for _, f := range results.Formats() {
		fmt.Fprintf(&about, "\n  %-12s %s", f.Name, f.What)
	}
	cmd := &cobra.Command{
		Use:   "report RESULT [--format LIST] [-o FILE|DIR|-]",
		Short: "Make a page, a summary, or a file for another tool from a result",
		Long: `report makes any of these from a result directory, or from a run.json alone, at any time; of a run that was killed too:
` + about.String() + `

They go into the result's directory, or to -o: a file, a directory, or - for stdout. What is there is never overwritten.
Of csv's tables a file or stdout takes one: the cases, or the one that csv:TABLE names.
Without histograms (a killed run, a record alone) there is no hlog and no hgrm, and the page has no percentile curve.`,
		Example: `  rmqbench report runs/20260301T120005Z-quick-1a2b3c4d -o page.html      # the file's name says the format
  rmqbench report runs/20260301T120005Z-quick-1a2b3c4d --format csv,junit
  rmqbench report runs/A --format csv:selectors -o - > selectors.csv      # one table: what pandas and spreadsheets read
  rmqbench report runs/A --format gobench -o - | benchstat -col /selector /dev/stdin
  rmqbench report --schema > run.schema.json                              # the JSON Schema of run.json`,
		Args: func(cmd *cobra.Command, args []string) error {
			if schema {
				return cobra.NoArgs(cmd, args)
			}
			return cobra.ExactArgs(1)(cmd, args)
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if schema {
				_, err := s.out.Write(results.JSONSchema())
				return err
			}
			return report(args[0], names, out, s)
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVar(&names, "format", nil, "formats, by comma; default: what -o's name says, or html")
	flags.StringVarP(&out, "out", "o", "", "file, directory or - (the result's directory)")
	flags.BoolVar(&schema, "schema", false, "print the JSON Schema of run.json and nothing else")
	_ = cmd.RegisterFlagCompletionFunc("format", func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		var all []cobra.Completion
		for _, f := range results.Formats() {
			all = append(all, cobra.CompletionWithDesc(f.Name, f.What))
			for _, table := range f.Tables {
				all = append(all, cobra.CompletionWithDesc(f.Name+":"+table, "the table of "+table+" alone"))
			}
		}
		return all, cobra.ShellCompDirectiveNoFileComp
	}) // the flag is there: defined above
	return cmd
}

// report writes the result at path in the named formats.
func report(path string, names []string, out string, s streams) error {
	formats, err := formatsOf(names, out)
	if err != nil {
		return err
	}
	result, err := results.Open(path)
	if err != nil {
		return asUsage(err)
	}
	if out == "-" {
		if more := formats[0].Beside(result); len(more) > 0 {
			s.note("this result has more tables: --format " + strings.Join(more, ", --format "))
		}
		return formats[0].Write(s.out, result)
	}
	if out == "" {
		if out = path; filepath.Base(path) == results.RunFile {
			out = filepath.Dir(path)
		}
		if info, err := os.Stat(out); err != nil || !info.IsDir() {
			return &usageError{fmt.Sprintf("%s is in no result directory: say where to with -o", path)}
		}
	}
	for _, f := range formats {
		paths, err := f.WriteFile(out, result)
		for _, p := range paths {
			if _, err := fmt.Fprintln(s.out, p); err != nil {
				return err
			}
		}
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%w; nothing is overwritten: give another place with -o", err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// formatsOf are the named formats, or what out's name says.
func formatsOf(names []string, out string) ([]results.Format, error) {
	info, err := os.Stat(out)
	one := out != "" && (err != nil || !info.IsDir())
	if len(names) == 0 {
		if f, ok := results.FormatOfFile(out); ok && one {
			return []results.Format{f}, nil
		}
		names = []string{"html"}
	}
	var all []string
	for _, f := range results.Formats() {
		all = append(all, f.Name)
		for _, table := range f.Tables {
			all = append(all, f.Name+":"+table)
		}
	}
	var formats []results.Format
	for _, name := range names {
		f, ok := results.FormatNamed(name)
		if !ok {
			return nil, &usageError{fmt.Sprintf("--format %s: nearest: %s; all: %s", name, nearest.Any(name, all), strings.Join(all, ", "))}
		}
		formats = append(formats, f)
	}
	if one && len(formats) > 1 {
		return nil, &usageError{fmt.Sprintf("-o %s takes one format, %d are asked for: give a directory that is there", out, len(formats))}
	}
	return formats, nil
}

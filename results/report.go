package results

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Format is a form that a result can be written in.
type Format struct {
	Name   string   // html
	What   string   // for people
	Tables []string // of what has one table a file: FormatNamed finds NAME:TABLE too
	file   string   // its usual name in a result directory
	ext    []string

	write func(io.Writer, *Result) error
	files func(*Result) []reportFile // instead of one file, where it has one for each of several things
}

// reportFile is a file that is still to be written.
type reportFile struct {
	name string
	fill func(io.Writer) error
}

// The names of the files that a result directory has for people.
const (
	HTMLFile    = "report.html"
	SummaryFile = "summary.md"
)

var formats = []Format{
	{Name: "html", What: "a page for a browser, in one file that asks for nothing", file: HTMLFile, ext: []string{".html", ".htm"}, write: writeHTML},
	{Name: "md", What: "Markdown, for a pull request", file: SummaryFile, ext: []string{".md"}, write: writeMarkdown},
	{Name: "csv", What: "tables, a file each: " + strings.Join(csvNames(), ", ") + "; one alone: csv:topics", Tables: csvNames(), file: "cases.csv", ext: []string{".csv"}, write: writeCSV, files: csvFiles},
	{Name: "hlog", What: "HdrHistogram's log, with tags", file: LogFile, ext: []string{".hlog"}, write: writeHlog},
	{Name: "hgrm", What: "HdrHistogram's percentiles, a file for each histogram", file: "latency.hgrm", ext: []string{".hgrm"}, write: writeHgrm, files: hgrmFiles},
	{Name: "gobench", What: "Go's benchmark text, for benchstat", file: "bench.txt", ext: []string{".txt"}, write: writeGobench},
	{Name: "openmetrics", What: "OpenMetrics text, for Prometheus and its kin", file: "metrics.prom", ext: []string{".prom", ".om"}, write: writeOpenMetrics},
	{Name: "junit", What: "JUnit's XML, objectives and verdicts as test cases", file: "junit.xml", ext: []string{".xml"}, write: writeRunJUnit},
	{Name: "json", What: "the record itself", file: RunFile, ext: []string{".json"}, write: func(w io.Writer, r *Result) error { return Encode(w, r.Run) }},
}

// Formats are all of them.
func Formats() []Format { return slices.Clone(formats) }

// FormatNamed finds a format by its name, or one table of CSV by csv:TABLE.
func FormatNamed(name string) (Format, bool) {
	if table, ok := strings.CutPrefix(name, "csv:"); ok {
		i := slices.IndexFunc(csvTables, func(t csvTable) bool { return t.name == table })
		if i < 0 {
			return Format{}, false
		}
		return csvFormat(csvTables[i]), true
	}
	i := slices.IndexFunc(formats, func(f Format) bool { return f.Name == name })
	if i < 0 {
		return Format{}, false
	}
	return formats[i], true
}

// FormatOfFile is the format that a file of such a name usually has.
func FormatOfFile(name string) (Format, bool) {
	i := slices.IndexFunc(formats, func(f Format) bool { return slices.Contains(f.ext, strings.ToLower(filepath.Ext(name))) })
	if i < 0 {
		return Format{}, false
	}
	return formats[i], true
}

// errNoHistograms is the answer where only histograms would do.
var errNoHistograms = errors.New("the result has no " + LogFile + ": a run that was killed leaves none")

// Write writes r, judged, in format f to w. Where f has several tables it is the first of them; where it has a file for each of several
// histograms they follow one another.
func (f Format) Write(w io.Writer, r *Result) error { return f.write(w, r) }

// Beside are the names of what r has that Write leaves out, because f is a table a file.
func (f Format) Beside(r *Result) []string {
	var names []string
	if len(f.Tables) > 0 {
		for _, file := range f.files(r)[1:] {
			names = append(names, f.Name+":"+strings.TrimSuffix(file.name, "."+f.Name))
		}
	}
	return names
}

// WriteFile writes r in format f to the new file path, or if path is a directory to a file in it that has f's usual name,
// and returns the paths of the files that it wrote. A file that is there is [fs.ErrExist]; after an error there is none of that name.
func (f Format) WriteFile(path string, r *Result) ([]string, error) {
	todo := []reportFile{{path, func(w io.Writer) error { return f.write(w, r) }}}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		todo[0].name = filepath.Join(path, f.file)
		if f.files != nil {
			if todo = f.files(r); len(todo) == 0 {
				return nil, errNoHistograms
			}
			for i := range todo {
				todo[i].name = filepath.Join(path, todo[i].name)
			}
		}
	}
	var done []string
	for _, t := range todo {
		if err := writeNew(t.name, t.fill); err != nil {
			return done, err
		}
		done = append(done, t.name)
	}
	return done, nil
}

// writeNew makes a file of what fill writes, in one step: under another name, synced, and then given its own. One that is there
// already is [fs.ErrExist], as is one that somebody else makes meanwhile.
func writeNew(final string, fill func(io.Writer) error) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write %s: %w", final, err)
		}
	}()
	if _, err := os.Lstat(final); err == nil {
		return fs.ErrExist
	}
	f, err := os.CreateTemp(filepath.Dir(final), "."+filepath.Base(final)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // its other name is what stays
	err = fill(f)
	if err == nil {
		err = errors.Join(f.Chmod(0o644), f.Sync())
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err = os.Link(f.Name(), final); err != nil && !errors.Is(err, fs.ErrExist) { // a file system without links
		if _, there := os.Lstat(final); there == nil {
			return fs.ErrExist
		}
		err = os.Rename(f.Name(), final)
	}
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(final))
}

// WriteReports writes what people look at, report.html and summary.md, of the directory's own result.
func (d *Dir) WriteReports(r *Result) error {
	return errors.Join(
		d.write(HTMLFile, func(w io.Writer) error { return writeHTML(w, r) }),
		d.write(SummaryFile, func(w io.Writer) error { return writeMarkdown(w, r) }))
}

// section is a case, its warm-up or one of its stages, or a kind of message of one of these.
type section struct {
	of   *Case
	name string // "", warmup, stage 2, kind small or stage 2 kind small
	mode string
	m    *Measured
}

// sections are a run's cases, each followed by its warm-up and, if it has several, its stages and its kinds of message, as each of
// these is by its own kinds.
func sections(r *Run) []section {
	var all []section
	for i := range r.Cases {
		c := &r.Cases[i]
		all = append(all, section{c, "", c.Mode, &c.Measured})
		kinds := func(of string, kinds []Kind) {
			for j := range kinds {
				all = append(all, section{c, of + "kind " + kinds[j].Name, kinds[j].Mode, &kinds[j].Measured})
			}
		}
		stage := func(name string, s *Stage) {
			all = append(all, section{c, name, c.Mode, &s.Measured})
			kinds(name+" ", s.Kinds)
		}
		if c.Warmup != nil {
			stage("warmup", c.Warmup)
		}
		if len(c.Stages) > 1 {
			for j := range c.Stages {
				stage(fmt.Sprintf("stage %d", j+1), &c.Stages[j])
			}
		}
		kinds("", c.Kinds)
	}
	return all
}

// timed is the latency that a case of such a mode is judged by, and its name in the record without the unit.
func (m *Measured) timed(mode string) (*Latency, string) {
	if mode == modeOneway {
		return m.WriteTime, "write_time"
	}
	return m.Response, "response"
}

package markdown

import (
	"reflect"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	p, err := Parse(strings.ReplaceAll(`# A title: of 'this', and_that
See [one](b.md#x) and ~a [no](link)~, ![a picture](p.svg "title").

  ~~~sh
  run   # [no](link)
    in
  ~~~
## Twice
## Twice
`, "~", "`"))
	if err != nil {
		t.Fatal(err)
	}
	want := &Page{
		Blocks:  []Piece{{Line: 5, Lang: "sh", Text: "run   # [no](link)\n  in\n"}},
		Spans:   []Piece{{Line: 2, Text: "a [no](link)"}},
		Links:   []Piece{{Line: 2, Text: "b.md#x"}, {Line: 2, Text: "p.svg"}},
		Anchors: map[string]bool{"a-title-of-this-and_that": true, "twice": true, "twice-1": true},
	}
	if !reflect.DeepEqual(p, want) {
		t.Errorf("%+v, want %+v", p, want)
	}
	if _, err := Parse("a\n```\nb"); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Error(err)
	}
}

func TestCommands(t *testing.T) {
	got, err := Commands("a -b 'c d' \"e#\"f  # g\n\nx=$(date -u; x) y | z \\\n  && w ''; # v\n")
	if err != nil {
		t.Fatal(err)
	}
	want := []Command{
		{1, []string{"a", "-b", "c d", "e#f"}},
		{4, []string{"x=$(date -u; x)", "y"}}, {4, []string{"z"}}, {4, []string{"w", ""}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if _, err := Commands("a\nb 'c"); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Error(err)
	}
}

func FuzzPage(f *testing.F) {
	f.Add("# a\n```sh\nb 'c' # d\n```\n")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse(text)
		if err != nil {
			return
		}
		for _, b := range p.Blocks {
			commands, err := Commands(b.Text)
			for _, c := range commands {
				if err == nil && len(c.Words) == 0 {
					t.Errorf("an empty command in %q", b.Text)
				}
			}
		}
	})
}

package results

import (
	"encoding/xml"
	"io"
	"strconv"
	"strings"
	"time"
)

// junitSuite is a test suite of JUnit's XML, in the form that CI servers read.
type junitSuite struct {
	name    string
	at      time.Time // zero: not told
	seconds float64
	cases   []junitCase
}

// junitCase is a test of it. One that neither failed nor was skipped passed.
type junitCase struct {
	class, name string
	seconds     float64
	failed      string // why; "": it didn't
	skipped     string // why it decides nothing; "": it does
	said        string // what else there is to know
}

// writeRunJUnit writes a run's verdicts and objectives as tests. SUSPECT decides nothing, so it is skipped; GENERATOR_LIMITED,
// PARTIAL and INVALID fail.
func writeRunJUnit(w io.Writer, r *Result) error {
	run := r.Run
	cases := run.wholes()
	suite := junitSuite{name: "rmqbench " + run.Name, at: run.StartedAt, seconds: run.EndedAt.Sub(run.StartedAt).Seconds()}
	suite.cases = append(suite.cases, verdictTest(run.Name, "verdict of the run", run.Verdict, ownEvidence(run.Evidence)))
	for i := range cases {
		c := &cases[i]
		test := verdictTest(run.Name+"."+c.Name, "verdict", c.Verdict, c.Evidence)
		test.seconds = float64(c.ElapsedNS) / 1e9
		suite.cases = append(suite.cases, test)
		for j := range c.SLO {
			o := &c.SLO[j]
			test := junitCase{class: run.Name + "." + c.Name, name: o.Text}
			switch {
			case o.Met == nil:
				test.skipped = o.Words()
			case !*o.Met:
				test.failed = o.Words()
			default:
				test.said = o.Words()
			}
			suite.cases = append(suite.cases, test)
		}
	}
	return writeJUnit(w, suite)
}

// ownEvidence leaves out the lines of a run that are its cases' too.
func ownEvidence(all []Evidence) []Evidence {
	var own []Evidence
	for _, e := range all {
		if e.Case == "" {
			own = append(own, e)
		}
	}
	return own
}

func verdictTest(class, name string, v Verdict, evidence []Evidence) junitCase {
	test := junitCase{class: class, name: name}
	var lines []string
	for _, e := range evidence {
		lines = append(lines, string(e.Verdict)+" "+e.Text)
	}
	test.said = strings.Join(lines, "\n")
	why := string(v)
	for _, e := range evidence {
		if e.Verdict == v {
			why += ": " + e.Text
			break
		}
	}
	switch v {
	case Valid:
	case Suspect:
		test.skipped = why
	default:
		test.failed = why
	}
	return test
}

// The XML of a suite.
type (
	xmlSuites struct {
		XMLName xml.Name `xml:"testsuites"`
		Suites  []xmlSuite
	}
	xmlSuite struct {
		XMLName   xml.Name  `xml:"testsuite"`
		Name      string    `xml:"name,attr"`
		Tests     int       `xml:"tests,attr"`
		Failures  int       `xml:"failures,attr"`
		Errors    int       `xml:"errors,attr"`
		Skipped   int       `xml:"skipped,attr"`
		Time      xmlTime   `xml:"time,attr"`
		Timestamp string    `xml:"timestamp,attr,omitempty"`
		Cases     []xmlCase `xml:"testcase"`
	}
	xmlCase struct {
		Name    string  `xml:"name,attr"`
		Class   string  `xml:"classname,attr"`
		Time    xmlTime `xml:"time,attr"`
		Skipped *xmlWhy `xml:"skipped"`
		Failure *xmlWhy `xml:"failure"`
		Out     string  `xml:"system-out,omitempty"`
	}
	xmlWhy struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
		Text    string `xml:",chardata"`
	}
)

// xmlTime is seconds to the millisecond.
type xmlTime float64

// MarshalXMLAttr writes them without an exponent, which the schemas don't know.
func (t xmlTime) MarshalXMLAttr(name xml.Name) (xml.Attr, error) {
	return xml.Attr{Name: name, Value: strconv.FormatFloat(float64(t), 'f', 3, 64)}, nil
}

// writeJUnit writes suites; every text is made printable.
func writeJUnit(w io.Writer, suites ...junitSuite) error {
	var all xmlSuites
	for _, s := range suites {
		out := xmlSuite{Name: Printable(s.name), Tests: len(s.cases), Time: xmlTime(s.seconds)}
		if !s.at.IsZero() {
			out.Timestamp = s.at.UTC().Format("2006-01-02T15:04:05")
		}
		for _, c := range s.cases {
			test := xmlCase{Name: Printable(c.name), Class: Printable(c.class), Time: xmlTime(c.seconds)}
			var lines []string
			for line := range strings.SplitSeq(c.said, "\n") {
				lines = append(lines, Printable(line))
			}
			test.Out = strings.Join(lines, "\n")
			switch {
			case c.failed != "":
				out.Failures++
				test.Failure = &xmlWhy{Message: Printable(c.failed), Type: "failed", Text: Printable(c.failed)}
			case c.skipped != "":
				out.Skipped++
				test.Skipped = &xmlWhy{Message: Printable(c.skipped)}
			}
			out.Cases = append(out.Cases, test)
		}
		all.Suites = append(all.Suites, out)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

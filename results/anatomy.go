package results

// Anatomy is where the service time of a send went, in integer nanoseconds: its parts in their order. Their means add up to
// Service's.
type Anatomy struct {
	Compress Part `json:"compress"` // from the call: checks, properties, compression
	Select   Part `json:"select"`   // the route, the choice of a queue, hooks, the head of the frame
	Queue    Part `json:"queue"`    // until the write of the batch that holds the frame began
	Write    Part `json:"write"`    // that write
	Reply    Part `json:"reply"`    // the network, the broker, the network: until the reply was read; 0 of oneway
	Wake     Part `json:"wake"`     // until the sender went on
}

// Part is one part of a send's time. The mean is over all sends, the percentiles over a sample of them, under the same rule
// as a [Latency]'s.
type Part struct {
	Mean    int64  `json:"mean"`
	Samples int64  `json:"samples"`
	P50     *int64 `json:"p50"`
	P90     *int64 `json:"p90"`
	P99     *int64 `json:"p99"`
	Max     int64  `json:"max"` // of the sample
}

// NewPart puts a part together from its mean over all sends and a sample's times.
func NewPart(mean int64, sample *Histogram) Part {
	p := Part{Mean: mean, Samples: sample.Count(), Max: sample.Max()}
	if l := Summarize(sample); l != nil {
		p.P50, p.P90, p.P99 = l.P50, l.P90, l.P99
	}
	return p
}

// anatomyParts are an Anatomy's parts in their order.
var anatomyParts = []struct {
	name string
	of   func(*Anatomy) *Part
}{
	{"compress", func(a *Anatomy) *Part { return &a.Compress }},
	{"select", func(a *Anatomy) *Part { return &a.Select }},
	{"queue", func(a *Anatomy) *Part { return &a.Queue }},
	{"write", func(a *Anatomy) *Part { return &a.Write }},
	{"reply", func(a *Anatomy) *Part { return &a.Reply }},
	{"wake", func(a *Anatomy) *Part { return &a.Wake }},
}

// Sum adds the means up.
func (a *Anatomy) Sum() int64 {
	var sum int64
	for _, p := range anatomyParts {
		sum += p.of(a).Mean
	}
	return sum
}

// network is the least that the network takes of c's reply, ns; nil: nobody knows.
func (c *Case) network() *int64 {
	if c.Transport == nil {
		return nil
	}
	return c.Transport.RoundTripLeastNS
}

// anatomyRows are a header that begins with title, and a row for each case that knows where its time went. Beside the parts, in
// brackets as it is of the reply's, stands the network's shortest round trip, if any case has it.
func anatomyRows(r *Run, title string, name func(*Case) string) (header []string, rows [][]string) {
	header = []string{title, "from call"}
	for _, p := range anatomyParts {
		header = append(header, p.name)
	}
	var cases []*Case
	networks, wholes := false, r.wholes()
	for i := range wholes {
		if c := &wholes[i]; c.Anatomy != nil && c.Service != nil {
			cases, networks = append(cases, c), networks || c.network() != nil
		}
	}
	if networks {
		header = append(header, "(network)")
	}
	for _, c := range cases {
		row := []string{name(c), FormatDuration(c.Service.Mean)}
		for _, p := range anatomyParts {
			row = append(row, FormatDuration(p.of(c.Anatomy).Mean))
		}
		if ns := c.network(); ns != nil {
			row = append(row, "("+FormatDuration(*ns)+")")
		} else if networks {
			row = append(row, "—")
		}
		rows = append(rows, row)
	}
	return header, rows
}

// anatomyTable says where the time from the call went on average, a row a case; nothing where no case knows.
func anatomyTable(r *Run) ([]string, error) {
	header, rows := anatomyRows(r, "where the time went", func(c *Case) string { return c.label() + " · mean" })
	if len(rows) == 0 {
		return nil, nil
	}
	return drawTable(header, rows)
}

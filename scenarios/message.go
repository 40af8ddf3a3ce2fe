package scenarios

// Message is what is sent.
type Message struct {
	Size         Size    // of the body, 1 B to 4 MiB; 0 if Sizes is set
	Sizes        *Sizes  // nil means that all bodies have one size
	Compressible float64 // share of the body that compression removes, 0 to 1
	Keys         *Keys   // nil means none
	Tags         int     // how many tags there are, each as usual as the others, 0 to 1,000
	Properties   []Pair[string, string]
	DelayLevel   int  // 1 to 18, when consumers get it; 0 means at once
	LongDelay    bool // levels of more than a minute are meant
}

// Sizes are bodies that differ in size; one of the fields says how.
type Sizes struct {
	Uniform   []Size            // from the first to the second, each as usual as the others
	Lognormal *Lognormal        // few are much larger than most
	Weights   []Pair[Size, int] // each as usual as its weight says
	Files     string            // a pattern of names; each file is a body
}

// Lognormal is a distribution of sizes by two of its quantiles.
type Lognormal struct{ Median, P99 Size }

// minuteLevel is the last delay level that is no longer than a minute.
const minuteLevel = 5

var messageFields = []field[Message]{
	messageSize,
	value("compressible", share, "0", "share of a body that compression removes", func(m *Message) *float64 { return &m.Compressible }),
	optionalBlock("keys", "which messages belong together; without it none do", keysFields, nil, func(m *Message) **Keys { return &m.Keys }),
	option("tags", whole(1, maxTags), "how many tags there are; without it messages have none", func(m *Message) *int { return &m.Tags }),
	table("properties", propertyName, text, "of every message, by name", func(m *Message) *[]Pair[string, string] { return &m.Properties }),
	option("delay_level", whole(1, 18), "consumers get it 1s 5s 10s 30s 1m … 2h later, as the broker is configured", func(m *Message) *int { return &m.DelayLevel }),
	option("long_delay", yesNo, "true: delay levels above 5, a minute, are meant", func(m *Message) *bool { return &m.LongDelay }),
}

var keysFields = []field[Keys]{
	value("distinct", whole(1, maxDistinct), "1000", "how many there are", func(k *Keys) *int { return &k.Distinct }),
	value("skew", skew, string(Uniform), "how usual each is", func(k *Keys) *Skew { return &k.Skew }),
}

// messageSize is Size or Sizes.
var messageSize = field[Message]{
	key: "size", kind: bodySize.name, def: "128B", help: "of a body, 1B to 4MiB; or how sizes differ",
	read: func(r *reader, n *node, into *Message) {
		if n.shape == mapping {
			into.Size, into.Sizes = 0, &Sizes{}
			readFields(r, "size", n, sizesFields, nil, into.Sizes)
		} else if v, ok := readValue(r, "size", n, bodySize); ok {
			into.Size, into.Sizes = v, nil
		}
	},
	show: func(from *Message) *shown {
		if from.Sizes != nil {
			return &shown{key: "size", shape: mapping, keys: showFields(sizesFields, from.Sizes)}
		}
		return showValue("size", bodySize, from.Size)
	},
	below: func(path string) []Field { return fieldsOf(path+".", sizesFields) },
	form: func() form {
		return form{"anyOf": []any{scalarForm(bodySize), objectForm(sizesFields)}}
	},
}

var sizesFields = []field[Sizes]{
	values("uniform", bodySize, "the smallest and the largest, all between as usual as these", func(s *Sizes) *[]Size { return &s.Uniform }),
	optionalBlock("lognormal", "most are small and few are much larger", lognormalFields, nil, func(s *Sizes) **Lognormal { return &s.Lognormal }),
	table("weights", bodySize, whole(1, maxWeight), "sizes, each as usual as its weight says", func(s *Sizes) *[]Pair[Size, int] { return &s.Weights }),
	option("files", fileName, "pattern of files' names, each of which is a body", func(s *Sizes) *string { return &s.Files }),
}

var lognormalFields = []field[Lognormal]{
	option("median", bodySize, "half of all are smaller", func(l *Lognormal) *Size { return &l.Median }),
	option("p99", bodySize, "1 % are larger", func(l *Lognormal) *Size { return &l.P99 }),
}

// checkMessage is about fields of a message that need or exclude each other.
func (r *reader) checkMessage(m *Message, n *node) {
	if m.Sizes != nil && r.sound(n, "size", "compressible") {
		r.checkSizes(m, n.get("size"), n)
	}
	if k := m.Keys; k != nil && k.Skew.Kind == Hot && k.Skew.Keys >= k.Distinct && r.sound(n, "keys") {
		r.faultAt(n.get("keys", "skew"), "skew must leave keys that are not hot: there are %d", k.Distinct)
	}
	if m.DelayLevel > minuteLevel && !m.LongDelay && r.sound(n, "delay_level", "long_delay") {
		r.faultAt(n.get("delay_level"), "delay_level must be at most %d, a minute: brokers keep these messages beyond the run; if that is meant, add long_delay: true", minuteLevel)
	}
}

func (r *reader) checkSizes(m *Message, n, message *node) {
	switch s := m.Sizes; {
	case len(n.keys) != 1:
		r.faultAt(n, "size must be one of uniform, lognormal, weights and files")
	case s.Uniform != nil && (len(s.Uniform) != 2 || s.Uniform[0] > s.Uniform[1]):
		r.faultAt(n.get("uniform"), "uniform must be the smallest and the largest size, like [100B, 4KiB]")
	case s.Lognormal != nil && (s.Lognormal.Median == 0 || s.Lognormal.P99 == 0):
		r.faultAt(n.get("lognormal"), "lognormal needs both, like {median: 1KiB, p99: 16KiB}")
	case s.Lognormal != nil && s.Lognormal.P99 <= s.Lognormal.Median:
		r.faultAt(n.get("lognormal", "p99"), "p99 must be larger than the median, %s", s.Lognormal.Median)
	case s.Files != "" && m.Compressible > 0:
		r.faultAt(message.get("compressible"), "compressible and files exclude each other: files are sent as they are")
	}
}

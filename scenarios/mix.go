package scenarios

import "slices"

// Kind is one kind of message of a load that has several. What it doesn't say is the case's.
type Kind struct {
	Name    string  // [a-zA-Z0-9_-]{1,64}, unlike the others'
	Weight  int     // 1 to 1,000,000: it is as usual as its share of all weights
	Mode    Mode    // Sync, Oneway or Transactional, or that of all
	Message Message // Size or Sizes, Compressible, Tags and Properties; the rest is the case's, and zero here
}

// Mixed is how a load is sent whose kinds have several modes. No scenario says it.
const Mixed Mode = "mixed"

const (
	minKinds = 2
	maxKinds = 8 // each has histograms of its own
)

// together are the modes that one load can mix: a worker calls each of them, and goes on when the call returns.
var together = []Mode{Sync, Oneway, Transactional}

// Modes are those of the load's kinds, or its own if it has none, each once.
func (l *Workload) Modes() []Mode {
	if len(l.Mix) == 0 {
		return []Mode{l.Mode}
	}
	var modes []Mode
	for i := range l.Mix {
		if !slices.Contains(modes, l.Mix[i].Mode) {
			modes = append(modes, l.Mix[i].Mode)
		}
	}
	return modes
}

// Uses reports whether some of the messages are sent so.
func (l *Workload) Uses(m Mode) bool { return slices.Contains(l.Modes(), m) }

// Way is the mode of all messages, or Mixed.
func (l *Workload) Way() Mode {
	if modes := l.Modes(); len(modes) == 1 {
		return modes[0]
	}
	return Mixed
}

var mixFields = []field[Kind]{
	must(value("name", kindName, "", "of the kind", func(k *Kind) *string { return &k.Name })),
	value("weight", whole(1, maxWeight), "1", "how usual it is beside the others", func(k *Kind) *int { return &k.Weight }),
	value("mode", oneOf([]Mode{Sync, Async, Oneway, Transactional, Request}), "", "how it is sent: sync, oneway and transaction go together; without it load.mode",
		func(k *Kind) *Mode { return &k.Mode }),
	block("message", "what is sent; without a field that of the case's message", kindMessageFields, nil, func(k *Kind) *Message { return &k.Message }),
}

// kindMessageFields are those in which kinds may differ: keys and delays belong to the whole load.
var kindMessageFields = slices.DeleteFunc(slices.Clone(messageFields), func(f field[Message]) bool {
	return !slices.Contains([]string{"size", "compressible", "tags", "properties"}, f.key)
})

// mixDefaults gives each kind what it doesn't say.
func mixDefaults(tree *node) *node {
	mix := tree.get("load", "mix")
	if mix == nil || mix.shape != list {
		return tree
	}
	full := *mix
	full.items = slices.Clone(mix.items)
	for i, k := range full.items {
		if k.shape != mapping {
			continue // a fault, which its reader reports
		}
		if k.get("mode") == nil {
			mode := tree.get("load", "mode")
			if mode == nil || mode.text == string(Batch) { // which is a fault of the mix
				mode = defaulted(string(Sync))
			}
			k = k.with(mode, "mode")
		}
		for _, f := range kindMessageFields {
			if v := tree.get("message", f.key); v != nil && absent(k, "message", f.key) {
				k = k.with(v, "message", f.key)
			}
		}
		full.items[i] = fill(k, mixFields)
	}
	return tree.with(&full, "load", "mix")
}

// uses reports whether some of the messages of a tree's load are sent so.
func uses(load *node, m Mode) bool {
	is := func(n *node) bool { return n != nil && n.text == string(m) }
	mix := load.get("mix")
	if mix == nil || mix.shape != list {
		return is(load.get("mode"))
	}
	return slices.ContainsFunc(mix.items, func(k *node) bool { return is(k.get("mode")) || k.get("mode") == nil && is(load.get("mode")) })
}

// checkMix is about kinds that can't be sent by one load.
func (r *reader) checkMix(l *Workload, mix *node) {
	switch n := len(l.Mix); {
	case l.Mode == Batch:
		r.faultAt(mix, "mix and mode batch exclude each other: the messages of a batch are of one kind")
		return
	case n < minKinds || n > maxKinds:
		r.faultAt(mix, "mix must have %d to %d kinds, not %d", minKinds, maxKinds, n)
		return
	}
	modes := l.Modes()
	for i := range l.Mix {
		k, item := &l.Mix[i], mix.items[i]
		if slices.ContainsFunc(l.Mix[:i], func(other Kind) bool { return other.Name == k.Name }) {
			r.faultAt(item.get("name"), "two kinds are named %q", k.Name)
		}
		if len(modes) > 1 && !slices.Contains(together, k.Mode) {
			r.faultAt(item, "mode %s goes with no other in one load; sync, oneway and transaction do", k.Mode)
		}
		r.checkMessage(&k.Message, item.get("message"))
	}
}

package scenarios

import "strings"

// ofMode are the fields of a load that one mode alone uses.
var ofMode = []struct {
	key  string
	mode Mode
}{{"batch", Batch}, {"batch_bytes", Batch}, {"in_flight", Async}, {"in_flight_bytes", Async}, {"transaction", Transactional}}

// idleFields are the fields of ofMode that somebody wrote, by whether any case uses them: its load has their mode, or would have it
// but for a flag or for a file that extends theirs.
type idleFields struct {
	order []idleField
	used  map[idleField]bool
}

type idleField struct {
	at   place
	path string // within load
	mode Mode
}

// see notes those of a case; written is its tree without defaults, which was read as resolved.
func (f *idleFields) see(r *reader, written, resolved *node) {
	load := written.get("load")
	sound := r.sound(resolved.get("load"), "mode", "mix")
	for _, of := range ofMode {
		n := load.get(of.key)
		if n == nil {
			continue
		}
		fields := []idleField{{n.at, of.key, of.mode}}
		if n.shape == mapping && len(n.keys) > 0 { // the keys of which may be from several places
			fields = nil
			for _, e := range n.keys {
				fields = append(fields, idleField{e.value.at, of.key + "." + e.key, of.mode})
			}
		}
		used := !sound || !r.clean(n) || uses(load, of.mode)
		for _, field := range fields {
			if _, known := f.used[field]; !known {
				if f.used == nil {
					f.used = map[idleField]bool{}
				}
				f.order = append(f.order, field)
			}
			f.used[field] = f.used[field] || used || r.overruled(load.get("mode"), field.at) || r.overruled(load.get("mix"), field.at)
		}
	}
}

// overruled reports whether a flag fixed n, or a file that extends the one that at is in has it.
func (r *reader) overruled(n *node, at place) bool {
	switch {
	case n == nil || at.source != "":
		return false
	case n.at.source != "":
		return true
	}
	return n.at.file != at.file && r.extendedBy[at.file] != ""
}

// tell reports those that no case uses; of a list of values the first.
func (f *idleFields) tell(r *reader) {
	told := idleField{}
	for _, field := range f.order {
		same := field
		same.at.col = 0
		if f.used[field] || same == told {
			continue
		}
		told = same
		key := field.path[strings.LastIndex(field.path, ".")+1:]
		write := "mode: " + string(field.mode)
		if field.at.source != "" {
			write = "-m " + string(field.mode)
		}
		r.fault(field.at, "%s is of mode %s, which no case here has; write %s, or leave it out", key, field.mode, write)
	}
}

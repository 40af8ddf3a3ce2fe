package scenarios

import (
	"slices"
	"strings"

	"rmqbench/internal/nearest"
)

// Override fixes one field in every case, as a flag does. Of two with one path the later wins. A value that the field doesn't
// take, but whose parts between commas it does, such as "8,64", is an axis: a case for each.
type Override struct {
	// Path is one of [Settable]: load.workers. load.duration, load.rate and load.warmup change the stages: the length of
	// each measured one, the rate of all, the warm-up before them ("0" takes it away).
	Path   string
	Value  string // as typed
	Source string // what an error names: "-w", "--set load.workers", "RMQBENCH_WORKERS"
}

// fix is a value that a field has in a case, whatever the file says there. It has been checked.
type fix struct {
	path  []string
	value *node
	text  string // canonical; two values are the same if their texts are
}

// fixes checks overrides and gives those that are right: with one value, and with several.
func (r *reader) fixes(overrides []Override) (fixes []fix, axes []axis) {
	var paths []string
	for _, f := range Settable() {
		paths = append(paths, f.Path)
	}
	for _, o := range overrides {
		at := place{source: o.typed()}
		if !slices.Contains(paths, o.Path) {
			r.unsettable(o, at, paths)
			continue
		}
		path := strings.Split(o.Path, ".")
		fixes = slices.DeleteFunc(fixes, func(f fix) bool { return slices.Equal(f.path, path) })
		axes = slices.DeleteFunc(axes, func(a axis) bool { return slices.Equal(a.path, path) })
		var values []fix
		for _, text := range r.choices(o.Value, path) {
			f, ok := r.fix(path, &node{shape: scalar, text: text, at: at})
			switch {
			case !ok:
			case slices.ContainsFunc(values, f.same):
				r.fault(at, "%s is there twice", clip(f.text))
			default:
				values = append(values, f)
			}
		}
		if len(values) == 1 {
			fixes = append(fixes, values...)
		} else if len(values) > 1 {
			axes = append(axes, axis{path, values})
		}
	}
	return fixes, axes
}

// choices gives the values that a flag's text holds: the text itself if the field takes it, otherwise those between its
// commas, perhaps in brackets as a file would have them. Fields of no case, such as seed, have one value.
func (r *reader) choices(text string, path []string) []string {
	aside := newReader("", nil, nil)
	if _, ok := aside.fix(path, &node{shape: scalar, text: text}); ok || !slices.Contains(variable(), strings.Join(path, ".")) {
		return []string{text}
	}
	inner := text
	if strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") {
		inner = text[1 : len(text)-1]
	}
	var parts []string
	depth, from := 0, 0
	for i := range len(inner) {
		switch inner[i] {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				parts = append(parts, strings.TrimSpace(inner[from:i]))
				from = i + 1
			}
		}
	}
	if len(parts) == 0 && inner == text || len(parts) >= maxItems {
		return []string{text}
	}
	return append(parts, strings.TrimSpace(inner[from:]))
}

// fix checks that value fits the field at path.
func (r *reader) fix(path []string, value *node) (fix, bool) {
	f := fix{path, value, value.shown("").flow()}
	var shown []*shown
	if f.ofStages() {
		var s stageFlags
		readFields(r, "", (&node{shape: mapping}).with(value, path[1]), stageFlagFields, nil, &s)
		shown, path = showFields(stageFlagFields, &s), path[1:]
	} else {
		var s Scenario
		readFields(r, "", nameless("x").with(value, path...), scenarioFields, nil, &s)
		shown = showFields(scenarioFields, &s)
	}
	if !r.clean(value) {
		return fix{}, false
	}
	if s := find(shown, path); s != nil && s.shape == scalar {
		f.text = s.text
	}
	return f, true
}

// find gives what is shown at path, or nil.
func find(keys []*shown, path []string) *shown {
	for _, s := range keys {
		if s.key == path[0] && len(path) == 1 {
			return s
		}
		if s.key == path[0] {
			return find(s.keys, path[1:])
		}
	}
	return nil
}

// unsettable reports that o names no field that it could fix.
func (r *reader) unsettable(o Override, at place, paths []string) {
	holds := func(prefix string) (below []string) {
		for _, p := range paths {
			if strings.HasPrefix(p, prefix) {
				below = append(below, p)
			}
		}
		return below
	}
	near := nearest.Word(o.Path, paths)
	switch below := holds(o.Path + "."); {
	case o.Path == "load.stages":
		r.fault(at, "load.stages is a list; set load.duration, load.rate or load.warmup, or write a file")
	case len(below) > 0:
		r.fault(at, "%s is a mapping; set %s", o.Path, strings.Join(below, ", "))
	case near != "":
		r.fault(at, "%q can't be set; nearest: %s", clip(o.Path), near)
	default:
		r.fault(at, "%q can't be set; paths: %s", clip(o.Path), strings.Join(paths, ", "))
	}
}

func (f fix) ofStages() bool {
	return len(f.path) == 2 && f.path[0] == "load" && slices.Contains(keysOf(stageFlagFields), f.path[1])
}

// apply gives tree with the fields fixed. Those of stages come last, for they need to know the others.
func apply(tree *node, fixes []fix) *node {
	for _, f := range fixes {
		if f.ofStages() {
			continue
		}
		if f.path[0] == "target" && len(f.path) > 1 { // naming one kind of target takes the place of the other
			target := tree.get("target")
			switch f.path[1] {
			case "namesrv":
				target = target.without("embedded")
			case "embedded":
				target = target.without("namesrv").without("cluster").without("tls").without("credentials").without("resolve")
			}
			if target != nil {
				tree = tree.with(target, "target")
			}
		}
		if topic := tree.get("topic"); f.path[0] == "topic" && len(f.path) > 1 && topic != nil { // the same of the two ways to name topics
			switch f.path[1] {
			case "name", "count":
				topic = topic.without("weights")
			case "weights":
				topic = topic.without("name").without("count")
			}
			tree = tree.with(topic, "topic")
		}
		tree = tree.with(merge(tree.get(f.path...), f.value), f.path...)
	}
	for _, f := range fixes {
		if f.ofStages() {
			tree = fixStages(tree, f)
		}
	}
	return tree
}

// fixStages gives tree with the stages changed as load.duration, load.rate or load.warmup say. Stages that are no list of
// mappings stay as they are: their reader reports them.
func fixStages(tree *node, f fix) *node {
	stages := tree.get("load", "stages")
	if stages == nil {
		stages = defaultStages(tree)
	}
	made := &node{shape: list, at: stages.at}
	if stages.shape != list {
		return tree
	}
	for _, s := range stages.items {
		switch {
		case s.shape != mapping:
		case f.path[1] == "warmup" && isWarmup(s):
			continue
		case f.path[1] == "duration" && !isWarmup(s):
			s = s.with(f.value, "for")
		case f.path[1] == "rate":
			s = s.with(f.value, "rate")
		}
		made.items = append(made.items, s)
	}
	if w, _ := parseWarmupTime(f.value.text); f.path[1] == "warmup" && w != (warmupTime{}) {
		warmup := &node{shape: mapping, at: f.value.at}
		if w.auto {
			warmup = warmup.with(f.value, "warmup")
		} else {
			warmup = warmup.with(f.value, "for").with(&node{shape: scalar, text: "true", at: f.value.at}, "warmup")
		}
		if len(made.items) > 0 {
			if r := made.items[0].get("rate"); r != nil {
				first := *r
				first.text, _, _ = strings.Cut(r.text, rateSeparator)
				warmup = warmup.with(&first, "rate")
			}
		}
		made.items = slices.Insert(made.items, 0, warmup)
	}
	return tree.with(made, "load", "stages")
}

func isWarmup(stage *node) bool {
	w := stage.get("warmup")
	return w != nil && (w.text == "true" || w.text == autoWarmup)
}

package scenarios

import (
	"slices"
	"strings"

	"rmqbench/internal/nearest"
)

// Override fixes one field in every case, as a flag does. Of two with one path the later wins.
type Override struct {
	// Path is one of [Settable]: load.workers. load.duration, load.rate and load.warmup change the stages: the length of
	// each measured one, the rate of all, the warm-up before them ("0" takes it away).
	Path   string
	Value  string // as typed
	Source string // what an error names: "-w", "--set load.workers", "RMQBENCH_WORKERS"
}

// fix is an Override that has been checked.
type fix struct {
	path  []string
	value *node
}

// fixes checks overrides and gives those that are right.
func (r *reader) fixes(overrides []Override) []fix {
	var paths []string
	for _, f := range Settable() {
		paths = append(paths, f.Path)
	}
	var right []fix
	for _, o := range overrides {
		at := place{source: o.typed()}
		if !slices.Contains(paths, o.Path) {
			r.unsettable(o, at, paths)
			continue
		}
		f := fix{strings.Split(o.Path, "."), &node{shape: scalar, text: o.Value, at: at}}
		if f.ofStages() {
			readFields(r, "", (&node{shape: mapping}).with(f.value, f.path[1]), stageFlagFields, nil, &stageFlags{})
		} else {
			readFields(r, "", nameless("x").with(f.value, f.path...), scenarioFields, nil, &Scenario{})
		}
		if !r.bad[f.value] {
			right = append(right, f)
		}
	}
	return right
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
		if f.path[0] == "target" { // naming one kind of target takes the place of the other
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
		tree = tree.with(f.value, f.path...)
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
	if d, _ := parseDuration(f.value.text); f.path[1] == "warmup" && d > 0 {
		warmup := (&node{shape: mapping, at: f.value.at}).with(f.value, "for")
		warmup = warmup.with(&node{shape: scalar, text: "true", at: f.value.at}, "warmup")
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
	return w != nil && w.text == "true"
}

package scenarios

import (
	"slices"
	"strconv"
	"strings"
)

const (
	closedWorkers = "64"
	asyncInFlight = "1024"
	batchSize     = "16"
	measuredTime  = "10s"
	longestWarmup = "30s" // that ends by itself
	usualQueues   = 8
	stopFor       = "5s"
	stopGrace     = "10s"
)

// profiles are the producer's defaults that depend on its profile.
var profiles = map[Profile]map[string]string{
	Measure: {"serialize": "rocketmq", "retries": "0"},
	Java451: {"serialize": "json", "retries": "2"},
	Java54:  {"serialize": "json", "retries": "2"},
}

// withDefaults gives tree with every field that it lacks: those of the tables, and those that depend on other fields.
func withDefaults(tree *node) *node {
	if absent(tree, "target", "embedded") && absent(tree, "target", "namesrv") && absent(tree, "target", "cluster") {
		tree = tree.with(&node{shape: mapping, at: place{source: fromDefault}}, "target", "embedded")
	}
	if name := tree.get("name"); name != nil && absent(tree, "topic", "name") && absent(tree, "topic", "weights") {
		if _, err := scenarioName.parse(name.text); err == nil { // otherwise the name is a fault already
			tree = tree.with(defaulted("RMQBENCH_"+strings.ToUpper(name.text)), "topic", "name")
		}
	}
	if !absent(tree, "target", "embedded") && absent(tree, "topic", "queues_per_broker") { // there it is always made
		tree = tree.with(defaulted(strconv.Itoa(usualQueues)), "topic", "queues_per_broker")
	}
	return fill(mixDefaults(loadDefaults(producerDefaults(tree))), scenarioFields)
}

func producerDefaults(tree *node) *node {
	profile := Measure
	if p := tree.get("producer", "profile"); p != nil {
		profile = Profile(p.text)
	}
	for _, key := range []string{"serialize", "retries"} {
		if def, ok := profiles[profile][key]; ok && absent(tree, "producer", key) {
			tree = tree.with(defaulted(def), "producer", key)
		}
	}
	return tree
}

func loadDefaults(tree *node) *node {
	load := tree.get("load")
	if load != nil && load.shape != mapping {
		return tree
	}
	if load.get("stages") == nil {
		tree = tree.with(defaultStages(tree), "load", "stages")
	}
	tree = boundAutoWarmup(tree)
	open := false
	for _, s := range tree.get("load", "stages").items {
		open = open || s.get("rate") != nil
	}
	switch w := load.get("workers"); {
	case w == nil && open:
		tree = tree.with(defaulted("auto"), "load", "workers")
	case w == nil, !open && w.text == "auto":
		tree = tree.with(defaulted(closedWorkers), "load", "workers")
	}
	if open && load.get("arrivals") == nil {
		tree = tree.with(defaulted(string(Constant)), "load", "arrivals")
	}
	for _, f := range ofMode {
		if load.get(f.key) != nil && !uses(load, f.mode) {
			tree = tree.with(tree.get("load").without(f.key), "load")
		}
	}
	switch { // none of these modes goes with another one in a load (together)
	case uses(load, Batch) && load.get("batch") == nil && load.get("batch_bytes") == nil:
		tree = tree.with(defaulted(batchSize), "load", "batch")
	case uses(load, Async) && load.get("in_flight") == nil:
		tree = tree.with(defaulted(asyncInFlight), "load", "in_flight")
	case uses(load, Transactional) && load.get("transaction") == nil:
		tree = tree.with(&node{shape: mapping, at: place{source: fromDefault}}, "load", "transaction")
	}
	for key, sub := range map[string][2]string{"errors": {"for", stopFor}, "slo": {"grace", stopGrace}} {
		if stop := load.get("stop"); stop.get(key) != nil && stop.get(sub[0]) == nil {
			tree = tree.with(defaulted(sub[1]), "load", "stop", sub[0])
		}
	}
	return tree
}

// boundAutoWarmup bounds a warm-up that ends by itself.
func boundAutoWarmup(tree *node) *node {
	stages := tree.get("load", "stages")
	at := slices.IndexFunc(stages.items, func(s *node) bool {
		w := s.get("warmup")
		return w != nil && w.text == autoWarmup && s.get("for") == nil
	})
	if at < 0 {
		return tree
	}
	made := &node{shape: list, at: stages.at, items: slices.Clone(stages.items)}
	made.items[at] = made.items[at].with(defaulted(longestWarmup), "for")
	return tree.with(made, "load", "stages")
}

// defaultStages is one measured stage; with a count it has no other end.
func defaultStages(tree *node) *node {
	at := place{source: fromDefault}
	stage := &node{shape: mapping, at: at}
	if tree.get("load", "count") == nil {
		stage = stage.with(defaulted(measuredTime), "for")
	}
	return &node{shape: list, items: []*node{stage}, at: at}
}

// absent reports whether the key isn't there and could be: what is above it is a mapping or missing too.
func absent(tree *node, above, key string) bool {
	n := tree.get(above)
	return n == nil || n.shape == mapping && n.get(key) == nil
}

// nameless is the least that a file has to say.
func nameless(name string) *node {
	return (&node{shape: mapping}).with(defaulted("1"), "version").with(defaulted(name), "name")
}

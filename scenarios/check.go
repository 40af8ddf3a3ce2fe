package scenarios

import (
	"fmt"
	"slices"
)

// check reports what is wrong between the fields of the case that tree was read into s for. Of fields that have had a fault already
// nothing follows; what is wrong between others is told in the same pass.
func (r *reader) check(name string, s *Scenario, tree *node) {
	target, stages, events := tree.get("target"), tree.get("load", "stages"), tree.get("events")
	load, message, producer := tree.get("load"), tree.get("message"), tree.get("producer")
	if r.clean(target) {
		r.checkTarget(s.Target, target)
	}
	if r.clean(tree.get("topic")) {
		r.checkTopic(&s.Topic, tree.get("topic"))
	}
	r.checkLoad(s.Load, load)
	r.checkMessage(&s.Message, message)
	if l := s.Load; l.Stop != nil && l.Stop.SLO && len(s.SLO) == 0 && r.sound(load, "stop") && r.clean(tree.get("slo")) {
		r.faultAt(load.get("stop", "slo"), "stop at a missed objective needs one; add slo: [p99<10ms]")
	}
	if verify := tree.get("verify"); s.Load.Uses(Transactional) && s.Verify != "" && r.clean(verify) {
		r.faultAt(verify, "verify and mode transaction exclude each other: what is rolled back is not stored in the topic")
	}
	if delay := tree.get("message", "delay_level"); s.Load.Uses(Request) && s.Message.DelayLevel > 0 && r.sound(message, "delay_level") {
		r.faultAt(delay, "delay_level and mode request exclude each other: who is to reply would get it too late")
	}
	if s.Load.Ordered && s.Message.Keys == nil && r.sound(message, "keys") && r.sound(load, "ordered") {
		r.faultAt(load.get("ordered"), "ordered needs keys; add message: {keys: {distinct: 1000}}")
	}
	if s.Load.Uses(Transactional) && s.Producer.Instances > 1 && r.sound(producer, "instances") {
		r.faultAt(producer.get("instances"), "instances and mode transaction exclude each other: one client is asked how its transactions ended")
	}
	if verify := tree.get("verify"); s.Message.DelayLevel > 0 && s.Verify != "" && r.clean(verify) {
		r.faultAt(verify, "verify and delay_level exclude each other: a delayed message is in its topic later")
	}
	if verify := tree.get("verify"); s.Verify != "" && s.Load.AutoWarmup() && r.clean(verify) {
		r.faultAt(verify, "verify and warmup: auto exclude each other: what the warm-up sends is not looked after; write warmup: true")
	}
	if s.Load.Mode == Batch && r.sound(message, "size", "delay_level") && r.sound(load, "batch", "batch_bytes") {
		r.checkBatch(s, tree)
	}
	if r.clean(target) && r.clean(stages) && len(s.Events) > 0 {
		r.checkEvents(name, s, events, stages)
	}
}

// sound reports whether nothing within these keys of the mapping n has had a fault, and n has no unknown key that may have been meant for one.
func (r *reader) sound(n *node, keys ...string) bool {
	return n == nil || !r.bad[n] && !slices.ContainsFunc(keys, func(key string) bool { return !r.clean(n.get(key)) })
}

func (r *reader) checkTarget(t Target, n *node) {
	if t.Embedded != nil {
		for _, of := range []struct {
			key  string
			said bool
			cure string
		}{
			{"namesrv", len(t.Namesrv) > 0, ""},
			{"cluster", t.Cluster != "", ""},
			{"tls", t.TLS != nil && t.TLS.Enabled, "; name the cluster with namesrv"},
			{"credentials", t.Credentials != "", "; name the cluster with namesrv"},
			{"resolve", len(t.Resolve) > 0, "; name the cluster with namesrv"},
		} {
			if of.said {
				r.faultAt(n.get(of.key), "%s and embedded exclude each other%s", of.key, of.cure)
			}
		}
	}
	switch {
	case t.TLS != nil && t.TLS.Cert == "" && t.TLS.Key != "":
		r.faultAt(n.get("tls", "key"), "key needs the certificate that it belongs to; add cert")
	case t.TLS != nil && t.TLS.Cert != "" && t.TLS.Key == "":
		r.faultAt(n.get("tls", "cert"), "cert needs its key; add key")
	case t.Embedded == nil && len(t.Namesrv) == 0:
		r.faultAt(n, "cluster needs its name servers; add namesrv: [127.0.0.1:9876]")
	case len(t.Namesrv) > 1 && slices.ContainsFunc(t.Namesrv, IsEndpoint):
		r.faultAt(n.get("namesrv"), "namesrv must be addresses, or one URL alone")
	}
}

// checkTopic is about several topics.
func (r *reader) checkTopic(t *Topic, n *node) {
	all := t.All()
	last := all[len(all)-1].Key
	switch {
	case len(t.Weights) > 0 && n.get("name") != nil:
		r.faultAt(n.get("name"), "name and weights exclude each other: weights name the topics")
	case len(t.Weights) > 0 && n.get("count") != nil:
		r.faultAt(n.get("count"), "count and weights exclude each other: weights name the topics")
	case len(last) > maxTopic:
		r.faultAt(n.get("count"), "a topic's name must be at most %d characters, and %s is longer; shorten name", maxTopic, clip(last))
	case len(all)*t.Queues() > maxAllQueues:
		r.faultAt(n, "%d topics of %d queues a broker are more than %s queues on one", len(all), t.Queues(), thousands(maxAllQueues))
	}
}

func (r *reader) checkLoad(l Workload, load *node) {
	at := func(wrong bool, key, text string, with ...string) {
		if wrong && r.sound(load, key) && r.sound(load, with...) {
			r.faultAt(load.get(key), "%s", text)
		}
	}
	at(l.Arrivals == Poisson && !l.OpenLoop(), "arrivals", "arrivals need a rate: in a closed loop sends follow answers", "stages")
	at(l.Backlog > 0 && !l.OpenLoop(), "backlog", "backlog needs a rate: in a closed loop nothing waits for a worker", "stages")
	at(l.Transaction != nil && l.Transaction.Rollback+l.Transaction.CheckBack > 1, "transaction", "rollback and check_back must be at most 1 together")
	at(l.Ordered && l.Mode == Batch, "ordered", "ordered and mode batch exclude each other: a batch has many keys", "mode")
	at(l.Batch > 0 && l.BatchBytes > 0, "batch_bytes", "batch and batch_bytes exclude each other", "batch")
	at(l.Stop != nil && l.Stop.Errors == 0 && !l.Stop.SLO, "stop", "stop needs errors: 5% or slo: true")
	at(!l.Cap.IsZero() && l.OpenLoop(), "cap", "cap is for a closed loop: these stages have a rate", "stages")
	if mix := load.get("mix"); mix != nil && len(mix.items) > 0 && r.sound(load, "mix", "mode") {
		r.checkMix(&l, mix)
	}
	if r.sound(load, "stages", "count") {
		r.checkStages(l, load.get("stages"))
	}
}

// checkStages is about stages that don't go together.
func (r *reader) checkStages(l Workload, n *node) {
	measured := false
	for i, s := range l.Stages {
		item := n.items[i]
		switch last := i == len(l.Stages)-1; {
		case s.Rate.IsZero() != l.Stages[0].Rate.IsZero():
			r.faultAt(item, "stages must all have a rate (open loop) or none (closed loop)")
		case s.Warmup && measured:
			r.faultAt(item, "a warm-up must come before what is measured")
		case s.For == 0 && (s.Warmup || l.Count == 0):
			r.faultAt(item, "for is missing; write for: 30s")
		case s.For == 0 && !last:
			r.faultAt(item, "for is missing; only the last stage may go on until load.count")
		}
		if s.Auto {
			r.checkAuto(&s, i, l.Stages, item)
		}
		measured = measured || !s.Warmup
		r.checkShape(s, item)
	}
	if !measured {
		r.faultAt(n, "stages has nothing but warm-up")
	}
}

// checkAuto is about a warm-up that ends when two windows agree: it must be able to.
func (r *reader) checkAuto(s *Stage, i int, all []Stage, n *node) {
	switch {
	case i > 0 || len(all) > 1 && all[1].Warmup:
		r.faultAt(n, "warmup: auto must be the only warm-up")
	case s.For > 0 && s.For < shortestAuto:
		r.faultAt(n.get("for"), "for must be at least %s: two windows of a second have to agree", shortestAuto)
	case !s.To.IsZero():
		r.faultAt(n.get("rate"), "warmup: auto needs one rate: while it changes, no two windows agree")
	}
}

// checkBatch is about messages that can't be sent together.
func (r *reader) checkBatch(s *Scenario, tree *node) {
	switch bytes := Size(s.Load.Batch) * s.Message.Size; {
	case s.Message.DelayLevel > 0:
		r.faultAt(tree.get("message", "delay_level"), "delay_level and mode batch exclude each other: brokers store batches at once")
	case bytes > MaxBody:
		r.faultAt(tree.get("load", "batch"), "a batch must be at most %s: %d messages of %s are more", MaxBody, s.Load.Batch, s.Message.Size)
	}
}

// checkShape is about how a stage's rate changes.
func (r *reader) checkShape(s Stage, n *node) {
	shapes := 0
	for _, key := range []string{"steps", "burst", "sine"} {
		shape := n.get(key)
		if shape == nil {
			continue
		}
		if shapes++; shapes > 1 {
			r.faultAt(shape, "steps, burst and sine exclude each other")
		}
		if s.To.IsZero() {
			r.faultAt(shape, "%s needs two rates; write rate: 1k/s..5k/s", key)
		}
	}
	switch {
	case s.Burst > 0 && s.Every == 0:
		r.faultAt(n.get("burst"), "burst needs how often; add every: 10s")
	case s.Every > 0 && s.Burst == 0:
		r.faultAt(n.get("every"), "every needs how long; add burst: 1s")
	case s.Every > 0 && s.Burst >= s.Every:
		r.faultAt(n.get("burst"), "burst must be shorter than every, %s", s.Every)
	case !s.To.IsZero() && s.For == 0:
		r.faultAt(n, "for is missing: how long the rate takes to change; write for: 30s")
	}
}

func (r *reader) checkEvents(name string, s *Scenario, n, stages *node) {
	length, endless := Duration(0), false
	for _, stage := range s.Load.Stages {
		if !stage.Warmup {
			length += stage.For
			endless = endless || stage.For == 0
		}
	}
	for i, e := range s.Events {
		item := n.items[i]
		if !r.clean(item) {
			continue
		}
		switch end := e.At + e.For; {
		case e.Kind() == "":
			r.faultAt(item, "an event needs one of stall: true, delay: 100ms, service_time: 5ms, busy: 0.5, down: true and topic: {queues_per_broker: 12}")
		case s.Target.Embedded == nil && e.Topic == nil:
			r.faultAt(item, "events happen to the embedded broker only, and the target is %s", WithoutSecrets(s.Target.Namesrv[0]))
		case s.Target.Embedded != nil && e.Broker >= s.Target.Embedded.Brokers:
			r.faultAt(item.get("broker"), "broker must be at most %d: they count from 0", s.Target.Embedded.Brokers-1)
		case e.Topic != nil && e.For > 0:
			r.faultAt(item.get("for"), "a change of the topic stays; leave for out")
		case e.Topic != nil && item.get("broker") != nil:
			r.faultAt(item.get("broker"), "a topic changes on all brokers; leave broker out")
		case e.Topic == nil && e.For == 0:
			r.faultAt(item, "for is missing; write for: 3s")
		case end > length && !endless:
			r.faultAt(item, "event ends at %s, but %q lasts %s%s", end, name, length, flagOf(stages))
		}
	}
}

// flagOf names the flag that changed the stages' lengths, if one did; stages may be nil, where none are written.
func flagOf(stages *node) string {
	if stages == nil {
		return ""
	}
	for _, s := range stages.items {
		if f := s.get("for"); f != nil && f.at.source != "" && f.at.source != fromDefault {
			return fmt.Sprintf(" (%s)", f.at.source)
		}
	}
	return ""
}

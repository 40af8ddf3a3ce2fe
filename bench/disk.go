package bench

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rmqbench/remoting/message"
	"rmqbench/results"
	"rmqbench/scenarios"
)

// usualDiskLimit is how full a run may make the disk of somebody's commit log.
const usualDiskLimit = 0.70

// diskLimit is the share of a disk that a run on such a target may fill; 0: nobody looks.
func (o *Options) diskLimit(local bool) float64 {
	switch {
	case o.DiskLimit > 0 && o.DiskLimit < 1:
		return o.DiskLimit
	case o.DiskLimit != 0 || local:
		return 0
	}
	return usualDiskLimit
}

// addedProperties are the bytes of what producers and brokers add to a message's properties: its id of 32 digits, and where it was
// taken in (SendMessageProcessor). Some versions add more, or less.
const addedProperties = len("UNIQ_KEY\x01\x02WAIT\x01true\x02MSG_REGION\x01DefaultRegion\x02TRACE_ON\x01true\x02CLUSTER\x01DefaultCluster\x02") + 32

// recordBytes is what a broker's commit log takes for a message, on average and about.
func (d *mould) recordBytes(p *scenarios.Producer) float64 {
	size := float64(message.MinRecord+addedProperties) + d.ofTopic.mean(func(i int) float64 { return float64(len(d.topics[i])) })
	if d.keys != nil {
		size += float64(len("KEYS\x01\x02") + len(d.keys.keys[0]))
	}
	return size + d.mean(func(k *kind) float64 { return k.recordBytes(p) })
}

// recordBytes are those that messages of the kind add to what all have.
func (k *kind) recordBytes(p *scenarios.Producer) float64 {
	size := 0.0
	if k.tags != nil {
		size += float64(len("TAGS\x01\x02") + len(k.tags[0]))
	}
	for _, property := range k.properties {
		size += float64(len(property.Key) + len(property.Value) + 2)
	}
	var bodies float64
	for _, b := range k.bodies {
		n := float64(len(b))
		if p.CompressOver > 0 && len(b) >= int(p.CompressOver) {
			n *= 1 - k.compressible
		}
		bodies += n
	}
	return size + bodies/float64(len(k.bodies))
}

// messages are how many a case sends, warm-up and all; false: nothing bounds them.
func (p *plan) messages() (n int64, bounded bool) {
	for i := range p.stages {
		s := &p.stages[i]
		switch {
		case p.open:
			n += s.curve.dueBefore(s.to - s.from)
		case !p.cap.IsZero():
			n += int64(p.cap.PerSecond() * float64(min(s.to, forever)-s.from) / 1e9)
		case s.warmup || p.count == 0:
			return 0, false
		}
	}
	if p.count > 0 && !p.open {
		n = p.count
	}
	return n, true
}

// messagesOf are those that a case sends by p, its plan, and at the most by a warm-up that ends by itself.
func messagesOf(c *scenarios.Case, p *plan) (n int64, bounded bool, err error) {
	w, err := newWarmup(c)
	if err != nil {
		return 0, false, err
	}
	n, bounded = p.messages()
	if w != nil {
		more, also := w.messages()
		n, bounded = n+more, bounded && also
	}
	return n, bounded, nil
}

// writers are the brokers that a case's messages go to, each with its share of the queues; r is nil for a topic that isn't there.
func writers(r *message.Route, brokers []message.BrokerData, only []string) map[string]float64 {
	queues := map[string]float64{}
	if r != nil {
		all, _ := r.PublishQueues()
		for _, q := range all {
			queues[q.Broker]++
		}
	} else {
		for _, b := range brokers {
			queues[b.Name]++
		}
	}
	var sum float64
	for name, n := range queues {
		if only != nil && !slices.Contains(only, name) {
			delete(queues, name)
			continue
		}
		sum += n
	}
	for name := range queues {
		queues[name] /= sum
	}
	return queues
}

// expect adds what a case will store to the cluster's disks; routes are its topics'.
func (s *somebodys) expect(c *scenarios.Case, routes []*message.Route, rounds int) error {
	p, err := newPlan(c)
	if err != nil {
		return err
	}
	n, bounded, err := messagesOf(c, p)
	if err != nil {
		return err
	}
	each := p.mould.recordBytes(&c.Producer)
	share := map[string]float64{}
	for i, r := range routes {
		for name, part := range writers(r, s.brokers, c.Target.Brokers) {
			share[name] += part * p.mould.ofTopic.share(i)
		}
	}
	for i := range s.record.Brokers {
		b := &s.record.Brokers[i]
		part, used := share[b.Name]
		switch d := b.Disk; {
		case !used:
		case !bounded:
			d.Unbounded, d.ExpectedBytes = true, nil
		case !d.Unbounded:
			d.ExpectedBytes = new(deref(d.ExpectedBytes) + int64(float64(n)*each*part)*int64(max(rounds, 1)))
		}
	}
	return nil
}

// weighDisks tells what the run will put on the cluster's disks, and refuses what is over the limit.
func (s *somebodys) weighDisks(limit float64, tell func(string)) error {
	if limit == 0 {
		return nil
	}
	for i := range s.record.Brokers {
		b := &s.record.Brokers[i]
		d := b.Disk
		if d.ExpectedBytes == nil && !d.Unbounded { // nothing goes there
			continue
		}
		if d.RatioBefore != nil && d.ExpectedBytes != nil && deref(d.CapacityBytes) > 0 {
			d.ExpectedRatio = new(*d.RatioBefore + float64(*d.ExpectedBytes)/float64(*d.CapacityBytes))
		}
		if tell != nil {
			tell(diskLine(b, limit))
		}
		full := max(deref(d.RatioBefore), deref(d.ExpectedRatio))
		if full <= limit {
			continue
		}
		why := fmt.Sprintf("its commit log's disk is %s full", percent(*d.RatioBefore))
		if d.ExpectedBytes != nil && *d.RatioBefore <= limit {
			why += fmt.Sprintf(", and %s more make it %s", results.FormatBytes(*d.ExpectedBytes), percent(full))
		}
		return &DangerError{fmt.Sprintf("broker %s: %s, over the limit of %s; send less or elsewhere, or give --disk-limit", b.Name, why, percent(limit))}
	}
	return nil
}

// diskLine says what a broker will store, and how full its disk is and will be.
func diskLine(b *results.Broker, limit float64) string {
	d := b.Disk
	line := fmt.Sprintf("broker %s stores as much as it takes", b.Name)
	if d.ExpectedBytes != nil {
		line = fmt.Sprintf("broker %s stores about %s", b.Name, results.FormatBytes(*d.ExpectedBytes))
	}
	if d.Replicas > 0 {
		line += fmt.Sprintf(", and so does each of %s", results.FormatCount(d.Replicas, "replica"))
	}
	switch {
	case d.RatioBefore == nil:
		return line + "; how full its disk is: " + results.NotPermitted
	case d.ExpectedRatio == nil:
		return line + fmt.Sprintf("; its commit log's disk is %s full, and the run stops at %s", percent(*d.RatioBefore), percent(limit))
	}
	return line + fmt.Sprintf("; its commit log's disk is %s full now and %s then", percent(*d.RatioBefore), percent(*d.ExpectedRatio))
}

// diskOf is what a broker says of its commit log's disk, in its runtime info (AdminBrokerProcessor.prepareRuntimeInfo): the share
// that is used, and "Total : 48.3 GiB, Free : 39.9 GiB.".
func diskOf(info message.KVTable, replicas int) *results.Disk {
	d := &results.Disk{Replicas: replicas}
	if ratio, err := strconv.ParseFloat(info["commitLogDiskRatio"], 64); err == nil && ratio >= 0 && ratio <= 1 {
		d.RatioBefore = &ratio
	}
	if rest, ok := strings.CutPrefix(info["commitLogDirCapacity"], "Total : "); ok {
		total, _, _ := strings.Cut(rest, ",")
		if n := parseBinary(total); n > 0 {
			d.CapacityBytes = &n
		}
	}
	return d
}

// parseBinary reads "48.3 GiB" (MixAll.humanReadableByteCount); 0 if it is none.
func parseBinary(text string) int64 {
	number, unit, _ := strings.Cut(text, " ")
	v, err := strconv.ParseFloat(number, 64)
	power := strings.Index("BKMGTPE", strings.TrimSuffix(unit, "iB"))
	if unit == "B" {
		power = 0
	}
	if err != nil || power < 0 || !(v >= 0 && v < 1<<20) {
		return 0
	}
	for range power {
		v *= 1024
	}
	return int64(min(v, 1<<62))
}

// fullDisk is the first broker that says that its disk is fuller than the limit.
func fullDisk(points []results.BrokerPoint, limit float64) *stopped {
	for i := range points {
		if p := &points[i]; p.DiskRatio != nil && *p.DiskRatio > limit {
			return &stopped{results.StoppedByDisk, fmt.Sprintf("broker %s: its commit log's disk is %s full, over the limit of %s",
				p.Broker, percent(*p.DiskRatio), percent(limit))}
		}
	}
	return nil
}

// stays adds what a case left behind in the commit logs, about.
func (r *runner) stays(m *measurement, c *scenarios.Case) {
	brokers := r.run.Target.Brokers
	if r.run.Target.AnyEmbedded() {
		return
	}
	var n int64
	for i := range m.tallies {
		t := &m.tallies[i].counts
		n += t.Acknowledged + t.Weak + t.Written
	}
	if w := m.warmup; w != nil {
		t := &w.tallies[0].counts
		n += t.Acknowledged + t.Weak + t.Written
	}
	bytes := int64(float64(n) * m.plan.mould.recordBytes(&c.Producer))
	if bytes == 0 {
		return
	}
	l := cmp.Or(r.run.Leftover, &results.Leftover{})
	l.Bytes += bytes
	l.Hours = 0
	for _, b := range brokers {
		if hours, err := strconv.ParseInt(b.Settings["fileReservedTime"], 10, 64); err == nil {
			l.Hours = max(l.Hours, hours)
		}
		l.Replicas = max(l.Replicas, deref(b.Disk).Replicas)
	}
	r.run.Leftover = l
}

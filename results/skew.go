package results

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Share is how many sends one queue, one topic or one broker took, and how long they did.
type Share struct {
	Topic        string `json:"topic,omitempty"`         // of one among several
	Broker       string `json:"broker,omitempty"`        // "" of a whole topic, and through a proxy
	Queue        *int32 `json:"queue,omitempty"`         // null of a whole broker, and of a whole topic; through a proxy its number among all of its topic's
	Acknowledged int64  `json:"acknowledged"`            // or written, if oneway
	BeforeChange *int64 `json:"before_change,omitempty"` // the same until the topic changed; null if it didn't, or the queue wasn't there
	P99NS        *int64 `json:"p99_ns"`                  // due until done; null if there are too few

	ServiceMeanNS *int64 `json:"service_mean_ns,omitempty"` // called until done; null where nothing was timed
	DelayMeanNS   *int64 `json:"delay_mean_ns,omitempty"`   // due until called
}

// timed sets the means of all its sends from their sums; 0: a service that nobody knows, as of an older version's share.
func (s *Share) timed(serviceNS, delayNS int64) {
	if s.Acknowledged > 0 && serviceNS > 0 {
		s.ServiceMeanNS, s.DelayMeanNS = new(serviceNS/s.Acknowledged), new(delayNS/s.Acknowledged)
	}
}

// Skew is how unevenly queues were used.
type Skew struct {
	MaxOverMean float64  `json:"max_over_mean"` // 1 is even
	Gini        float64  `json:"gini"`          // 0 is even, near 1 is all in one queue
	Chi2P       *float64 `json:"chi2_p"`        // how likely chance alone makes it as uneven or more; null under 5 sends a queue
}

// label names the queue, the topic or the broker.
func (s *Share) label() string {
	name := Printable(s.Broker)
	switch {
	case s.Queue != nil && name == "": // through a proxy
		name = fmt.Sprintf("queue %d", *s.Queue)
	case s.Queue != nil:
		name += fmt.Sprintf(":%d", *s.Queue)
	}
	if s.Topic != "" {
		name = strings.TrimSpace(Printable(s.Topic) + " " + name)
	}
	return name
}

// SkewOfQueues compares what queues took, each with those of its own topic: that topics are unlike is no skew. nil: see [SkewOf].
func SkewOfQueues(queues []Share) *Skew {
	return SkewOf(countsByTopic(queues, func(q *Share) int64 { return q.Acknowledged })...)
}

// countsByTopic are the queues' counts, those of each topic together. A count below 0 is none.
func countsByTopic(queues []Share, of func(*Share) int64) (groups [][]int64) {
	for i := range queues {
		if i == 0 || queues[i].Topic != queues[i-1].Topic {
			groups = append(groups, nil)
		}
		if n := of(&queues[i]); n >= 0 {
			groups[len(groups)-1] = append(groups[len(groups)-1], n)
		}
	}
	return groups
}

// SkewOf compares counts, those of each group with each other; nil if no group has two, or nothing was counted.
func SkewOf(groups ...[]int64) *Skew {
	groups = slices.DeleteFunc(slices.Clone(groups), func(counts []int64) bool { return sumUp(counts) == 0 })
	s := &Skew{}
	var all []float64 // counts; of several groups each over its group's mean
	var total, chi2 float64
	freedom, least := 0, math.Inf(1)
	for _, counts := range groups {
		mean := float64(sumUp(counts)) / float64(len(counts))
		unit := 1.0
		if len(groups) > 1 {
			unit = mean
		}
		for _, c := range counts {
			n := float64(c)
			all, total = append(all, n/unit), total+n/unit
			chi2 += (n - mean) * (n - mean) / mean
			s.MaxOverMean = max(s.MaxOverMean, n/mean)
		}
		freedom, least = freedom+len(counts)-1, min(least, mean)
	}
	if freedom == 0 {
		return nil
	}
	slices.Sort(all)
	var ranked float64
	for i, n := range all {
		ranked += float64(2*i+1-len(all)) * n
	}
	s.Gini = ranked / (float64(len(all)) * total)
	if least >= 5 { // the usual rule for the approximation to hold
		s.Chi2P = new(chi2Above(chi2, freedom))
	}
	return s
}

func sumUp(counts []int64) (sum int64) {
	for _, n := range counts {
		sum += n
	}
	return sum
}

// chi2Above is the probability that a chi-square variable of so many degrees of freedom exceeds x: the upper regularized
// incomplete gamma function of df/2 at x/2, by its series below the mean and by its continued fraction (Lentz) above.
func chi2Above(x float64, df int) float64 {
	a := float64(df) / 2
	x /= 2
	if x <= 0 {
		return 1
	}
	const small = 1e-15
	logGamma, _ := math.Lgamma(a)
	scale := math.Exp(a*math.Log(x) - x - logGamma)
	if x < a+1 {
		term := 1 / a
		sum := term
		for n := a + 1; term > sum*small; n++ {
			term *= x / n
			sum += term
		}
		return min(max(1-sum*scale, 0), 1)
	}
	b := x + 1 - a
	c, d := math.Inf(1), 1/b
	h := d
	for i := 1.0; i < 1e6; i++ {
		an := i * (a - i)
		b += 2
		d = 1 / (an*d + b)
		c = b + an/c
		h *= c * d
		if math.Abs(c*d-1) < small {
			break
		}
	}
	return min(max(h*scale, 0), 1)
}

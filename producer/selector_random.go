package producer

// Random picks any queue, each as likely as the others (SelectMessageQueueByRandom.java).
func Random() Selector {
	r := &random{}
	r.dice.shuffle()
	return r
}

// RandomSeeded is [Random] whose picks are a pure function of seed and of how many went before: with the same seed the n-th pick among as
// many queues is the same one, whoever makes it.
func RandomSeeded(seed uint64) Selector {
	r := &random{}
	r.dice.seed(seed)
	return r
}

type random struct{ dice dice }

func (r *random) Select(queues []MessageQueue, _ *Message, _ any) (int, error) {
	return r.dice.below(len(queues)), nil
}

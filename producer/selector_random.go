package producer

// Random picks any queue, each as likely as the others (SelectMessageQueueByRandom.java).
func Random() Selector {
	r := &random{}
	r.dice.shuffle()
	return r
}

type random struct{ dice dice }

func (r *random) Select(queues []MessageQueue, _ *Message, _ any) (int, error) {
	return r.dice.below(len(queues)), nil
}

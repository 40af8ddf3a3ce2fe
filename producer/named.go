package producer

import "sync"

// named keeps a T for each name, made when it is first asked for. Any number of goroutines use it.
type named[T any] struct{ m sync.Map }

func (n *named[T]) of(name string, fresh func() *T) *T {
	if v, ok := n.m.Load(name); ok {
		return v.(*T)
	}
	v, _ := n.m.LoadOrStore(name, fresh())
	return v.(*T)
}

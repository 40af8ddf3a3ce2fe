package producer

import (
	"fmt"
	"sync/atomic"
)

// ServiceState is where a producer is in its one-way life (ServiceState.java).
//
//	from         by        to
//	CreateJust   Start     StartFailed      set before anything can fail
//	StartFailed  all up    Running
//	StartFailed  a taken group name         CreateJust, as in Java
//	Running      Shutdown  ShutdownAlready
type ServiceState int32

// The states.
const (
	CreateJust ServiceState = iota
	StartFailed
	Running
	ShutdownAlready
)

var stateNames = [...]string{"CREATE_JUST", "START_FAILED", "RUNNING", "SHUTDOWN_ALREADY"}

// String is Java's name of the state.
func (s ServiceState) String() string { return stateNames[s] }

// StateError is a call that the producer's state does not allow.
type StateError struct {
	Op    string // "start", "send"
	State ServiceState
}

func (e *StateError) Error() string {
	hint := "call Start first"
	switch e.State {
	case Running:
		hint = "it has been started already"
	case StartFailed:
		hint = "its start failed or is under way; make a new one"
	case ShutdownAlready:
		hint = "it has been shut down; make a new one"
	}
	return fmt.Sprintf("%s: the producer is in state %s: %s", e.Op, e.State, hint)
}

type stateVar struct{ v atomic.Int32 }

func (s *stateVar) load() ServiceState { return ServiceState(s.v.Load()) }

// move takes the state from -> to, or reports that another goroutine moved it first.
func (s *stateVar) move(from, to ServiceState) bool {
	return s.v.CompareAndSwap(int32(from), int32(to))
}

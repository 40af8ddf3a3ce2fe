package producer

import (
	"fmt"
	"slices"
	"strings"
)

// RoundRobin picks the queues in turn, those of each topic by a count of their own. It is what a producer without
// Options.Selector does, and at no cost there.
func RoundRobin() Selector { return &roundRobin{} }

type roundRobin struct{ topics named[turns] }

func (r *roundRobin) Select(queues []MessageQueue, _ *Message, _ any) (int, error) {
	return r.topics.of(queues[0].Topic, newTurns).next(len(queues)), nil
}

// MachineRoom picks in turn among the queues in rooms: those whose broker's name begins with a room and "@", as in
// "room-1@broker-a" (AllocateMessageQueueByMachineRoom.java has the form of the names; SelectMessageQueueByMachineRoom.java
// returns null for every message). If no queue is in any of the rooms that is an error; without rooms every queue will do.
func MachineRoom(rooms ...string) Selector { return &machineRoom{rooms: slices.Clone(rooms)} }

type machineRoom struct {
	rooms  []string
	topics named[turns]
}

func (r *machineRoom) Select(queues []MessageQueue, _ *Message, _ any) (int, error) {
	turns := r.topics.of(queues[0].Topic, newTurns)
	if len(r.rooms) == 0 {
		return turns.next(len(queues)), nil
	}
	at, ok := turns.nextOf(len(queues), func(i int) bool { return r.holds(queues[i].Broker) })
	if !ok {
		return 0, fmt.Errorf("none of %d queues is in room %s", len(queues), strings.Join(r.rooms, ", "))
	}
	return at, nil
}

func (r *machineRoom) holds(broker string) bool {
	room, _, named := strings.Cut(broker, "@")
	return named && slices.Contains(r.rooms, room)
}

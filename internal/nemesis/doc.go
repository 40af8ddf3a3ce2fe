// Package nemesis looks for messages that are lost, invented, changed or stored more often than anything explains. From a
// seed it makes a schedule of faults and a load of sends of every kind; while the load runs the faults happen; afterwards
// everything is read back and held against what the producer said became of each message.
//
// Schedule and load are pure functions of the seed, so a seed that found something finds it again as far as goroutines and the
// network let it. What stands between the producer and the faults (connections cut, answers lost or doubled) is a [Relay]; what
// happens to brokers is a [Stage]'s: the embedded ones here, real ones in e2e.
package nemesis

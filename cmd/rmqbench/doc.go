// Command rmqbench puts load on Apache RocketMQ producers and says what the numbers are worth.
//
// It parses, calls and prints; what it does is in the packages bench, producer, broker, scenarios and results.
package main

// Package vectors hands golden data to tests: bytes that Apache RocketMQ's Java classes (5.4.0, some 4.9.7 and 4.5.1)
// wrote, so that our encoders and decoders are held against the real implementation and not against each other.
// Each file of testdata is one JSON array of cases; RMQBENCH_VECTORS names another directory of the same files.
// Only tests import it.
package vectors

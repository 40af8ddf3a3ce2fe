// Package message holds what both ends of RocketMQ's wire need beside the frame: properties, ids, the batch body, the
// stored record, system flags, compression, route and admin bodies, name rules, namespaces, recall handles, trace records,
// and Java's hash.
package message

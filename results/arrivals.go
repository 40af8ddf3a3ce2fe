package results

// ModeArrived is the mode of a case that a broker recorded: what came to it, by whomever it was sent. Such sends have no latency.
const ModeArrived = "arrived"

// Arrivals is what a broker saw of a topic's messages. The case's acknowledged are those that it stored; its elapsed time is from the
// first to the last.
type Arrivals struct {
	Gaps        *Latency `json:"gaps_ns"`       // between one message and the next; null for one alone
	StoredBytes int64    `json:"stored_bytes"`  // of the records: bodies, properties and what a commit log adds
	Duplicates  int64    `json:"duplicates"`    // messages whose producer's id had come already
	Remembered  int64    `json:"ids_looked_at"` // how many ids back a duplicate is found, at the least
}

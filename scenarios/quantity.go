package scenarios

import "time"

// Size is a number of bytes. In JSON it is an integer.
type Size int64

// Duration is a length of time. In JSON it is an integer of nanoseconds.
type Duration time.Duration

// Rate is Count events every Per, exactly. The zero Rate means none: a closed loop.
type Rate struct {
	Count int64         `json:"count"`
	Per   time.Duration `json:"per_ns"`
}

// IsZero reports whether there is no rate.
func (r Rate) IsZero() bool { return r.Count == 0 }

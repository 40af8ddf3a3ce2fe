//go:build e2e

package e2e

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
)

// ports remembers what this process has given away, so that two clusters at once never get the same.
var ports = struct {
	sync.Mutex
	taken map[int]bool
}{taken: map[int]bool{}}

// freePorts returns a port p for which p-2 … p+1 are all free on every interface: a broker listens on p, p-2 ("VIP") and
// p+1 (HA). It stays below the range that systems take outgoing ports from, so none is lost before the server binds it.
func freePorts() (int, error) {
	ports.Lock()
	defer ports.Unlock()
	for range 1000 {
		p := 10_000 + 4*rand.IntN(5_000)
		if !ports.taken[p] && canListen(p-2) && canListen(p-1) && canListen(p) && canListen(p+1) {
			ports.taken[p] = true
			return p, nil
		}
	}
	return 0, errors.New("no four free ports in a row between 10000 and 30000")
}

func canListen(port int) bool {
	l, err := net.Listen("tcp", ":"+strconv.Itoa(port))
	if err != nil {
		return false
	}
	_ = l.Close() // the port is what was wanted
	return true
}

//go:build e2e

package e2e

import (
	"crypto/tls"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"
)

// The requests that readiness is judged by.
const (
	getBrokerRuntimeInfo = 28  // to a broker
	getBrokerClusterInfo = 106 // to a name server: all brokers it knows
)

// ask sends a request that has neither fields nor body and returns the reply's body as it came, which is not quite JSON: some
// versions leave numeric keys unquoted. It speaks the protocol by itself, so that the launcher owes nothing to the
// code under test. A server that closes a plaintext connection is asked again over TLS.
func ask(addr string, code int, timeout time.Duration) ([]byte, error) {
	conn, err := net.DialTimeout("tcp", addr, timeout)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(timeout)); err != nil {
		return nil, err
	}
	body, err := askOver(conn, addr, code)
	if !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
		return body, err
	}
	over, err := tls.DialWithDialer(&net.Dialer{Timeout: timeout}, "tcp", addr, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		return nil, err
	}
	defer func() { _ = over.Close() }() // all that was asked for is here
	if err := over.SetDeadline(time.Now().Add(timeout)); err != nil {
		return nil, err
	}
	return askOver(over, addr, code)
}

func askOver(conn net.Conn, addr string, code int) ([]byte, error) {
	header := fmt.Sprintf(`{"code":%d,"language":"OTHER","version":0,"opaque":1,"flag":0,"serializeTypeCurrentRPC":"JSON"}`, code)
	frame := binary.BigEndian.AppendUint32(nil, uint32(4+len(header)))
	frame = binary.BigEndian.AppendUint32(frame, uint32(len(header))) // its top byte is the serialization: 0, JSON
	if _, err := conn.Write(append(frame, header...)); err != nil {
		return nil, err
	}

	var head [8]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return nil, err
	}
	total, mark := binary.BigEndian.Uint32(head[:4]), binary.BigEndian.Uint32(head[4:])
	headerLen := mark & 0xFF_FFFF
	if total < 4 || total > 1<<24 || headerLen > total-4 || mark>>24 != 0 {
		return nil, fmt.Errorf("%s answered no RocketMQ frame with a JSON header: % x", addr, head)
	}
	rest := make([]byte, total-4)
	if _, err := io.ReadFull(conn, rest); err != nil {
		return nil, err
	}
	var reply struct {
		Code   int
		Remark string
	}
	if err := json.Unmarshal(rest[:headerLen], &reply); err != nil {
		return nil, fmt.Errorf("%s: header: %w", addr, err)
	}
	if reply.Code != 0 {
		err := fmt.Errorf("%s answered request %d with code %d: %s", addr, code, reply.Code, reply.Remark)
		if reply.Code == noPermission || strings.Contains(reply.Remark, "AclException") {
			err = fmt.Errorf("%w: %w", errUnsigned, err)
		}
		return nil, err
	}
	return rest[headerLen:], nil
}

// errUnsigned is the answer of a server that wants signed requests: it is up.
var errUnsigned = errors.New("unsigned")

// noPermission is how 5.x says it; 4.x has a remark.
const noPermission = 16

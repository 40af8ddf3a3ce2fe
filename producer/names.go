package producer

import (
	"strconv"
	"strings"

	"rmqbench/remoting"
)

// namespaceHook puts every request into a namespace of the second kind (NamespaceRpcHook.java, 5.x).
type namespaceHook string

// BeforeRequest adds the two fields.
func (ns namespaceHook) BeforeRequest(_ string, req *remoting.Command) error {
	req.Ext = append(req.Ext, remoting.Field{Key: "nsd", Value: "true"}, remoting.Field{Key: "ns", Value: string(ns)})
	return nil
}

// AfterResponse has nothing to do.
func (namespaceHook) AfterResponse(string, *remoting.Command, *remoting.Head, error) {}

// vipAddr is where a broker at addr takes requests that others' are not to delay: the port less 2
// (MixAll.brokerVIPChannel). What has no port stays as it is.
func vipAddr(addr string) string {
	colon := strings.LastIndexByte(addr, ':')
	port, err := strconv.Atoi(addr[colon+1:])
	if colon < 0 || err != nil {
		return addr
	}
	return addr[:colon+1] + strconv.Itoa(port-2)
}

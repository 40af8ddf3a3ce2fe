// Command null is a server that stores nothing: it reads the header of each send, as a broker must, and answers it.
// What the floor gets from it and from the embedded broker says what storing costs.
package main

import (
	"fmt"
	"net"
	"os"

	"rmqbench/remoting"
)

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, "null:", err)
		os.Exit(1)
	}
	fmt.Println("broker", l.Addr())
	remoting.NewServer(l, remoting.HandlerFunc(answer), remoting.ServerOptions{}, nil)
	select {} // until it is killed
}

// answer runs on a connection's reader, and its reply is encoded before it returns.
func answer(req *remoting.Request) {
	var view remoting.SendView
	if err := view.Parse(&req.Head); err != nil {
		req.Refuse()
		return
	}
	_ = req.Reply(&remoting.SendReply{Serialize: req.Head.Serialize, Language: remoting.Go, Version: remoting.Version451, QueueID: view.QueueID, QueueOffset: 1_000_000,
		MsgID: []byte("7F00000100002A9F0000000000000000"), TransactionID: []byte("7F0000010ABC18B4AAC20001E2410001"), TraceOn: true, Region: "DefaultRegion"}, nil) // a dead connection ends by itself
}

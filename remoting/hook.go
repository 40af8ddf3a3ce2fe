package remoting

import (
	"fmt"
	"slices"
)

// RPCHook sees every request of a client, heartbeats and route queries too, before it is encoded and when it has ended
// (RPCHook.java). Hooks run in the order in which they are given; who signs comes last.
type RPCHook interface {
	// BeforeRequest runs on the goroutine that sends. What it changes in req is sent so, but for the opaque, which is the
	// connection's, and the body, which it must leave alone. Its error ends the request, which is not sent.
	BeforeRequest(addr string, req *Command) error

	// AfterResponse follows once for each BeforeRequest that returned nil. reply is the answer's header, valid until it
	// returns and nil if none came; then err says why, or is nil too after a oneway request. It may run on the connection's
	// reader and must not block.
	AfterResponse(addr string, req *Command, reply *Head, err error)
}

// hooked is a request that hooks have seen: it stands between the call and its receiver until the end.
type hooked struct {
	Command // as the hooks left it

	conn  *Conn
	call  *Call
	next  Receiver  // the call's own
	hooks []RPCHook // that let it pass
}

// startHooked is [Conn.Start] through the hooks.
func (c *Conn) startHooked(call *Call, head HeadEncoder, body []byte, deadline int64) error {
	h := &hooked{conn: c, call: call, next: call.Receiver}
	if err := h.read(head, body); err != nil {
		return &CallError{Addr: c.addr, Err: err}
	}
	for i, hook := range c.opts.hooks {
		if err := hook.BeforeRequest(c.addr, &h.Command); err != nil {
			err = &CallError{Addr: c.addr, Err: fmt.Errorf("%w: %w", ErrHook, err)}
			h.after(nil, err)
			return err
		}
		h.hooks = c.opts.hooks[:i+1]
	}
	call.Receiver = h
	err := c.Start(call, h, body, deadline)
	if err != nil {
		call.Receiver = h.next
		h.after(nil, err)
	}
	return err
}

// read makes a command of a request that may be encoded in any way.
func (h *hooked) read(head HeadEncoder, body []byte) error {
	if c, ok := head.(*Command); ok {
		h.Command = *c
		h.Ext = slices.Clone(c.Ext) // a caller may send c again
		h.Body = body
		return nil
	}
	frame, err := head.AppendHead(nil, 0, 0)
	if err != nil {
		return err
	}
	parsed, _, err := ParseFrame(frame)
	if err != nil {
		return err
	}
	h.Command = Command{Serialize: parsed.Serialize, Code: parsed.Code, Language: parsed.Language, Version: parsed.Version,
		Flag: parsed.Flag, Remark: parsed.Remark(), Ext: make([]Field, 0, 20), Body: body} // a send has 14 fields, a signature 3
	for it := parsed.Ext(); it.Next(); {
		h.Ext = append(h.Ext, Field{string(it.Key()), string(it.Value())})
	}
	return nil
}

func (h *hooked) after(reply *Head, err error) {
	for _, hook := range h.hooks {
		hook.AfterResponse(h.conn.addr, &h.Command, reply, err)
	}
}

// Receive tells the hooks first.
func (h *hooked) Receive(head *Head, body []byte) {
	h.after(head, nil)
	h.hooks = nil
	h.next.Receive(head, body)
}

// Done tells them of an end without an answer, and gives the call back.
func (h *hooked) Done(err error) {
	h.after(nil, err)
	h.call.Receiver = h.next
	h.next.Done(err)
}

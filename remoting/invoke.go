package remoting

import (
	"context"
	"time"
)

// invocation is a call whose reply is kept whole, for requests that are rare.
type invocation struct {
	Call
	done  chan error // capacity 1
	reply *Command
}

func (i *invocation) Receive(head *Head, body []byte) { i.reply = head.command(body) }

func (i *invocation) Done(err error) { i.done <- err }

// Invoke sends a request to addr and waits for its reply, whatever its code says. No reply: a *CallError.
func (c *Client) Invoke(ctx context.Context, addr string, req *Command, timeout time.Duration) (*Command, error) {
	return c.invoke(ctx, addr, req, timeout, false)
}

// InvokeOneway sends a request that is not answered; it returns when its bytes are in the socket.
func (c *Client) InvokeOneway(ctx context.Context, addr string, req *Command, timeout time.Duration) error {
	_, err := c.invoke(ctx, addr, req, timeout, true)
	return err
}

func (c *Client) invoke(ctx context.Context, addr string, req *Command, timeout time.Duration, oneway bool) (*Command, error) {
	head := *req
	if oneway {
		head.Flag |= FlagOneway
	}
	i := &invocation{done: make(chan error, 1)}
	i.Receiver, i.Oneway = i, oneway
	if err := c.Endpoint(addr).Start(ctx, &i.Call, &head, req.Body, Nanotime()+int64(timeout)); err != nil {
		return nil, err
	}
	select {
	case err := <-i.done:
		return i.reply, err
	case <-ctx.Done():
		i.Cancel(context.Cause(ctx))
		err := <-i.done // before reply is read: the reader may be writing it
		return i.reply, err
	}
}

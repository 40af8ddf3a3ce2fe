package producer

import "rmqbench/remoting"

// inbound answers what brokers ask their clients (ClientRemotingProcessor.java). It runs on a connection's reader, so what
// is the application's to do goes to others.
func (in *instance) inbound(req *remoting.Request) {
	switch remoting.RequestCode(req.Head.Code) {
	case remoting.CheckTransactionState:
		in.checkTransaction(req)
	case remoting.PushReplyMessageToClient:
		in.pushReply(req)
	case remoting.NotifyConsumerIDsChanged: // consumers' concern, and nobody waits for an answer
	default:
		req.Refuse()
	}
}

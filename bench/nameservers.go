package bench

import (
	"context"
	"fmt"

	"rmqbench/producer"
	"rmqbench/scenarios"
)

// NameServers are the addresses of a list, or those that an HTTP endpoint tells whose URL is all that it holds (RocketMQ's TopAddressing).
// It is asked once: what is looked at before a run is what the run's load goes to.
func NameServers(ctx context.Context, list []string) ([]string, error) {
	if len(list) != 1 || !scenarios.IsEndpoint(list[0]) {
		return list, nil
	}
	names, err := producer.AskNameServers(ctx, list[0])
	if err != nil {
		return nil, fmt.Errorf("%w; is that the endpoint? %s", err, endpointAdvice)
	}
	return names, nil
}

const endpointAdvice = "It answers a GET with HOST:PORT;HOST:PORT, as RocketMQ's http://HOST:8080/rocketmq/nsaddr does"

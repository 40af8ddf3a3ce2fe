// Package kubernetes runs rmqbench as an Indexed Job on a real Kubernetes, wherever KUBECONFIG points: three pods against
// rmqbench's own broker and against RocketMQ 5.4.0, and once with a pod killed on the way.
//
//	CGO_ENABLED=0 go build -trimpath -o /tmp/rmqbench ./cmd/rmqbench     # the image k8s.local/rmqbench:1, made of this
//	KUBECONFIG=… go test -tags e2e -count=1 -v ./e2e/kubernetes
//
// The node must share this machine's loopback (hostNetwork), since the RocketMQ that the test starts listens there.
//
//	RMQBENCH_LOAD_IMAGE  a command that is given an image's name and a static binary, and puts the image on the node;
//	                     without it the image must be there
package kubernetes

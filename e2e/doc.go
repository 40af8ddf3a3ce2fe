// Package e2e runs tests against real Apache RocketMQ: name server and brokers of 4.5.1, 4.9.7 and 5.4.0, started
// from their published jars in a temporary directory, on free loopback ports, and killed, by the pids it started, when the test ends.
//
// All but this file is behind the build tag e2e:
//
//	go test -tags e2e -count=1 -v ./e2e/
//
// TestSuite drives our producer, and our load, against each version and then holds every queue's offset against what was
// acknowledged on it; with -v it says how many messages that were. The judges are clients that we did not write, put to
// RocketMQ and to our own broker. TestFaults kills, freezes and ends one of two brokers, and looks at the order of messages that
// are sent meanwhile. TestCapacity has a search for what 5.4.0 holds end and confirm itself. TestR41_ACL, TestR41_Authentication and
// TestR39_TLS put right and wrong credentials and certificates to 4.9.7 and 5.4.0. TestR46_OffLoopback has the command meet a cluster at an
// address that is not on loopback, TestR28_DiskFails a disk that answers EIO. TestProxy goes through the proxy of 5.4.0. All takes six to eight minutes on two cores.
//
// It needs java 17 or later and, the first time, mvn, which resolves pom.xml and pom_proxy.xml into a cache; TestPage needs chromium, and leaves
// pictures of report.html in RMQBENCH_E2E_SCREENSHOTS. Without ip (iproute2) or strace the tests that need them are skipped.
//
//	RMQBENCH_E2E_VERSIONS  versions to run, by comma; all three by default
//	RMQBENCH_E2E_CACHE     where the jars are kept; rmqbench-e2e in the user's cache folder by default
//	RMQBENCH_E2E_CONFINE   off: run in this machine's own network instead of a namespace
//
// # Confinement
//
// A broker's HA port (listen port + 1) listens on every interface whatever bindAddress says, and 4.5.1 has no bindAddress
// at all. So [Main] runs the test binary once more inside a new network namespace whose only interface is lo: servers,
// clients and HA ports are all on that loopback, where nothing outside can reach them. What needs the network (jars, Go
// modules) is fetched before. Where a namespace can't be had (no root and no user namespaces, or not Linux), Main says so
// on stderr and the tests run in the machine's own network: the ports named here are then open to whoever can reach it.
//
// # Known limits
//
// On a JDK of today 4.5.1 serves TLS only when it is given a certificate: its netty fails to make the self-signed one, and
// says so in the log at every start, harmlessly.
package e2e

//go:build e2e

package e2e

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// jarSet is what Maven copies for one kind of RocketMQ's programs.
type jarSet struct {
	name string // of the cache's folder, after the version
	pom  []byte
	file string // that it is in
	has  string // a jar that must be among them
}

//go:embed pom.xml
var serversPOM []byte

//go:embed pom_proxy.xml
var proxyPOM []byte

var (
	servers = jarSet{pom: serversPOM, file: "pom.xml", has: "rocketmq-broker"}
	proxies = jarSet{name: "-proxy", pom: proxyPOM, file: "pom_proxy.xml", has: "rocketmq-proxy"}
)

// fetchTimeout bounds one version's Maven run; 90 MB on a cold cache.
const fetchTimeout = 10 * time.Minute

// Jars returns the folder that holds all jars of a RocketMQ version's name server, broker and tools. The first call on a machine has
// Maven copy them into the cache; later ones, in any process, find them there. Callers in several processes wait for one another.
func Jars(version string) (dir string, err error) { return servers.of(version) }

// of is Jars of any set.
func (set *jarSet) of(version string) (dir string, err error) {
	if version == "" || strings.Trim(version, "0123456789.-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" || strings.Contains(version, "..") {
		return "", fmt.Errorf("RocketMQ version %q: want something like 5.4.0 (see RMQBENCH_E2E_VERSIONS)", version)
	}
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	root := filepath.Join(cache, version+set.name)
	lib := filepath.Join(root, "lib")
	if err := os.MkdirAll(root, 0o755); err != nil {
		return "", fmt.Errorf("jar cache: %w", err)
	}
	unlock, err := lockFile(filepath.Join(root, "lock"))
	if err != nil {
		return "", err
	}
	defer unlock()

	// The marker holds the pom's hash: another pom means another set of jars.
	sum := sha256.Sum256(set.pom)
	want := hex.EncodeToString(sum[:])
	marker := filepath.Join(root, "complete")
	if got, err := os.ReadFile(marker); err == nil && string(got) == want {
		return lib, nil
	}
	for _, stale := range []string{marker, lib} {
		if err := os.RemoveAll(stale); err != nil {
			return "", fmt.Errorf("jar cache: %w", err)
		}
	}
	if err := set.fetch(version, lib); err != nil {
		return "", err
	}
	if err := os.WriteFile(marker, []byte(want), 0o644); err != nil {
		return "", fmt.Errorf("jar cache: %w", err)
	}
	return lib, nil
}

// fetch has Maven copy a version's run-time jars into lib. Maven uses its own settings; nothing here names a registry.
func (set *jarSet) fetch(version, lib string) error {
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return errors.New("mvn is not on PATH: install Maven 3 (it fetches RocketMQ's jars once), or set RMQBENCH_E2E_CACHE to a folder that has them")
	}
	project, err := os.MkdirTemp("", "rmqbench-e2e-pom-")
	if err != nil {
		return fmt.Errorf("fetch RocketMQ %s: %w", version, err)
	}
	defer func() { _ = os.RemoveAll(project) }() // a temporary directory
	if err := os.WriteFile(filepath.Join(project, "pom.xml"), set.pom, 0o644); err != nil {
		return fmt.Errorf("fetch RocketMQ %s: %w", version, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, mvn, "-q", "-B", "-Dstyle.color=never", "-Drocketmq.version="+version,
		"dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory="+lib)
	cmd.Dir = project
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("fetch RocketMQ %s: mvn: %w (is its registry reachable? run mvn by hand on e2e/%s)\n%s", version, err, set.file, tail(out, 4<<10))
	}
	if found, _ := filepath.Glob(filepath.Join(lib, set.has+"-*.jar")); len(found) == 0 {
		return fmt.Errorf("fetch RocketMQ %s: mvn ended well but left no %s jar in %s", version, set.has, lib)
	}
	return nil
}

// javaTool finds java or javac: JAVA_HOME's, or else the one on PATH.
func javaTool(name string) (string, error) {
	if home := os.Getenv("JAVA_HOME"); home != "" {
		if path, err := exec.LookPath(filepath.Join(home, "bin", name)); err == nil {
			return path, nil
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s is neither in JAVA_HOME nor on PATH: install a JDK, 17 or later", name)
	}
	return path, nil
}

// cacheDir is where fetched jars are kept between runs.
func cacheDir() (string, error) {
	if dir := os.Getenv("RMQBENCH_E2E_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder (%w): set RMQBENCH_E2E_CACHE", err)
	}
	return filepath.Join(dir, "rmqbench-e2e"), nil
}

// lockFile takes the lock of a path, which it makes if need be, and waits for a process that has it.
// The kernel frees the lock of a process that dies.
func lockFile(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		_ = f.Close() // nothing was written to it
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { _ = f.Close() }, nil
}

// tail returns the last n bytes of b, from the start of a line.
func tail(b []byte, n int) []byte {
	if len(b) <= n {
		return b
	}
	b = b[len(b)-n:]
	for i, c := range b {
		if c == '\n' {
			return b[i+1:]
		}
	}
	return b
}

package producer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	addressTime = 3 * time.Second // one look at the endpoint (TopAddressing.fetchNSAddr)
	addressBody = 64 << 10        // bytes of its answer; a list of name servers has a few hundred
)

// AddressError is an HTTP endpoint that did not say where the name servers are.
type AddressError struct {
	URL string // without user, password and query
	Err error
}

func (e *AddressError) Error() string { return fmt.Sprintf("name servers of %s: %v", e.URL, e.Err) }

// Unwrap gives what kept it from saying so.
func (e *AddressError) Unwrap() error { return e.Err }

// addressing is an HTTP endpoint that knows the name servers (TopAddressing.java); nil: they are given.
type addressing struct {
	url    *url.URL
	client http.Client
}

// newAddressing makes it from an http or https URL; the error is an *AddressError.
func newAddressing(text string) (*addressing, error) {
	u, err := url.Parse(text)
	if err != nil { // it would quote the URL, and a password with it
		return nil, &AddressError{URL: "the endpoint", Err: errors.New("that is no URL; give http://HOST:PORT/PATH")}
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, &AddressError{URL: shown(u), Err: errors.New("give http://HOST:PORT/PATH")}
	}
	// Minutes lie between two questions: no connection is kept.
	return &addressing{url: u, client: http.Client{Timeout: addressTime, Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}}}, nil
}

// shown is a URL without what may be a secret.
func shown(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}

// AskNameServers asks an HTTP endpoint once where the name servers are, as a producer with NameServerURL does at its Start; the error is
// an *AddressError.
func AskNameServers(ctx context.Context, endpoint string) ([]string, error) {
	a, err := newAddressing(endpoint)
	if err != nil {
		return nil, err
	}
	return a.ask(ctx)
}

// askEndpoint asks for the name servers if none are given: an endpoint, and what it said. The error is a *NameServerError if
// there is none, or an *AddressError.
func (o *Options) askEndpoint() (*addressing, []string, error) {
	if len(o.NameServers) > 0 {
		return nil, nil, nil
	}
	if o.NameServerURL == "" {
		return nil, nil, &NameServerError{}
	}
	a, err := newAddressing(o.NameServerURL)
	if err != nil {
		return nil, nil, err
	}
	list, err := a.ask(context.Background())
	return a, list, err
}

// ask is one look; the error is an *AddressError.
func (a *addressing) ask(ctx context.Context) (list []string, err error) {
	defer func() {
		if err != nil {
			list, err = nil, &AddressError{URL: shown(a.url), Err: err}
		}
	}()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url.String(), nil)
	if err != nil {
		return nil, err
	}
	reply, err := a.client.Do(req)
	if err != nil {
		if ue, ok := errors.AsType[*url.Error](err); ok {
			err = ue.Err // which doesn't name the URL again
		}
		return nil, err
	}
	defer func() { _ = reply.Body.Close() }() // only read
	if reply.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("it answered %s", reply.Status)
	}
	body, err := io.ReadAll(io.LimitReader(reply.Body, addressBody+1))
	if err != nil {
		return nil, err
	}
	if len(body) > addressBody {
		return nil, fmt.Errorf("it answered more than %d bytes", addressBody)
	}
	return parseAddresses(string(body))
}

// parseAddresses reads "host:port;host:port" from the first line of text. One that is no address spoils the list: what
// answers is not who was meant.
func parseAddresses(text string) (list []string, err error) {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	for addr := range strings.SplitSeq(line, ";") {
		if addr = strings.TrimSpace(addr); addr == "" {
			continue
		}
		host, port, err := net.SplitHostPort(addr)
		n, bad := strconv.ParseUint(port, 10, 16)
		if err != nil || bad != nil || n == 0 || host == "" || strings.ContainsAny(host, " \t<>/\"'") {
			return nil, fmt.Errorf("%.80q is no HOST:PORT", addr)
		}
		if !slices.Contains(list, addr) {
			list = append(list, addr)
		}
	}
	if len(list) == 0 {
		return nil, errors.New("it named none")
	}
	return list, nil
}

// readdress asks for the name servers again until ctx ends. Without an answer those that are known stay.
func (in *instance) readdress(ctx context.Context, a *addressing, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		list, err := a.ask(ctx)
		if err != nil {
			continue
		}
		old := in.admin.NameServers()
		if sameAddresses(old, list) {
			continue
		}
		in.admin.SetNameServers(list)
		for _, addr := range old {
			if !slices.Contains(list, addr) {
				in.client.Drop(addr)
			}
		}
	}
}

// sameAddresses says that two lists hold the same, in any order.
func sameAddresses(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

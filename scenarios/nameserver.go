package scenarios

import (
	"net/url"
	"strconv"
	"strings"
)

// nameServer is where a name server is, or the URL of an HTTP endpoint that tells where they are. The URL may hold a secret: it is shown
// without.
var nameServer = kind[string]{name: "an address like 127.0.0.1:9876, or a URL that tells them", form: nameServerForm,
	parse: parseNameServer, text: WithoutSecrets, json: func(s string) any { return WithoutSecrets(s) }}

const (
	likeEndpoint = "http://HOST:8080/rocketmq/nsaddr"
	maxURL       = 2048 // bytes
)

// IsEndpoint says that a text means an HTTP endpoint that tells where the name servers are, and not one of them.
func IsEndpoint(text string) bool { return strings.Contains(text, "://") }

// CheckEndpoint says what is wrong with an endpoint's URL, in words that follow what names it; nil if nothing is. They hold no secret.
func CheckEndpoint(text string) error {
	u, err := url.Parse(text)
	_, rest, _ := strings.Cut(text, "://")
	switch {
	case strings.Contains(rest, "://"):
		return problem("must be one URL alone")
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || len(text) > maxURL:
		return problemf("must be host:port, or a URL like %s, not %q", likeEndpoint, clip(WithoutSecrets(text)))
	case strings.Contains(u.EscapedPath()+u.RawQuery+u.EscapedFragment(), "@"): // else a password that isn't escaped could be taken for a path
		return problem("must have no @ but before its host; write %40")
	}
	if n, err := strconv.ParseUint(u.Port(), 10, 16); u.Port() != "" && (err != nil || n == 0) {
		return problemf("must have a port from 1 to 65,535, not %q", clip(u.Port()))
	}
	return nil
}

// CheckNameServer says what is wrong with an address, as CheckEndpoint does of a URL.
func CheckNameServer(text string) error {
	_, err := parseNameServer(text)
	return err
}

func parseNameServer(text string) (string, error) {
	if IsEndpoint(text) {
		return text, CheckEndpoint(text)
	}
	if strings.Contains(text, "@") { // somebody's password, perhaps
		return "", problemf("must be host:port, or a URL like %s, not %q", likeEndpoint, clip(WithoutSecrets(text)))
	}
	return parseHostPort(text)
}

// WithoutSecrets is what may be shown of an address or a URL, even of one that is misspelt: no user, no password, no query.
func WithoutSecrets(text string) string {
	before, rest, ok := strings.Cut(text, "://")
	if !ok {
		before, rest = "", text
	}
	before = before[strings.LastIndexByte(before, '@')+1:]
	rest = rest[strings.LastIndexByte(rest, '@')+1:]
	if i := strings.IndexAny(rest, "?#"); i >= 0 {
		rest = rest[:i]
	}
	if ok {
		before += "://"
	}
	return before + rest
}

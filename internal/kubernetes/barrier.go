package kubernetes

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Annotation is the Job's that says when its pods begin, RFC 3339.
const Annotation = "rmqbench/start-at"

// Job is the Job that this pod is of.
type Job struct {
	url    string // of the object
	tokens string // file: tokens are renewed while a pod runs
	client *http.Client

	Poll  time.Duration // between two questions; 0 means 250ms
	Ahead time.Duration // how far in the future the first pod puts the beginning; 0 means 3s

	// Patience is how long a refusal is taken for permissions that were only just given and aren't known everywhere yet; 0 means 20s.
	Patience time.Duration

	Told func(string) // told now and then what is waited for; nil: nobody listens
}

// Where a pod finds its service account.
const accountDir = "/var/run/secrets/kubernetes.io/serviceaccount"

// InCluster finds the Job named name by what a pod has: KUBERNETES_SERVICE_HOST and _PORT, and the files of its service account.
func InCluster(name string) (*Job, error) {
	host, port := os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")
	if host == "" || port == "" {
		return nil, errors.New("this is no pod of Kubernetes: KUBERNETES_SERVICE_HOST isn't set")
	}
	if name == "" {
		return nil, errors.New("which Job is this pod of? Set JOB_NAME from the label batch.kubernetes.io/job-name")
	}
	return newJob("https://"+net.JoinHostPort(host, port), accountDir, name)
}

func newJob(server, account, name string) (*Job, error) {
	namespace, err := os.ReadFile(filepath.Join(account, "namespace"))
	if err != nil {
		return nil, fmt.Errorf("service account: %w; is automountServiceAccountToken off?", err)
	}
	pem, err := os.ReadFile(filepath.Join(account, "ca.crt"))
	if err != nil {
		return nil, fmt.Errorf("service account: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, errors.New("service account: ca.crt holds no certificate")
	}
	return &Job{
		url:    server + "/apis/batch/v1/namespaces/" + url.PathEscape(strings.TrimSpace(string(namespace))) + "/jobs/" + url.PathEscape(name),
		tokens: filepath.Join(account, "token"),
		client: &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}},
	}, nil
}

// jobObject is what is asked of a Job.
type jobObject struct {
	Metadata struct {
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
	Status struct {
		Ready *int `json:"ready"`
	} `json:"status"`
}

// Begin returns when all pods begin. The first one (index 0) waits until as many are ready as there should be, and then says when in
// the Job's annotation; the others wait for that. A server that can't be reached is asked again until ctx ends; one that goes on refusing is an
// error.
func (j *Job) Begin(ctx context.Context, index, pods int) (time.Time, error) {
	every := time.NewTicker(cmp.Or(j.Poll, 250*time.Millisecond))
	defer every.Stop()
	var last error
	began := time.Now()
	for told := began; ; {
		at, err := j.look(ctx, index, pods)
		if refused, ok := errors.AsType[*statusError](err); ok && refused.final(time.Since(began) > cmp.Or(j.Patience, 20*time.Second)) {
			return at, err
		}
		if err == nil && !at.IsZero() {
			return at, nil
		}
		if err != nil && ctx.Err() == nil {
			last = err
		}
		if j.Told != nil && time.Since(told) >= tellEvery {
			told = time.Now()
			j.Told(fmt.Sprintf("waiting for %d pods of the Job to be ready%s", pods, because(last)))
		}
		select {
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("waiting for %d pods of the Job: %w%s", pods, context.Cause(ctx), because(last))
		case <-every.C:
		}
	}
}

// tellEvery is how often who waits is told so.
const tellEvery = 10 * time.Second

// because adds why nothing is known.
func because(err error) string {
	if err == nil {
		return ""
	}
	return " (" + err.Error() + ")"
}

// look is one question, and the answer if the first pod has to give it; zero: not yet.
func (j *Job) look(ctx context.Context, index, pods int) (time.Time, error) {
	var job jobObject
	if err := j.call(ctx, http.MethodGet, nil, &job); err != nil {
		return time.Time{}, err
	}
	if text, said := job.Metadata.Annotations[Annotation]; said {
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return at, &statusError{text: "the Job's annotation " + Annotation + " is no time"}
		}
		return at, nil
	}
	if index != 0 || job.Status.Ready == nil || *job.Status.Ready < pods {
		return time.Time{}, nil
	}
	at := time.Now().Add(cmp.Or(j.Ahead, 3*time.Second)).UTC()
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]string{Annotation: at.Format(time.RFC3339Nano)}}})
	if err != nil {
		return at, err
	}
	return at, j.call(ctx, http.MethodPatch, patch, &job)
}

// statusError is an answer that isn't the one asked for.
type statusError struct {
	status int // 0: the object, not the server
	text   string
}

func (e *statusError) Error() string {
	if e.status == http.StatusForbidden || e.status == http.StatusUnauthorized {
		return fmt.Sprintf("Kubernetes refuses (%d): %s; its service account needs get and patch on this Job", e.status, e.text)
	}
	if e.status == 0 {
		return e.text
	}
	return fmt.Sprintf("Kubernetes answered %d: %s", e.status, e.text)
}

// final reports whether asking again changes nothing; late: permissions that were just given are known by now.
func (e *statusError) final(late bool) bool {
	if !late && (e.status == http.StatusForbidden || e.status == http.StatusUnauthorized || e.status == http.StatusNotFound) {
		return false
	}
	return e.status < http.StatusInternalServerError && e.status != http.StatusTooManyRequests && e.status != http.StatusConflict
}

// maxAnswer bounds an object: etcd's own bound is 1.5 MiB.
const maxAnswer = 2 << 20

func (j *Job) call(ctx context.Context, method string, body []byte, into *jobObject) error {
	token, err := os.ReadFile(j.tokens)
	if err != nil {
		return fmt.Errorf("service account: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, method, j.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	if body != nil {
		req.Header.Set("Content-Type", "application/merge-patch+json")
	}
	res, err := j.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }() // only read
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		var status struct {
			Message string `json:"message"`
		}
		_ = json.Unmarshal(answer, &status) // without a message the status alone has to do
		return &statusError{res.StatusCode, cmp.Or(status.Message, http.StatusText(res.StatusCode))}
	}
	return json.Unmarshal(answer, into)
}

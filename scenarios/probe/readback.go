package probe

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os/exec"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/internal/strictjson"
	"github.com/httpdest/httpdest/scenarios"
)

// ReadBack returns the stored state of a profile, decoded JSON, by its ECID; nil
// for a profile that is not stored. bearer is the current token, for a read-back
// on the host of the endpoint that has no header configured.
type ReadBack func(ctx context.Context, ecid, bearer string) (state any, err error)

// idleReadBack is how long a connection of a read-back stays open without a question: a
// server that ends waits for it.
const idleReadBack = 2 * time.Second

// maxState bounds a state, in bytes.
const maxState = 8 << 20

// NewReadBack makes the read-back of a configuration; nil without one.
// roots and own are those of the endpoint, for a read-back on the same server.
func NewReadBack(b scenarios.ReadBack, roots *x509.CertPool, own *tls.Certificate) ReadBack {
	switch {
	case b.URL != "":
		c := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
		if own != nil {
			c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return own, nil }
		}
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: c, IdleConnTimeout: idleReadBack}, Timeout: 10 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		return func(ctx context.Context, ecid, bearer string) (any, error) {
			return readURL(ctx, client, b, ecid, bearer)
		}
	case len(b.Command) > 0:
		return func(ctx context.Context, ecid, _ string) (any, error) { return readCommand(ctx, b.Command, ecid) }
	}
	return nil
}

func readURL(ctx context.Context, client *http.Client, b scenarios.ReadBack, ecid, bearer string) (any, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(b.URL, "/")+"/"+url.PathEscape(ecid), nil)
	if err != nil {
		return nil, err
	}
	if name, value, ok := strings.Cut(b.Header.Reveal(), ":"); ok {
		r.Header.Set(strings.TrimSpace(name), strings.TrimSpace(value))
	} else if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	response, err := client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("the read-back: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxState+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the read-back: %w", err)
	case response.StatusCode == http.StatusNotFound:
		return nil, nil
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("GET %s/ECID answers %d", strings.TrimRight(b.URL, "/"), response.StatusCode)
	}
	return decodeState(body)
}

func readCommand(ctx context.Context, command []string, ecid string) (any, error) {
	within, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	c := exec.CommandContext(within, command[0], append(slices.Clone(command[1:]), ecid)...)
	c.WaitDelay = time.Second
	out, err := c.Output()
	var exited *exec.ExitError
	if errors.As(err, &exited) && len(exited.Stderr) > 0 {
		said, _, _ := strings.Cut(strings.TrimSpace(string(exited.Stderr)), "\n")
		err = fmt.Errorf("%w, saying %q", err, short(said))
	}
	if err != nil {
		return nil, fmt.Errorf("the read-back command %s: %w", command[0], err)
	}
	return decodeState(out)
}

// decodeState reads a state; blank text and null mean that nothing is stored.
func decodeState(body []byte) (any, error) {
	if len(bytes.Trim(body, " \t\r\n")) == 0 {
		return nil, nil
	}
	if len(body) > maxState {
		return nil, fmt.Errorf("the read-back has more than %d bytes", maxState)
	}
	state, err := strictjson.Decode(body)
	if err != nil {
		return nil, fmt.Errorf("the read-back: %w", err)
	}
	return state, nil
}

// statusOf is the status of an audience in a state; "" when there is no entry.
func statusOf(state any, audience string) string {
	membership, _ := lookup(state, "segmentMembership").(map[string]any)
	for _, namespace := range membership {
		if status, ok := lookup(namespace, audience, "status").(string); ok {
			return status
		}
	}
	return ""
}

func lookup(v any, path ...string) any {
	for _, key := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[key]
	}
	return v
}

// difference is the first place, as a dotted path, at which two states differ;
// "" when they are the same but for what is ignored.
func difference(a, b any, ignore []string, path ...string) string {
	at := strings.Join(path, ".")
	if slices.Contains(ignore, at) && at != "" {
		return ""
	}
	x, both := a.(map[string]any)
	y, ok := b.(map[string]any)
	if both && ok {
		keys := map[string]bool{}
		for k := range x {
			keys[k] = true
		}
		for k := range y {
			keys[k] = true
		}
		sorted := make([]string, 0, len(keys))
		for k := range keys {
			sorted = append(sorted, k)
		}
		sort.Strings(sorted)
		for _, k := range sorted {
			if d := difference(x[k], y[k], ignore, append(slices.Clone(path), k)...); d != "" {
				return d
			}
		}
		return ""
	}
	if same(a, b) {
		return ""
	}
	return fmt.Sprintf("%s: %s became %s", orRoot(at), compact(a), compact(b))
}

// same compares two values of a state; numbers by their exact value, since a
// receiver may spell a number in its own way.
func same(a, b any) bool {
	switch x := a.(type) {
	case json.Number:
		y, ok := b.(json.Number)
		return ok && strictjson.SameNumber(x.String(), y.String())
	case []any:
		y, ok := b.([]any)
		return ok && slices.EqualFunc(x, y, same)
	case map[string]any:
		y, ok := b.(map[string]any)
		return ok && maps.EqualFunc(x, y, same)
	}
	return a == b
}

func orRoot(path string) string {
	if path == "" {
		return "the state"
	}
	return path
}

// compact is a value in a line.
func compact(v any) string {
	if v == nil {
		return "nothing"
	}
	b, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	return cut(string(b), 80)
}

// read returns the state of a profile. It sends the credentials of the destination
// where the read-back is on the same host and has no header configured.
func (t *caseRun) read(ctx context.Context, ecid string) (any, error) {
	if !t.readsWithCredentials() {
		return t.config.ReadBack(ctx, ecid, "")
	}
	access, err := t.access(ctx)
	if err != nil {
		return nil, err
	}
	return t.readWith(ctx, ecid, access)
}

// readsWithCredentials reports whether the credentials of the destination are those of
// the read-back.
func (t *caseRun) readsWithCredentials() bool {
	at, err := url.Parse(t.config.State.URL)
	return err == nil && t.config.State.Header == "" && at.Host == t.config.Destination.URL().Host
}

// readWith is read with a token that is at hand.
func (t *caseRun) readWith(ctx context.Context, ecid string, access dataflow.Secret) (any, error) {
	bearer := ""
	if t.readsWithCredentials() {
		if bearer = t.config.Destination.Auth.Token.Reveal(); t.fetches() {
			bearer = access.Reveal()
		}
	}
	return t.config.ReadBack(ctx, ecid, bearer)
}

// errNotThere is a state that did not come in time.
var errNotThere = errors.New("not there in time")

// until reads the state until it is what is wanted, or the time for it is over.
func (t *caseRun) until(ctx context.Context, ecid string, fits func(any) bool) (any, error) {
	began := time.Now()
	end := began.Add(t.patient())
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, 500*time.Millisecond) {
		state, err := t.read(ctx, ecid)
		switch {
		case err != nil:
			return nil, err
		case fits(state):
			t.stores.add(time.Since(began))
			return state, nil
		case time.Now().After(end):
			return state, errNotThere
		}
		if err := wait(ctx, pause); err != nil {
			return state, err
		}
	}
}

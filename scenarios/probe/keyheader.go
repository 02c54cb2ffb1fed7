package probe

import (
	"context"
	"regexp"
	"strings"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/delivery"
)

// keyNames are names of custom headers that carry a credential.
var keyNames = regexp.MustCompile(`(?i)^authorization$|api-?key|subscription-key|functions-key|access-?key|auth-?token|secret|signature`)

// keyHeader is the custom header that carries the credential of a destination
// without authentication of its own; "" where none looks like one.
func (p *Prober) keyHeader() string {
	if p.config.Destination.Auth.Kind != dataflow.AuthNone {
		return ""
	}
	headers, _ := dataflow.ParseHeaders(p.config.Destination.Headers)
	for _, h := range headers {
		if keyNames.MatchString(h.Name) {
			return h.Name
		}
	}
	return ""
}

// noKey is why cases about a key in a custom header are not tried.
func noKey(p *Prober) string {
	if p.keyHeader() == "" {
		return "no custom header carries a key"
	}
	return ""
}

// keyless sends a message without the key, and keyed one with a wrong key.
func keyless(ctx context.Context, t *caseRun) {
	name := t.keyHeader()
	t.refusedFor(ctx, "without "+name, t.altered(func(x *delivery.Exchange) {
		kept := x.Headers[:0:0]
		for _, h := range x.Headers {
			if !strings.EqualFold(h.Name, name) {
				kept = append(kept, h)
			}
		}
		x.Headers = kept
	}), "")
}

func keyed(ctx context.Context, t *caseRun) {
	name := t.keyHeader()
	t.refusedFor(ctx, "with a wrong "+name, t.altered(setHeader(name, wrongCredential.Reveal())), "")
}

// altered is a sender whose requests are changed.
func (t *caseRun) altered(change func(*delivery.Exchange)) *configuredSender {
	l := t.senderFor(t.config.Destination, t.certificate())
	before := l.alter
	l.alter = func(x *delivery.Exchange) {
		if before != nil {
			before(x)
		}
		change(x)
	}
	return l
}

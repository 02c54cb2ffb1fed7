package mockendpoint

import (
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/httpdest/httpdest/internal/secret"
	"github.com/httpdest/httpdest/mockendpoint/journal"
)

// learned are the credentials of the requests on a connection. A proxy is told
// none, so that it takes them from the requests themselves: the journal must not
// show one that stands in a second place.
type learned struct {
	from     string // the Authorization header, to learn it once
	redactor *secret.Redactor
}

// learn takes in the credentials of a request.
func (c *connection) learn(h http.Header) {
	from := strings.Join(h.Values("Authorization"), "\n")
	if from == "" || from == c.learned.from {
		return
	}
	c.learned = learned{from: from, redactor: secret.NewRedactor()}
	for _, value := range h.Values("Authorization") {
		scheme, credentials, spaced := strings.Cut(value, " ")
		if !spaced {
			scheme, credentials = "", value
		}
		credentials = strings.TrimSpace(credentials)
		c.learned.redactor.Add(credentials)
		if plain, err := base64.StdEncoding.DecodeString(credentials); err == nil && strings.EqualFold(scheme, "Basic") {
			_, password, _ := strings.Cut(string(plain), ":")
			c.learned.redactor.Add(password)
		}
	}
}

// hide takes the credentials out of an entry. The bytes of the request are not
// changed.
func (l learned) hide(entry *journal.Request) {
	if l.redactor == nil {
		return
	}
	if head := string(entry.Head); l.redactor.Has(head) {
		entry.Head = []byte(l.redactor.Text(head))
		entry.Headers = journal.HeadersOf(entry.Head)
	}
	entry.Target = l.redactor.Text(entry.Target)
	entry.Refused = l.redactor.Text(entry.Refused)
	if body := string(entry.Body); l.redactor.Has(body) {
		entry.Body = []byte(l.redactor.JSON(body))
	}
}

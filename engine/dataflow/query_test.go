package dataflow

import (
	"net/url"
	"strings"
	"testing"

	"github.com/httpdest/httpdest/engine/audience"
)

// Whatever Validate lets through is appended as it stands, and is a URL.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"", "?a=1", "a=%2F&a=%2F", "a=1#b", "a b", "a=1&&b", "%zz", "é=1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		flow := valid()
		flow.Destination.QueryParameters = query
		if flow.Validate(audience.NewDirectory(audience.Audience{Ref: a1})) != nil {
			return
		}
		u := flow.Destination.URL()
		if _, err := url.Parse(u.String()); err != nil {
			t.Errorf("query %q makes %q, which is no URL: %v", query, u, err)
		}
		if want := strings.TrimPrefix(strings.TrimSpace(query), "?"); u.RawQuery != want {
			t.Errorf("query %q became %q", query, u.RawQuery)
		}
	})
}

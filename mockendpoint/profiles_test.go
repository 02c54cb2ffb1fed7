package mockendpoint

import (
	"slices"
	"testing"
)

func named(namespace, id string) (string, bool) { return "the " + id, namespace == "ecid" }

func TestProfilesOfABody(t *testing.T) {
	e := &Endpoint{options: Options{ProfileOf: named}}
	tests := []struct {
		body string
		want []string
	}{
		{`{"identityMap":{"ecid":[{"id":"b"},{"id":"a"}],"crm":[{"id":"c"}]}}`, []string{"the a", "the b"}},
		{`[{"identityMap":{"ecid":[{"id":"a"}]}},{"identityMap":{"ecid":[{"id":"b"}]}}]`, []string{"the a", "the b"}},
		{`[{"identityMap":{"ecid":[{"id":"b"}]}},{"identityMap":{"ecid":[{"id":"c"},{"id":"a"},{"id":"b"}]}}]`, []string{"the b", "the a", "the c"}},
		{`{"profiles":[{"identityMap":{"ecid":[{"id":"a"}]}}]}`, []string{"the a"}},
		{`{"identityMap":"none"}`, nil},
		{`{"identity\u004dap":{"\u0065cid":[{"\u0069d":"\u0061"}]}}`, []string{"the a"}}, // the same keys and values, escaped
		{`{"IdentityMap":{"ecid":[{"id":"a"}]}}`, nil},                                   // another key
		{`{"identityMap":{"ecid":[{"id":7},{},"a",{"id":"b"}]}}`, []string{"the b"}},
		{`not JSON`, nil},
		{``, nil},
	}
	for _, tt := range tests {
		if got := ProfilesIn([]byte(tt.body), e.options.ProfileOf); !slices.Equal(got, tt.want) {
			t.Errorf("profiles(%s) = %v; want %v", tt.body, got, tt.want)
		}
	}
}

// A client may send any body, and the endpoint must survive it.
func FuzzProfiles(f *testing.F) {
	f.Add([]byte(`{"identityMap":{"ecid":[{"id":"b"}]}}`))
	f.Add([]byte(`[{"profiles":[{"profiles":[]}]}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		e := &Endpoint{options: Options{ProfileOf: named}}
		got, seen := ProfilesIn(body, e.options.ProfileOf), map[string]bool{}
		for _, name := range got {
			seen[name] = true
		}
		if len(seen) != len(got) {
			t.Errorf("profiles(%q) = %v; want each once", body, got)
		}
	})
}

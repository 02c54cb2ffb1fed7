package mockendpoint

import (
	"slices"
	"testing"

	"github.com/httpdest/httpdest/internal/strictjson/strictjsontest"
)

// The endpoint knows the profile of a body exactly when strictjson accepts it.
func TestProfilesOfStrictBodies(t *testing.T) {
	of := func(_, id string) (string, bool) { return "doc", id == "1" }
	for _, i := range strictjsontest.All() {
		body := `{"identityMap":{"ecid":[{"id":"1"}]},"v":` + i.Text + `}`
		if got, want := ProfilesIn([]byte(body), of), i.Accepted(1); slices.Equal(got, []string{"doc"}) != want {
			t.Errorf("%s: ProfilesIn(%.80q) = %v; want the profile: %t", i.Name, body, got, want)
		}
	}
}

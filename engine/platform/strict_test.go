package platform

import (
	"errors"
	"testing"

	"github.com/httpdest/httpdest/internal/strictjson"
	"github.com/httpdest/httpdest/internal/strictjson/strictjsontest"
)

// A list of addresses is refused as not being acceptable JSON exactly where
// strictjson refuses it.
func TestEgressStrictness(t *testing.T) {
	for _, i := range strictjsontest.All() {
		for _, text := range []string{i.Text, `{"date":"2026-10-01","v":` + i.Text + `}`} {
			var strict *strictjson.Error
			if _, err := ParseEgress([]byte(text)); errors.As(err, &strict) == strictjson.Valid([]byte(text)) {
				t.Errorf("%s: ParseEgress(%.80q): %v", i.Name, text, err)
			}
		}
	}
}

package faultspec

import (
	"errors"
	"testing"

	"github.com/httpdest/httpdest/internal/strictjson"
	"github.com/httpdest/httpdest/internal/strictjson/strictjsontest"
)

// A posted fault is refused as not being acceptable JSON exactly where strictjson
// refuses it.
func TestSpecStrictness(t *testing.T) {
	for _, i := range strictjsontest.All() {
		for _, text := range []string{i.Text, `{"status":503,"v":` + i.Text + `}`} {
			var strict *strictjson.Error
			if _, err := ParseSpec([]byte(text)); errors.As(err, &strict) == strictjson.Valid([]byte(text)) {
				t.Errorf("%s: ParseSpec(%.80q): %v", i.Name, text, err)
			}
		}
	}
}

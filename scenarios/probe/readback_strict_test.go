package probe

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/httpdest/httpdest/internal/strictjson"
	"github.com/httpdest/httpdest/internal/strictjson/strictjsontest"
)

// A state is read exactly when strictjson accepts it; nothing but white space is
// the state of a profile that is not there.
func TestStateStrictness(t *testing.T) {
	for _, i := range strictjsontest.All() {
		for _, body := range []string{i.Text, `{"v":` + i.Text + `}`} {
			var strict *strictjson.Error
			_, err := decodeState([]byte(body))
			refused := errors.As(err, &strict)
			if blank := i.Reason == strictjson.Empty && body == i.Text; refused == (blank || strictjson.Valid([]byte(body))) {
				t.Errorf("%s: decodeState(%.80q): %v", i.Name, body, err)
			}
		}
	}
}

// Numbers of the same value do not differ, and a rounded one does.
func TestStateNumbers(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{{"1.10", "1.1", true}, {"100", "1e2", true}, {"9007199254740993", "9007199254740992", false}, {"1e400", "1e400", true}, {"1e400", "1e401", false}, {"1e-400", "0", false}} {
		for _, wrap := range []func(string) any{func(s string) any { return json.Number(s) }, func(s string) any { return map[string]any{"a": []any{map[string]any{"b": json.Number(s)}}} }} {
			if d := difference(wrap(c.a), wrap(c.b), nil); (d == "") != c.same {
				t.Errorf("%s and %s: %q", c.a, c.b, d)
			}
		}
	}
	if same(json.Number("1"), "1") || same("1", json.Number("1")) {
		t.Error("a number is the same as a text")
	}
}

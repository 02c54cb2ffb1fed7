package limits

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestLimits(t *testing.T) {
	nested := func(levels int) any {
		var v any = "leaf"
		for i := range levels {
			if i%2 == 0 {
				v = []any{v}
			} else {
				v = map[string]any{"a": v}
			}
		}
		return v
	}
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"a path of 64 levels":     {Path(strings.Repeat("a.", 63) + "a"), ""},
		"a path of 65 levels":     {Path(strings.Repeat("a.", 64) + "a"), "path-levels"},
		"a path of 4,096 bytes":   {Path(strings.Repeat("a", 4096)), ""},
		"a path of 4,097 bytes":   {Path(strings.Repeat("a", 4097)), "path-bytes"},
		"a plain value":           {Value("x"), ""},
		"a value of 64 levels":    {Value(nested(64)), ""},
		"a value of 65 levels":    {Value(nested(65)), "value-levels"},
		"a value of 9,999 levels": {Value(nested(9999)), "value-levels"},
		"an id of 1,024 bytes":    {ID(strings.Repeat("x", 1024)), ""},
		"an id of 1,025 bytes":    {ID(strings.Repeat("x", 1025)), "id-bytes"},
		"a count at the limit":    {UpdateChanges.Check(100_000), ""},
		"a count above the limit": {UpdateChanges.Check(100_001), "update-changes"},
	} {
		var exceeded *Exceeded
		switch errors.As(c.err, &exceeded); {
		case c.want == "" && c.err != nil:
			t.Errorf("%s: %v; want no error", name, c.err)
		case c.want != "" && (exceeded == nil || exceeded.Name != c.want || !strings.Contains(c.err.Error(), c.want)):
			t.Errorf("%s: %v; want the limit %s", name, c.err, c.want)
		}
	}
}

// The mock endpoint accepts the largest message that the engine sends: ten of
// the largest profiles in one message, with their envelope.
func TestTenProfilesFitABody(t *testing.T) {
	const envelope = 1 << 10
	if 10*ProfileBytes.Most+envelope > BodyBytes.Most {
		t.Errorf("ten profiles of %d bytes exceed a body of %d", ProfileBytes.Most, BodyBytes.Most)
	}
}

func TestSizeIsAboutThatOfJSON(t *testing.T) {
	value := map[string]any{"name": "Emmett Brown", "tags": []any{"a", "bcd", true}, "inner": map[string]any{"points": int64(12345678), "ratio": 0.123456}}
	written, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	if got := Size(value); got < len(written) || got > len(written)+10 {
		t.Errorf("Size = %d; the JSON has %d bytes", got, len(written))
	}
}

func TestEveryLimitIsComplete(t *testing.T) {
	names := map[string]bool{}
	for _, l := range Table() {
		if l.Name == "" || l.Most <= 0 || l.Unit == "" || l.Bounds == "" || l.Hint == "" || l.Status < 400 || names[l.Name] {
			t.Errorf("the limit %+v is incomplete, or there twice", l)
		}
		names[l.Name] = true
		if !strings.Contains(Markdown(), "| `"+l.Name+"` | "+Grouped(l.Most)+" ") {
			t.Errorf("the table does not list %s", l.Name)
		}
	}
}

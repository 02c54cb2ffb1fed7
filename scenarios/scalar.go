package scenarios

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/httpdest/httpdest/internal/strictjson"
)

// text reads a text. Numbers and booleans must be quoted where text is meant:
// unquoted, 007 and 1e3 would lose their spelling.
func (d *decoder) text(n *yaml.Node, what string) string {
	switch {
	case n == nil:
		return ""
	case isText(n):
		return n.Value
	case n.Kind == yaml.ScalarNode && n.Value != "" && !isNull(n):
		d.wrongType(n, what, "text", fmt.Sprintf("quote it: %q", short(n.Value)))
	default:
		d.wrongType(n, what, "text", "give one word or a quoted sentence")
	}
	return ""
}

// line is a text without control characters; blank is a problem too. The line
// break at the end of a folded text is not meant.
func (d *decoder) line(n *yaml.Node, what string) string {
	s := strings.TrimSuffix(d.text(n, what), "\n")
	switch {
	case n == nil || !isText(n):
		return ""
	case strings.TrimSpace(s) == "":
		d.problem(n, "give it a value, or leave the key out", "%s is blank", what)
		return ""
	case strings.ContainsFunc(s, isControl):
		d.problem(n, "remove it", "%s has a control character or a line break", what)
		return ""
	}
	return s
}

func (o *object) line(name string) string {
	if o == nil {
		return ""
	}
	return o.d.line(o.take(name), name)
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// secret is text that no message may repeat.
func (o *object) secret(name string) (Secret, bool) {
	n := o.take(name)
	switch {
	case n == nil:
		return "", false
	case !isText(n):
		o.d.problem(n, "quote it", "%s must be text", name)
		return "", false
	case strings.ContainsFunc(n.Value, isControl):
		o.d.problem(n, "remove it", "%s has a control character or a line break", name)
		return "", false
	}
	return Secret(n.Value), true
}

// word reads one of a few words.
func (d *decoder) word(n *yaml.Node, what string, known ...string) string {
	if n == nil {
		return ""
	}
	if n.Kind == yaml.ScalarNode {
		for _, k := range known {
			if n.Value == k {
				return k
			}
		}
	}
	hint := "write " + oneOf(known)
	if n.Kind == yaml.ScalarNode && nearest(n.Value, known) != "" {
		hint = didYouMean(n.Value, known)
	}
	d.wrongType(n, what, oneOf(known), hint)
	return ""
}

// word is the given word, or the first one, which is the default.
func (o *object) word(name string, known ...string) string {
	if o == nil {
		return known[0]
	}
	if w := o.d.word(o.take(name), name, known...); w != "" {
		return w
	}
	return known[0]
}

// flag reads true or false.
func (o *object) flag(name string, otherwise bool) bool {
	n := o.take(name)
	switch {
	case n == nil:
		return otherwise
	case n.Kind == yaml.ScalarNode && n.ShortTag() == "!!bool":
		return strings.EqualFold(n.Value, "true")
	}
	o.d.wrongType(n, name, "true or false", "write true or false, without quotes")
	return otherwise
}

// yes reads a key whose only value is true: its presence is the message.
func (o *object) yes(name string) bool {
	n := o.take(name)
	if n == nil {
		return false
	}
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!bool" || !strings.EqualFold(n.Value, "true") {
		o.d.wrongType(n, name, "true", "write true, or leave the key out")
		return false
	}
	return true
}

// integer reads a whole number from least to most.
func (d *decoder) integer(n *yaml.Node, what string, least, most int64) (int64, bool) {
	if n == nil {
		return 0, false
	}
	v, err := strconv.ParseInt(n.Value, 10, 64)
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" || err != nil || v < least || v > most {
		d.wrongType(n, what, fmt.Sprintf("a whole number from %d to %d", least, most), "write it in digits, without quotes")
		return 0, false
	}
	return v, true
}

func (o *object) integer(name string, least, most, otherwise int64) int64 {
	if o == nil {
		return otherwise
	}
	if v, ok := o.d.integer(o.take(name), name, least, most); ok {
		return v
	}
	return otherwise
}

// duration reads 90s, 2h, 1d12h or 0.
func (d *decoder) duration(n *yaml.Node, what string) (time.Duration, bool) {
	switch {
	case n == nil:
		return 0, false
	case n.Kind != yaml.ScalarNode || isNull(n) || n.ShortTag() == "!!bool":
		d.wrongType(n, what, "a duration", durationHint)
		return 0, false
	}
	v, err := ParseDuration(n.Value)
	if err != nil {
		d.problem(n, durationHint, "%s: %s", what, err)
		return 0, false
	}
	return v, true
}

func (o *object) duration(name string) (time.Duration, bool) {
	if o == nil {
		return 0, false
	}
	return o.d.duration(o.take(name), name)
}

// instant reads a time of day with its date. Years far from now have no
// certificates and do not fit the formats of an export.
func (o *object) instant(name string) (time.Time, bool) {
	const hint = "write it as 2026-01-15T09:00:00Z"
	n := o.take(name)
	if n == nil {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339, n.Value)
	switch {
	case n.Kind != yaml.ScalarNode || err != nil:
		o.d.wrongType(n, name, "a time with date and zone", hint)
	case t.UTC().Year() < 1971 || t.UTC().Year() > 2199:
		o.d.problem(n, hint, "%s must lie between 1971 and 2199", name)
	default:
		return t.UTC(), true
	}
	return time.Time{}, false
}

// The numbers of JSON; YAML's 0x1f, 1_000, .5 and .nan are not.
var (
	plainInteger = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)
	plainNumber  = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)
)

// number reads a number, which keeps its spelling.
func (d *decoder) number(n *yaml.Node, what string) any {
	if !strictjson.IsNumber(n.Value) {
		d.problem(n, fmt.Sprintf("quote it, or write plain digits: %q", short(n.Value)), "%s: JSON has no number %s", what, short(n.Value))
		return nil
	}
	return json.Number(n.Value)
}

// quoted are the styles of YAML that say what a scalar is.
const quoted = yaml.TaggedStyle | yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle

// isNumber is true for a number of JSON without quotes. YAML calls some of them
// text, those that are too large for its own numbers: 1e400.
func isNumber(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Style&quoted == 0 && strictjson.IsNumber(n.Value)
}

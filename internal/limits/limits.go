// Package limits is the one table of how large and how deep what people send may
// be. Intake, scenarios, uploads and the mock endpoint enforce it through
// Limit.Check, and `httpdest help limits` prints it. PURE.
//
// The numbers are httpdest's own, unless Source names a rule of the destination:
// they keep one update from stopping, stalling or bloating the engine, and leave
// room for everything the destination itself accepts.
package limits

import (
	"fmt"
	"strconv"
	"strings"
)

// Limit is one bound.
type Limit struct {
	Name   string // by which errors and the documentation name it
	Most   int
	Unit   string // plural
	Bounds string // what is counted
	Status int    // of the HTTP response to what exceeds it
	Hint   string // what to do
}

// The statuses of refusals: what is malformed, and what is too large.
const (
	malformed = 400
	tooLarge  = 413
)

// The limits. Ten profiles of ProfileBytes, the most that one message carries,
// are below BodyBytes.
var (
	UpdateBytes = Limit{"update-bytes", 1 << 20, "bytes", "one update: a line of POST /updates, a step of a history", tooLarge,
		"split it into several updates"}
	UpdateChanges = Limit{"update-changes", 100_000, "changes", "changes in one update: audiences, paths and identities", tooLarge,
		"split it into several updates"}
	ProfileBytes = Limit{"profile-bytes", 3 << 19, "bytes", "one profile as JSON, after the update", tooLarge,
		"remove attributes or identities that no receiver needs"}
	ProfileIdentities = Limit{"profile-identities", 100_000, "identities", "identities of one profile, after the update", tooLarge,
		"remove identities that no receiver needs"}
	PathLevels = Limit{"path-levels", 64, "levels", "names in one dotted path, as in person.name.firstName", malformed,
		"shorten the path, or set a value that is nested"}
	PathBytes = Limit{"path-bytes", 4 << 10, "bytes", "one dotted path", malformed,
		"shorten the names"}
	ValueLevels = Limit{"value-levels", 64, "levels", "objects and lists within each other in one value", malformed,
		"flatten the value"}
	IDBytes = Limit{"id-bytes", 1 << 10, "bytes", "one profile id, identity or namespace", malformed,
		"shorten it, or send a digest of it"}
	BodyBytes = Limit{"body-bytes", 16 << 20, "bytes", "the body of one request to the mock endpoint", tooLarge,
		"send fewer profiles in a request"}
)

// Table returns every limit in the order of the documentation.
func Table() []Limit {
	return []Limit{UpdateBytes, UpdateChanges, ProfileBytes, ProfileIdentities, PathLevels, PathBytes, ValueLevels, IDBytes, BodyBytes}
}

// Exceeded is the error of what is beyond a limit.
type Exceeded struct {
	Limit
	Got int // Most+1 stands for more than Most where counting stopped there
}

// Error names the limit. It repeats nothing of what was sent.
func (e *Exceeded) Error() string {
	if e.Got == e.Most+1 {
		return fmt.Sprintf("limit %s exceeded: more than %s %s", e.Name, Grouped(e.Most), e.Unit)
	}
	return fmt.Sprintf("limit %s exceeded: %s %s, at most %s", e.Name, Grouped(e.Got), e.Unit, Grouped(e.Most))
}

// Check returns an *Exceeded for more than Most.
func (l Limit) Check(got int) error {
	if got <= l.Most {
		return nil
	}
	return &Exceeded{l, got}
}

// Path checks a dotted path.
func Path(path string) error {
	if err := PathBytes.Check(len(path)); err != nil {
		return err
	}
	return PathLevels.Check(1 + strings.Count(path, "."))
}

// ID checks a profile id, an identity or a namespace.
func ID(id string) error { return IDBytes.Check(len(id)) }

// Value checks how deep a value of maps and lists is nested.
func Value(value any) error { return ValueLevels.Check(levels(value, ValueLevels.Most)) }

// levels counts the maps and lists within each other, and stops beyond most.
func levels(value any, most int) int {
	deepest := 0
	switch v := value.(type) {
	case map[string]any:
		for _, child := range v {
			deepest = max(deepest, below(child, most))
		}
	case []any:
		for _, child := range v {
			deepest = max(deepest, below(child, most))
		}
	default:
		return 0
	}
	return deepest + 1
}

// below is levels of a child; at the limit it looks no further.
func below(child any, most int) int {
	if most == 0 {
		return 0
	}
	return levels(child, most-1)
}

// Bytes that JSON adds to a text or a member: quotes, and a colon or a comma.
const (
	quotes      = 2
	punctuation = 1
)

// Size returns about how many bytes a value takes as JSON. Texts count as they
// are, without escapes.
func Size(value any) int {
	switch v := value.(type) {
	case string:
		return len(v) + quotes
	case map[string]any:
		n := quotes
		for key, child := range v {
			n += len(key) + quotes + 2*punctuation + Size(child)
		}
		return n
	case []any:
		n := quotes
		for _, child := range v {
			n += punctuation + Size(child)
		}
		return n
	case int64, float64:
		return number
	}
	return word
}

// About what numbers and the words true and false take.
const (
	number = 8
	word   = 5
)

// identityFrame is {"id":""} and its comma, in which an identity travels.
const identityFrame = 10

// IdentitySize returns how many bytes an identity takes as JSON.
func IdentitySize(id string) int { return len(id) + identityFrame }

// Grouped writes a number with commas: 1,048,576.
func Grouped(n int) string {
	digits := strconv.Itoa(n)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

// Markdown returns the table as the guide shows it.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| limit | at most | of what | status |\n| --- | ---: | --- | --- |\n")
	for _, l := range Table() {
		fmt.Fprintf(&b, "| `%s` | %s %s | %s | %d |\n", l.Name, Grouped(l.Most), l.Unit, l.Bounds, l.Status)
	}
	return b.String()
}

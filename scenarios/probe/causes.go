package probe

import (
	_ "embed"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"go.yaml.in/yaml/v4"

	"github.com/httpdest/httpdest/reports"
)

var (
	//go:embed causes.yaml
	causesFile []byte
	//go:embed gateways.yaml
	gatewaysFile []byte
)

// cause is an entry of causes.yaml: what may be behind a failure of a rule, or
// behind an outcome, on a kind of server. One with headers or words is certain
// where they fit: the response names it.
type cause struct {
	Rules    []string          `yaml:"rules"`    // any of them; none: any rule
	Outcomes []string          `yaml:"outcomes"` // statuses, "4xx", kinds such as timeout; none: any outcome
	Server   string            `yaml:"server"`
	Headers  map[string]string `yaml:"headers"` // of the response: regular expressions, all of which match; "" for any value
	Words    string            `yaml:"words"`   // of its body: a regular expression
	Class    class             `yaml:"class"`   // of a refusal that is recognised, and what a guess is limited to; "": as the control messages say
	Every    bool              `yaml:"every"`   // every message is refused so, whatever is in it
	Cause    string            `yaml:"cause"`
	Fix      string            `yaml:"fix"`
	Source   string            `yaml:"source"`   // public documentation of a response that is recognised
	Receiver string            `yaml:"receiver"` // example that gives a response that is recognised

	headers map[string]*regexp.Regexp
	words   *regexp.Regexp
}

var knownCauses = sync.OnceValue(func() []cause {
	var out []cause
	for _, file := range [][]byte{gatewaysFile, causesFile} {
		var all []cause
		if err := yaml.Load(file, &all, yaml.WithKnownFields()); err != nil {
			panic("probe: likely causes: " + err.Error()) // embedded, and read by every test
		}
		out = append(out, all...)
	}
	for i := range out {
		c := &out[i]
		c.headers = map[string]*regexp.Regexp{}
		for name, pattern := range c.Headers {
			c.headers[name] = regexp.MustCompile("(?i)" + pattern)
		}
		if c.Words != "" {
			c.words = regexp.MustCompile("(?is)" + c.Words)
		}
	}
	return out
})

// most is how many causes are given: a list that nobody reads to its end helps
// nobody.
const most = 5

// causes are what may be behind a failure: those that the response names, those
// for the server that answered, and then the more particular ones.
func causes(rule string, of class, a *answer) []reports.Cause {
	found := slices.DeleteFunc(likely(rule, a), func(c cause) bool { return !c.certain() && !c.of(of) })
	var out []reports.Cause
	for _, c := range found[:min(most, len(found))] {
		out = append(out, reports.Cause{Server: c.Server, Cause: c.Cause, Fix: c.Fix, Recognised: c.certain()})
	}
	return out
}

// of reports whether an entry that no response names may be behind a failure of a
// class.
func (c cause) of(found class) bool {
	if c.Class != "" {
		return c.Class == found
	}
	return found != starting && (found != throttled || slices.Contains(c.Outcomes, "429") || slices.Contains(c.Outcomes, "503"))
}

// particular is the fix of what is behind an outcome of one rule, where no server is
// guessed at; "" for that of the rule.
func particular(rule string, of class, a *answer) string {
	for _, c := range likely(rule, a) {
		if !c.certain() && c.of(of) && len(c.Rules) == 1 && len(c.Outcomes) > 0 && c.Server == "any" {
			return c.Fix
		}
	}
	return ""
}

// likely are the entries that fit, the likeliest first.
func likely(rule string, a *answer) []cause {
	var found []cause
	for _, c := range knownCauses() {
		if c.fits(rule, a) && !a.contradicts(c) {
			found = append(found, c)
		}
	}
	rank := func(c cause) int {
		n := 0
		if !c.certain() {
			n += 8
		}
		switch {
		case c.certain() || c.served(a):
		case c.Server == "any":
			n += 4
		default:
			n += 6 // of a server that the response does not name
		}
		if len(c.Outcomes) == 0 {
			n += 2
		}
		if len(c.Rules) == 0 {
			n++
		}
		return n
	}
	slices.SortStableFunc(found, func(x, y cause) int { return rank(x) - rank(y) })
	return found
}

// certain reports whether a response that fits names the cause itself.
func (c cause) certain() bool { return len(c.headers) > 0 || c.words != nil }

// recognise is what the response to a refused message names, if anything.
func (a answer) recognise(rule string) (cause, bool) {
	if a.ok() {
		return cause{}, false
	}
	found := likely(rule, &a)
	if len(found) == 0 || !found[0].certain() {
		return cause{}, false
	}
	return found[0], true
}

// contradicts reports whether the plain message, accepted next to a refused one,
// speaks against a cause.
func (a *answer) contradicts(c cause) bool { return a != nil && a.alone && c.Every }

// overruled are the classes in whose place a recognised cause puts its own:
// control messages cannot tell a receiver from what stands in front of it.
var overruled = []string{"", string(form), string(credentials), string(down), string(gateway)}

// settled are the classes whose fix no response changes.
var settled = []string{string(starting), string(late), string(lost), string(misleading), string(unreadable)}

// recognised takes the class and the fix of a failure from what the response
// names.
func recognised(k *reports.Check, shown *answer) {
	if shown == nil {
		return
	}
	c, ok := shown.recognise(k.Rule)
	if !ok || slices.Contains(settled, k.Class) {
		return
	}
	// A receiver is not down that accepts the plain message: it breaks at this one.
	if c.Class != "" && slices.Contains(overruled, k.Class) && !(c.Class == down && k.Class == string(form)) {
		k.Class = string(c.Class)
	}
	k.Fix = c.Fix
}

func (c cause) fits(rule string, a *answer) bool {
	if len(c.Rules) > 0 && !slices.Contains(c.Rules, rule) {
		return false
	}
	if !c.named(a) {
		return false
	}
	if len(c.Outcomes) == 0 {
		return true
	}
	if a == nil {
		return false
	}
	outcomes := []string{a.Outcome.String()}
	if n, err := strconv.Atoi(outcomes[0]); err == nil {
		outcomes = append(outcomes, strconv.Itoa(n/100)+"xx")
	}
	if a.late() {
		outcomes = append(outcomes, "late")
	}
	return slices.ContainsFunc(outcomes, func(o string) bool { return slices.Contains(c.Outcomes, o) })
}

// named reports whether the response has the headers and the words of the entry.
func (c cause) named(a *answer) bool {
	if !c.certain() {
		return true
	}
	if a == nil || a.Header == nil {
		return false
	}
	for name, pattern := range c.headers {
		values := a.Header.Values(name)
		if !slices.ContainsFunc(values, pattern.MatchString) {
			return false
		}
	}
	return c.words == nil || c.words.Match(a.Body)
}

// served reports whether the answer names the kind of server in its headers.
func (c cause) served(a *answer) bool {
	if a == nil || c.Server == "any" {
		return false
	}
	said := strings.ToLower(a.Header.Get("Server") + " " + a.Header.Get("X-Powered-By") + " " + a.Header.Get("Via"))
	word := strings.ToLower(c.Server)
	if word == "api gateway" {
		return a.Header.Get("X-Amzn-Requestid") != "" || a.Header.Get("Apigw-Requestid") != "" || strings.Contains(said, "gateway") || strings.Contains(said, "kong")
	}
	return strings.Contains(said, word)
}

package probe

import (
	_ "embed"
	"slices"
	"strconv"
	"strings"
	"sync"

	"go.yaml.in/yaml/v4"

	"github.com/httpdest/httpdest/reports"
)

//go:embed causes.yaml
var causesFile []byte

// cause is an entry of causes.yaml: what may be behind a failure of a rule, or
// behind an outcome, on a kind of server.
type cause struct {
	Rules    []string `yaml:"rules"`    // any of them; none: any rule
	Outcomes []string `yaml:"outcomes"` // statuses, "4xx", kinds such as timeout; none: any outcome
	Server   string   `yaml:"server"`
	Cause    string   `yaml:"cause"`
	Fix      string   `yaml:"fix"`
}

var knownCauses = sync.OnceValue(func() []cause {
	var out []cause
	d, err := yaml.NewLoader(strings.NewReader(string(causesFile)), yaml.WithKnownFields())
	if err == nil {
		err = d.Load(&out)
	}
	if err != nil {
		panic("probe: causes.yaml: " + err.Error()) // shipped with us and tested
	}
	return out
})

// most is how many causes are given: a list that nobody reads to its end helps
// nobody.
const most = 5

// causes are what may be behind a failure: those for the server that answered
// first, then the more particular ones.
func causes(rule string, a *answer) []reports.Cause {
	var found []cause
	for _, c := range knownCauses() {
		if c.fits(rule, a) {
			found = append(found, c)
		}
	}
	rank := func(c cause) int {
		n := 0
		if !c.served(a) {
			n += 4
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
	var out []reports.Cause
	for _, c := range found[:min(most, len(found))] {
		out = append(out, reports.Cause{Server: c.Server, Cause: c.Cause, Fix: c.Fix})
	}
	return out
}

func (c cause) fits(rule string, a *answer) bool {
	if len(c.Rules) > 0 && !slices.Contains(c.Rules, rule) {
		return false
	}
	if len(c.Outcomes) == 0 {
		return true
	}
	if a == nil {
		return false
	}
	outcome := a.Outcome.String()
	if a.late() {
		outcome = "late"
	}
	class := ""
	if n, err := strconv.Atoi(outcome); err == nil {
		class = strconv.Itoa(n/100) + "xx"
	}
	return slices.Contains(c.Outcomes, outcome) || class != "" && slices.Contains(c.Outcomes, class)
}

// served says whether the answer names the kind of server in its headers.
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

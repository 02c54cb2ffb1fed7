package scenarios_test

import (
	"errors"
	"fmt"

	"github.com/httpdest/httpdest/scenarios"
)

// A file is read whole, and everything that is wrong with it is reported at once,
// each with its place and a hint.
func ExampleParse() {
	_, err := scenarios.Parse("enter.yaml", []byte(`title: A profile enters
rules: [trig-entr]
audiences: {delorean: {}}
dataflow: {audiences: [delorean]}
profiles: {doc: {}}
history: [{at: 1 hour, profile: doc, qualify: delorean}]
expect: [{profile: doc, because: audience}]
`))
	var problems scenarios.Problems
	if errors.As(err, &problems) {
		for _, p := range problems {
			fmt.Println(p.Pos, p.Message)
		}
	}
	// Output:
	// enter.yaml:2:9 rules: no rule "trig-entr"
	// enter.yaml:6:16 at: "1 hour" is not a duration
}

// The catalogue of rules is data: its id, its number, and whether the
// documentation states it.
func ExampleRules() {
	rules, err := scenarios.Rules()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range rules {
		if r.ID == "max-3" || r.ID == "retry-delays" {
			fmt.Println(r.Ref, r.ID, r.Level)
		}
	}
	// Output:
	// R82 max-3 must
	// R86 retry-delays should
}

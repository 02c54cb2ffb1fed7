package scenarios

// Catalogue is rules.yaml in file order.
type Catalogue []Rule

// Rule is one documented rule of the destination, or one default of httpdest.
type Rule struct {
	ID       string   `json:"id"`                 // "trig-enter"
	Ref      string   `json:"ref"`                // "R41"
	Level    string   `json:"level"`              // must: documented; should: our default
	Side     string   `json:"side"`               // sender, receiver, configuration, report, or both (sender and receiver)
	Group    string   `json:"group"`              // "Triggers": for lists
	Premise  []string `json:"premise"`            // words of Facts that must all have happened, or the rule is not exercised
	Needs    []string `json:"needs"`              // words of Needs that a capture must contain, or the rule cannot be judged
	Want     string   `json:"want"`               // what is expected, in a few words
	Title    string   `json:"title"`              // a short imperative sentence
	Text     string   `json:"text"`               // the rule in our own words
	Source   string   `json:"source"`             // page and section
	Conflict string   `json:"conflict,omitempty"` // a contradicting source, where there is one
	Decision string   `json:"decision,omitempty"` // what was decided where the documentation is silent
	Fix      string   `json:"fix"`                // what an engineer whose sender breaks the rule looks at
	Reading  string   `json:"reading,omitempty"`  // key of the reading that chooses another way; once it is chosen, the rule is a must
	Clauses  []Clause `json:"clauses,omitempty"`  // its finer points, which have levels of their own
	Pos      Position `json:"-"`                  // in rules.yaml
}

package scenarios

import "slices"

// Fact is a word of the premises in rules.yaml: something that a run can be
// seen to do, or a property of the configuration that was played. A rule is
// exercised when every word of its premise happened.
type Fact struct {
	Word    string `json:"word"`    // "members-unmapped"
	Happens string `json:"happens"` // what it stands for: "an audience with members is unmapped"
	Missing string `json:"missing"` // the text shown without it: "no audience with members is unmapped"
	Add     string `json:"add"`     // what makes it happen: "add a step unmap: …"
}

// Need is a word for a part that a capture must contain for a rule to be
// judged.
type Need struct {
	Word  string `json:"word"`  // "history"
	Means string `json:"means"` // what must be known
}

// Needs is the vocabulary of needs, in a fixed order.
func Needs() []Need { return slices.Clone(needs) }

var needs = []Need{
	{"history", "a scenario with the configuration of the destination and what happened to the profiles"},
	{"clock", "when the scenario began on the clock of the capture"},
	{"time", "when each request was sent"},
	{"duration", "how long each exchange took"},
	{"method", "the method of each request"},
	{"target", "the path and the query of each request"},
	{"headers", "the headers of each request"},
	{"credentials", "the credentials of each request, as they were sent or as httpdest redacted them"},
	{"body", "the body of each request, as its bytes were"},
	{"status", "the status of each answer, or that none came"},
	{"answer", "the body of each answer"},
	{"certificate", "the TLS connection: its version and both certificates"},
	{"configuration", "the sender's findings about its configuration: errors, warnings and advice"},
	{"monitoring", "the runs, totals and alerts that the sender shows"},
	{"platform", "the answers of the platform's own services"},
	{"records", "everything that was written: recordings, logs and reports"},
}

// needWords and factWords are the words alone.
func needWords() []string {
	words := make([]string, len(needs))
	for i, n := range needs {
		words[i] = n.Word
	}
	return words
}

func factWords() []string {
	words := make([]string, len(premises))
	for i, p := range premises {
		words[i] = p.Word
	}
	return words
}

// Facts is the vocabulary of premises, in a fixed order.
func Facts() []Fact {
	out := make([]Fact, len(premises))
	for i, p := range premises {
		out[i] = p.Fact
	}
	return out
}

// FindFact is the fact with this word.
func FindFact(word string) (Fact, bool) {
	i := slices.IndexFunc(premises, func(p premise) bool { return p.Word == word })
	if i < 0 {
		return Fact{}, false
	}
	return premises[i].Fact, true
}

// Configured decides a fact that is a property of the configuration. ok is
// false for a fact that has to happen.
func (s *Scenario) Configured(word string) (holds, ok bool) {
	for _, p := range premises {
		if p.Word == word && p.configured != nil {
			return p.configured(s), true
		}
	}
	return false, false
}

// Groups are the groups of the rules of these sides, in the order of the rules.
func (c Catalogue) Groups(sides ...string) []string {
	var out []string
	for _, r := range c {
		if slices.Contains(sides, r.Side) && !slices.Contains(out, r.Group) {
			out = append(out, r.Group)
		}
	}
	return out
}

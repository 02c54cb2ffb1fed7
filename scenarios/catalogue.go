package scenarios

// Catalogue is rules.yaml in file order.
type Catalogue []Rule

// Rule is one documented rule of the destination, or one default of ours.
type Rule struct {
	ID       string   // "trig-enter"
	Ref      string   // "R41"
	Level    string   // must: documented; should: our default
	Side     string   // sender, receiver, configuration, report, or both (sender and receiver)
	Title    string   // a short imperative sentence
	Text     string   // the rule in our own words
	Source   string   // page and section
	Conflict string   // a source that says otherwise, where there is one
	Decision string   // what was decided where the documentation is silent
	Fix      string   // what an engineer whose sender breaks the rule looks at
	Pos      Position // in rules.yaml
}

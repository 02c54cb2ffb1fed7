package scenarios

import (
	_ "embed"
	"regexp"
	"slices"
	"sync"

	"go.yaml.in/yaml/v4"
)

//go:embed rules.yaml
var rulesFile []byte

// ruleRef is the number of a rule in the collection of facts.
var ruleRef = regexp.MustCompile(`^R[1-9][0-9]{0,2}$`)

// rules is read once: every scenario is checked against it.
var rules = sync.OnceValues(func() (Catalogue, error) { return parseRules("scenarios/rules.yaml", rulesFile) })

// Rules is the catalogue of rules. The slice is the caller's own.
func Rules() (Catalogue, error) {
	c, err := rules()
	return slices.Clone(c), err
}

// Find is the rule with this id.
func (c Catalogue) Find(id string) (Rule, bool) {
	i := slices.IndexFunc(c, func(r Rule) bool { return r.ID == id })
	if i < 0 {
		return Rule{}, false
	}
	return c[i], true
}

// of are the rules of a side.
func (c Catalogue) of(side string) Catalogue {
	return slices.DeleteFunc(slices.Clone(c), func(r Rule) bool { return r.Side != side })
}

func (c Catalogue) ids() []string {
	ids := make([]string, len(c))
	for i, r := range c {
		ids[i] = r.ID
	}
	return ids
}

// clauseIDs are the ids of the rules and of their clauses.
func (c Catalogue) clauseIDs() []string {
	all := c.All()
	ids := make([]string, len(all))
	for i, clause := range all {
		ids[i] = clause.ID
	}
	return ids
}

// someWords reads a list of at least one word of a vocabulary.
func (d *decoder) someWords(n *yaml.Node, what string, vocabulary []string) []string {
	if n == nil {
		return nil
	}
	nodes := d.list(n, what)
	if n.Kind == yaml.SequenceNode && len(nodes) == 0 {
		d.problem(n, "name at least one word", "%s is empty", what)
	}
	d.unique(nodes, what)
	var out []string
	for _, c := range nodes {
		if c.Kind != yaml.ScalarNode || !slices.Contains(vocabulary, c.Value) {
			d.problem(c, didYouMean(c.Value, vocabulary), "%s: %s is not in the vocabulary", what, found(c))
			continue
		}
		out = append(out, c.Value)
	}
	return out
}

// parseRules reads a catalogue as strictly as a scenario.
func parseRules(name string, content []byte) (Catalogue, error) {
	d := &decoder{file: name}
	var c Catalogue
	if root := d.document(content); root != nil {
		seen := map[string]int{}
		for _, n := range d.list(root, "the catalogue") {
			o := d.object(n, "a rule")
			if o == nil {
				continue
			}
			r := d.readRule(o)
			for _, unique := range []string{r.ID, r.Ref} {
				if line := seen[unique]; line > 0 {
					d.problem(n, "give each rule its own", "%s is also in line %d", unique, line)
				}
				if unique != "" {
					seen[unique] = n.Line
				}
			}
			c = append(c, r)
		}
	}
	if problems := d.result(); len(problems) > 0 {
		return nil, problems
	}
	return c, nil
}

// readRule reads one rule. Only conflict, decision and clauses may be left out.
func (d *decoder) readRule(o *object) Rule {
	must := func(name string) *yaml.Node { return o.require(name, "every rule has one") }
	r := Rule{
		ID:       d.line(must("id"), "id"),
		Ref:      d.line(must("ref"), "ref"),
		Level:    d.word(must("level"), "level", "must", "should"),
		Side:     d.word(must("side"), "side", "sender", "receiver", "configuration", "report", "both"),
		Group:    d.line(must("group"), "group"),
		Premise:  d.someWords(must("premise"), "premise", factWords()),
		Needs:    d.someWords(must("needs"), "needs", needWords()),
		Want:     d.line(must("want"), "want"),
		Title:    d.line(must("title"), "title"),
		Text:     d.line(must("text"), "text"),
		Source:   d.line(must("source"), "source"),
		Conflict: o.line("conflict"),
		Decision: o.line("decision"),
		Fix:      d.line(must("fix"), "fix"),
		Reading:  d.readingKey(o),
		Pos:      d.pos(o.node),
	}
	if n := o.take("clauses"); n != nil {
		r.Clauses = d.readClauses(n, r)
	}
	if r.ID != "" && !reasonForm.MatchString(r.ID) {
		d.problem(o.at("id"), "lower-case words joined by dashes", "%q is not an id", short(r.ID))
	}
	if r.Ref != "" && !ruleRef.MatchString(r.Ref) {
		d.problem(o.at("ref"), "write R41", "%q is not a reference", short(r.Ref))
	}
	o.end()
	return r
}

package scenarios

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

var (
	reasons = []string{"audience", "attribute", "identity", "backfill"}
	// outcomeWords are how an attempt ends without a status.
	outcomeWords = []string{"timeout", "refused", "reset", "closed", "tls", "malformed", "too-large", "unresolved", "no-token", "unknown"}
	// reasonForm is a word of a recording, such as certificate-required.
	reasonForm = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
)

// readExpect reads `expect:`. Everything else must be known.
func (r *reader) readExpect(n *yaml.Node) {
	for _, c := range r.list(n, "expect") {
		o := r.object(c, "an expectation")
		if o == nil {
			continue
		}
		e := Expectation{Pos: r.pos(o.node), Times: 1}
		if rule := o.take("rule"); rule != nil {
			e.Rule = r.ruleAmong(rule, "rule", r.clauseIDs)
			if of := RuleOf(e.Rule); of != "" && !slices.Contains(r.scenario.Rules, of) {
				r.problem(rule, "add it to rules", "%s is not among the rules of this scenario", of)
			}
		}
		r.aboutDataflow(o, &e)
		profile, decision, handshakes, token := o.has("profile") || o.has("profiles"), o.has("decision"), o.has("handshakes"), o.has("token")
		switch {
		case o.has("problem"):
			r.problemLine(o, &e)
		case decision:
			o.what = "a decision expectation"
			e.Decision = r.word(o.take("decision"), "decision", "mtls-only", "tls-enabled", "undecided")
			o.exclude("decision", "make it two lines", "profile", "profiles", "handshakes", "token")
		case token:
			r.tokenLine(o, &e)
		case handshakes:
			o.what = "a handshakes expectation"
			e.Handshakes = r.word(o.take("handshakes"), "handshakes", "refused")
			e.Times = int(o.integer("times", 1, maxSteps, 1))
			e.Reason = r.reason(o.take("reason"))
			o.exclude("handshakes", "make it two lines", "profile", "profiles")
		case o.has("lookup"):
			o.what = "a lookup expectation"
			e.Lookup = r.lookedUp(o)
			o.exclude("lookup", "make it two lines", "profile", "profiles")
		case profile:
			r.exports(o, &e)
		case o.has("flowRun") || o.has("hour") || o.has("totals") || o.has("alert") || o.has("latency"):
			r.monitoring(o, &e)
		default:
			r.problem(o.node, "start it with profile, profiles, decision, token, handshakes, problem, flowRun, hour, totals, alert, latency or lookup", "this line names nothing to check")
			continue
		}
		o.end()
		r.scenario.Expect = append(r.scenario.Expect, e)
	}
	for _, f := range r.dataflows() {
		r.contradictions(f.Key)
	}
	r.lookupSteps()
	r.noProblems()
}

func (r *reader) reason(n *yaml.Node) string {
	s := r.line(n, "reason")
	if s != "" && !reasonForm.MatchString(s) {
		r.problem(n, "write a word such as certificate-required", "%q is not a reason", short(s))
		return ""
	}
	return s
}

// exports reads a line about the exports of profiles.
func (r *reader) exports(o *object, e *Expectation) {
	e.Profiles = r.profilesOf(o)
	if o.has("exports") {
		e.None = r.word(o.take("exports"), "exports", "none") == "none"
	}
	e.Times = int(o.integer("times", 1, 1_000_000, 1))
	if n := o.take("because"); n != nil {
		e.Because = r.words(n, "because", func(n *yaml.Node, what string) string { return r.word(n, what, reasons...) })
		if n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
			r.problem(n, "write "+oneOf(reasons), "because is empty")
		}
	}
	if v, ok := o.duration("at"); ok {
		e.At = &v
	}
	if v, ok := o.duration("within"); ok {
		e.Within = &v
	}
	r.attempts(o, e)
	r.body(o, e)
	if n := o.take("certificate"); n != nil {
		e.Certificate = r.word(n, "certificate", "presented", "none")
	}
	if o.has("together") {
		e.Together = int(o.integer("together", 1, 10, 1))
	}
	if e.None {
		o.exclude("exports: none", "the line expects no export, so it has nothing to check", "times", "because", "at", "within", "outcomes", "after",
			"payload", "audiences", "attributes", "identities", "absent", "certificate", "together")
	}
}

// attempts reads outcomes and after, which go side by side.
func (r *reader) attempts(o *object, e *Expectation) {
	outcomes := r.oneOrList(o.take("outcomes"))
	for _, c := range outcomes {
		if w := r.outcome(c); w != "" {
			e.Outcomes = append(e.Outcomes, w)
		}
	}
	if o.has("outcomes") && len(outcomes) == 0 && !isNull(o.valueOf("outcomes")) {
		r.problem(o.at("outcomes"), "leave the key out, or use exports: none", "outcomes is empty")
	}
	after := o.take("after")
	e.After = r.durations(after, "after")
	if after == nil || after.Kind != yaml.SequenceNode {
		return
	}
	if entries := len(after.Content); entries != len(outcomes) {
		r.problem(after, "give one time for each attempt, the first counted from the decision", "after has %s, outcomes %s",
			plural(int64(entries), "entry", "entries"), plural(int64(len(outcomes)), "entry", "entries"))
	}
}

// outcome reads a status, or the word for an attempt without one.
func (r *reader) outcome(n *yaml.Node) string {
	if n.Kind == yaml.ScalarNode {
		status, err := strconv.Atoi(n.Value)
		if err == nil && status >= 100 && status <= 599 && len(n.Value) == 3 || slices.Contains(outcomeWords, n.Value) {
			return n.Value
		}
	}
	hint := "write a status such as 503, or " + oneOf(outcomeWords)
	if isText(n) && nearest(n.Value, outcomeWords) != "" {
		hint = didYouMean(n.Value, outcomeWords)
	}
	r.wrongType(n, "an outcome", "a status or a word", hint)
	return ""
}

// body reads what the export must hold.
func (r *reader) body(o *object, e *Expectation) {
	if n := o.take("payload"); n != nil {
		if n.Kind == yaml.ScalarNode {
			r.wrongType(n, "payload", "a mapping", "write the part of the body that must be present")
		} else {
			e.Payload = r.value(n, "payload", "use absent: for parts that must not be present")
			r.payloadKeys(n, e.Payload)
		}
	}
	if n := o.take("audiences"); n != nil {
		e.Audiences, e.HasAudience = r.entries(n), true
	}
	if n := o.take("attributes"); n != nil {
		e.Attributes = r.attributes(n, "attributes")
	}
	if n := o.take("identities"); n != nil {
		e.Identities, e.HasIdentity = r.identities(n, "identities"), true
	}
	e.Absent = r.words(o.take("absent"), "absent", r.absentPath)
	for _, part := range []any{e.Payload, e.Attributes} {
		if part != nil {
			r.expectPlaces(o, e, part)
		}
	}
	for _, id := range e.Identities {
		r.expectPlaces(o, e, id.ID)
	}
}

// payloadKeys reports the key of an audience where a body has its id.
func (r *reader) payloadKeys(n *yaml.Node, payload any) {
	body, _ := payload.(map[string]any)
	memberships, _ := body["segmentMembership"].(map[string]any)
	for _, a := range r.scenario.Audiences {
		entries, _ := memberships[a.Namespace].(map[string]any)
		_, byID := entries[a.ID]
		if _, byKey := entries[a.Key]; byKey && !byID && a.Key != a.ID {
			r.problem(n, fmt.Sprintf("use audiences: {…} to say which are there, or give the audience an id: %s: {id: …}", a.Key),
				"payload: %s is the key of an audience, and a body has its id %s", a.Key, a.ID)
		}
	}
}

// absentPath reads a path that a body must not have. Memberships are filed by
// namespace and id: a path that names neither could never be there.
func (r *reader) absentPath(n *yaml.Node, what string) string {
	path := r.path(n, what)
	rest, isMembership := strings.CutPrefix(path, "segmentMembership.")
	if !isMembership {
		return path
	}
	var namespaces []string
	for _, a := range r.scenario.Audiences {
		below, inNamespace := strings.CutPrefix(rest, a.Namespace+".")
		if rest == a.Namespace || inNamespace && (below == a.ID || strings.HasPrefix(below, a.ID+".")) {
			return path
		}
		if !slices.Contains(namespaces, a.Namespace) {
			namespaces = append(namespaces, a.Namespace)
		}
		if inNamespace && (below == a.Key || strings.HasPrefix(below, a.Key+".")) {
			r.problem(n, fmt.Sprintf("use audiences: {…} to say which are there, or give the audience an id: %s: {id: …}", a.Key),
				"%s: %s is the key of an audience, and a body has its id %s", what, a.Key, a.ID)
			return ""
		}
	}
	namespace, _, _ := strings.Cut(rest, ".")
	if !slices.Contains(namespaces, namespace) {
		r.problem(n, didYouMean(namespace, namespaces), "%s: no audience has the namespace %q", what, short(namespace))
	} else {
		r.problem(n, "use audiences: {…} to say which are there", "%s: no audience has the id in %q", what, short(rest))
	}
	return ""
}

// expectPlaces reports {n} in a line about a profile without a number.
func (r *reader) expectPlaces(o *object, e *Expectation, value any) {
	r.changePlaces(o.node, e.Profiles, Change{Value: value})
}

// entries reads a list of keys, all realized, or a map from key to status.
func (r *reader) entries(n *yaml.Node) []AudienceEntry {
	out := []AudienceEntry{}
	if n.Kind != yaml.MappingNode {
		for _, key := range r.audienceRefs(n, "audiences") {
			out = append(out, AudienceEntry{Audience: key, Status: "realized"})
		}
		return out
	}
	for _, f := range r.object(n, "audiences").fields {
		a := AudienceEntry{Audience: r.audienceRef(f.key, "audiences")}
		if f.value.Kind == yaml.MappingNode {
			o := r.object(f.value, "the entry "+short(f.name))
			a.Detailed = true
			a.Status = o.word("status", "realized", "exited")
			a.Name = o.line("name")
			a.Timestamps = o.flag("timestamps", false)
			o.end()
		} else {
			a.Status = r.word(f.value, "the status of "+short(f.name), "realized", "exited")
		}
		if a.Audience != "" {
			out = append(out, a)
		}
	}
	return out
}

// contradictions reports lines about a dataflow of which at most one can hold.
func (r *reader) contradictions(dataflow string) {
	single, ranges := map[string]int{}, []int{} // lines that expect exports, by the index of the first
	elsewhere := func(e Expectation) bool { return dataflow != "" && !slices.Contains(e.Dataflows, dataflow) }
	for i, e := range r.scenario.Expect {
		switch name := e.Profiles.Prefix; {
		case e.None || elsewhere(e):
		case e.Profiles.Numbered:
			ranges = append(ranges, i)
		case name != "":
			if _, there := single[name]; !there {
				single[name] = i
			}
		}
	}
	for _, none := range r.scenario.Expect {
		if !none.None || elsewhere(none) {
			continue
		}
		if first := r.firstShared(none.Profiles, single, ranges); first < len(r.scenario.Expect) {
			other := r.scenario.Expect[first]
			r.problemAt(none.Pos.Line, none.Pos.Column, "leave one out",
				"exports: none for "+none.Profiles.String()+", but line "+strconv.Itoa(other.Pos.Line)+" expects an export of "+other.Profiles.String())
		}
	}
}

// firstShared is the index of the first of the given lines that names one of
// the profiles; the number of all lines if none does.
func (r *reader) firstShared(names NameRange, single map[string]int, ranges []int) int {
	first := len(r.scenario.Expect)
	if names.Numbered {
		for name, i := range single {
			if i < first && names.Contains(name) {
				first = i
			}
		}
	} else if i, ok := single[names.Prefix]; ok {
		first = i
	}
	for _, i := range ranges {
		if i < first && r.scenario.Expect[i].Profiles.Shared(names) > 0 {
			return i
		}
	}
	return first
}

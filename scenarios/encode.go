package scenarios

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"time"

	"go.yaml.in/yaml/v4"
)

// Encode writes a scenario the way a person would: what is as it would be
// without a word is left out, and Parse reads the rest back as it was. A
// scenario is a file of its owner, so credentials are written in full. The
// error is for what a file has no words for: the changes of one update in an
// order that its keys cannot tell.
func Encode(s *Scenario) ([]byte, error) {
	e := &encoder{scenario: s}
	return e.document(e.root())
}

// document is the text of a root.
func (e *encoder) document(root *yaml.Node) ([]byte, error) {
	if e.err != nil {
		return nil, e.err
	}
	var b bytes.Buffer
	y, err := yaml.NewDumper(&b, yaml.WithIndent(2), yaml.WithLineWidth(-1))
	if err != nil {
		return nil, err
	}
	if err := y.Dump(root); err != nil {
		return nil, err
	}
	if err := y.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// encoder builds the document of one scenario.
type encoder struct {
	scenario *Scenario
	service  bool // its configuration alone, of an engine that runs as a service
	err      error
}

// mapping is a YAML mapping under construction; keys keep their order.
type mapping struct{ *yaml.Node }

func newMapping() mapping { return mapping{&yaml.Node{Kind: yaml.MappingNode}} }

// flow puts the mapping on one line.
func (m mapping) flow() mapping {
	m.Style = yaml.FlowStyle
	return m
}

// put adds a key.
func (m mapping) put(key string, value any) {
	m.Content = append(m.Content, textNode(key), nodeOf(value))
}

// given adds a key whose value is not what it would be anyway.
func given[T comparable](m mapping, key string, value, otherwise T) {
	if value != otherwise {
		m.put(key, value)
	}
}

// section adds a key whose mapping or list has something in it.
func (m mapping) section(key string, value *yaml.Node) {
	if value != nil && len(value.Content) > 0 {
		m.Content = append(m.Content, textNode(key), value)
	}
}

// word is text that YAML takes for nothing else, and no reader for anything
// but what it is.
var word = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_./-]*$`)

// reserved are the words that some reader of YAML takes for something else.
var reserved = []string{"true", "True", "TRUE", "false", "False", "FALSE", "null", "Null", "NULL", "yes", "Yes", "YES", "no", "No", "NO",
	"on", "On", "ON", "off", "Off", "OFF", "y", "Y", "n", "N"}

func textNode(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	if !word.MatchString(s) || slices.Contains(reserved, s) {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

// plain is a number, a boolean, a duration: what is written without quotes.
func plain(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Value: s} }

// nodeOf writes a value of a scenario; mappings by the order of their keys.
func nodeOf(value any) *yaml.Node {
	switch v := value.(type) {
	case *yaml.Node:
		return v
	case mapping:
		return v.Node
	case string:
		return textNode(v)
	case Secret:
		return textNode(v.Reveal())
	case bool:
		return plain(strconv.FormatBool(v))
	case int:
		return plain(strconv.Itoa(v))
	case int64:
		return plain(strconv.FormatInt(v, 10))
	case json.Number:
		return plain(v.String())
	case uint64:
		return plain(strconv.FormatUint(v, 10))
	case float64:
		return plain(floatText(v))
	case time.Duration:
		return plain(v.String())
	case time.Time:
		return plain(v.Format(time.RFC3339Nano))
	case NameRange:
		return textNode(v.String())
	case Count:
		return plain(v.String())
	case []string:
		return listOf(v)
	case []time.Duration:
		return listOf(v)
	case []int:
		return listOf(v)
	case []any:
		return listOf(v)
	case map[string]any:
		m := newMapping().flow()
		for _, key := range slices.Sorted(maps.Keys(v)) {
			m.put(key, v[key])
		}
		return m.Node
	case map[string]string:
		m := newMapping().flow()
		for _, key := range slices.Sorted(maps.Keys(v)) {
			m.put(key, v[key])
		}
		return m.Node
	}
	panic(fmt.Sprintf("scenarios: no scenario holds a %T", value))
}

// floatText is a number that reads back as a float64 and not as an int64.
func floatText(v float64) string {
	s := strconv.FormatFloat(v, 'g', -1, 64)
	if plainInteger.MatchString(s) {
		s += ".0"
	}
	return s
}

func listOf[T any](all []T) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for _, v := range all {
		n.Content = append(n.Content, nodeOf(v))
	}
	return n
}

// lines is a list with an entry on each line.
func lines(all []mapping) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode}
	for _, m := range all {
		n.Content = append(n.Content, m.Node)
	}
	return n
}

// root is the whole document.
func (e *encoder) root() *yaml.Node {
	s, m := e.scenario, newMapping()
	m.put("title", s.Title)
	m.put("rules", s.Rules)
	m.put("start", s.Start)
	given(m, "until", s.Until, 0)
	given(m, "seed", s.Seed, 1)
	m.section("audiences", e.audiences())
	m.section("organisation", e.organisation())
	m.section("users", e.users())
	e.flows(m)
	m.section("profiles", e.profiles())
	m.section("platform", e.platform())
	e.endpoints(m)
	m.section("history", e.history())
	expect := e.expect()
	if len(expect.Content) == 0 {
		expect.Style = yaml.FlowStyle // [] expects no exports
	}
	m.put("expect", expect)
	if s.OthersAllowed {
		m.put("others", "allowed")
	}
	return m.Node
}

func (e *encoder) audiences() *yaml.Node {
	all := newMapping()
	created := e.scenario.Start.Add(-30 * day)
	for _, a := range e.scenario.Audiences {
		m := newMapping().flow()
		namespace := "ups"
		if a.Upload == nil {
			given(m, "id", a.ID, AudienceID(e.scenario.Seed, a.Key))
		} else {
			namespace = UploadNamespace
		}
		given(m, "name", a.Name, a.Key)
		given(m, "namespace", a.Namespace, namespace)
		given(m, "mergePolicy", a.MergePolicy, "default")
		given(m, "type", a.Type, "people")
		given(m, "origin", a.Origin, "segmentation")
		if len(a.Labels) > 0 {
			m.put("labels", a.Labels)
		}
		if !a.CreatedAt.Equal(created) || !a.UpdatedAt.Equal(created.Add(5*time.Second)) {
			m.put("createdAt", a.CreatedAt)
			m.put("updatedAt", a.UpdatedAt)
		}
		given(m, "status", a.Status, "")
		if a.Upload != nil {
			m.put("upload", e.upload(a.Upload))
		}
		all.put(a.Key, m)
	}
	return all.Node
}

func destinationNode(d Destination) *yaml.Node {
	m := newMapping()
	given(m, "name", d.Name, cmp.Or(d.Key, "mock"))
	given(m, "endpoint", d.Endpoint, "mock")
	if d.Auth.Type != "none" {
		m.put("auth", authNode(d.Auth))
	}
	given(m, "headers", d.Headers, "")
	given(m, "queryParameters", d.QueryParameters, "")
	if len(d.MarketingActions) > 0 {
		m.put("marketingActions", d.MarketingActions)
	}
	given(m, "includeSegmentNames", d.IncludeSegmentNames, false)
	given(m, "includeSegmentTimestamps", d.IncludeSegmentTimestamps, false)
	given(m, "includeMappedAudiencesOnly", d.IncludeMappedAudiencesOnly, false)
	given(m, "maxProfilesPerRequest", d.MaxProfilesPerRequest, 0)
	given(m, "batchEncoding", cmp.Or(d.BatchEncoding, "array"), "array")
	given(m, "mtls", d.MTLS, "auto")
	given(m, "clientCertificate", d.ClientCertificate, "trusted")
	if len(d.Alerts) > 0 {
		m.put("alerts", alertsNode(d.Alerts))
	}
	given(m, "extendedAlerts", d.ExtendedAlerts, false)
	m.section("readings", readingsNode(d.Readings).Node)
	switch r := d.Retry; r.Policy {
	case "documented":
	case "custom":
		p := newMapping().flow()
		p.put("delays", r.Delays)
		if len(r.Statuses) > 0 {
			p.put("statuses", r.Statuses)
		}
		given(p, "observeRetryAfter", r.ObserveRetryAfter, false)
		m.put("retry", p)
	default:
		m.put("retry", r.Policy)
	}
	return m.Node
}

// authNode writes the fields of the authentication's own type.
func authNode(a Auth) mapping {
	m := newMapping().flow()
	m.put("type", a.Type)
	given(m, "token", a.Token, "")
	if a.FetchesTokens() {
		m.put("clientID", a.ClientID)
		m.put("clientSecret", a.ClientSecret)
		given(m, "tokenURL", a.TokenURL, "mock")
	}
	given(m, "credentials", a.Credentials, "")
	given(m, "username", a.Username, "")
	given(m, "password", a.Password, "")
	given(m, "urlEncodeBasic", a.URLEncodeBasic, false)
	return m
}

// tokenNode writes the mock's token endpoint.
func tokenNode(t TokenEndpoint, a Auth) mapping {
	m := newMapping().flow()
	if !a.FetchesTokens() {
		return m
	}
	if t.ExpiresIn == 0 {
		m.put("expiresIn", "none")
	} else {
		given(m, "expiresIn", t.ExpiresIn, time.Hour)
	}
	given(m, "refresh", t.Refresh, false)
	given(m, "rotate", t.Rotate, false)
	given(m, "clientSecret", t.ClientSecret, a.ClientSecret)
	return m
}

// dataflowNode writes a dataflow; history is that of the dataflow alone.
func dataflowNode(f Dataflow, history []Step) *yaml.Node {
	m := newMapping()
	given(m, "destination", f.To, "")
	if len(f.Audiences) > 0 {
		m.put("audiences", f.Audiences)
	}
	if len(f.Attributes) > 0 {
		m.put("attributes", f.Attributes)
	}
	given(m, "schedule", f.Schedule, "")
	later := slices.ContainsFunc(history, func(s Step) bool { return s.Action == "activate" })
	given(m, "activated", f.Activated || later, true)
	given(m, "maxInFlight", f.MaxInFlight, 10)
	m.section("exclude", exclusionsNode(f.Exclude))
	given(m, "requireMembership", f.RequireMembership, true)
	off := Triggers{}
	for kind, on := range f.Triggers {
		if !on {
			off[kind] = false
		}
	}
	m.section("triggers", triggersNode(off).Node)
	return m.Node
}

// triggersNode writes the kinds of changes that are named.
func triggersNode(t Triggers) mapping {
	m := newMapping().flow()
	for _, kind := range triggerKeys {
		if on, said := t[kind]; said {
			m.put(kind, on)
		}
	}
	return m
}

func endpointNode(p Endpoint, a Auth) *yaml.Node {
	m := newMapping()
	given(m, "tls", p.TLS, "tls")
	given(m, "certificate", p.Certificate, certificateKinds[0])
	given(m, "minTLS", p.MinTLS, "")
	given(m, "maxTLS", p.MaxTLS, "")
	m.section("require", requirementsNode(p.Require).Node)
	given(m, "bearer", p.Bearer, a.Token)
	m.section("token", tokenNode(p.Token, a).Node)
	var faults []mapping
	for i, f := range p.Faults {
		faults = append(faults, encodeFault(f, i+1))
	}
	m.section("faults", lines(faults))
	return m.Node
}

func (e *encoder) history() *yaml.Node {
	var all []mapping
	for _, s := range e.scenario.History {
		m := newMapping().flow()
		m.put("at", s.At)
		if len(s.Dataflows) > 0 {
			m.put("dataflow", s.Dataflows)
		}
		given(m, "destination", s.Destination, "")
		switch s.Action {
		case "":
			e.update(m, s)
		case "map", "unmap", "refresh":
			m.put(s.Action, s.Targets)
		case "lookup":
			encodeLookup(m, s.Lookup)
		case "label":
			m.put(s.Action, labelsNode(s.Labels))
		case "triggers":
			m.put(s.Action, triggersNode(s.Triggers))
		case "rename":
			names := newMapping().flow()
			for i, key := range s.Targets {
				names.put(key, s.Names[i])
			}
			m.put(s.Action, names)
		default:
			m.put(s.Action, true)
		}
		all = append(all, m)
	}
	return lines(all)
}

// update writes what happens to profiles.
func (e *encoder) update(m mapping, s Step) {
	switch s.Changes[0].Op {
	case "merge":
		both := newMapping().flow()
		both.put("from", s.From)
		both.put("into", s.Profiles)
		m.put("merge", both)
	case "forget":
		m.put("forget", s.Profiles)
	default:
		m.put("profiles", s.Profiles)
		e.changes(m, s)
	}
}

// keyOf is the key of a step that a change is written under.
var keyOf = map[string]string{"qualify": "qualify", "exit": "exit", "set": "set", "remove": "remove",
	"add-identity": "addIdentity", "remove-identity": "removeIdentity", "replace-identity": "replaceIdentity"}

// changes writes the changes of a step, those of one kind under one key.
func (e *encoder) changes(m mapping, s Step) {
	done := map[string]bool{}
	for i := 0; i < len(s.Changes); {
		op := s.Changes[i].Op
		same := i
		for same < len(s.Changes) && s.Changes[same].Op == op {
			same++
		}
		if done[op] {
			e.err = cmp.Or(e.err, fmt.Errorf("step at %s: a file cannot say %s twice in one update", s.At, keyOf[op]))
		}
		done[op] = true
		m.put(keyOf[op], changesNode(op, s.Changes[i:same]))
		i = same
	}
}

// changesNode is the value of one key of a step.
func changesNode(op string, all []Change) *yaml.Node {
	out := newMapping().flow()
	var words []string
	var identities []Identity
	for _, c := range all {
		switch op {
		case "qualify", "exit":
			words = append(words, c.Audience)
		case "remove":
			words = append(words, c.Path)
		case "set":
			out.put(c.Path, c.Value)
		case "add-identity", "remove-identity":
			identities = append(identities, c.Identity)
		case "replace-identity":
			m := newMapping().flow()
			m.put("from", c.Identity.ID)
			m.put("to", c.To)
			out.put(c.Identity.Namespace, m)
		}
	}
	switch {
	case words != nil:
		return listOf(words)
	case identities != nil:
		return identitiesNode(identities).Node
	}
	return out.Node
}

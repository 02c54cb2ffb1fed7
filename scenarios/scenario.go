// Package scenarios is the file format of httpdest: what happens to profiles,
// how the endpoint behaves, and what must come out.
//
// A scenario is plain data. This package reads it, says everything that is
// wrong with it at once (file:line:column and a hint), and expands its ranges.
// It knows nothing of the engine or of the mock endpoint: package simulate
// translates, package check judges.
package scenarios

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/internal/secret"
)

// Position is a place in a scenario file; Line and Column count from 1.
type Position struct {
	File   string
	Line   int
	Column int
}

// String is the form editors and CI systems make clickable: file:line:column.
func (p Position) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column) }

// Secret is a credential, which prints as "[redacted]" wherever it is formatted.
type Secret = secret.Secret

// Scenario is one case: a profile history, an endpoint, and expectations.
type Scenario struct {
	ID            string   // "trigger/enter": the path below the root, without ".yaml"; see CaseIDs
	Title         string   // one sentence: what the case proves
	Rules         []string // ids of rules.yaml the case exercises, at least one
	Start         time.Time
	Until         time.Duration // the history lasts at least this long after Start, so that silence can be asserted
	Seed          uint64
	Audiences     []Audience // in file order
	Organisation  Organisation
	Users         Users
	Destination   Destination    // of a scenario with one dataflow; see Flows
	Dataflow      Dataflow       // likewise
	Flows         *Flows         // nil: the one dataflow is Dataflow
	Profiles      []ProfileGroup // in file order
	Endpoint      Endpoint       // of a scenario with one dataflow
	Platform      Platform
	History       []Step // ascending by At; steps of the same instant keep the order of the file
	Expect        []Expectation
	OthersAllowed bool // `others: allowed`: an export that no line expects is not a failure
	Pos           Position
	citedAt       []Position              // of Rules, for a scenario that was read from a file
	groups        *groupIndex             // of Profiles, for a scenario that was read from a file
	attributesAt  map[mappedPath]Position // of Dataflow.Attributes, likewise
	whole         *Scenario               // of which this is one dataflow; see Split
	marking       *marking                // of its identities; nil: they are those of the file
}

// CitedAt is where `rules:` names a rule; the scenario itself where it does not,
// or was not read from a file.
func (s *Scenario) CitedAt(rule string) Position {
	if i := slices.Index(s.Rules, rule); i >= 0 && i < len(s.citedAt) {
		return s.citedAt[i]
	}
	return s.Pos
}

// Audience is an audience of the organisation, mapped or not.
type Audience struct {
	Key         string // the name scenarios use
	ID          string // what travels; derived from key and seed unless given
	Name        string // R68; the key unless given
	Namespace   string // R75; "ups" unless given
	Type        string // people, account, prospect, dataset
	Origin      string // segmentation, custom-upload, …: any
	Labels      []string
	MergePolicy string // A50; "default" unless given
	Status      string // draft, inactive, deleted; "" published, which alone can be mapped
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Upload      *Upload // nil: its members are not from a file
	Pos         Position
}

// Destination is the configured HTTP API destination. Headers and
// QueryParameters keep the documented single-line form; the engine parses them.
type Destination struct {
	Key                      string // of one among several; "" for the only one
	Name                     string
	Endpoint                 string // "mock", or an absolute URL
	Auth                     Auth
	Headers                  string
	QueryParameters          string
	MarketingActions         []string // what it is used for
	IncludeSegmentNames      bool
	IncludeSegmentTimestamps bool
	// IncludeMappedAudiencesOnly leaves unmapped audiences out (R64).
	IncludeMappedAudiencesOnly bool
	MaxProfilesPerRequest      int    // 1 to 10 (R36); 0: not said, which means 1
	BatchEncoding              string // array, profiles: of every request where it may carry several (A23)
	MTLS                       string // auto, always, never
	ClientCertificate          string // trusted, untrusted, none
	Retry                      Retry
	Alerts                     []Alert // subscribed to
	ExtendedAlerts             bool    // R129: more alerts than the one for streaming can be selected
	Readings                   Readings
	Pos                        Position
}

// Auth is the authentication of the data calls. Each type has exactly its own
// fields.
type Auth struct {
	Type           string // none, bearer, oauth2-password, oauth2-client-credentials
	Token          Secret // bearer
	TokenURL       string // "mock", "mock?one=1", or a URL of its own
	Credentials    string // oauth2-client-credentials: body-form-encoded, basic-authorization
	ClientID       string
	ClientSecret   Secret
	Username       string // oauth2-password
	Password       Secret // oauth2-password
	URLEncodeBasic bool   // basic-authorization
	Pos            Position
}

// FetchesTokens reports whether data calls carry an access token that must be
// fetched first.
func (a Auth) FetchesTokens() bool { return strings.HasPrefix(a.Type, "oauth2-") }

// Retry names or spells out a retry policy (design §4: a policy is data).
type Retry struct {
	Policy            string          // documented, best-effort, custom
	Delays            []time.Duration // custom: the wait after each failure, so len+1 attempts at most
	Statuses          []int           // custom: retried statuses; empty means every non-2xx
	ObserveRetryAfter bool            // custom: obey Retry-After
	Pos               Position
}

// Dataflow is what is mapped to the destination.
type Dataflow struct {
	Key         string   // of one among several; "" for the only one
	To          string   // key of its destination, likewise
	Audiences   []string // audience keys
	Attributes  []string // dotted paths
	Schedule    string   // refused: no attempt
	Activated   bool     // false: the history activates it with an `activate:` step
	MaxInFlight int      // attempts under way at once, at least 1
	// RequireMembership: attribute and identity triggers fire only for profiles
	// realized in a mapped audience (A42).
	RequireMembership bool
	Triggers          Triggers    // the kinds of changes that lead to exports
	Exclude           []Exclusion // in file order; the first that names a profile counts
	Pos               Position
}

// ProfileGroup is one key below `profiles:`: one profile or a range of them,
// with what they hold at Start.
type ProfileGroup struct {
	Names       NameRange
	Memberships []Membership
	Attributes  map[string]any // string, bool, json.Number (with its spelling), []any, map[string]any; never nil values
	NoIdentity  bool           // `identities: none`: not even the synthetic ecid
	Identities  []Identity     // besides the synthetic ecid, which an ecid among them replaces
	Generate    *Generate      // nil: nothing is made up; the other fields are laid over it
	UploadOf    string         // key of the audience whose upload makes these profiles; "" for those of the file
	Pos         Position
}

// Generate makes up the profiles of a group, each from a seed and its name.
type Generate struct {
	Seed       *uint64         // nil: that of the scenario
	Audiences  []AudienceShare // in file order
	Attributes []string        // the generated attributes that are kept; nil: all
	Identities []string        // the namespaces that are kept; nil: all
}

// AudienceShare is the share of a group's profiles, from 0 to 1, that are
// realized in an audience.
type AudienceShare struct {
	Audience string // audience key
	Share    float64
}

// Membership is a profile's standing in one audience at Start.
type Membership struct {
	Audience  string        // audience key
	Exited    bool          // false: realized
	Qualified time.Duration // last qualification, this long before Start
	ExitedAgo time.Duration // the exit, this long before Start
}

// Identity is one entry of an identityMap.
type Identity struct {
	Namespace string
	ID        string
}

// Endpoint is the mock receiver.
type Endpoint struct {
	TLS string // plain, tls, mtls-optional, mtls-only
	// Certificate is what is wrong with that of the server: proper, expired,
	// not-yet-valid, wrong-host, unknown-ca, self-signed, missing-intermediate.
	Certificate    string
	MinTLS, MaxTLS string // TLSv1.0 to TLSv1.3; "" are TLSv1.2 and the newest
	Bearer         Secret // what the endpoint accepts; the destination's token unless given; "" checks nothing
	Require        Requirements
	Token          TokenEndpoint
	Faults         []Fault
	Pos            Position
}

// TokenEndpoint is the mock's token endpoint, which accepts the credentials of
// the destination.
type TokenEndpoint struct {
	ExpiresIn    time.Duration // 0: it does not say, and its tokens are good until revoked
	Refresh      bool          // a refresh token comes with the access token
	Rotate       bool          // each refresh gives a new refresh token
	ClientSecret Secret        // the destination's unless given
	Pos          Position
}

// Step is one entry of `history:`. All changes of a step are one update of
// each profile it names; dataflow actions stand alone.
type Step struct {
	At       time.Duration // after Start
	Profiles NameRange     // of Changes
	From     NameRange     // merge: those that become part of Profiles, one of each
	Changes  []Change
	// Action is "" for changes; activate, map, unmap, label, disable, enable,
	// triggers, rename, delete, refresh, lookup; revoke, which the token endpoint
	// does; totals, which only looks.
	Action string
	// Dataflows are the keys of those that the action is of, where there are several.
	// None: it is of all, or of no dataflow.
	Dataflows   []string
	Destination string   // key of that whose tokens are revoked, where there are several
	Targets     []string // audience keys of map, unmap, rename and refresh
	Names       []string // rename: the new names of Targets
	Triggers    Triggers // triggers: those that it switches
	Labels      []Label  // of label
	Lookup      *Lookup  // of lookup
	Pos         Position
}

// Change is one change within an update. Op decides which fields count.
type Change struct {
	// Op is qualify, exit, set, remove, add-identity, remove-identity or
	// replace-identity; or, alone in its step, merge or forget.
	Op       string
	Audience string // qualify, exit
	Path     string // set, remove: dotted
	Value    any    // set; as ProfileGroup.Attributes, never nil
	Identity Identity
	To       string // replace-identity: the new id in the same namespace
}

// Expectation is one line of `expect:`. Exactly one kind: exports of profiles
// (Profiles set), mTLS decisions (Decision set), token requests (Token set),
// refused handshakes (Handshakes set), lookups (Lookup set), problems of the
// configuration (Problem set), or what monitoring shows (Run, Totals, Alert or
// Latency set).
type Expectation struct {
	Rule string // the rule, or the clause of one, that this line proves; all rules of the scenario unless given
	Pos  Position
	// Dataflows are the keys of those that the line is about, where there are several.
	// None: it is about no dataflow.
	Dataflows []string

	// Exports. The nth line naming a profile meets the nth export of that
	// profile (Times consecutive ones when Times > 1).
	Profiles    NameRange
	None        bool     // `exports: none`: the profile is never exported
	Times       int      // 1 unless given
	Because     []string // audience, attribute, identity, backfill; exactly these, in any order
	At          *time.Duration
	Within      *time.Duration
	Outcomes    []string        // of the attempts, in order: "503", "timeout", …
	After       []time.Duration // of each attempt since the end of the one before (the first: since the decision)
	Payload     any             // a part of the body that must be there, with these values
	Audiences   []AudienceEntry // exactly the entries of segmentMembership; nil: not checked
	HasAudience bool            // `audiences:` was given, so an empty list means none
	Attributes  map[string]any  // exactly the body without its two maps; nil: not checked
	Identities  []Identity      // exactly the identityMap, the synthetic ecid left out; nil: not checked
	HasIdentity bool            // `identities:` was given
	Absent      []string        // dotted paths the body must not have
	Certificate string          // presented, none: on every attempt that reached the endpoint
	Together    int             // exports in its message, itself included; 0: not checked

	// Decisions: the nth such line meets the nth mTLS decision; with one such
	// line, a decision no line expects is a failure.
	Decision string // mtls-only, tls-enabled, undecided

	// Token requests: the nth such line meets the nth token request (Times
	// consecutive ones); with one such line, a token request no line expects is
	// a failure.
	Token string // issued, or why not: refused, timeout, …
	Grant string // client_credentials, password, refresh_token; "" any

	// Handshakes: exactly Times refused handshakes with this reason.
	Handshakes string // refused
	Reason     string // certificate-required, bad-certificate, unknown-ca, …; "" any

	// Problems: at least one is at this path or below it, with Level and Says,
	// and at At where that is given. "none": there is no error and no warning.
	Problem string // dataflow.audiences, destination.headers, …
	Level   string // error, warning, advice
	Says    string // a part of the message; "" any

	// Monitoring; each nil unless the line is about it.
	Run     *RunExpectation
	Totals  *TotalsExpectation
	Alert   *AlertExpectation
	Latency *LatencyExpectation

	// Lookups: the nth such line meets the nth lookup of the history.
	Lookup *LookedUp
}

// AudienceEntry is one expected entry of segmentMembership. Name and the
// timestamps are checked when Detailed.
type AudienceEntry struct {
	Audience   string // audience key
	Status     string // realized, exited
	Detailed   bool
	Name       string // "" with Detailed: no name
	Timestamps bool   // with Detailed: the four timestamps are there, or none of them
}

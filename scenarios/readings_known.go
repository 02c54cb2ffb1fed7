package scenarios

import "time"

// Reading is a point on which the documentation is silent, or contradicts
// itself.
type Reading struct {
	Key   string // in `destination: {readings: …}`
	Point string // its number in the collection of facts: A35
	Rule  string // id of the rule whose judgement it decides
	Title string // what is chosen, in a few words
	Says  string // what the documentation says
	// Values are what can be chosen, the default first. A duration has its
	// default alone.
	Values []ReadingValue
	// Least and Most are the bounds of a duration; Most is 0 for words. Bounds
	// is the hint for one outside of them.
	Least, Most time.Duration
	Bounds      string
}

// ReadingValue is one way of reading a point.
type ReadingValue struct{ Word, Means string }

// Default is the value that holds where nothing is chosen.
func (r Reading) Default() string { return r.Values[0].Word }

func (r Reading) words() []string {
	out := make([]string, len(r.Values))
	for i, v := range r.Values {
		out[i] = v.Word
	}
	return out
}

// The keys of the readings.
const (
	ReadingAnswerWithin       = "answerWithin"
	ReadingTokenCertificate   = "tokenCertificate"
	ReadingTimeFormat         = "timeFormat"
	ReadingUnmappedTimestamps = "unmappedTimestamps"
	ReadingNames              = "names"
	ReadingExitTime           = "exitTime"
	ReadingUnmappedExits      = "unmappedExits"
	ReadingMergePolicyBodies  = "mergePolicyBodies"
	ReadingExitsCarried       = "exitsCarried"
	ReadingRequalification    = "requalification"
	ReadingExternalAudiences  = "externalAudiences"
	ReadingBackfilled         = "backfilled"
	ReadingBackfillWithin     = "backfillWithin"
)

// readings is the list of all points that can be chosen. The JSON Schema, the
// guide `httpdest help readings` and a test of every layer follow from it.
var readings = []Reading{
	{
		Key: ReadingAnswerWithin, Point: "A5", Rule: "timeout-2s", Title: "the byte of an answer that has to arrive within two seconds",
		Says: "The endpoint responds within two seconds; no page states whether that is the beginning or the end of the response.",
		Values: []ReadingValue{
			{"last-byte", "The whole response arrives within two seconds, or the attempt failed."},
			{"first-byte", "The head of the response arrives within two seconds; the sender stops reading the body then."},
		},
	},
	{
		Key: ReadingTokenCertificate, Point: "A73", Rule: "token-no-clientcert", Title: "the client certificate at the token endpoint",
		Says: "A Portuguese version excludes mTLS for token endpoints, the newest page names the data endpoint alone, and an unpublished note of March 2026 announces it.",
		Values: []ReadingValue{
			{"never", "The token endpoint is shown no client certificate."},
			{"on-request", "A token endpoint that asks for a client certificate is shown that of the destination."},
		},
	},
	{
		Key: ReadingTimeFormat, Point: "A27", Rule: "lqt-format", Title: "the form of lastQualificationTime",
		Says: "The pages show five forms: the main sample one, those of the two toggles another, and XDM and the Destination SDK three more.",
		Values: []ReadingValue{
			{"z", "2022-01-11T21:24:39Z"},
			{"offset", "2022-01-11T21:24:39+0000"},
			{"colon-offset", "2022-01-11T21:24:39+00:00"},
			{"milliseconds", "2022-01-11T21:24:39.000+0000"},
			{"microseconds", "2022-01-11T21:24:39.000000Z"},
		},
	},
	{
		Key: ReadingUnmappedTimestamps, Point: "A29", Rule: "ts-unmapped", Title: "the timestamps of unmapped audiences",
		Says: "The prose leaves out the name of an unmapped audience and does not mention its timestamps; the sample shows it with neither.",
		Values: []ReadingValue{
			{"none", "An unmapped audience has no timestamps."},
			{"audience", "It has createdAt and updatedAt, its own two; it has no mapping to date."},
		},
	},
	{
		Key: ReadingNames, Point: "A32", Rule: "name-static", Title: "the name of an audience that was renamed after its mapping",
		Says: "The page on the life of audiences calls names static after the activation; it writes of names within other platforms, not of payloads.",
		Values: []ReadingValue{
			{"frozen", "The name stays that of the first mapping."},
			{"live", "The name is the present one."},
		},
	},
	{
		Key: ReadingRequalification, Point: "A41", Rule: "no-requalify", Title: "what happens when a profile qualifies again for an audience it is in",
		Says: "The page exports changes of the status. Until 2023 a status existing was exported for an evaluation that found a member still qualified.",
		Values: []ReadingValue{
			{"silent", "Nothing is exported, and the time of the qualification stays."},
			{"exported", "The time of the qualification moves, and that is exported as a change of the audience."},
		},
	},
	{
		Key: ReadingExternalAudiences, Point: "A54", Rule: "wta-switches", Title: "the switch of changes of external audiences",
		Says: "When to activate names the Segmentation Service; one version of the page has a fourth switch, external segmentation changes, another has three switches.",
		Values: []ReadingValue{
			{"segmentation", "Changes of external audiences have the switch of segmentation changes."},
			{"own-switch", "They have a switch of their own: triggers: {externalSegmentationChanges: false}."},
		},
	},
	{
		Key: ReadingExitTime, Point: "A35", Rule: "lqt-value", Title: "the lastQualificationTime of an exited entry",
		Says: "XDM defines the time of the last qualification and does not mention exits; no published sample shows whether an exit moves it.",
		Values: []ReadingValue{
			{"qualification", "The time stays that of the last qualification."},
			{"exit", "The time becomes that of the exit."},
		},
	},
	{
		Key: ReadingUnmappedExits, Point: "A47", Rule: "unmapped-same-policy", Title: "whether exited entries of unmapped audiences are exported",
		Says: "Unmapped audiences that the profile qualified for can be part of an export; nothing is said of those that it left.",
		Values: []ReadingValue{
			{"absent", "Only unmapped audiences that the profile is in."},
			{"carried", "Also those that it left, for as long as exited entries of mapped audiences are carried."},
		},
	},
	{
		Key: ReadingMergePolicyBodies, Point: "A50", Rule: "one-body", Title: "the bodies of a change that concerns several merge policies",
		Says: "Unmapped audiences are included by their merge policy; no page says what is exported when mapped audiences have several. Pages on batch destinations describe a run for each.",
		Values: []ReadingValue{
			{"one", "One body, with the mapped audiences of all merge policies."},
			{"each", "One body for each merge policy of the mapped audiences that the profile enters or leaves, or for which it is backfilled; for a change of attributes or identities, of those that it is in. A body has the audiences of its merge policy alone."},
		},
	},
	{
		Key: ReadingExitsCarried, Point: "A49", Rule: "exited-retention", Title: "how long exports carry an exited entry after the exit",
		Says:   "XDM: memberships that were exited for more than 30 days are subject to deletion; no page says when exports drop them.",
		Values: []ReadingValue{{"30d", "A duration that counts from the exit."}},
		Least:  0, Most: 10 * 365 * day, Bounds: "write a duration of 10 years at most, or 0s for the export of the exit alone",
	},
	{
		Key: ReadingBackfilled, Point: "A55", Rule: "backfill-new-audience", Title: "the profiles that a backfill exports",
		Says: "The page speaks of historical audience qualification data and of profiles that qualified before the mapping; the Destination SDK pages speak of profiles that ever qualified.",
		Values: []ReadingValue{
			{"members", "The profiles that are realized in the audience when their turn comes."},
			{"ever-qualified", "Also those that left it, for as long as their exited entry is carried."},
		},
	},
	{
		Key: ReadingBackfillWithin, Point: "A56", Rule: "backfill-hour", Title: "how long after the mapping the last member is backfilled",
		Says:   "Profiles that qualified before the mapping are exported within approximately one hour.",
		Values: []ReadingValue{{"1h", "A duration that counts from the mapping, without pauses of the dataflow."}},
		Least:  time.Minute, Most: 90 * time.Minute, Bounds: "write a duration from 1m to 90m: approximately one hour is no more",
	},
}

package dataflow

import "time"

// TimeFormat is a form of lastQualificationTime, as a layout of package time.
type TimeFormat string

// The forms that published samples show.
const (
	TimeZ            TimeFormat = "2006-01-02T15:04:05Z"
	TimeOffset       TimeFormat = "2006-01-02T15:04:05-0700"
	TimeColonOffset  TimeFormat = "2006-01-02T15:04:05-07:00"
	TimeMilliseconds TimeFormat = "2006-01-02T15:04:05.000-0700"
	TimeMicroseconds TimeFormat = "2006-01-02T15:04:05.000000Z"
)

// exitedRetention is how long an exited entry is carried by default (R79).
const exitedRetention = 30 * 24 * time.Hour

// Carried is how long an exited entry is carried after the exit.
func (r Readings) Carried() time.Duration {
	if r.ExitsCarried == 0 {
		return exitedRetention
	}
	return max(0, r.ExitsCarried)
}

// Layout is the form of lastQualificationTime.
func (r Readings) Layout() string {
	if r.TimeFormat == "" {
		return string(TimeZ)
	}
	return string(r.TimeFormat)
}

// Readings choose between the ways in which the documentation can be read where
// it is silent or says two things. The zero value has the defaults of design §4.
type Readings struct {
	// ExitTime gives an exited entry the time of its exit, not that of the last
	// qualification (A35).
	ExitTime bool
	// BackfillFormer has the backfill export those as well who left an audience
	// before it was mapped (A55).
	BackfillFormer bool
	// TimeFormat is the form of lastQualificationTime (A27); "" is TimeZ.
	TimeFormat TimeFormat
	// StampUnmapped gives unmapped audiences their own two timestamps where the
	// toggle is on (A29).
	StampUnmapped bool
	// LiveNames has exports carry the present name of an audience, not that of
	// its mapping (A32).
	LiveNames bool
	// UnmappedExits carries exited entries of unmapped audiences as well (A47).
	UnmappedExits bool
	// ExitsCarried is how long an exited entry is carried after the exit (A49); 0
	// is 30 days, and a negative one leaves it to the export of the exit alone.
	ExitsCarried time.Duration
	// Requalify exports a profile that qualifies for a mapped audience it is in, and
	// moves the time of its qualification (A41).
	Requalify bool
	// OwnExternalSwitch gives changes of external audiences a switch of their own,
	// Suppressed.External; without it they have that of segmentation (A54).
	OwnExternalSwitch bool
	// FirstByte takes an answer whose head came within the time of an attempt, whether
	// its body did or not (A5).
	FirstByte bool
	// TokenCertificate presents the client certificate to a token endpoint that
	// asks for one (A73).
	TokenCertificate bool
	// BodyPerPolicy exports a change once for each merge policy among the mapped
	// audiences that it concerns, not once for all of them (A50).
	BodyPerPolicy bool
	// BackfillWithin is how long after the mapping the last member is backfilled
	// (A56); 0 is an hour.
	BackfillWithin time.Duration
}

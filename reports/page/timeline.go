package page

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/reports"
)

// drawing is the timeline of a case as a picture, and what its table needs.
type drawing struct {
	*reports.Timeline
	ID            string
	Summary       string
	Width, Height float64
	Lanes         []pictureRow // those of dataflows first
	Dataflows     int          // that have a lane
	Ticks         []tick
	Marks         []mark
	Kinds         []legend
	Unmet         []reports.PlannedFault
}

// pictureRow is a row of the picture: the dataflow, or a profile.
type pictureRow struct {
	Name string
	Y    float64
}

// tick is a moment with its name on the axis.
type tick struct {
	X    float64
	Text string
	Last bool
}

// mark is one thing in the picture.
type mark struct {
	Shape   string // of the template: dot, diamond, bar, cross, flag, square, gap
	X, Y, W float64
	Class   string
	Label   string
	Title   string
}

// legend is a shape with its meaning.
type legend struct{ Shape, Class, Text string }

const (
	laneHeight = 30.0
	lanesLeft  = 132.0
	lanesTop   = 26.0
	slotWidth  = 15.0
	leastWidth = 560.0
	mostWidth  = 2400.0
)

// shapes are how kinds of events are drawn, and their order at one moment.
var shapes = []struct {
	kind                 reports.EventKind
	shape, class, legend string
}{
	{reports.EventAction, "square", "plain", "change of the dataflow"},
	{reports.EventUpdate, "dot", "plain", "update of a profile"},
	{reports.EventProblem, "flag", "bad", "problem of the configuration"},
	{reports.EventExport, "diamond", "accent", "decision to export"},
	{reports.EventBackfill, "diamond", "odd", "decision to backfill"},
	{reports.EventExcluded, "diamond", "warn", "excluded from export"},
	{reports.EventHandshake, "cross", "warn", "connection refused before a request"},
	{reports.EventDecision, "square", "accent", "decision about mTLS"},
	{reports.EventToken, "square", "odd", "access token"},
	{reports.EventFault, "flag", "warn", "fault that no attempt met"},
	{reports.EventAttempt, "bar", "good", "attempt, with its outcome"},
	{reports.EventDrop, "cross", "bad", "given up"},
	{reports.EventRun, "flag", "plain", "hourly run of the dataflow"},
	{reports.EventAlert, "flag", "bad", "alert"},
	{reports.EventLookup, "dot", "odd", "lookup on the platform"},
}

func orderOf(k reports.EventKind) int {
	for i, s := range shapes {
		if s.kind == k {
			return i
		}
	}
	return 0
}

// drawn lays out the timeline of a case. Times run to the right; the waits
// between them are drawn by their logarithm, so that a retry after 15 s is
// visible in a history of days.
func drawn(c *reports.Case, number int) *drawing {
	t := c.Timeline
	if t == nil || len(t.Events) == 0 {
		return nil
	}
	d := &drawing{Timeline: t, ID: fmt.Sprintf("t%d", number)}
	at := d.lanes()
	axis := d.axis(at)
	d.marks(at, axis)
	d.Height = lanesTop + float64(len(d.Lanes))*laneHeight + 8
	d.Summary = d.summary()
	for _, f := range t.Faults {
		if f.Fired < max(1, f.Planned) {
			d.Unmet = append(d.Unmet, f)
		}
	}
	return d
}

// laneOf names the row of an event: that of a profile, or of a dataflow.
func laneOf(e reports.Event) string {
	if e.Profile == "" {
		return ofDataflow + e.Dataflow
	}
	return e.Profile
}

// ofDataflow begins the name of a row that is not of a profile.
const ofDataflow = "\x00"

// lanes gives every dataflow and every profile a row, in the order of what
// happened.
func (d *drawing) lanes() map[string]int {
	at := map[string]int{}
	add := func(name, shown string) {
		if _, there := at[name]; !there {
			at[name] = len(d.Lanes)
			d.Lanes = append(d.Lanes, pictureRow{shortened(shown, 17), lanesTop + float64(len(d.Lanes))*laneHeight + laneHeight/2})
		}
	}
	for _, e := range d.Events {
		if e.Profile == "" {
			add(laneOf(e), strings.TrimSpace("dataflow "+e.Dataflow))
			d.Dataflows = len(d.Lanes)
		}
	}
	for _, e := range d.Events {
		add(laneOf(e), e.Profile)
	}
	return at
}

// axis finds the place of every moment: a slot for each of the marks that
// begin at it in one row, and then the wait until the next moment.
func (d *drawing) axis(at map[string]int) map[float64]float64 {
	type place struct {
		moment float64
		lane   int
	}
	slots, here := map[place]int{}, map[float64]int{}
	for _, e := range d.Events {
		p := place{e.AtMs, at[laneOf(e)]}
		slots[p]++
		here[e.AtMs] = max(here[e.AtMs], slots[p])
		if e.EndMs > e.AtMs {
			here[e.EndMs] = max(here[e.EndMs], 0)
		}
	}
	moments := make([]float64, 0, len(here))
	for m := range here {
		moments = append(moments, m)
	}
	slices.Sort(moments)
	width, where := 0.0, map[float64]float64{}
	for i, m := range moments {
		if i > 0 {
			width += float64(here[moments[i-1]])*slotWidth + 12 + 13*math.Log10(1+(m-moments[i-1])/10)
		}
		where[m] = width
	}
	last := float64(here[moments[len(moments)-1]])*slotWidth + 40
	scale := 1.0
	if width > 0 {
		scale = max(min(1, (mostWidth-lanesLeft-last)/width), (leastWidth-lanesLeft-last)/width)
	}
	for m := range where {
		where[m] = tenth(lanesLeft + 10 + where[m]*scale)
	}
	d.Width = math.Ceil(lanesLeft + 10 + width*scale + last)
	before := -100.0
	for i, m := range moments {
		if x := where[m]; x-before >= 64 {
			d.Ticks = append(d.Ticks, tick{x, clock(m), i == len(moments)-1})
			before = x
		}
	}
	return where
}

// marks draws every event, and the gaps between attempts.
func (d *drawing) marks(at map[string]int, axis map[float64]float64) {
	events := slices.Clone(d.Events)
	slices.SortStableFunc(events, func(a, b reports.Event) int {
		return cmp.Or(cmp.Compare(a.AtMs, b.AtMs), cmp.Compare(orderOf(a.Kind), orderOf(b.Kind)))
	})
	type place struct {
		moment float64
		lane   int
	}
	slots, ends, used := map[place]int{}, map[string]float64{}, map[int]bool{}
	var gaps []mark
	for _, e := range events {
		n := orderOf(e.Kind)
		used[n] = true
		p := place{e.AtMs, at[laneOf(e)]}
		x, y := axis[e.AtMs]+float64(slots[p])*slotWidth, d.Lanes[p.lane].Y
		slots[p]++
		m := mark{Shape: shapes[n].shape, Class: shapes[n].class, X: x, Y: y, Title: eventText(e)}
		if e.Kind == reports.EventAttempt {
			m.W, m.Label = 11, e.Outcome
			if e.EndMs > e.AtMs {
				m.W = tenth(max(11, axis[e.EndMs]-x))
			}
			if e.Failed {
				m.Class = "bad"
			}
			if e.Fault != "" {
				m.Class += " fault"
			}
			if end, ok := ends[e.Export]; ok && e.AfterMs > 0 && x-end > 4 {
				gap := mark{Shape: "gap", X: end, Y: y, W: tenth(x - end)}
				if gap.W >= 26 {
					gap.Label = clock(e.AfterMs)
				}
				gaps = append(gaps, gap)
			}
			ends[e.Export] = x + m.W
			gaps = append(gaps, d.shared(e, m, at)...)
		}
		d.Marks = append(d.Marks, m)
	}
	d.Marks = append(gaps, d.Marks...)
	for n := range shapes {
		if used[n] {
			d.Kinds = append(d.Kinds, legend{shapes[n].shape, shapes[n].class, shapes[n].legend})
		}
	}
}

// shared draws an attempt with several profiles in the rows of the others too,
// and what joins them.
func (d *drawing) shared(e reports.Event, m mark, at map[string]int) []mark {
	var out []mark
	low, high := m.Y, m.Y
	for _, name := range e.With {
		n, there := at[name]
		if !there || name == e.Profile {
			continue
		}
		other := m
		other.Y, other.Label = d.Lanes[n].Y, ""
		low, high = min(low, other.Y), max(high, other.Y)
		out = append(out, other)
	}
	if len(out) == 0 {
		return nil
	}
	return append([]mark{{Shape: "join", Class: m.Class, X: tenth(m.X + 5), Y: low, W: high - low}}, out...)
}

// tenth is as fine as a picture needs it.
func tenth(x float64) float64 { return math.Round(x*10) / 10 }

// eventText is an event in words.
func eventText(e reports.Event) string {
	text := clock(e.AtMs) + " " + string(e.Kind)
	if e.Attempt > 0 {
		text += fmt.Sprintf(" %d", e.Attempt)
	}
	if e.Export != "" {
		text += " of " + e.Export
	}
	if e.Dataflow != "" && e.Kind != reports.EventUpdate {
		text += " by " + e.Dataflow
	}
	if e.Outcome != "" {
		text += ": " + e.Outcome
	}
	if e.Text != "" {
		text += ", " + e.Text
	}
	if e.Fault != "" {
		text += ", fault " + e.Fault
	}
	return shortened(text, 200)
}

// summary is the picture in a sentence.
func (d *drawing) summary() string {
	attempts, failed, exports, drops, retries := 0, 0, 0, 0, 0
	profiles := len(d.Lanes) - d.Dataflows
	for _, e := range d.Events {
		switch e.Kind {
		case reports.EventAttempt:
			attempts++
			if e.Failed {
				failed++
			}
			if e.Attempt > 1 {
				retries++
			}
		case reports.EventExport, reports.EventBackfill:
			exports++
		case reports.EventDrop:
			drops++
		}
	}
	text := fmt.Sprintf("%s of %s in %s: %s", number(exports, "export"), number(profiles, "profile"), clock(d.EndMs), number(attempts, "attempt"))
	if exports == 0 { // a capture does not record decisions
		text = fmt.Sprintf("%s in %s", number(attempts, "attempt"), clock(d.EndMs))
	}
	switch {
	case retries == 1:
		text += ", 1 of them a retry"
	case retries > 1:
		text += fmt.Sprintf(", %d of them retries", retries)
	}
	if failed > 0 {
		text += fmt.Sprintf(", %d failed", failed)
	}
	if drops > 0 {
		text += fmt.Sprintf(", %d given up", drops)
	}
	return text
}

package flow

import (
	"fmt"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/audience"
	"github.com/httpdest/httpdest/engine/audience/upload"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/monitor"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var (
	nine  = time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC)
	cars  = profile.AudienceRef{Namespace: "ups", ID: "cars"}
	films = profile.AudienceRef{Namespace: "ups", ID: "films"}
)

// configured is an activated dataflow with one mapped audience.
func configured(id string) Dataflow {
	f := dataflow.Dataflow{ID: id, Audiences: []profile.AudienceRef{cars}, MaxInFlight: 4,
		Destination: dataflow.Destination{Endpoint: "https://receiver.test", Auth: dataflow.Auth{Kind: dataflow.AuthNone}, Name: id}}
	directory := audience.NewDirectory(audience.Audience{Ref: cars, Name: "Cars"}, audience.Audience{Ref: films, Name: "Films"})
	snapshot, _ := dataflow.NewSnapshot(f, directory).Activate(nine.Add(-24 * time.Hour))
	return Dataflow{Snapshot: snapshot,
		Settings: engine.Settings{Policy: retry.Documented(), MaxInFlight: 4, Certificate: engine.NeverPresent},
		Configuration: dataflow.Configuration{Flow: f, Audiences: directory, Activated: true,
			Organisation: dataflow.Organisation{Edition: dataflow.Ultimate, Destinations: 1}}}
}

// qualified decides that a profile enters an audience, and accepts the exports.
func qualified(r *Runtime, now time.Time, id string, ref profile.AudienceRef) []Effects {
	u := profile.Update{Profile: profile.ID(id), Changes: []profile.Change{{Op: profile.Qualify, Audience: ref}}}
	known := profile.Profile{ID: u.Profile, Identities: map[string][]string{"crm": {id}}}
	_, exports := r.View().Decide(nil, now, engine.State{Profile: known}, u)
	var all []Effects
	for _, x := range exports {
		all = append(all, r.Accept(now, x.Dataflow, x))
	}
	return all
}

func answered(status int) engine.Completion {
	return engine.Completion{Outcome: retry.Outcome{Kind: retry.Answered, Status: status}}
}

func completed(r *Runtime, now time.Time, op engine.Operation, c engine.Completion) Effects {
	c.Operation = op.ID
	return r.Completed(now, op, c)
}

// alarm is the only alarm of a kind that was set.
func alarm(e Effects, kind AlarmKind) Alarm {
	GinkgoHelper()
	var found []Alarm
	for _, a := range e.Set {
		if a.Kind == kind {
			found = append(found, a)
		}
	}
	Expect(found).To(HaveLen(1), string(kind))
	return found[0]
}

var _ = Describe("An update", func() {
	It("is exported by every dataflow that maps what changed, each on its own", func() {
		r := New(configured("one"), configured("two"))
		Expect(r.Dataflows()).To(Equal([]string{"one", "two"}))
		all := qualified(r, nine, "doc", cars)
		Expect(all).To(HaveLen(2))
		for i, id := range r.Dataflows() {
			Expect(all[i].Dataflow).To(Equal(id))
			Expect(all[i].Send).To(HaveLen(1))
			op := all[i].Send[0]
			Expect(op.Dataflow).To(Equal(id))
			Expect(op.Message.ID).To(Equal(fmt.Sprintf("doc#%d", i+1)))
			Expect(op.Message.Exports[0].Dataflow).To(Equal(id))
		}
		By("ending one, whose retry is its own")
		e := completed(r, nine, all[0].Send[0], answered(503))
		Expect(e.Retried).To(BeTrue())
		Expect(alarm(e, Delivery).At).To(Equal(nine.Add(15 * time.Second)))
		Expect(completed(r, nine, all[1].Send[0], answered(200)).Settled).To(HaveLen(1))
		Expect(r.Pending("one")).To(HaveLen(1))
		Expect(r.Pending("two")).To(BeEmpty())
		again := r.Ring(nine.Add(15*time.Second), alarm(e, Delivery).ID)
		Expect(again.Send).To(HaveLen(1))
		Expect(again.Send[0].Dataflow).To(Equal("one"))
	})

	It("sets the alarm anew only where the next time changed", func() {
		r := New(configured("one"))
		first := completed(r, nine, qualified(r, nine, "doc", cars)[0].Send[0], answered(503))
		second := completed(r, nine.Add(time.Second), qualified(r, nine, "marty", cars)[0].Send[0], answered(503))
		Expect(second.Set).To(BeEmpty())
		Expect(second.Clear).To(BeEmpty())
		id := alarm(first, Delivery).ID
		deleted := r.Act(nine.Add(2*time.Second), Action{Kind: Delete, Dataflow: "one"})
		Expect(deleted.Clear).To(Equal([]AlarmID{id}))
		Expect(r.Ring(nine.Add(15*time.Second), id)).To(Equal(Effects{}), "one that was cleared")
	})
})

var _ = Describe("An action", func() {
	It("that maps an audience asks for its members, whose turns are decided in the hour after", func() {
		r := New(configured("one"))
		e := r.Act(nine, Action{Kind: Map, Dataflow: "one", Audiences: []profile.AudienceRef{films}})
		Expect(e.Refused).To(BeFalse())
		Expect(e.Backfill).To(Equal([][]profile.AudienceRef{{films}}))
		e = r.Backfill(nine, "one", e.Backfill[0], []profile.ID{"doc", "marty"})
		Expect(e.Turns).To(HaveLen(1))
		Expect(e.Turns[0].Profile).To(Equal(profile.ID("doc")))
		half := alarm(e, Delivery)
		Expect(half.At).To(Equal(nine.Add(30 * time.Minute)))
		Expect(r.Ring(half.At, half.ID).Turns[0].Profile).To(Equal(profile.ID("marty")))

		member := engine.State{Profile: profile.Profile{ID: "marty", Memberships: map[string]map[string]profile.Membership{
			"ups": {"films": {Status: profile.Realized, LastQualified: nine}}}}}
		_, exports := r.View().Turn(nil, half.At, "one", member, []profile.AudienceRef{films})
		Expect(exports).To(HaveLen(1))
		Expect(exports[0].Dataflow).To(Equal("one"))
	})

	It("that maps audiences of several merge policies backfills each by itself where each has a body of its own", func() {
		f := configured("one")
		f.Snapshot.Flow.Destination.Readings.BodyPerPolicy = true
		songs := profile.AudienceRef{Namespace: "ups", ID: "songs"}
		for ref, policy := range map[profile.AudienceRef]string{cars: "web", films: "web", songs: "stores"} {
			f.Snapshot.Directory[ref] = audience.Audience{Ref: ref, MergePolicy: policy}
		}
		r := New(f)
		e := r.Act(nine, Action{Kind: Map, Dataflow: "one", Audiences: []profile.AudienceRef{songs, films}})
		Expect(e.Backfill).To(Equal([][]profile.AudienceRef{{songs}, {films}}))
		qualified(r, nine, "doc", cars) // while members are listed
		Expect(r.Backfill(nine, "one", e.Backfill[0], []profile.ID{"doc"}).Turns).To(HaveLen(1))
		Expect(r.Backfill(nine, "one", e.Backfill[1], []profile.ID{"doc"}).Turns).To(BeEmpty())
	})

	It("that is not allowed changes nothing and says why", func() {
		f := configured("one")
		f.Configuration.Users.Maps = []string{"View Destinations"}
		r := New(f)
		e := r.Act(nine, Action{Kind: Map, Dataflow: "one", Audiences: []profile.AudienceRef{films}})
		Expect(e.Refused).To(BeTrue())
		Expect(e.Problems).To(ContainElement(HaveField("Path", "users.maps")))
		Expect(e.Backfill).To(BeEmpty())
		Expect(r.View().Snapshot("one").Mapped).NotTo(HaveKey(films))
	})

	It("does not change decisions that are being made by an older view", func() {
		r := New(configured("one"))
		before := r.View()
		r.Act(nine, Action{Kind: Disable, Dataflow: "one"})
		Expect(before.Snapshot("one").Enabled).To(BeTrue())
		Expect(r.View().Snapshot("one").Enabled).To(BeFalse())
		Expect(qualified(r, nine, "doc", cars)).To(BeEmpty())
	})
})

var _ = Describe("Monitoring", func() {
	It("completes two hours that overlap, each by its own alarm, and reports alerts after the settlement", func() {
		f := configured("one")
		f.Snapshot.Flow.Destination.Alerts = []dataflow.Alert{{Kind: dataflow.FailedRate, Threshold: dataflow.OnePercent}}
		r := New(f)
		first := qualified(r, nine, "doc", cars)[0]
		ten := nine.Add(time.Hour)
		second := qualified(r, ten, "marty", cars)[0]
		Expect(alarm(first, Hour).At).To(Equal(ten))
		Expect(alarm(second, Hour).At).To(Equal(ten.Add(time.Hour)))
		Expect(r.Ring(ten, alarm(first, Hour).ID).Monitored).To(BeEmpty(), "doc's export is not settled")

		op := first.Send[0]
		for range 2 {
			e := completed(r, ten, op, answered(503))
			next := alarm(e, Delivery)
			op = r.Ring(next.At, next.ID).Send[0]
		}
		e := completed(r, ten, op, answered(503))
		Expect(e.Settled).To(HaveLen(1))
		Expect(e.Monitored).To(HaveLen(1))
		Expect(e.Monitored[0].After).To(Equal(1))
		Expect(e.Monitored[0].Runs[0].ProviderRefID).To(Equal(fmt.Sprintf("%d-%d", nine.UnixMilli(), ten.UnixMilli())))
		Expect(e.Monitored[0].Alerts).To(ConsistOf(HaveField("State", monitor.Firing)))

		report, e := r.Overview(ten.Add(time.Minute), "one")
		Expect(e.Monitored).To(BeEmpty())
		Expect(report.Processing).To(HaveLen(1))
		Expect(report.Totals.Runs).To(Equal(2))
	})
})

var _ = Describe("An upload", func() {
	It("has its members enter and leave, later where its term is refreshed", func() {
		r := New(configured("one"))
		e := r.Upload(nine, films, upload.Spec{}, File{})
		Expect(r.Ring(alarm(e, Available).At, alarm(e, Available).ID).Import).To(Equal([]profile.AudienceRef{films}))
		expiry := alarm(e, Expiry)
		Expect(expiry.At).To(Equal(nine.Add(upload.DefaultTTL)))

		refresh := Action{Kind: Refresh, Audiences: []profile.AudienceRef{films}}
		Expect(r.Act(nine, refresh).Problems).To(ContainElement(HaveField("Message", ContainSubstring("too early"))))
		late := expiry.At.Add(-time.Hour)
		e = r.Act(late, refresh)
		Expect(e.Refused).To(BeFalse())
		Expect(e.Clear).To(Equal([]AlarmID{expiry.ID}))
		Expect(alarm(e, Expiry).At).To(Equal(late.Add(upload.DefaultTTL)))
		Expect(r.Ring(alarm(e, Expiry).At, alarm(e, Expiry).ID).Expire).To(Equal([]profile.AudienceRef{films}))
	})

	It("that never was is not refreshed", func() {
		e := New(configured("one")).Act(nine, Action{Kind: Refresh, Audiences: []profile.AudienceRef{films}})
		Expect(e.Refused).To(BeTrue())
	})
})

package differential

import (
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios/check"
	"github.com/httpdest/httpdest/scenarios/oracle"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

func TestDebug(t *testing.T) {
	if os.Getenv("P") == "" {
		t.Skip()
	}
	sc := withAHeader(histories().Example(*seed))
	lines, err := play(sc, simulate.Model)
	if err != nil {
		t.Fatal(err)
	}
	o := oracle.New(sc, oracle.Planned(sc))
	p := os.Getenv("P")
	for i, x := range o.Possible(p) {
		fmt.Println(i, x.From.Sub(sc.Start), x.To.Sub(sc.Start), x.Obligation, x.Rule, x.Because)
	}
	for _, l := range lines {
		switch {
		case l.Action != nil:
			fmt.Println(l.Action.At.Sub(sc.Start), "ACTION", l.Action.Action, l.Action.Audiences)
		case l.Update != nil && l.Update.Profile == p:
			fmt.Printf("%s update %+v\n", l.Update.At.Sub(sc.Start), l.Update.Changes)
		case l.Export != nil && l.Export.Profile == p:
			fmt.Println(l.Export.At.Sub(sc.Start), "export", l.Export.ID, l.Export.Because)
		}
	}
	tape := newTamper(sc, lines, uint64(*seed))
	k := slices.IndexFunc(wrongKinds, func(k wrongKind) bool { return k.name == os.Getenv("K") })
	fmt.Println(wrongKinds[k].breakIt(tape), tape.want)
	for n, l := range tape.lines() {
		if l.Request != nil && slices.Contains(l.Request.Profiles, p) {
			fmt.Println("line", n+1, l.Request.At.Sub(sc.Start), l.Request.Status, l.Request.Disconnected, l.Request.AnsweredAt.Sub(l.Request.At), l.Request.Profiles, l.Request.Body)
		}
	}
	all := rules(t)
	for _, op := range []check.SenderOptions{{Scenario: sc, Began: sc.Start}} {
		c, err := asForeign(all, tape.lines(), op)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range c.Checks {
			if k.Verdict == reports.Fail || k.Verdict == reports.Unspecified || k.Verdict == reports.Inconclusive {
				fmt.Println(k.Verdict, k.Rule, k.Title, k.Expected, "|", k.Actual)
			}
		}
	}
}

func TestDebugPick(t *testing.T) {
	if os.Getenv("K") == "" {
		t.Skip()
	}
	sc := withAHeader(histories().Example(*seed))
	lines, _ := play(sc, simulate.Model)
	before := newTamper(sc, lines, uint64(*seed)).lines()
	tape := newTamper(sc, lines, uint64(*seed))
	k := slices.IndexFunc(wrongKinds, func(k wrongKind) bool { return k.name == os.Getenv("K") })
	wrongKinds[k].breakIt(tape)
	fmt.Println(sc.Destination.Retry, sc.Endpoint.Faults)
	is := map[string]bool{}
	for _, l := range before {
		if l.Request != nil {
			is[fmt.Sprint(*l.Request)] = true
		}
	}
	for n, l := range tape.lines() {
		if l.Request != nil && l.Request.Method == "POST" {
			mark := ""
			if !is[fmt.Sprint(*l.Request)] {
				mark = "CHANGED"
			}
			fmt.Println("line", n+1, l.Request.At.Sub(sc.Start), l.Request.Status, l.Request.Disconnected, l.Request.Fault, l.Request.AnsweredAt.Sub(l.Request.At), l.Request.Profiles, len(l.Request.Body), mark)
		}
	}
}

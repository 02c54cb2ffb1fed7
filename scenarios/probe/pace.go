package probe

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// alone is how many messages are timed one after the other, and the least that
// percentiles are said of.
const alone = 20

// advisedP99 is what 99 of 100 answers should stay below (R92).
const advisedP99 = 1500 * time.Millisecond

// pace are the cases about how fast answers are.
func (p *Prober) pace() []probeCase {
	rules := []string{"rcv-2s", "rcv-2xx"}
	c := p.config
	return []probeCase{
		{id: "pace/alone", title: fmt.Sprintf("%d messages, one after the other, are answered within 2 s", alone), rules: rules, requests: alone, run: oneByOne},
		{id: "pace/burst", title: exactly(c.Limits.Burst, "message") + " at once, answered within 2 s", rules: []string{"rcv-2s", "rcv-retry-advice"}, requests: c.Limits.Burst, run: burst},
		{id: "pace/load", title: fmt.Sprintf("%d messages a second for %s%s are answered within 2 s", c.Load.Rate, c.Load.For, c.stated()), rules: rules,
			requests: int(float64(c.Load.Rate) * c.Load.For.Seconds()), run: load},
		{id: "pace/idle", title: "A connection that was idle since the beginning is still open", rules: []string{"rcv-2s"}, requests: 3, run: idle},
		{id: "pace/crossing", title: "A message that meets the end of an idle connection is not lost", rules: []string{"rcv-2s"}, requests: 2 * crossings, run: crossing},
		{id: "pace/cold", title: "A message after a long time without any is answered within 2 s", rules: rules, requests: 2, unless: func(p *Prober) string {
			if p.config.Cold == 0 {
				return "a cold start needs a pause before it: set --cold 15m"
			}
			return ""
		}, run: cold},
	}
}

// stated says whose load it is.
func (c Config) stated() string {
	if c.Load.Stated {
		return ", the stated load,"
	}
	return ", the default load,"
}

// timed is one body for a series, each about a profile of its own.
func (t *caseRun) timed() []byte {
	_, body := t.about()
	return body
}

// about is one body for a series, and the profile that it is about.
func (t *caseRun) about() (person, []byte) {
	s := t.shaper()
	who, d := s.plain()
	return who, s.single(d)
}

func oneByOne(ctx context.Context, t *caseRun) {
	var all []answer
	for range alone {
		a, ok := t.send(ctx, t.main, "plain", t.timed())
		if !ok {
			return
		}
		all = append(all, a)
	}
	if t.inTime("alone", all) {
		t.allAccepted(ctx, "alone", all)
	}
	fresh := 0
	for _, a := range all[1:] {
		if !a.reused {
			fresh++
		}
	}
	switch {
	case fresh == 0:
		t.pass("rcv-2s", "connections are kept open", fmt.Sprintf("%d messages on one connection", len(all)))
	case fresh == len(all)-1:
		t.advise("rcv-2s", "the server closes the connection after every answer", fmt.Sprintf("%d connections for %d messages", fresh+1, len(all)),
			"keep connections open for longer than 60 s, after which the sender closes an idle one: each new one pays its handshakes out of the 2 s", nil)
	}
}

// idle sends a message on the connection that has been idle since the first
// message. A server that closes it before the sender does, after 60 s, may do so
// while a message is on its way: that attempt fails. How long the connection was
// idle is how long the probe took.
func idle(ctx context.Context, t *caseRun) {
	if t.idle == nil {
		t.skipped("no connection was left idle")
		return
	}
	if wait(ctx, time.Until(t.idleAt.Add(t.config.Idle))) != nil {
		return
	}
	lasted := time.Since(t.idleAt)
	a, ok := t.send(ctx, t.idle, "plain", t.timed())
	switch {
	case !ok:
	case a.status() != 0 && a.reused:
		t.pass("rcv-2s", "a connection was still open that was idle for "+ms(lasted), a.says())
	case a.status() != 0:
		t.advise("rcv-2s", "the server closed a connection that was idle for no more than "+ms(lasted), "another had to be opened", keepOpen, nil)
	default:
		// How long the sender keeps an idle connection is not documented.
		t.advise("rcv-2s", "a message on a connection that was idle for "+ms(lasted)+" failed", a.says(), keepOpen, &a)
	}
}

// keepOpen is what to do about connections that end while they are idle.
const keepOpen = "keep idle connections for more than 60 s, after which the sender closes them: a message that crosses the end of one fails, and comes again 15 s later"

// burst sends as many as are allowed at once, each on a connection of its own
// if need be. A receiver may refuse some for overload, if it says so in a way
// that is sent again (R104).
func burst(ctx context.Context, t *caseRun) {
	n := t.config.Limits.Burst
	access, err := t.access(ctx)
	if err != nil || t.stopped(t.budget.take(ctx, n)) {
		return
	}
	bodies := make([][]byte, n)
	for i := range bodies {
		bodies[i] = t.timed()
	}
	all := make([]answer, n)
	var group sync.WaitGroup
	for i := range all {
		group.Go(func() { all[i] = t.main.perform(ctx, t.operation(bodies[i], t.main.certificate, access)) })
	}
	group.Wait()
	if ctx.Err() != nil {
		return
	}
	for i := range all {
		all[i].message = "plain"
		t.seen.add(all[i])
	}
	t.inTime("burst", all)
	t.overload(all)
}

// overload judges how a burst was refused, where it was.
func (t *caseRun) overload(all []answer) {
	refused, wrong := 0, -1
	for i, a := range all {
		if a.status() == 0 || a.ok() {
			continue
		}
		if refused++; a.status() != 429 && a.status() != 503 && wrong < 0 {
			wrong = i
		}
	}
	switch {
	case wrong >= 0 && t.unsteady && !t.throttles && all[wrong].status() >= 500:
		t.explained(flaky, "rcv-2xx", fmt.Sprintf("%d of %d messages at once were refused, as single ones are now and then", refused, len(all)), "2xx for each", all[wrong])
	case wrong >= 0:
		t.explained(throttled, "rcv-retry-advice", "overload is answered with another status than 429 or 503", "2xx, 429 or 503", all[wrong])
	case refused > 0:
		t.pass("rcv-retry-advice", "overload is answered so that it is sent again", fmt.Sprintf("%d of %d refused with %d", refused, len(all), firstRefusal(all)))
	}
}

func firstRefusal(all []answer) int {
	i := slices.IndexFunc(all, func(a answer) bool { return !a.ok() && a.status() != 0 })
	return all[i].status()
}

// load sends at the stated rate, each message when it is due, whatever became
// of the ones before.
func load(ctx context.Context, t *caseRun) {
	if t.budget.ready(ctx) != nil {
		return
	}
	rate, n := t.config.Load.Rate, int(float64(t.config.Load.Rate)*t.config.Load.For.Seconds())
	all := make([]answer, 0, n)
	var accepted []person
	var mu sync.Mutex
	var group sync.WaitGroup
	began, sent, latest := time.Now(), 0, time.Duration(0)
	for ; sent < n; sent++ {
		due := began.Add(time.Duration(sent) * time.Second / time.Duration(rate))
		if wait(ctx, time.Until(due)) != nil {
			break
		}
		access, err := t.access(ctx)
		if err != nil || t.stopped(t.budget.spend(1)) {
			break
		}
		latest = max(latest, time.Since(due))
		who, body := t.about()
		group.Go(func() {
			a := t.main.perform(ctx, t.operation(body, t.main.certificate, access))
			a.message = "plain"
			mu.Lock()
			defer mu.Unlock()
			if all = append(all, a); a.ok() {
				accepted = append(accepted, who)
			}
		})
	}
	group.Wait()
	if ctx.Err() != nil || len(all) == 0 {
		return
	}
	for _, a := range all {
		t.seen.add(a)
	}
	achieved := float64(sent) / (time.Since(began).Seconds() + 1/float64(rate))
	t.metrics["loadRateOffered"], t.metrics["loadRateAchieved"] = float64(rate), achieved
	if latest > time.Second/2 {
		t.unclear("rcv-2s", fmt.Sprintf("this machine was up to %s late in sending", ms(latest)), "probe from a less busy machine, or with a lower --load")
		return
	}
	if t.inTime("load", all) {
		t.allAccepted(ctx, "load", all)
		t.allStored(ctx, accepted)
	}
}

// sampled is how many of the messages of a load are read back.
const sampled = 50

// allStored reads back the profiles of a load, in the order in which they were
// sent, and reports how far the store lags behind the answers.
func (t *caseRun) allStored(ctx context.Context, accepted []person) {
	if unread(t.Prober) != "" || len(accepted) == 0 {
		return
	}
	ended := time.Now()
	end, missing := ended.Add(t.config.State.Within), 0
	step := max(1, len(accepted)/sampled)
	for i := len(accepted) - 1; i >= 0; i -= step { // the last one first: it waits the longest
		for {
			state, err := t.read(ctx, accepted[i].ECID)
			switch {
			case ctx.Err() != nil:
				return
			case err != nil:
				t.unclear("rcv-2xx", err.Error(), readBackFix)
				return
			}
			if state != nil {
				break
			}
			if time.Now().After(end) {
				missing++
				break
			}
			if wait(ctx, 50*time.Millisecond) != nil {
				return
			}
		}
	}
	lag := time.Since(ended)
	t.metrics["loadStoreLagMs"] = float64(lag.Milliseconds())
	of := (len(accepted) + step - 1) / step
	if missing > 0 {
		k := failed("rcv-2xx", fmt.Sprintf("%d of %d messages of the load are accepted, and not stored", missing, of), "each stored within "+ms(t.config.State.Within),
			fmt.Sprintf("missing %s after the last answer", ms(lag)))
		t.broken = "the receiver is still storing what the load left"
		k.Class, k.Fix = string(lost), "answer 429 or 503 when the store is behind, or store before you answer: a queue that grows for as long as messages come is lost with the process that holds it"
		t.check(k, nil)
		return
	}
	t.pass("rcv-2xx", "everything that the load left is stored", fmt.Sprintf("%d read back, the last at most %s after the last answer", of, ms(lag)))
}

// inTime judges the times of a series, and says its percentiles.
func (t *caseRun) inTime(name string, all []answer) bool {
	took := make([]time.Duration, 0, len(all))
	worst := all[0]
	for _, a := range all {
		took = append(took, a.took)
		if a.took > worst.took {
			worst = a
		}
	}
	slices.Sort(took)
	says := fmt.Sprintf("%d messages: p50 %s, p95 %s, p99 %s, worst %s", len(took), ms(percentile(took, 50)), ms(percentile(took, 95)), ms(percentile(took, 99)), ms(worst.took))
	for q, key := range map[int]string{50: "P50", 95: "P95", 99: "P99", 100: "Worst"} {
		t.metrics[name+key+"Ms"] = float64(percentile(took, q).Microseconds()) / 1000
	}
	lag := t.machine.lag(worst.timing.began, worst.timing.ended)
	switch {
	case worst.late() && lag > Deadline/4:
		t.unclear("rcv-2s", fmt.Sprintf("%s; this machine stood still for %s of the worst", says, ms(lag)), "probe from a less busy machine")
		return false
	case worst.late():
		late := 0
		for _, d := range took {
			if d > Deadline {
				late++
			}
		}
		t.check(failed("rcv-2s", fmt.Sprintf("%d of %d answers came too late", late, len(took)), "every answer complete within 2 s", says), &worst)
		return false
	case len(took) < alone:
		t.unclear("rcv-2s", fmt.Sprintf("%s: too few to judge, which takes at least %d", says, alone), "raise the limits, or --load")
		return false
	}
	t.pass("rcv-2s", "answered in time", says)
	if p99 := percentile(took, 99); p99 > advisedP99 {
		t.advise("rcv-2s", "99 of 100 answers should be complete within 1.5 s", says, "store the message and answer; process it afterwards", &worst)
	}
	return true
}

// allAccepted wants 2xx of each in a series. Where the receiver throttles, it is
// held to a rate that its owner stated, and to no other.
func (t *caseRun) allAccepted(ctx context.Context, name string, all []answer) {
	refused, first := 0, -1
	for i := range all {
		if !all[i].ok() {
			if refused++; first < 0 {
				first = i
			}
		}
	}
	if refused == 0 {
		t.pass("rcv-2xx", "all of them accepted", "")
		return
	}
	a := all[first]
	c := throttled
	if !a.throttles() {
		c = t.temper(ctx, a)
	}
	if ctx.Err() != nil {
		return
	}
	how := map[string]string{"alone": "one after the other", "load": fmt.Sprintf("at %d a second", t.config.Load.Rate)}[name]
	says := fmt.Sprintf("%d of %d messages %s were refused", refused, len(all), how)
	switch {
	case c == flaky:
		t.explained(flaky, "rcv-2xx", says, "2xx for each", a)
	case name == "load" && t.config.Load.Stated:
		k := t.refusal("rcv-2xx", says, "2xx for each, at the load that you stated", a)
		k.Class, k.Fix = string(throttled), fmt.Sprintf("it does not hold the stated load of %d a second: state what it holds, or make it accept more", t.config.Load.Rate)
		t.check(k, &a)
	default:
		t.strained(a)
		t.unclear("rcv-2xx", says+": the receiver throttles, and no load is stated that it must hold", "state the load with --load RATE/s:TIME, and lower --rate to what the receiver accepts")
	}
}

// percentile is the smallest value that so many of 100 do not exceed; sorted is
// not empty.
func percentile(sorted []time.Duration, of int) time.Duration {
	return sorted[max(0, (len(sorted)*of+99)/100-1)]
}

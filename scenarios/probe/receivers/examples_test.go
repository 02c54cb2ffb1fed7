package receivers

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/httpdest/httpdest/engine/platform"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
)

// More than a hundred probes are not for every test run; `make probe-examples` asks for
// them.
var (
	examples = flag.Bool("examples", false, "build, start and probe every receiver")
	only     = flag.String("only", "", "with -examples: those whose name and plan match the regular expression")
	binary   = flag.String("httpdest", "", "with -examples: the binary that probes; \"\" builds it")
)

// example is a receiver, and what a probe must find.
type example struct {
	name, plan string
	fails      []string // rules, sorted; none: it is right
	folder     string   // below right/, of what starts it
	files      map[string]string
	env        map[string]string
	probe      map[string]any
	wrong      Receiver // as it is declared; zero for a right one
}

// allExamples are the right receivers under every plan they know, and then the
// wrong ones.
func allExamples(t *testing.T) []example {
	t.Helper()
	all := []example{
		{name: "go", plan: "oauth"},
		{name: "go, basic", plan: "oauth", probe: tree{"destination": tree{"auth": tree{"credentials": "basic-authorization"}}}},
		{name: "nginx", plan: "mtls"},
		{name: "haproxy", plan: "mtls"},
		{name: "apache", plan: "mtls"},
		{name: "caddy", plan: "mtls"},
	}
	for _, name := range []string{"go", "node", "python"} {
		all = append(all, example{name: name, plan: "mtls"}, example{name: name, plan: "tls"})
	}
	for i := range all {
		all[i].folder, _, _ = strings.Cut(all[i].name, ",")
	}
	wrong, err := Wrong()
	check(t, err)
	for _, r := range wrong {
		files, err := r.Files()
		check(t, err)
		folder := "go"
		switch {
		case r.InProcess():
			folder = FrontPlan
		case r.Front != "":
			folder = r.Front + ", wrong"
		}
		all = append(all, example{r.Name, r.Plan, slices.Sorted(slices.Values(r.Fails)), folder, files, r.Env, r.Probe, r})
	}
	wanted, err := regexp.Compile(*only)
	check(t, err)
	all = slices.DeleteFunc(all, func(e example) bool { return !wanted.MatchString(e.name + ", " + e.plan) })
	if len(all) == 0 {
		t.Fatalf("no receiver matches %q", *only)
	}
	return all
}

// tree is a part of a configuration.
type tree = map[string]any

// merged is a tree with changes, map by map; null takes away.
func merged(base, changes tree) tree {
	out := maps.Clone(base)
	for key, value := range changes {
		below, isTree := value.(tree)
		under, wasTree := out[key].(tree)
		switch {
		case value == nil:
			delete(out, key)
		case isTree && wasTree:
			out[key] = merged(under, below)
		default:
			out[key] = value
		}
	}
	return out
}

// environments are what receivers are started with, by plan.
var environments = map[string]map[string]string{
	"mtls":  {"CLIENT_CA": "clients/client-ca.pem"},
	"tls":   {},
	"oauth": {"CLIENT_ID": "aep", "CLIENT_SECRET": "s3cr&t"},
}

// started is the environment of a receiver.
func (e example) started() []string {
	env := map[string]string{"LISTEN": "127.0.0.1:0", "CERT": "server.pem", "KEY": "server-key.pem", "TOKEN": token, "CLIENT_CA": "", "CLIENT_ID": "", "CLIENT_SECRET": ""}
	maps.Copy(env, environments[e.plan])
	maps.Copy(env, e.env)
	var out []string
	for name, value := range env {
		out = append(out, name+"="+value)
	}
	return out
}

// configuration is that of the probe of a receiver at an address.
func (e example) configuration(url string) tree {
	plans := map[string]tree{
		"mtls": {"certificates": "clients", "firewall": tree{"allow": "allow.txt", "region": "VA7"}, "expiredToken": "old-token",
			"destination": tree{"maxProfilesPerRequest": 10}},
		"tls":     {},
		FrontPlan: {"ca": nil},
		"oauth": {"destination": tree{"maxProfilesPerRequest": 10, "batchEncoding": "profiles", "auth": tree{"type": "oauth2-client-credentials", "token": nil,
			"credentials": "body-form-encoded", "clientID": "aep", "clientSecret": "s3cr&t", "tokenURL": url + "/token"}}},
	}
	base := tree{
		"destination": tree{"endpoint": url + "/profiles", "headers": "X-Tenant:acme", "queryParameters": "source=aep", "auth": tree{"type": "bearer", "token": token}},
		"ca":          "server-ca.pem",
		"readBack":    tree{"url": url + "/state", "header": "Authorization: Bearer " + token, "within": "1s"},
		"limits":      tree{"rate": 200, "requests": 600, "burst": 20},
		"load":        tree{"rate": 25, "for": "1s"},
	}
	return merged(merged(base, plans[e.plan]), e.probe)
}

// found is what came of a probe.
type found struct {
	report reports.Report
	exit   int
	took   time.Duration
}

func (f found) rules(verdict reports.Verdict) []string {
	var out []string
	for _, r := range f.report.Rules {
		if r.Verdict == verdict {
			out = append(out, r.ID)
		}
	}
	slices.Sort(out)
	return out
}

// TestExamples probes every receiver with the binary, as its owner would: the
// right ones pass, and each wrong one fails the rules that its description names.
func TestExamples(t *testing.T) {
	if !*examples {
		t.Skip("needs the flag -examples: more than a hundred probes; `make probe-examples` gives it")
	}
	ctx, all := ending(t), allExamples(t)
	httpdest, err := *binary, error(nil)
	if httpdest == "" {
		httpdest, err = goBuild(t, ctx, "cmd/httpdest", nil)
	}
	check(t, err)
	dir := folder(t, ctx, httpdest)
	built := buildAll(t, ctx, all)
	var mu sync.Mutex
	results := map[string]found{}
	t.Run("probe", func(t *testing.T) {
		for i, e := range all {
			t.Run(e.name+", "+e.plan, func(t *testing.T) {
				t.Parallel()
				p, err := rightOnes[e.folder](t, ctx, starting{built[i], dir, e.started(), e.wrong})
				check(t, err)
				var f found
				for range 3 {
					lag := watchClock()
					f, err = probeWith(ctx, httpdest, filepath.Join(dir, fmt.Sprintf("probe-%d", i)), e.configuration(p.url))
					check(t, err)
					// A busy machine makes answers late: the probe is repeated, up
					// to twice.
					if starved := lag() > tolerated; !f.stoodStill() && (len(judge(e, f)) == 0 || !starved) {
						break
					}
				}
				p.end()
				mu.Lock()
				defer mu.Unlock()
				results[t.Name()] = f
				for _, wrong := range judge(e, f) {
					t.Error(wrong)
				}
			})
		}
	})
	show(t, all, results)
	if *only == "" {
		everythingShown(t, all, results)
	}
}

// tolerated is how late a clock may tick on a machine with a processor to spare.
const tolerated = 100 * time.Millisecond

// watchClock ticks until the returned function is called, which reports how late the
// latest tick was.
func watchClock() (stop func() time.Duration) {
	quit, worst := make(chan struct{}), make(chan time.Duration)
	go func() {
		const tick = 10 * time.Millisecond
		t := time.NewTicker(tick)
		defer t.Stop()
		last, lag := time.Now(), time.Duration(0)
		for {
			select {
			case <-quit:
				worst <- lag
				return
			case <-t.C:
				now := time.Now()
				lag, last = max(lag, now.Sub(last)-tick), now
			}
		}
	}()
	return func() time.Duration { close(quit); return <-worst }
}

// folder has everything that receivers and probes are given.
func folder(t *testing.T, ctx context.Context, httpdest string) string {
	t.Helper()
	dir := t.TempDir()
	writeServers(t, dir)
	if out, err := command(ctx, dir, nil, httpdest, "probe", "--write-certificates", "clients").CombinedOutput(); err != nil {
		t.Fatalf("httpdest probe --write-certificates: %v\n%s", err, out)
	}
	egress, err := platform.ShippedEgress()
	check(t, err)
	for file, region := range map[string]string{"allow.txt": "VA7", "allow-global.txt": "VA6"} { // of VA6 are the global ones alone
		prefixes, ok := egress.Allowed(region)
		if !ok {
			t.Fatalf("no region %s", region)
		}
		var lines strings.Builder
		for _, p := range prefixes {
			fmt.Fprintln(&lines, p)
		}
		write(t, filepath.Join(dir, file), []byte(lines.String()))
	}
	return dir
}

// buildAll builds what starts each example, before anything is timed.
func buildAll(t *testing.T, ctx context.Context, all []example) []string {
	t.Helper()
	right, err := goBuild(t, ctx, Source, nil)
	check(t, err)
	binaries := make([]string, len(all))
	var wg sync.WaitGroup
	slots := make(chan struct{}, runtime.NumCPU())
	for i, e := range all {
		if binaries[i] = right; len(e.files) == 0 || e.wrong.Front != "" {
			continue
		}
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if binaries[i], err = goBuild(t, ctx, Source, e.files); err != nil {
				t.Errorf("%s: %v", e.name, err)
			}
		})
	}
	if wg.Wait(); t.Failed() {
		t.FailNow()
	}
	return binaries
}

// probeWith runs the command with a configuration, which it writes next to the report.
func probeWith(ctx context.Context, httpdest, path string, configuration tree) (found, error) {
	var f found
	content, err := json.MarshalIndent(configuration, "", "  ") // is YAML too
	if err != nil {
		return f, err
	}
	if err := os.WriteFile(path+".yaml", content, 0o600); err != nil {
		return f, err
	}
	began := time.Now()
	out, err := command(ctx, ".", nil, httpdest, "probe", "--config", path+".yaml", "--report", "json="+path+".json").CombinedOutput()
	f.took = time.Since(began)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		f.exit = exit.ExitCode()
	} else if err != nil {
		return f, err
	}
	content, err = os.ReadFile(path + ".json")
	if err != nil {
		return f, fmt.Errorf("the probe ended with %d and left no report: %w\n%s", f.exit, err, out)
	}
	return f, json.Unmarshal(content, &f.report)
}

// stoodStill reports whether the probe could not judge for want of a processor: it
// says nothing about the receiver, and is repeated.
func (f found) stoodStill() bool {
	return slices.ContainsFunc(f.report.Cases, func(c reports.Case) bool {
		return slices.ContainsFunc(c.Checks, func(k reports.Check) bool {
			return k.Verdict == reports.Inconclusive && strings.Contains(k.Title, "this machine stood still")
		})
	})
}

// judge holds what was found against what is declared.
func judge(e example, f found) (wrong []string) {
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	verdict, exit := reports.Pass, 0
	if len(e.fails) > 0 {
		verdict, exit = reports.Fail, 1
	}
	if got := f.rules(reports.Fail); !slices.Equal(got, e.fails) || f.report.Verdict != verdict || f.exit != exit {
		complain("fails %v with verdict %s and exit status %d; want %v, %s and %d%s", got, f.report.Verdict, f.exit, e.fails, verdict, exit, f.complaints())
	}
	for _, c := range f.report.Cases {
		for _, k := range c.Checks {
			if k.Verdict == reports.Fail && k.Class != e.wrong.Class {
				complain("%s %s has the class %q; want %q: %s; it says %q", c.ID, k.Rule, k.Class, e.wrong.Class, k.Title, k.Said)
			}
		}
	}
	if got := f.recognised(); got != e.wrong.Server {
		complain("the response names %q as its cause; want %q%s", got, e.wrong.Server, f.complaints())
	}
	if e.fails == nil && len(f.rules(reports.Inconclusive)) > 0 {
		complain("inconclusive: %v%s", f.rules(reports.Inconclusive), f.complaints())
	}
	return wrong
}

// recognised is the server of the cause that the response to the first failure
// names.
func (f found) recognised() string { return f.named().Server }

// named is the cause that the response to the first failure names.
func (f found) named() reports.Cause {
	for _, c := range f.report.Cases {
		for _, k := range c.Checks {
			if k.Verdict == reports.Fail && len(k.Causes) > 0 && k.Causes[0].Recognised {
				return k.Causes[0]
			}
		}
	}
	return reports.Cause{}
}

// complaints are the checks that did not pass, a line each.
func (f found) complaints() string {
	var b strings.Builder
	for _, c := range f.report.Cases {
		for _, k := range c.Checks {
			if k.Verdict == reports.Fail || k.Verdict == reports.Inconclusive {
				fmt.Fprintf(&b, "\n  %s %s %s: %s; want %s, got %s", k.Verdict, k.Rule, c.ID, k.Title, k.Expected, k.Actual)
			}
		}
	}
	return b.String()
}

// show prints the table.
func show(t *testing.T, all []example, results map[string]found) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nreceiver\tplan\tclass\tmust fail\tfailed\tverdict\trequests\ttime\t")
	for _, e := range all {
		f, there := results[t.Name()+"/probe/"+rewritten(e.name+", "+e.plan)]
		if !there {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\tNOT PROBED\t\t\t\t\n", e.name, e.plan, e.wrong.Class, list(e.fails))
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%.0f\t%.1f s\t\n", e.name, e.plan, e.wrong.Class, list(e.fails), list(f.rules(reports.Fail)), f.report.Verdict, f.report.Metrics["requests"], f.took.Seconds())
	}
	fmt.Fprintln(w)
	_ = w.Flush()
}

func list(rules []string) string { return cmp.Or(strings.Join(rules, " "), "-") }

// rewritten is a name as subtests have it.
func rewritten(name string) string { return strings.ReplaceAll(name, " ", "_") }

// everythingShown: a rule that no right receiver passes may have failed for
// everybody, or was never looked at.
func everythingShown(t *testing.T, all []example, results map[string]found) {
	t.Helper()
	rules, err := scenarios.Rules()
	check(t, err)
	for _, rule := range rules {
		passes := slices.ContainsFunc(all, func(e example) bool {
			return len(e.fails) == 0 && slices.Contains(results[t.Name()+"/probe/"+rewritten(e.name+", "+e.plan)].rules(reports.Pass), rule.ID)
		})
		if strings.HasPrefix(rule.ID, "rcv-") && !passes {
			t.Errorf("no right receiver passes %s", rule.ID)
		}
	}
}

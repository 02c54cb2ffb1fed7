package mutants

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/httpdest/httpdest/internal/share"
)

// shielded are mutants that the engine of serve does not show, because something else
// in it prevents the fault. One that it does show must not be here.
var shielded = map[string]string{
	"limit-ignored":            "its senders hold the limit of attempts as well, since some are charged ahead of it",
	"waiting-beyond-the-limit": "its senders hold the limit of attempts as well, since some are charged ahead of it",
	"upload-payload-attached":  "its store keeps the identity of a row, and not the other columns",
}

// TestMutantsThroughLive plays every mutant of the engine through the engine of
// serve: its goroutines, groups and store, with HTTP and TLS in memory. Each is
// played with the cases that must find it in the simulation, and has to be found
// by one that the engine of serve plays.
func TestMutantsThroughLive(t *testing.T) {
	if !*run {
		t.Skip("needs the flag -mutants: a play for each mutant; `make mutants-live` gives it")
	}
	wanted, err := regexp.Compile(*only)
	if err != nil {
		t.Fatal(err)
	}
	all, cases := tree(t)
	all = slices.DeleteFunc(all, func(m Mutant) bool { return !strings.HasPrefix(m.File, "engine/") || !wanted.MatchString(m.ID) })
	if len(all) == 0 {
		t.Fatalf("no mutant of the engine matches %q", *only)
	}
	all = share.Of(&part, all)
	measured, err := LastMeasured()
	if err != nil {
		t.Fatal(err)
	}
	finders, _ := finders(all, cases, measured)
	plays := playLive(t, all, finders)
	if t.Failed() {
		return
	}
	count := map[string]int{}
	for i, m := range all {
		what, why := plays[i].verdict(shielded[m.ID])
		count[what]++
		fmt.Printf("%-40s %-10s %s\n", m.ID, what, why)
		if what == "SURVIVED" || what == "SHOWN" {
			t.Errorf("mutant %s (%s) %s in the engine of serve: %s", m.ID, m.Title, what, why)
		}
	}
	fmt.Printf("%d mutants of the engine through the engine of serve: %d killed, %d shielded, %d whose cases it does not play\n",
		len(all), count["killed"], count["shielded"], count["not played"])
}

// verdict is what became of a mutant with its cases, and why. shield is the reason
// for which the engine should not show it, "" where it should.
func (p livePlay) verdict(shield string) (what, why string) {
	red, passed, stopped := p.with("FAIL"), p.with("pass"), p.with("stopped")
	switch {
	case len(red) > 0 && shield != "":
		return "SHOWN", "found by " + few(red) + ", though " + shield
	case len(red) > 0:
		return "killed", "by " + few(red)
	case len(passed)+len(stopped) == 0 && len(p) > 0:
		return "not played", "with " + few(p.told()) + ": which exports share a message depends on how fast serve takes updates"
	case shield != "" && len(stopped) == 0:
		return "shielded", shield
	}
	return "SURVIVED", "passed " + few(passed) + "; stopped the process " + few(stopped)
}

func TestVerdictOfALivePlay(t *testing.T) {
	for _, tt := range []struct {
		play   livePlay
		shield string
		want   string
	}{
		{livePlay{"a": "FAIL", "b": "pass"}, "", "killed"},
		{livePlay{"a": "FAIL"}, "a reason", "SHOWN"},
		{livePlay{"a": "pass"}, "a reason", "shielded"},
		{livePlay{"a": "stopped"}, "a reason", "SURVIVED"},
		{livePlay{"a": "skip", "b": "skip"}, "", "not played"},
		{livePlay{"a": "skip", "b": "pass"}, "", "SURVIVED"},
		{livePlay{"a": "stopped"}, "", "SURVIVED"},
		{livePlay{}, "", "SURVIVED"},
	} {
		if got, _ := tt.play.verdict(tt.shield); got != tt.want {
			t.Errorf("%v, shield %q: %s; want %s", tt.play, tt.shield, got, tt.want)
		}
	}
}

// livePlay is what became of each case, by its id.
type livePlay map[string]string

func (p livePlay) with(what string) []string {
	return slices.DeleteFunc(p.told(), func(id string) bool { return p[id] != what })
}

func (p livePlay) told() []string {
	var ids []string
	for id := range p {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// playLive plays each mutant with its cases, which have to pass without one.
func playLive(t *testing.T, all []Mutant, finders map[string][]string) []livePlay {
	b, ok := buildsOf(t, all, "many mutants", buildTestOf("./scenarios/simulate"))
	if !ok {
		return nil
	}
	var cases []string
	for _, m := range all {
		cases = append(cases, finders[m.ID]...)
	}
	slices.Sort(cases)
	unchanged := livePlayOf(t, "unchanged", b.many, 0, slices.Compact(cases))
	if red := append(unchanged.with("FAIL"), unchanged.with("stopped")...); len(red) > 0 || t.Failed() {
		t.Fatalf("cases are red without any mutant: %v", red)
	}
	plays := make([]livePlay, len(all))
	b.each(every, func(i int, binary string, number int) {
		plays[i] = livePlayOf(t, all[i].ID, binary, number, finders[all[i].ID])
	})
	return plays
}

// livePlayOf plays cases under the mutant of a number. A case that stops the
// process has found nothing, and those after it are played without it.
func livePlayOf(t *testing.T, what, binary string, number int, cases []string) livePlay {
	played := livePlay{}
	rest := slices.SortedFunc(slices.Values(cases), func(a, b string) int { return strings.Compare(a+".yaml", b+".yaml") }) // as they are played
	for len(rest) > 0 {
		told, out, err := tellLive(filepath.Join(t.TempDir(), "cells"), binary, number, rest)
		if err != nil {
			t.Errorf("mutant %s: %v\n%s", what, err, out)
			return nil
		}
		maps.Copy(played, told)
		stopped := slices.IndexFunc(rest, func(id string) bool { _, there := told[id]; return !there })
		if stopped < 0 {
			break
		}
		played[rest[stopped]] = "stopped"
		rest = rest[stopped+1:]
	}
	return played
}

// tellLive plays cases once, and returns what the test told of them before it ended.
func tellLive(file, binary string, number int, cases []string) (told livePlay, out []byte, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "-test.run=^TestLibraryThroughLive$", "-test.timeout=4m",
		"-live-cases="+strings.Join(cases, ","), "-cells="+file)
	cmd.Dir = filepath.Join(root, "scenarios", "simulate")
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", SwitchEnv, number), "GOMAXPROCS=1", elsewhere)
	out, err = cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return nil, out, err
	}
	told = livePlay{}
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return told, out, nil // the first case stopped it
	}
	if err != nil {
		return nil, out, err
	}
	defer func() { _ = f.Close() }() // it was read
	for d := json.NewDecoder(f); d.More(); {
		var c struct{ Case, What string }
		if err := d.Decode(&c); err != nil {
			return nil, out, err
		}
		told[c.Case] = c.What
	}
	return told, out, nil
}

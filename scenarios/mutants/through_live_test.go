package mutants

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
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
	"time"

	"github.com/httpdest/httpdest/internal/share"
)

var throughLive = flag.Bool("through-live", false, "with -mutants: play the mutants of the engine through the engine of serve")

// notThroughLive are the mutants that the engine of serve cannot show, each with the
// reason. A mutant that it does show must not be here.
var notThroughLive = map[string]string{}

// TestMutantsThroughLive plays every mutant of the engine through the engine of
// serve: its goroutines, groups and store, with HTTP and TLS in memory. Each is
// played with the cases that must find it in the simulation, and has to be found
// by one that the engine of serve plays.
func TestMutantsThroughLive(t *testing.T) {
	if !*run || !*throughLive {
		t.Skip("needs the flags -mutants and -through-live: a play for each mutant; `make mutants-live` gives them")
	}
	wanted, err := regexp.Compile(*only)
	if err != nil {
		t.Fatal(err)
	}
	all, cases := tree(t)
	all = slices.DeleteFunc(all, func(m Mutant) bool { return !strings.HasPrefix(m.File, "engine/") || !wanted.MatchString(m.ID) })
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
	killed, skipped := 0, 0
	for i, m := range all {
		why, excepted := notThroughLive[m.ID]
		switch red := plays[i].with("FAIL"); {
		case len(red) > 0 && excepted:
			t.Errorf("mutant %s is found by %s, and yet listed as one that is not: %s", m.ID, few(red), why)
		case len(red) > 0:
			killed++
			fmt.Printf("%-40s killed    by %s\n", m.ID, few(red))
		case excepted:
			skipped++
			fmt.Printf("%-40s not here  %s\n", m.ID, why)
		default:
			t.Errorf("mutant %s (%s) SURVIVED in the engine of serve: passed %s; skipped %s; stopped the process %s", m.ID, m.Title,
				few(plays[i].with("pass")), few(plays[i].with("skip")), few(plays[i].with("stopped")))
		}
	}
	fmt.Printf("%d mutants of the engine through the engine of serve: %d killed, %d cannot show there\n", len(all), killed, skipped)
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

// playLive plays each mutant with its cases.
func playLive(t *testing.T, all []Mutant, finders map[string][]string) []livePlay {
	files, apart, err := Together(root, all)
	if err != nil {
		t.Fatal(err)
	}
	many := buildLive(t, "many mutants", files)
	if t.Failed() {
		return nil
	}
	plays := make([]livePlay, len(all))
	var wg sync.WaitGroup
	slots := make(chan struct{}, runtime.NumCPU())
	for i, m := range all {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			binary, number := many, i+1
			if isOneOf(m, apart) {
				content, err := m.Apply(root)
				if err != nil {
					t.Error(err)
					return
				}
				if binary, number = buildLive(t, m.ID, map[string]string{m.File: string(content)}), 0; binary == "" {
					return
				}
			}
			plays[i] = livePlayOf(t, m.ID, binary, number, finders[m.ID])
		})
	}
	wg.Wait()
	return plays
}

// buildLive builds the test of the simulation, which has the bubble.
func buildLive(t *testing.T, what string, files map[string]string) string {
	dir := t.TempDir()
	list, err := Overlay(root, dir, files)
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return ""
	}
	binary := filepath.Join(dir, "live.test")
	cmd := exec.Command("go", "test", "-c", "-trimpath", "-ldflags=-s -w", "-overlay", list, "-o", binary, "./scenarios/simulate")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: does not build: %v\n%s", what, err, out)
		return ""
	}
	return binary
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
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", SwitchEnv, number), "GOMAXPROCS=1")
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

package scenarios

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKnownFailing(t *testing.T) {
	k, err := ParseKnownFailing("known.txt", []byte("# why\nretry/*   # flaky receiver\n\ntrigger/enter\nnever/there\n"))
	if err != nil {
		t.Fatal(err)
	}
	for id, line := range map[string]int{"retry/stall": 2, "trigger/enter": 4, "trigger/exit": 0, "a/retry/stall": 0} {
		if at, listed := k.Match(id); listed != (line > 0) || at.Line != line {
			t.Errorf("Match(%q) = line %d, %v; want line %d", id, at.Line, listed, line)
		}
	}
	if diff := cmp.Diff(Problems{{Position{"known.txt", 5, 1}, `"never/there" matches no case of this run`, "remove the line, or fix the pattern"}}, k.Stale()); diff != "" {
		t.Errorf("Stale (-want +got):\n%s", diff)
	}
	var none *KnownFailing
	if _, listed := none.Match("x"); listed || none.Stale() != nil {
		t.Error("a nil list lists something")
	}
}

func TestKnownFailingProblems(t *testing.T) {
	_, err := ParseKnownFailing("known.txt", []byte("[\nx\nx\n"))
	if err == nil || strings.Count(err.Error(), "hint:") != 2 {
		t.Errorf("ParseKnownFailing = %v; want a bad pattern and a duplicate", err)
	}
}

func FuzzParseKnownFailing(f *testing.F) {
	f.Add("retry/*\n# x\n")
	f.Add("[a-")
	f.Fuzz(func(t *testing.T, text string) {
		if k, err := ParseKnownFailing("f", []byte(text)); err == nil {
			k.Match("retry/stall")
			k.Stale()
		}
	})
}

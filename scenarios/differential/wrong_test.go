package differential

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/capture"
	"github.com/httpdest/httpdest/scenarios/check"
	"github.com/httpdest/httpdest/scenarios/recording"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

// captured is what the mock endpoint records of a sender that is not ours.
func captured(lines []recording.Line) []recording.Line {
	var out []recording.Line
	for _, l := range lines {
		switch {
		case l.Run != nil:
			run := *l.Run
			run.Side = "endpoint"
			out = append(out, recording.Line{Run: &run})
		case l.Request != nil, l.Handshake != nil, l.End != nil:
			out = append(out, l)
		}
	}
	return out
}

// asForeign judges lines as those of somebody else's sender.
func asForeign(all scenarios.Catalogue, lines []recording.Line, o check.SenderOptions) (reports.Case, error) {
	var text bytes.Buffer
	if err := recording.Write(&text, lines); err != nil {
		return reports.Case{}, err
	}
	in, err := capture.NewReader("sender.jsonl", &text, capture.Options{})
	if err != nil {
		return reports.Case{}, err
	}
	sender := check.NewSender(all, o)
	for {
		x, err := in.Next()
		if errors.Is(err, io.EOF) {
			return sender.Judge(in), nil
		}
		if err != nil {
			return reports.Case{}, err
		}
		sender.Exchange(x)
	}
}

// A right sender breaks nothing, whatever the history: with the start known and
// without.
func TestRightSenders(t *testing.T) {
	all := rules(t)
	for i := range min(*count, 100) {
		sc := histories().Example(*seed + i)
		lines, err := play(sc, simulate.Model)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range []check.SenderOptions{{Scenario: sc, Began: sc.Start}, {Scenario: sc}} {
			c, err := asForeign(all, captured(lines), o)
			if err != nil {
				t.Fatal(err)
			}
			for _, k := range c.Checks {
				if k.Verdict == reports.Fail || k.Verdict == reports.Unspecified {
					t.Errorf("seed %d, start known: %t: %s %s: %s; %s", *seed+i, !o.Began.IsZero(), k.Verdict, k.Rule, k.Expected, k.Actual)
				}
			}
		}
	}
}

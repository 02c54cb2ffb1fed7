package loadtest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"
)

// mostMoments bounds a trace.
const mostMoments = 20_000_000

// ReadMoments reads when things happened: a number of seconds or an RFC 3339
// time on each line, or the updates of a recording of httpdest. Empty lines
// are left out.
func ReadMoments(r io.Reader) ([]time.Duration, error) {
	in := bufio.NewScanner(r)
	in.Buffer(nil, 64<<20)
	var out []time.Duration
	var first time.Time
	for number := 1; in.Scan(); number++ {
		line := bytes.TrimSpace(in.Bytes())
		if len(line) == 0 {
			continue
		}
		at, ok, err := moment(line, &first)
		switch {
		case err != nil:
			return nil, fmt.Errorf("line %d: %w", number, err)
		case ok && len(out) == mostMoments:
			return nil, fmt.Errorf("line %d: there are more than %d moments", number, mostMoments)
		case ok:
			out = append(out, at)
		}
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	return out, nil
}

// moment reads a line; first is that of the first absolute time.
func moment(line []byte, first *time.Time) (at time.Duration, ok bool, err error) {
	if line[0] != '{' {
		if s, err := strconv.ParseFloat(string(line), 64); err == nil && s >= 0 && s < 1e9 {
			return seconds(s), true, nil
		}
		t, err := time.Parse(time.RFC3339Nano, string(line))
		if err != nil {
			return 0, false, fmt.Errorf("%.40q is no time: write seconds, or 2026-01-15T09:00:00Z", line)
		}
		return since(t, first), true, nil
	}
	var l struct {
		Update *struct {
			At time.Time `json:"at"`
		} `json:"update"`
	}
	if err := json.Unmarshal(line, &l); err != nil {
		return 0, false, fmt.Errorf("no line of a recording: %w", err)
	}
	if l.Update == nil {
		return 0, false, nil
	}
	return since(l.Update.At, first), true, nil
}

func since(t time.Time, first *time.Time) time.Duration {
	if first.IsZero() {
		*first = t
	}
	return t.Sub(*first)
}

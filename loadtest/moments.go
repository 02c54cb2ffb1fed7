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

// ReadMoments reads when things happened: a number of seconds, a time since 1970
// (seconds to nanoseconds) or an RFC 3339 time on each line, or the updates of a recording of httpdest. Empty lines
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
		if t, ok := epoch(string(line)); ok {
			return since(t, first), true, nil
		}
		t, err := time.Parse(time.RFC3339Nano, string(line))
		if err != nil {
			return 0, false, fmt.Errorf("%.40q is not a time: write seconds, or 2026-01-15T09:00:00Z", line)
		}
		return since(t, first), true, nil
	}
	var l struct {
		Update *struct {
			At time.Time `json:"at"`
		} `json:"update"`
	}
	if err := json.Unmarshal(line, &l); err != nil {
		return 0, false, fmt.Errorf("not a line of a recording: %w", err)
	}
	if l.Update == nil {
		return 0, false, nil
	}
	return since(l.Update.At, first), true, nil
}

// epoch reads a time since 1970 in seconds, milliseconds, microseconds or
// nanoseconds. Its size decides which: in every unit it is after 2001.
func epoch(text string) (time.Time, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		s, err := strconv.ParseFloat(text, 64)
		return time.Unix(0, int64(s*1e9)).UTC(), err == nil && s >= 1e9 && s < 9e9
	}
	switch {
	case n < 1e9:
		return time.Time{}, false
	case n < 1e11:
		return time.Unix(n, 0).UTC(), true
	case n < 1e14:
		return time.UnixMilli(n).UTC(), true
	case n < 1e17:
		return time.UnixMicro(n).UTC(), true
	}
	return time.Unix(0, n).UTC(), true
}

func since(t time.Time, first *time.Time) time.Duration {
	if first.IsZero() {
		*first = t
	}
	return t.Sub(*first)
}

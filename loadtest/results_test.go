package loadtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/reports"
)

// slowly is an attack whose request n takes 1 to 400 ms; every seventh is answered
// 503, and every fiftieth not at all.
func slowly(p Pace, out io.Writer) Attack {
	messages := []*engine.Message{{Body: []byte(`{"a":1}`)}, {Body: []byte(`{"a":22}`)}}
	a := quick(p, Start{})
	a.Messages, a.Results = messages, NewResults(out, "dusk", "https://receiver.test/p")
	a.Perform = func(_ context.Context, op engine.Operation) engine.Completion {
		n := uint64(op.ID) - 1
		time.Sleep(time.Duration(1+draw(n)%400) * time.Millisecond) // of the bubble
		o := answered(200)
		switch {
		case n%50 == 0:
			o = retry.Outcome{Kind: retry.Timeout}
		case n%7 == 0:
			o = answered(503)
		}
		return engine.Completion{Operation: op.ID, Outcome: o}
	}
	return a
}

// Vegeta reads the results of a load, and its percentiles are those of the report.
func TestResultsAreVegetas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var file bytes.Buffer
		a := slowly(Constant(100, 20*time.Second), &file)
		l, err := a.Run(t.Context())
		if err := errors.Join(err, a.Results.Close()); err != nil {
			t.Fatal(err)
		}
		var m vegeta.Metrics
		var csv bytes.Buffer
		encode := vegeta.NewCSVEncoder(&csv)
		codes := map[string]int64{}
		decode := vegeta.DecoderFor(bytes.NewReader(file.Bytes()))
		for {
			var r vegeta.Result
			if err := decode(&r); errors.Is(err, io.EOF) {
				break
			} else if err := errors.Join(err, encode(&r)); err != nil {
				t.Fatal(err)
			}
			m.Add(&r)
			codes[r.Error]++
			if r.Attack != "dusk" || r.Method != "POST" || r.URL != "https://receiver.test/p" || r.Code != 0 && r.BytesOut != 7+r.Seq%2 {
				t.Fatalf("%+v", r)
			}
		}
		m.Close()
		sameNumbers(t, l, m)
		if codes[""] != 1680 || codes["503 Service Unavailable"] != 280 || codes[`Post "https://receiver.test/p": timeout`] != 40 || m.BytesOut.Total != 960*7+1000*8 {
			t.Errorf("%v, %d bytes", codes, m.BytesOut.Total)
		}
		if lines := strings.Count(csv.String(), "\n"); lines != 2000 {
			t.Errorf("vegeta encode writes %d lines; want 2000", lines)
		}
	})
}

// sameNumbers compares our histogram with the metrics of Vegeta, which estimates its
// percentiles by a t-digest.
func sameNumbers(t *testing.T, l *reports.Load, m vegeta.Metrics) {
	t.Helper()
	if m.Requests != 2000 || int64(m.Requests) != l.Achieved.Count || math.Abs(m.Success-0.84) > 1e-9 || math.Abs(m.Rate-100) > 0.1 {
		t.Errorf("Vegeta sees %d requests, %v of them successful, %v/s: %+v", m.Requests, m.Success, m.Rate, l.Achieved)
	}
	d := l.AllServiceTime
	for _, x := range []struct {
		name         string
		ours, theirs float64
	}{
		{"p50", d.P50Ms, milliseconds(m.Latencies.P50)}, {"p95", d.P95Ms, milliseconds(m.Latencies.P95)},
		{"p99", d.P99Ms, milliseconds(m.Latencies.P99)}, {"max", d.MaxMs, milliseconds(m.Latencies.Max)},
	} {
		if math.Abs(x.ours-x.theirs) > 0.01*x.theirs {
			t.Errorf("%s: %v ms, and Vegeta sees %v ms", x.name, x.ours, x.theirs)
		}
	}
}

// Of a load that ends early Vegeta's file has the requests that were sent, and no
// others.
func TestResultsOfALoadThatEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var file bytes.Buffer
		a := slowly(Constant(100, time.Hour), &file)
		ctx, end := context.WithTimeout(t.Context(), 5*time.Second+time.Millisecond)
		defer end()
		l, err := a.Run(ctx)
		if err := errors.Join(err, a.Results.Close()); err != nil {
			t.Fatal(err)
		}
		kept, decode := int64(0), vegeta.NewDecoder(&file)
		for ; ; kept++ {
			var r vegeta.Result
			if err := decode(&r); err != nil {
				break
			}
		}
		if kept != l.Achieved.Count || kept < 500 {
			t.Errorf("%d results of %d requests", kept, l.Achieved.Count)
		}
		time.Sleep(time.Minute) // of the bubble: Vegeta wakes up once more
	})
}

// full takes so many bytes.
type full int

func (f *full) Write(p []byte) (int, error) {
	if *f -= full(len(p)); *f < 0 {
		return 0, errors.New("no space left")
	}
	return len(p), nil
}

// A file that is full does not end the load, and is named at its end.
func TestResultsThatCannotBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		room := full(5000)
		a := slowly(Constant(100, 5*time.Second), &room)
		l, err := a.Run(t.Context())
		if err != nil || l.Achieved.Count != 500 {
			t.Errorf("%+v, %v", l, err)
		}
		if err := a.Results.Close(); err == nil || err.Error() != "no space left" {
			t.Errorf("%v", err)
		}
	})
}

// Messages that were written as targets come back as they were, and are sent.
func TestTargets(t *testing.T) {
	const address = "http://127.0.0.1:8080/p"
	messages := population(service(t, "http://127.0.0.1/", ""), DefaultMix()).Messages(20, engine.Batching{})
	var file bytes.Buffer
	if err := WriteTargets(&file, address, messages); err != nil {
		t.Fatal(err)
	}
	read, err := ReadTargets(bytes.NewReader(file.Bytes()), address)
	if err != nil || len(read) != 20 {
		t.Fatalf("%d messages, %v", len(read), err)
	}
	for i, m := range read {
		if !bytes.Equal(m.Body, messages[i].Body) {
			t.Fatalf("%s: %s; want %s", m.ID, m.Body, messages[i].Body)
		}
	}
	first := Shard{0, 3}.Share(read)
	for n := range 60 {
		if got := (Shard{n % 3, 3}).Share(read)[n/3%20]; got != read[n%20] {
			t.Fatalf("request %d carries %s; want %s", n, got.ID, read[n%20].ID)
		}
	}
	if &first[0] == &read[0] || &(Shard{}.Share(read))[0] != &read[0] {
		t.Error("a load of one machine has them in their order")
	}
}

func TestTargetsThatCannotBeSent(t *testing.T) {
	const address = "http://127.0.0.1:8080"
	good := `{"method":"POST","url":"http://127.0.0.1:8080/?key=1","body":"e30="}` + "\n"
	for _, tt := range []struct{ text, want string }{
		{good, ""},
		{"\n" + good + "\n" + good, ""},
		{"", "target 1: the file has no targets"},
		{good + `{"method":"GET","url":"http://127.0.0.1:8080/","body":"e30="}`, "target 2: the method is \"GET\"; messages are sent with POST"},
		{strings.Replace(good, "8080/", "8081/", 1), "target 1: it is for another URL than the receiver's"},
		{strings.Replace(good, "http:", "https:", 1), "another URL"},
		{strings.Replace(good, "8080/", "8080/q", 1), "another URL"},
		{strings.Replace(good, "e30=", "e30", 1), "target 1: "},
		{strings.Replace(good, "e30=", "YQ==", 1), "target 1: the body is not JSON"},
		{strings.Replace(good, `,"body":"e30="`, "", 1), "target 1: the body is not JSON"},
		{good + "{", "target 2: "},
		{`{"url":"http://127.0.0.1:8080/"}`, "target 1: target: required method is missing"},
	} {
		_, err := ReadTargets(strings.NewReader(tt.text), address)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v; want %q", tt.text, err, tt.want)
		}
	}
}

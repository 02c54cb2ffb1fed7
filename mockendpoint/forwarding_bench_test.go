package mockendpoint_test

import (
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/forward"
	"github.com/httpdest/httpdest/mockendpoint/journal"
)

// BenchmarkProxy alternates a receiver, a bare net/http handler that reads the
// body, with the same receiver behind a proxy that keeps a journal. It reports the
// median of the ratios. Sender, proxy and receiver share the processors.
func BenchmarkProxy(b *testing.B) {
	spool, err := journal.NewSpool(journal.SpoolOptions{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = spool.Close() }()
	direct := serveOn(b, func(l net.Listener) func() {
		s := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
		})}
		go func() { _ = s.Serve(l) }()
		return func() { _ = s.Close() }
	})
	receiver, err := forward.New(forward.Config{URL: &url.URL{Scheme: "http", Host: direct}})
	if err != nil {
		b.Fatal(err)
	}
	through := serveOn(b, func(l net.Listener) func() {
		e := mockendpoint.New(mockendpoint.Options{Receiver: receiver, Journal: spool,
			ProfileOf: func(_, id string) (string, bool) { return id, true }})
		go func() { _ = e.Serve(l) }()
		return func() { _ = e.Close() }
	})
	const connections, round = 64, 2 * time.Second
	contenders := []*sender{newSender(b, direct, connections), newSender(b, through, connections)}
	for _, c := range contenders {
		c.run(b, round/4, 0) // warm
	}
	var ratios, rates []float64
	for range b.N {
		n := [2]float64{}
		for i, c := range contenders {
			n[i] = float64(c.run(b, round, 0)) / round.Seconds()
		}
		ratios, rates = append(ratios, n[1]/n[0]), append(rates, n[1])
	}
	b.ReportMetric(median(ratios), "ratio")
	b.ReportMetric(median(rates), "req/s")
	b.ReportMetric(0, "ns/op")
}

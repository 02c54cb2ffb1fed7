package journal

// Tee is a Sink that hands every entry to several, in their order.
type Tee []Sink

// Request implements Sink.
func (t Tee) Request(r Request) {
	for _, s := range t {
		s.Request(r)
	}
}

// Handshake implements Sink.
func (t Tee) Handshake(h Handshake) {
	for _, s := range t {
		s.Handshake(h)
	}
}

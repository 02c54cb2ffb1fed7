package delivery

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// transport is that of the senders which the specs make.
var transport Transport

// onBoth runs specs with net/http, which is the reference, and with our own
// carrier: what one does of an endpoint, good or hostile, the other must do.
func onBoth(text string, specs func()) bool {
	for _, t := range []struct {
		name      string
		transport Transport
	}{{"by net/http", NetHTTP}, {"direct", Direct}} {
		Describe(text+", "+t.name, func() {
			BeforeEach(func() { transport = t.transport })
			specs()
		})
	}
	return true
}

func TestDelivery(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "delivery over TCP, to servers of net/http")
}

package delivery

import (
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// transport is that of the senders which the specs make.
var transport Transport

// onEach runs specs with net/http, which is the reference, with our own carrier, and
// with a third that is not in the product: of an endpoint, good or hostile, each must
// make the same.
func onEach(text string, specs func()) bool {
	for _, t := range []struct {
		name      string
		transport Transport
	}{{"by net/http", NetHTTP}, {"direct", Blocking}, {"recorded", &recording{Transport: Blocking}}} {
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

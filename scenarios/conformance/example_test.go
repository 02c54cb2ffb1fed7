package conformance_test

import (
	"fmt"

	"github.com/httpdest/httpdest/scenarios/conformance"
)

// A sender that plays the history of a scenario, judged in one call. In your own
// test, t is the *testing.T.
func ExampleJudge() {
	t := &fake{}
	defer t.end()

	conformance.Judge(t, "testdata/enter.yaml", func(url string) {
		right.send(url) // your sender
	})

	fmt.Println("failures:", len(t.failures))
	// Output:
	// failures: 0
}

// The endpoint of a scenario that insists on a client certificate and answers
// one request with 503; then the verdict and every rule that was looked at.
func ExampleStart() {
	t := &fake{}
	defer t.end()

	mock := conformance.Start(t, "testdata/mtls.yaml")
	yours := sender{client: mock.Client(), token: "s3cret", retry: true}
	yours.send(mock.URL)

	verdict := mock.Judge()
	fmt.Println(verdict.Verdict, len(t.failures))
	for _, f := range mock.Fired() {
		fmt.Println(f.ID, f.Fired, "of", f.Planned)
	}
	// Output:
	// pass 0
	// busy 1 of 1
}

// end is the end of the test.
func (f *fake) end() {
	for i := len(f.cleanups) - 1; i >= 0; i-- {
		f.cleanups[i]()
	}
}

package engine

import "github.com/httpdest/httpdest/engine/retry"

// DecideMTLS is the mTLS decision for who looks at an endpoint without a
// dispatcher: bare is how a request without a certificate ended, presented asks
// the same one with the certificate where the first does not settle it. It is
// called once at most (R108; design §4).
func DecideMTLS(bare Completion, presented func() retry.Outcome) MTLSVerdict {
	verdict, needSecond := judgeBare(bare)
	if needSecond {
		return judgePresented(bare.Outcome, presented())
	}
	return verdict
}

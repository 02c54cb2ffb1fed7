package check

import (
	"errors"
	"io"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/capture"
)

// JudgeCapture reads a capture to its end and returns the verdict about the
// sender. The error is that of the capture: its first entry that cannot be read.
func JudgeCapture(in *capture.Reader, rules scenarios.Catalogue, o SenderOptions) (reports.Case, error) {
	sender := NewSender(rules, o)
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

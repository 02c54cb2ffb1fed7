package page

import (
	"fmt"

	"github.com/httpdest/httpdest/reports"
)

// exchange is a request with its answer as it is shown.
type exchange struct {
	*reports.Exchange
	ID       string
	Request  string
	Response string
	Bars     []bar
	Width    float64
	Height   float64
	Summary  string  // of the picture, in words
	LimitX   float64 // where two seconds are; 0: it took less
}

// budgetMs is what the destination waits for an answer (R81).
const budgetMs = 2000

// bar is a part of an exchange in the picture, in its units.
type bar struct {
	reports.Phase
	X, Y, W float64
	Kind    int
	Label   string
	LabelX  float64
	Left    bool // the label stands left of the end of the bar
}

const (
	barsWidth = 600.0
	barHeight = 22.0
	barsLeft  = 84.0
)

// exchanged lays out the phases below one another, as wide as they took.
func exchanged(x *reports.Exchange, id string) *exchange {
	out := &exchange{Exchange: x, ID: id, Request: pretty(x.RequestBody), Response: pretty(x.ResponseBody), Width: barsWidth}
	whole := x.DurationMs
	for _, p := range x.Phases {
		whole = max(whole, p.ToMs)
	}
	if len(x.Phases) == 0 || whole <= 0 {
		return out
	}
	scale := (barsWidth - barsLeft - 10) / whole
	if whole > budgetMs {
		out.LimitX = tenth(barsLeft + budgetMs*scale)
	}
	for i, p := range x.Phases {
		b := bar{Phase: p, X: tenth(barsLeft + p.FromMs*scale), Y: float64(i)*barHeight + 3, W: tenth(max(2, (p.ToMs-p.FromMs)*scale)), Kind: i % 6, Label: duration(p.ToMs - p.FromMs)}
		b.LabelX = b.X + b.W + 5
		if b.LabelX > barsWidth-80 {
			b.Left, b.LabelX = true, max(barsLeft+70, b.X-5)
			if b.W > 90 { // there is room in the bar
				b.LabelX = b.X + b.W - 6
			}
		}
		out.Bars = append(out.Bars, b)
		if out.Summary != "" {
			out.Summary += "; "
		}
		out.Summary += p.Name + " " + b.Label
	}
	out.Height = float64(len(x.Phases))*barHeight + 4
	if out.LimitX > 0 {
		out.Height += 14 // for its name
	}
	out.Summary = fmt.Sprintf("%s in all: %s", duration(x.DurationMs), out.Summary)
	return out
}

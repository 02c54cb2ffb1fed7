package page

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// chart is a picture of numbers with a table of the same numbers.
type chart struct {
	Phone                *chart // the same picture for a narrow screen
	ID, Title, Summary   string
	XLabel, YLabel       string
	Width, Height        float64
	Left, Top            float64
	Right, Bottom        float64
	XTicks, YTicks       []chartTick
	Lines                []chartLine
	Bars, Bands          []rect
	Limits               []chartLimit
	Head                 []string
	Table                [][]string
	TableNote            string
	xScale, yScale       scale
	fromX, toX, low, top float64
}

type (
	chartTick struct {
		At   float64
		Text string
	}
	chartLine struct {
		Name   string
		Kind   int // of the style
		Points string
		Dots   []dot
	}
	dot struct {
		X, Y  float64
		Class string
	}
	rect struct {
		X, Y, W, H float64
		Title      string
	}
	chartLimit struct {
		Y    float64
		Text string
	}
	// series is a line before it is drawn.
	series struct {
		Name string
		X, Y []float64
	}
)

// scale is how values become places.
type scale struct {
	of   func(float64) float64 // strictly rising
	back []float64             // places for ticks; nil: round numbers
	time bool                  // the values are milliseconds
	text func(float64) string
}

var (
	linear = scale{of: func(v float64) float64 { return v }, text: short}
	log10  = scale{of: func(v float64) float64 { return math.Log10(max(v, 1e-6)) }, text: short}
	// tail spreads percentiles by how few are above: 90, 99, 99.9 are as far apart
	// from each other.
	tail = scale{of: func(p float64) float64 { return -math.Log10(max(1e-7, 1-p)) }, back: []float64{0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999},
		text: func(p float64) string { return strconv.FormatFloat(math.Round(p*1e7)/1e5, 'f', -1, 64) }}
)

// short is a number with as many digits as a reader takes in.
func short(v float64) string {
	switch a := math.Abs(v); {
	case a >= 1_000_000:
		return strconv.FormatFloat(v/1_000_000, 'g', 4, 64) + "M"
	case a >= 10_000:
		return strconv.FormatFloat(v/1000, 'g', 4, 64) + "k"
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

// times is the scale for milliseconds: ticks are round times, in words.
func times(s scale) scale {
	s.time, s.text = true, func(ms float64) string {
		if ms == 0 {
			return "0"
		}
		return duration(ms)
	}
	return s
}

// canvas is the size of a picture, and how many ticks its x axis has at most.
type canvas struct {
	width, height float64
	ticks         int
}

// A phone shows the whole picture: a second one, since letters of the first
// would be too small to read there.
var (
	wide  = canvas{620, 300, 8}
	phone = canvas{340, 260, 5}
)

// inBothSizes are the pictures of draw in both sizes, without those that show nothing.
func inBothSizes(draw func(canvas) []*chart) (out []*chart) {
	narrow := draw(phone)
	for i, c := range draw(wide) {
		if c == nil {
			continue
		}
		if c.Phone = narrow[i]; c.Phone != nil {
			c.Phone.ID += "-phone"
		}
		out = append(out, c)
	}
	return out
}

// chart lays out the axes so that all of the series and limits fit; nil
// where there is nothing to draw.
func (k canvas) chart(id, title, xLabel, yLabel string, x, y scale, all []series, limits ...float64) *chart {
	c := &chart{ID: id, Title: title, XLabel: xLabel, YLabel: yLabel, Width: k.width, Height: k.height,
		Left: 62, Top: 26, Right: k.width - 14, Bottom: k.height - 42, xScale: x, yScale: y}
	var xs, ys []float64
	for _, s := range all {
		xs, ys = append(xs, s.X...), append(ys, s.Y...)
	}
	ys = append(ys, limits...)
	ys = slices.DeleteFunc(ys, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) })
	if len(xs) == 0 || len(ys) == 0 {
		return nil
	}
	c.fromX, c.toX, c.top = slices.Min(xs), slices.Max(xs), slices.Max(ys)
	if y.of(1) == 0 { // by logarithm: from the lowest that is drawn
		c.low = c.top
		for _, v := range ys {
			if v > 0 {
				c.low = min(c.low, v)
			}
		}
		c.low, c.top = math.Pow(10, math.Floor(math.Log10(max(c.low, 1e-3)))), math.Pow(10, math.Ceil(math.Log10(max(c.top, 2e-3))))
		c.top = max(c.top, c.low*10)
	}
	if c.toX <= c.fromX {
		c.toX = c.fromX + 1
	}
	if c.top <= c.low {
		c.top = c.low + 1
	}
	c.axes(k.ticks)
	for i, s := range all {
		c.line(s, i)
	}
	return c
}

func (c *chart) x(v float64) float64 {
	from, to := c.xScale.of(c.fromX), c.xScale.of(c.toX)
	return tenth(c.Left + (c.xScale.of(v)-from)/(to-from)*(c.Right-c.Left))
}

func (c *chart) y(v float64) float64 {
	from, to := c.yScale.of(c.low), c.yScale.of(c.top)
	return tenth(c.Bottom - max(0, min(1.02, (c.yScale.of(v)-from)/(to-from)))*(c.Bottom-c.Top))
}

func (c *chart) axes(most int) {
	if c.yScale.of(1) != 0 {
		step := stepOf(c.top-c.low, 5)
		if c.yScale.time {
			step = timeStep(c.top-c.low, 5)
		}
		c.top = step * math.Ceil(c.top/step-1e-9)
	}
	for _, v := range places(c.xScale, c.fromX, c.toX, most) {
		c.XTicks = append(c.XTicks, chartTick{c.x(v), c.xScale.text(v)})
	}
	for _, v := range places(c.yScale, c.low, c.top, 5) {
		c.YTicks = append(c.YTicks, chartTick{c.y(v), c.yScale.text(v)})
	}
}

// places are values for ticks.
func places(s scale, from, to float64, most int) []float64 {
	var out []float64
	switch {
	case s.back != nil:
		for _, v := range s.back {
			if v >= from && v <= to+1e-12 {
				out = append(out, v)
			}
		}
	case s.of(1) == 0 && from > 0 && s.time && to > 30*from:
		for _, v := range roundTimes {
			if v >= from*(1-1e-9) && v <= to*(1+1e-9) {
				out = append(out, v)
			}
		}
	case s.of(1) == 0 && from > 0:
		for _, within := range [][]float64{{1}, {1, 2, 5}, {1, 1.5, 2, 3, 4, 5, 7}} {
			if out = powers(from, to, within); len(out) >= 3 {
				break
			}
		}
	default:
		step := stepOf(to-from, most)
		if s.time {
			step = timeStep(to-from, most)
		}
		for v := math.Ceil(from/step-1e-9) * step; v <= to+step*1e-9; v += step {
			out = append(out, math.Round(v/step)*step+0) // never -0
		}
	}
	return out
}

// powers are the powers of ten in a range, times some numbers.
func powers(from, to float64, within []float64) []float64 {
	var out []float64
	for p := math.Pow(10, math.Floor(math.Log10(from)+1e-9)); p <= to*(1+1e-9); p *= 10 {
		for _, m := range within {
			if v := m * p; v >= from*(1-1e-9) && v <= to*(1+1e-9) {
				out = append(out, v)
			}
		}
	}
	return out
}

// roundTimes are the ticks of a logarithm of milliseconds.
var roundTimes = []float64{1e-3, 1e-2, 1e-1, 1, 10, 100, 1e3, 1e4, 6e4, 6e5, 36e5, 36e6, 864e5, 864e6}

// timeStep is a step of milliseconds that is round for people.
func timeStep(whole float64, n int) float64 {
	for _, step := range []float64{1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 108e5, 216e5, 432e5, 864e5} {
		if raw := whole / float64(n); raw > 500 && raw <= step*(1+1e-9) {
			return step
		}
	}
	return stepOf(whole, n)
}

// stepOf is a round step of which about n make up a range.
func stepOf(whole float64, n int) float64 {
	raw := whole / float64(n)
	if raw <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 5, 10} {
		if raw <= m*power*(1+1e-9) {
			return m * power
		}
	}
	return 10 * power
}

// line draws a series; a missing value, or one without a logarithm on a
// logarithmic axis, leaves a gap.
func (c *chart) line(s series, kind int) {
	l := chartLine{Name: s.Name, Kind: kind}
	var b strings.Builder
	pen := "M"
	for i := range s.X {
		v := s.Y[i]
		if math.IsNaN(v) || math.IsInf(v, 0) || c.yScale.of(1) == 0 && v <= 0 {
			pen = "M"
			continue
		}
		x, y := c.x(s.X[i]), c.y(v)
		fmt.Fprintf(&b, "%s%g %g", pen, x, y)
		pen = "L"
		if len(s.X) <= 24 {
			l.Dots = append(l.Dots, dot{X: x, Y: y})
		}
	}
	l.Points = b.String()
	c.Lines = append(c.Lines, l)
}

// limit draws a value that was asked for.
func (c *chart) limit(v float64, text string) {
	if c != nil && v <= c.top && v >= c.low {
		c.Limits = append(c.Limits, chartLimit{c.y(v), text})
	}
}

// band marks a stretch of the x axis.
func (c *chart) band(from, to float64, title string) {
	if c == nil || to <= c.fromX || from >= c.toX {
		return
	}
	x := c.x(max(from, c.fromX))
	c.Bands = append(c.Bands, rect{x, c.Top, max(2, c.x(min(to, c.toX))-x), c.Bottom - c.Top, title})
}

// tabled adds the same numbers as a table: the x of every series, in a limited
// number of rows.
func (c *chart) tabled(all []series, x func(float64) string, y func(float64) string) *chart {
	const most = 120
	if c == nil {
		return nil
	}
	c.Head = []string{c.XLabel}
	var at []float64
	for _, s := range all {
		c.Head = append(c.Head, s.Name)
		at = append(at, s.X...)
	}
	slices.Sort(at)
	at = slices.Compact(at)
	every := (len(at) + most - 1) / most
	if every > 1 {
		c.TableNote = fmt.Sprintf("One of %d rows; report.json has all.", every)
	}
	for i := 0; i < len(at); i += max(1, every) {
		row := []string{x(at[i])}
		for _, s := range all {
			text := ""
			if n := slices.Index(s.X, at[i]); n >= 0 && !math.IsNaN(s.Y[n]) {
				text = y(s.Y[n])
			}
			row = append(row, text)
		}
		c.Table = append(c.Table, row)
	}
	return c
}

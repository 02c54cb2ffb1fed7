// Package page writes a report as one HTML file for people: it loads nothing
// from elsewhere, and opens from disk.
//
// Decision: everything is rendered here, by html/template, so that nothing a
// receiver sent can become markup. Failures are plain HTML in the page; the
// details of other cases are the same HTML, compressed, and the browser unpacks
// them when they are opened. Reason: the verdict, the summary and the failures
// need no script, and thousands of cases stay small. Cost: the details of what
// passed need a browser of 2023 or later, with scripts.
package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/httpdest/httpdest/reports"
)

//go:embed assets
var assets embed.FS

const (
	// inlineCases and inlineBytes bound the failures that are in the page as
	// they are read; the rest is unpacked like any other case.
	inlineCases = 40
	inlineBytes = 600 << 10
	// fewCases are all in the page, whatever their verdict, and need no filter.
	fewCases = 3
	// perPack is how many cases are unpacked together.
	perPack = 50
)

// Write writes the page.
func Write(w io.Writer, r *reports.Report) error {
	t, err := template.New("page").Funcs(functions).ParseFS(assets, "assets/*.html")
	if err != nil {
		return err
	}
	p := &printer{templates: t, report: r, rules: map[string]*reports.Rule{}}
	for i := range r.Rules {
		p.rules[r.Rules[i].ID] = &r.Rules[i]
	}
	v, err := p.view()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "page.html", v); err != nil {
		return err
	}
	_, err = w.Write(b.Bytes())
	return err
}

// printer renders one report.
type printer struct {
	templates *template.Template
	report    *reports.Report
	rules     map[string]*reports.Rule // by id
}

// view is what the page shows.
type view struct {
	*reports.Report
	Title    string
	Headline string
	Counts   []count
	First    *first
	Again    string
	Groups   []*group
	Rules    matrix
	Load     *loaded
	Plan     *planned
	Packs    []template.HTML // base64 of compressed JSON: a list of HTML
	CSS      template.CSS
	JS       template.JS
	Policy   string
}

// count is how many cases have a verdict.
type count struct {
	Verdict reports.Verdict
	Word    string
	N       int
}

// words are the names of verdicts in plain words, the worst first.
var words = []count{
	{reports.Fail, "failed", 0}, {reports.Inconclusive, "inconclusive", 0}, {reports.Unspecified, "unspecified", 0},
	{reports.Pass, "passed", 0}, {reports.Skip, "skipped", 0},
}

func (p *printer) view() (*view, error) {
	r := p.report
	v := &view{Report: r, Title: fmt.Sprintf("httpdest %s: %s", r.Kind, r.Verdict), Headline: headline(r), First: p.first(), Again: reports.Again(r, nil), Rules: p.matrix(),
		Load: p.load(), Plan: p.plan()}
	numbers := map[reports.Verdict]int{}
	for _, c := range r.Cases {
		numbers[c.Verdict]++
	}
	for _, c := range words {
		if c.N = numbers[c.Verdict]; c.N > 0 {
			v.Counts = append(v.Counts, c)
		}
	}
	if err := p.cases(v); err != nil {
		return nil, err
	}
	css, err := assets.ReadFile("assets/page.css")
	if err != nil {
		return nil, err
	}
	js, err := assets.ReadFile("assets/page.js")
	if err != nil {
		return nil, err
	}
	v.CSS, v.JS = template.CSS(css), template.JS(js)
	// The browser itself keeps the page from asking anybody, and from running
	// anything but its own script.
	v.Policy = fmt.Sprintf("default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; style-src %s; script-src %s", digest(css), digest(js))
	return v, nil
}

// digest names a text in a content security policy.
func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// headline is one line about the reason of the verdict.
func headline(r *reports.Report) string {
	s := r.Summary
	switch {
	case r.Load != nil:
		return objectives(r.Load)
	case r.Plan != nil:
		return answer(r.Plan)
	case s.Cases == 0:
		return "The report has no cases, so nothing was judged"
	case s.Fail > 0:
		return fmt.Sprintf("%d of %s failed", s.Fail, number(s.Cases, "case"))
	case s.Inconclusive > 0:
		return fmt.Sprintf("%d of %s could not be judged", s.Inconclusive, number(s.Cases, "case"))
	case s.Pass == s.Cases && s.Cases == 1:
		return "The case passed"
	case s.Pass == s.Cases:
		return fmt.Sprintf("All %d cases passed", s.Cases)
	case s.Pass > 0:
		return fmt.Sprintf("%d of %s passed, none failed", s.Pass, number(s.Cases, "case"))
	}
	return "No case was judged: skipped or unspecified"
}

// warned is the headline of a plan of a version that kept no objectives.
func warned(p *reports.Plan) string {
	switch n := len(p.Warnings); n {
	case 0:
		return "The capacity that these numbers give"
	case 1:
		return visible(p.Warnings[0])
	default:
		return fmt.Sprintf("%s (and %s)", visible(p.Warnings[0]), number(n-1, "more warning"))
	}
}

// number is a number with its noun.
func number(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// group is the cases of one verdict.
type group struct {
	Verdict reports.Verdict
	Title   string
	Rows    []*line
	// Inline are the cases that are in the page as it is read, Packed the others.
	Inline, Packed int
}

// line is one case in the list.
type line struct {
	*reports.Case
	Number int
	Notes  []string // what failed, in short
	More   int      // notes left out
	Rules  string   // ids and numbers, to be searched
	Level  string   // of a probe: must or should
	Body   template.HTML
	Pack   int // where the body is, if it is not here
	Slot   int
}

// cases fills the groups and packs what is not in the page as it is read.
func (p *printer) cases(v *view) error {
	inline, size := 0, 0
	var packed []string
	pack := func() error {
		if len(packed) == 0 {
			return nil
		}
		text, err := compressed(packed)
		v.Packs, packed = append(v.Packs, template.HTML(text)), nil
		return err
	}
	for _, w := range words {
		g := &group{Verdict: w.Verdict, Title: strings.ToUpper(w.Word[:1]) + w.Word[1:]}
		for i := range p.report.Cases {
			c := &p.report.Cases[i]
			if c.Verdict != w.Verdict {
				continue
			}
			body, err := p.body(c, i)
			if err != nil {
				return err
			}
			l := p.line(c, i)
			if (troubled(c.Verdict) || len(p.report.Cases) <= fewCases) && inline < inlineCases && size+len(body) < inlineBytes {
				inline, size = inline+1, size+len(body)
				l.Body = template.HTML(body)
				g.Inline++
			} else {
				g.Packed++
				l.Pack, l.Slot = len(v.Packs), len(packed)
				if packed = append(packed, body); len(packed) == perPack {
					if err := pack(); err != nil {
						return err
					}
				}
			}
			g.Rows = append(g.Rows, l)
		}
		if len(g.Rows) > 0 {
			v.Groups = append(v.Groups, g)
		}
	}
	return pack()
}

// compressed is a list of texts as the script of the page reads it.
func compressed(texts []string) (string, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return "", err
	}
	e := json.NewEncoder(z)
	e.SetEscapeHTML(false)
	if err := e.Encode(texts); err != nil {
		return "", err
	}
	if err := z.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(b.Bytes()), nil
}

func troubled(v reports.Verdict) bool { return v == reports.Fail || v == reports.Inconclusive }

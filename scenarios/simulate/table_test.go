package simulate

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/httpdest/httpdest/reports"
)

// `make table` gives both: the tests of this package write what became of each case,
// and TestTable reads that and the reports of three runs.
var (
	cellsFile = flag.String("cells", "", "file to which the tests append what became of each case")
	tableOf   = flag.String("table", "", "reports to make the table of, as COLUMN=report.json,…; the rest is in the file of -cells")
)

// columns are what every case is played through, in the order of the table.
var columns = []string{"simulation", "model", "wall", liveColumn, "serve", "live with kills"}

// liveColumn is that of the engine of serve in a bubble, whose clock moves when
// every goroutine waits.
const liveColumn = "live with a moved clock"

// cell is what became of a case in a column: a verdict, and the reason of a skip.
type cell struct {
	Case   string `json:"case"`
	Column string `json:"column"`
	What   string `json:"what"`
	Why    string `json:"why,omitempty"`
}

var cellsMu sync.Mutex

// tell appends a cell to the file of -cells, if there is one.
func (c cell) tell(t *testing.T) {
	t.Helper()
	if *cellsFile == "" {
		return
	}
	cellsMu.Lock()
	defer cellsMu.Unlock()
	line, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(*cellsFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(append(line, '\n')); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// tellAtEnd reports a case that was played, once its test is over.
func tellAtEnd(t *testing.T, id, column string) {
	t.Helper()
	t.Cleanup(func() {
		c := cell{Case: id, Column: column, What: "pass"}
		if t.Failed() {
			c.What = "FAIL"
		}
		c.tell(t)
	})
}

// skipCell skips the test of a case with a reason that the table has.
func skipCell(t *testing.T, id, column, why string) {
	t.Helper()
	cell{Case: id, Column: column, What: "skip", Why: why}.tell(t)
	t.Skip(why)
}

// Every case has a cell in every column: a verdict, or a skip with its reason.
func TestTable(t *testing.T) {
	if *tableOf == "" {
		t.Skip("make table gives -table and -cells")
	}
	cells := readCells(t)
	for part := range strings.SplitSeq(*tableOf, ",") {
		column, file, _ := strings.Cut(part, "=")
		cells = append(cells, reportCells(t, column, file)...)
	}
	table := map[string]map[string]cell{}
	for _, c := range cells {
		if table[c.Case] == nil {
			table[c.Case] = map[string]cell{}
		}
		table[c.Case][c.Column] = c
	}
	print := &tablePrinter{out: bufio.NewWriter(os.Stdout), notes: map[string]int{}}
	defer print.out.Flush()
	print.head()
	for _, sc := range libraryCases(t) {
		for _, column := range columns {
			switch c, there := table[sc.ID][column]; {
			case !there:
				t.Errorf("%s has no cell for %s", sc.ID, column)
			case c.What == "skip" && c.Why == "":
				t.Errorf("%s is skipped without a reason for %s", sc.ID, column)
			case c.What != "pass" && c.What != "skip":
				t.Errorf("%s for %s: %s %s", sc.ID, column, c.What, c.Why)
			}
		}
		print.row(sc.ID, table[sc.ID])
	}
	print.foot()
}

func readCells(t *testing.T) (all []cell) {
	t.Helper()
	f, err := os.Open(*cellsFile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for d := json.NewDecoder(f); d.More(); {
		var c cell
		if err := d.Decode(&c); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	return all
}

// reportCells are the cases of a report.json.
func reportCells(t *testing.T, column, file string) (all []cell) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r reports.Report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	for _, c := range r.Cases {
		all = append(all, cell{c.ID, column, string(c.Verdict), c.Reason})
	}
	return all
}

// tablePrinter prints the table as Markdown, the reasons of skips below it.
type tablePrinter struct {
	out   *bufio.Writer
	notes map[string]int // by reason
	said  []string       // the reasons, in order
	count map[string]map[string]int
}

func (p *tablePrinter) head() {
	p.count = map[string]map[string]int{}
	fmt.Fprintf(p.out, "| case | %s |\n|---%s|\n", strings.Join(columns, " | "), strings.Repeat("|---", len(columns)))
}

func (p *tablePrinter) row(id string, cells map[string]cell) {
	fmt.Fprintf(p.out, "| %s", id)
	for _, column := range columns {
		c := cells[column]
		text := c.What
		if c.What == "skip" {
			text = fmt.Sprintf("skip (%d)", p.note(reasonOf(c.Why)))
		}
		if p.count[column] == nil {
			p.count[column] = map[string]int{}
		}
		p.count[column][c.What]++
		fmt.Fprintf(p.out, " | %s", text)
	}
	fmt.Fprintln(p.out, " |")
}

// reasonOf is a reason without what differs from case to case.
func reasonOf(why string) string {
	if strings.HasPrefix(why, "lasts ") {
		_, limit, _ := strings.Cut(why, ", and ")
		return "lasts too long: " + limit
	}
	return why
}

func (p *tablePrinter) note(why string) int {
	if p.notes[why] == 0 {
		p.said = append(p.said, why)
		p.notes[why] = len(p.said)
	}
	return p.notes[why]
}

func (p *tablePrinter) foot() {
	fmt.Fprintln(p.out)
	for i, why := range p.said {
		fmt.Fprintf(p.out, "%d. %s\n", i+1, why)
	}
	fmt.Fprintln(p.out)
	for _, column := range columns {
		var parts []string
		for what, n := range p.count[column] {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
		slices.Sort(parts)
		fmt.Fprintf(p.out, "%s: %s\n", column, strings.Join(parts, ", "))
	}
}

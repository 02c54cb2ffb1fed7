package upload

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/httpdest/httpdest/engine/profile"
)

var byEmail = Spec{Identity: "email", Namespace: "email"}

// columns is a header of n columns, the first of them email.
func columns(n int) string {
	names := []string{"email"}
	for i := 2; i <= n; i++ {
		names = append(names, fmt.Sprintf("c%d", i))
	}
	return strings.Join(names, ",")
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name, file string
		want       []string // line:column: message
	}{
		{"empty", "", []string{"1:1: the file is empty"}},
		{"a byte-order mark alone", "\uFEFF", []string{"1:1: the file is empty"}},
		{"line ends alone", "\n\r\n", []string{"1:1: the file is empty"}},
		{"no rows", "email\n", []string{"1:1: no row follows the header"}},
		{"26 columns", columns(26) + "\n" + strings.Repeat(",", 25) + "\n",
			[]string{"1:95: the header has 26 fields; at most 25 are allowed", "2:1: the identity is empty"}},
		{"a dash", "email,first-name\na,b\n", []string{`1:7: the column "first-name" has a dash in its name`}},
		{"a long dash", "email,a–b\na,b\n", []string{`1:7: the column "a–b" has a dash in its name`}},
		{"a space", "email,first name\na,b\n", []string{`1:7: the column "first name" has a space in its name`}},
		{"a space before the name", "email, name\na,b\n", []string{`1:7: the column " name" has a space in its name`}},
		{"a control character", "email,a\x00\na,b\n", []string{`1:7: the column "a\x00" has a control character in its name`}},
		{"no name", "email,,c\na,b,c\n", []string{"1:7: a column without a name"}},
		{"a name twice", "email,a,a\na,b,c\n", []string{`1:9: duplicate column "a"`}},
		{"the identity twice", "email,email\na,b\n", []string{`1:7: duplicate column "email"`}},
		{"no identity column", "mail,name\na,b\n", []string{`1:1: the header has no column "email", which should be the identity`}},
		{"semicolons", "email;name\na;b\n", []string{`1:1: the header has no column "email", which should be the identity`}},
		{"an empty identity", "email,name\n,b\n \t,c\n", []string{"2:1: the identity is empty", "3:1: the identity is empty"}},
		{"a line break in the identity", "name,email\nb,\"a\nb\"\n", []string{"2:3: the identity has a control character or a line break"}},
		{"an identity that is too long", "name,email\nb," + strings.Repeat("x", 1025) + "\n", []string{"2:3: the identity: limit id-bytes exceeded: more than 1,024 bytes"}},
		{"a field too few", "email,name\na\n", []string{"2:1: the row has 1 field, the header 2 fields"}},
		{"a field too many, after a row of two lines", "email,name\n\"a\nb\",c,d\n", []string{"2:1: the row has 3 fields, the header 2 fields"}},
		{"a quote in a field", "email,name\na,b\"c\nd,e\n", []string{"2:4: broken quoting: a quote within a field that does not begin with one"}},
		{"text after a quote", "email,name\na,\"b\"c\nd,e\n", []string{"2:5: broken quoting: a quote is not closed, or something follows the closing one"}},
		{"an open quote", "email,name\na,\"b\nc,d\n",
			[]string{"3:5: broken quoting: a quote is not closed, or something follows the closing one; the row begins in line 2"}},
		{"broken quoting in the header", "em\"ail,name\na,b\n", []string{"1:3: broken quoting: a quote within a field that does not begin with one"}},
		{"a byte-order mark in the middle", "email,name\na,b\n\uFEFFc,d\n", []string{"3:1: a byte-order mark in the middle of the file"}},
		{"two byte-order marks", "\uFEFF\uFEFFemail,name\na,b\n",
			[]string{"1:1: a byte-order mark in the middle of the file", `1:1: the header has no column "email", which should be the identity`}},
		{"Latin-1", "email,name\na,J\xFCrgen\n", []string{"2:3: the field is not UTF-8 text"}},
		{"UTF-16", "\xFF\xFEe\x00", []string{"1:1: the file is UTF-16 text"}},
		{"several at once", "email,a-b\n,1\na\nb,\"1\"2\n", []string{`1:7: the column "a-b" has a dash in its name`, "2:1: the identity is empty",
			"3:1: the row has 1 field, the header 2 fields", "4:5: broken quoting: a quote is not closed, or something follows the closing one"}},
		{"a row without end", "email,name\na,b\nc,\"" + strings.Repeat("d\n", MaxRecord), []string{"3:1: a row of more than 1 MiB begins here"}},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "-"), func(t *testing.T) {
			for _, by := range []struct {
				how  string
				from func(io.Reader) io.Reader
			}{{"at once", func(r io.Reader) io.Reader { return r }}, {"byte by byte", iotest.OneByteReader}} {
				_, err := Check(by.from(strings.NewReader(c.file)), byEmail)
				var refused Refused
				if !errors.As(err, &refused) {
					t.Fatalf("read %s: %v; want a refusal", by.how, err)
				}
				var got []string
				for _, p := range refused.Problems {
					got = append(got, fmt.Sprintf("%d:%d: %s", p.Line, p.Column, p.Message))
					if p.Hint == "" {
						t.Errorf("no hint for %q", p.Message)
					}
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Errorf("read %s (-want +got):\n%s", by.how, diff)
				}
			}
		})
	}
}

func TestChoices(t *testing.T) {
	for _, c := range []struct {
		name string
		spec Spec
		want string
	}{
		{"nothing chosen", Spec{}, "no column is chosen as the identity; the identity has no namespace"},
		{"an id that begins with a digit", Spec{"email", "email", "2026_vip", 0, 0}, `the external id "2026_vip" is not allowed`},
		{"an id with a dash", Spec{"email", "email", "vip-2026", 0, 0}, `the external id "vip-2026" is not allowed`},
		{"an id with a line feed at its end", Spec{"email", "email", "vip\n", 0, 0}, `the external id "vip\n" is not allowed`},
		{"no time", Spec{"email", "email", "vip", day / 2, 0}, "an expiration after 0.5 days is not allowed"},
		{"91 days", Spec{"email", "email", "vip", 91 * day, 0}, "an expiration after 91 days is not allowed"},
		{"a day and a half", Spec{"email", "email", "vip", day + day/2, 0}, "an expiration after 1.5 days is not allowed"},
		{"too late", Spec{"email", "email", "", 0, Availability + 1}, "members that are available after 2h0m0.000000001s are too late"},
		{"the latest", Spec{"email", "email", "", 0, Availability}, ""},
		{"the least", Spec{"email", "email", "$", MinTTL, 0}, ""},
		{"the most", Spec{"email", "email", "_Vip$2026", MaxTTL, 0}, ""},
		{"the defaults", byEmail, ""},
	} {
		var got []string
		for _, p := range c.spec.Problems() {
			got = append(got, p.Message)
		}
		if g := strings.Join(got, "; "); g != c.want {
			t.Errorf("%s: %q; want %q", c.name, g, c.want)
		}
	}
	if _, err := Check(strings.NewReader("email\na\n"), Spec{Identity: "email"}); err == nil || err.Error() != "the identity has no namespace (hint: give the namespace the identities are in, such as email)" {
		t.Errorf("a good file without a namespace: %v", err)
	}
}

func TestMembers(t *testing.T) {
	const file = "\uFEFFtier,Email,note\r\ngold,Doc@Example.com,\"a, \"\"b\"\"\r\nc\"\r\n\r\n,marty@example.com,"
	type row struct {
		Member
		payload []Attribute
	}
	var got []row
	summary, err := Read(strings.NewReader(file), Spec{Identity: "Email", Namespace: "Email"}, func(m Member) error {
		got = append(got, row{m, slices.Clone(m.Payload)})
		got[len(got)-1].Payload = nil
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []row{
		{Member{Row: 1, Line: 2, Identity: profile.Identity{Namespace: "email", ID: "Doc@Example.com"}}, []Attribute{{"tier", "gold"}, {"note", "a, \"b\"\nc"}}},
		{Member{Row: 2, Line: 5, Identity: profile.Identity{Namespace: "email", ID: "marty@example.com"}}, []Attribute{{"tier", ""}, {"note", ""}}},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(row{})); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(Summary{Columns: []string{"tier", "Email", "note"}, Payload: []string{"tier", "note"}, Rows: 2, Bytes: int64(len(file))}, summary); diff != "" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
}

// The 25th column is allowed, and the last byte below the limit.
func TestLimitsAreInclusive(t *testing.T) {
	if _, err := Check(strings.NewReader(columns(25)+"\na"+strings.Repeat(",", 24)+"\n"), byEmail); err != nil {
		t.Errorf("25 columns: %v", err)
	}
	const header = "email,name\n"
	row := "a@example.com," + strings.Repeat("n", 32<<10) + "\n"
	for _, size := range []int64{MaxSize - 1, MaxSize} {
		s := &source{from: &repeated{head: header, row: row, size: size}}
		_, err := io.Copy(io.Discard, endless{s})
		if got := errors.Is(err, errTooLarge); got != (size == MaxSize) {
			t.Errorf("%d bytes are too large: %v", size, got)
		}
	}
}

// endless reads a source without rows.
type endless struct{ *source }

func (e endless) Read(p []byte) (int, error) {
	e.rowEnd = e.read
	return e.source.Read(p)
}

// repeated is a file of a given size that is nowhere: a header, and one row
// again and again, the last cut off.
type repeated struct {
	head, row string
	size      int64
	at        int64
}

func (r *repeated) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) && r.at < r.size {
		from := r.row
		offset := r.at
		if r.at < int64(len(r.head)) {
			from = r.head
		} else {
			offset = (r.at - int64(len(r.head))) % int64(len(r.row))
		}
		k := min(len(from)-int(offset), len(p)-n, int(r.size-r.at))
		copy(p[n:], from[offset:int(offset)+k])
		n, r.at = n+k, r.at+int64(k)
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// A file of 64 MB is read to its last row.
func TestSixtyFourMegabytes(t *testing.T) {
	const head, row = "email,tier,points\n", "somebody@example.com,gold,12345\n"
	rows := int64(64_000_000-len(head)) / int64(len(row))
	r := &repeated{head: head, row: row, size: int64(len(head)) + rows*int64(len(row))}
	var last int64
	summary, err := Read(r, byEmail, func(m Member) error {
		if m.Row != last+1 || m.Identity.ID != "somebody@example.com" || len(m.Payload) != 2 || m.Payload[1].Value != "12345" {
			return fmt.Errorf("row %d after row %d: %v", m.Row, last, m)
		}
		last = m.Row
		return nil
	})
	if err != nil || summary.Rows != rows || last != rows || summary.Bytes != r.size {
		t.Errorf("Read = %+v, %v, last row %d; want %d rows of %d bytes", summary, err, last, rows, r.size)
	}
}

// A file wrong from end to end is refused with a list that ends.
func TestProblemsAreBounded(t *testing.T) {
	_, err := Check(strings.NewReader("email,name\n"+strings.Repeat("a\n", 1000)), byEmail)
	var refused Refused
	if !errors.As(err, &refused) || len(refused.Problems) != MaxProblems || refused.More != 900 {
		t.Fatalf("Check = %v; want %d problems and 900 more", err, MaxProblems)
	}
	if lines := strings.Split(err.Error(), "\n"); lines[len(lines)-1] != "and 900 more" {
		t.Errorf("the last line is %q", lines[len(lines)-1])
	}
}

// An error that is neither a mistake nor the end is returned unchanged.
func TestOtherErrors(t *testing.T) {
	broken := errors.New("the disk is on fire")
	if _, err := Check(io.MultiReader(strings.NewReader("email\na\nb\n"), iotest.ErrReader(broken)), byEmail); !errors.Is(err, broken) {
		t.Errorf("Check = %v; want %v", err, broken)
	}
	if _, err := Read(strings.NewReader("email\na\nb\n"), byEmail, func(Member) error { return broken }); err != broken {
		t.Errorf("Read = %v; want %v", err, broken)
	}
}

// Whatever a table holds, what encoding/csv writes is imported as it was.
func TestRoundTrip(t *testing.T) {
	text := rapid.StringOf(rapid.OneOf(rapid.RuneFrom([]rune(" ,;\"\n'")), rapid.Rune().Filter(func(r rune) bool { return r != '\r' && r != '\uFEFF' && r >= ' ' })))
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, MaxColumns).Draw(t, "columns")
		at := rapid.IntRange(0, n-1).Draw(t, "identity")
		header := strings.Split(columns(n), ",")
		header[0], header[at] = header[at], header[0]
		rows := rapid.SliceOfN(rapid.SliceOfN(text, n, n), 1, 20).Draw(t, "rows")
		for i := range rows {
			rows[i][at] = fmt.Sprintf("%d@example.com", i)
		}
		var b bytes.Buffer
		w := csv.NewWriter(&b)
		w.UseCRLF = rapid.Bool().Draw(t, "crlf")
		if err := w.WriteAll(append([][]string{header}, rows...)); err != nil {
			t.Fatal(err)
		}
		i := 0
		_, err := Read(&b, byEmail, func(m Member) error {
			got := make([]string, 0, n)
			for _, a := range m.Payload {
				got = append(got, a.Value)
			}
			got = slices.Insert(got, at, m.Identity.ID)
			if !slices.Equal(got, rows[i]) {
				t.Fatalf("row %d is %q; want %q", i+1, got, rows[i])
			}
			i++
			return nil
		})
		if err != nil || i != len(rows) {
			t.Fatalf("%d rows, %v; want %d", i, err, len(rows))
		}
	})
}

// Whatever a file holds, it is imported or refused for reasons with a place,
// and read again in other pieces it is the same.
func FuzzRead(f *testing.F) {
	f.Add("email,name\na,b\n")
	f.Add("\uFEFFemail\na\n")
	f.Add("email,a-b\n\"a\nb\",\"\n")
	f.Add("email\r\na\r\rb\r\n")
	f.Fuzz(func(t *testing.T, file string) {
		summary, err := Check(strings.NewReader(file), byEmail)
		again, err2 := Check(iotest.HalfReader(strings.NewReader(file)), byEmail)
		if diff := cmp.Diff(summary, again); diff != "" || fmt.Sprint(err) != fmt.Sprint(err2) {
			t.Fatalf("read in other pieces: %v, %v\n%s", err, err2, diff)
		}
		var refused Refused
		switch {
		case err == nil:
			if summary.Rows == 0 || len(summary.Columns) > MaxColumns || !slices.Contains(summary.Columns, "email") {
				t.Fatalf("accepted %+v", summary)
			}
		case !errors.As(err, &refused):
			t.Fatalf("neither accepted nor refused: %v", err)
		default:
			lines := strings.Count(file, "\n") + 1
			for _, p := range refused.Problems {
				if p.Line < 1 || p.Line > lines+1 || p.Column < 1 || p.Message == "" || p.Hint == "" {
					t.Fatalf("of %d lines: %+v", lines, p)
				}
			}
		}
	})
}

package simulate_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

// uploading is a scenario with one upload.
func uploading(upload string) string {
	return "title: t\nrules: [upload-csv]\nothers: allowed\nexpect: []\nendpoint: {tls: plain}\n" +
		"audiences: {vip: {upload: {identity: crm, " + upload + "}}}\ndataflow: {audiences: [vip], attributes: [x]}\n" +
		"profiles: {\"p-{1..1500}\": {identities: {crm: \"A{n}\"}}}\n"
}

// members are the profiles that the recording has become members, and the
// identities they were made with.
func members(lines []recording.Line) map[string]string {
	out := map[string]string{}
	for _, l := range lines {
		if l.Update == nil {
			continue
		}
		identity := ""
		for _, c := range l.Update.Changes {
			if c.Op == "add-identity" {
				identity = c.Identity
			}
			if c.Op == "qualify" {
				out[l.Update.Profile] += identity + ";"
			}
		}
	}
	return out
}

// Rows are resolved by identity over chunks and shards: the first 1500 name
// profiles that are there, the next make some, and of those named again none
// becomes a member twice.
func TestRowsAreResolved(t *testing.T) {
	rows := "crm,note\n"
	want := map[string]string{}
	for n := range 3000 {
		rows += fmt.Sprintf("A%d,x\n", n+1)
		if n < 1500 {
			want[fmt.Sprintf("p-%d", n+1)] = ";"
		} else {
			want[fmt.Sprintf("vip-row-%d", n+1)] = fmt.Sprintf("crm:A%d;", n+1)
		}
	}
	rows += "A1500,again\nA3000,again\n"
	sc, err := scenarios.Parse("upload.yaml", []byte(uploading(fmt.Sprintf("rows: %q", rows))))
	if err != nil {
		t.Fatal(err)
	}
	var first string
	for _, shards := range []int{1, 64} {
		lines, err := simulate.Play(t.Context(), sc, memory.New(), shards)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, members(lines)); diff != "" {
			t.Fatalf("%d shards: members (-want +got):\n%s", shards, diff)
		}
		var text strings.Builder
		if err := recording.Write(&text, lines); err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = text.String()
		} else if text.String() != first {
			t.Errorf("the recording with %d shards is another", shards)
		}
	}
}

// A file is next to its scenario, on a disk and in any other file system.
func TestFileNextToTheScenario(t *testing.T) {
	const rows = "\uFEFFcrm\r\nA7\r\nB1\r\n"
	want := map[string]string{"p-7": ";", "vip-row-2": "crm:B1;"}
	text := []byte(uploading("file: data/members.csv"))
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"case.yaml": text, "data/members.csv": []byte(rows)} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	onDisk, err := scenarios.Load(filepath.Join(dir, "case.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	within, err := scenarios.FindFS(fstest.MapFS{"a/case.yaml": {Data: text}, "a/data/members.csv": {Data: []byte(rows)}}, "lib")
	if err != nil {
		t.Fatal(err)
	}
	for _, sc := range append(within, onDisk) {
		lines, err := simulate.Play(t.Context(), sc, memory.New(), 1)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, members(lines)); diff != "" {
			t.Errorf("%s: members (-want +got):\n%s", sc.Pos.File, diff)
		}
	}
	_, err = scenarios.FindFS(fstest.MapFS{"a/case.yaml": {Data: text}}, "lib")
	if err == nil || !strings.Contains(err.Error(), "lib/a/case.yaml:6:49: cannot be read: ") {
		t.Errorf("without the file: %v", err)
	}
}

// A refused configuration is not played, and every reason is reported.
func TestRefusedFiles(t *testing.T) {
	for _, c := range []struct{ upload, want string }{
		{`rows: "crm,first-name\nA1\n"`, `audiences.vip.upload: line 1, column 5: the column "first-name" has a dash in its name`},
		{`rows: "crm,first-name\nA1\n"`, `audiences.vip.upload: line 2, column 1: the row has 1 field, the header 2 fields`},
		{`rows: "email\nA1\n"`, `the header has no column "crm"`},
		{`rows: "crm\n\"A1\n"`, "broken quoting"},
		{`rows: "crm\nA1\n", externalID: 2026-vip`, `the external id "2026-vip" is not allowed`},
		{`rows: "crm\nA1\n", ttl: 91d`, "an expiration after 91 days is not allowed"},
		{`rows: ""`, "the file is empty"},
		{`rows: "crm\n` + strings.Repeat(`\"x\n`, 300) + `"`, "more problems"},
	} {
		sc, err := scenarios.Parse("upload.yaml", []byte(uploading(c.upload)))
		if err != nil {
			t.Fatal(err)
		}
		if got := problems(t, sc); !strings.Contains(got, c.want) {
			t.Errorf("%s: %s; want %s", c.upload, got, c.want)
		}
	}
	draft := strings.Replace(uploading(`rows: "crm\nA1\n"`), "{vip: {", "{vip: {status: draft, ", 1)
	sc, err := scenarios.Parse("upload.yaml", []byte(draft))
	if err != nil {
		t.Fatal(err)
	}
	if got := problems(t, sc); !strings.Contains(got, "dataflow.audiences[0]: audience "+sc.Audiences[0].ID+" is draft") {
		t.Errorf("a draft is mapped: %s", got)
	}
}

// problems plays a scenario that is refused, and returns all the recording
// says.
func problems(t *testing.T, sc *scenarios.Scenario) string {
	t.Helper()
	lines, err := simulate.Play(t.Context(), sc, memory.New(), 1)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, l := range lines[1 : len(lines)-1] {
		if l.Problem == nil {
			t.Fatalf("something was played: %+v", l)
		}
		out = append(out, l.Problem.Path+": "+l.Problem.Message)
	}
	return strings.Join(out, "\n")
}

package main

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// inUse are the secrets of the scenarios below; each is found in them, so that
// the search is known to find what is there.
var inUse = []string{"b3arer-t0ken", "cl1ent+secret of/body", "cl1ent-secret%of-header", "p4ssw0rd&more", "cl1ent-secret=of-password", "w0rd-of-the-header", "w0rd-of-the-endpoint"}

// withSecrets is a scenario for each of the five authentications, where every
// secret travels, is refused, and stands in headers and queries as well.
var withSecrets = map[string]string{
	"none":     "auth: {type: none}\n  headers: \"Authorization:Digest w0rd-of-the-header\"",
	"bearer":   "auth: {type: bearer, token: b3arer-t0ken}\n  headers: \"X-Again:b3arer-t0ken\"\n  queryParameters: \"again=b3arer-t0ken\"",
	"body":     "auth: {type: oauth2-client-credentials, credentials: body-form-encoded, clientID: acme, clientSecret: cl1ent+secret of/body}\n  queryParameters: \"again=cl1ent%2Bsecret%20of%2Fbody\"",
	"header":   "auth: {type: oauth2-client-credentials, credentials: basic-authorization, clientID: acme, clientSecret: cl1ent-secret%of-header, urlEncodeBasic: true}",
	"password": "auth: {type: oauth2-password, clientID: acme, clientSecret: cl1ent-secret=of-password, username: emmett, password: p4ssw0rd&more}\n  headers: \"X-Again:p4ssw0rd&more\"",
}

func secretScenario(kind, destination string) string {
	text := "title: secrets of " + kind + "\nrules: [secrets-redacted]\naudiences: {delorean: {}}\ndestination:\n  " + destination +
		"\ndataflow: {audiences: [delorean]}\nprofiles: {doc: {}}\nhistory:\n  - {at: 1s, profile: doc, qualify: delorean}\n  - {at: 1h, profile: doc, exit: delorean}\n"
	faults := "\n  faults: [{profile: doc, requests: 1, status: 401}, {profile: doc, requests: 2, reset: true}"
	switch kind {
	case "none":
		text += "endpoint:\n  bearer: w0rd-of-the-endpoint" + faults
	case "bearer":
		text += "endpoint:" + faults
	default:
		text += "endpoint:\n  token: {refresh: true, rotate: true, expiresIn: 10m}" + faults + ", {on: token, requests: 1, status: 400}"
	}
	// The last line is wrong on purpose: the test also searches the text of a
	// failed check.
	return text + "]\nothers: allowed\nexpect:\n  - {profile: doc, because: attribute}\n"
}

// issued are the tokens of the mock's token endpoint.
var issued = regexp.MustCompile(`(access|refresh)-[0-9a-f]{32}`)

// secretsIn are the secrets that a text shows, as it spells them.
func secretsIn(text string) []string {
	return append(issued.FindAllString(text, -1), spelled(text, inUse)...)
}

// R32: no secret in use is in anything a full run leaves behind or says: every
// kind of report, every recording, both streams, in passing and in failing,
// and in what is said of files and flags that are wrong. The scenario files
// themselves are where the secrets come from.
func TestNoSecretIsShown(t *testing.T) {
	in, out := t.TempDir(), t.TempDir()
	for kind, destination := range withSecrets {
		write(t, filepath.Join(in, kind+".yaml"), secretScenario(kind, destination))
	}
	broken := filepath.Join(t.TempDir(), "broken.yaml")
	write(t, broken, strings.NewReplacer("credentials: body-form-encoded", "credentials: query", "expect:", "extra: 1\nexpect:").Replace(secretScenario("body", withSecrets["body"])))

	var said bytes.Buffer
	httpdest := func(status int, args ...string) {
		t.Helper()
		if got := run(context.Background(), args, &said, &said, func(string) string { return "" }); got != status {
			t.Errorf("httpdest %s: exit status %d; want %d\n%s", strings.Join(args, " "), got, status, said.String())
		}
	}
	report := func(kind string) string { return kind + "=" + filepath.Join(out, "again."+kind) }
	httpdest(exitFail, "run", "--verbose", "--out", out, "--report", report("json"), "--report", report("junit"), "--report", report("md"), in)
	httpdest(exitFail, "run", "--repeat", "2", "--shards", "4", in)
	httpdest(exitUsage, "run", broken)
	httpdest(exitUsage, "scenario", "lint", broken)
	httpdest(exitPass, "scenario", "lint", in)
	httpdest(exitPass, "scenario", "list", "--json", in)

	files := map[string]string{"what was said": said.String()}
	err := filepath.WalkDir(out, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		files[path] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 1+len(withSecrets)+3 {
		t.Fatalf("only %d files were looked at", len(files))
	}
	shown := 0
	for name, content := range files {
		shown += strings.Count(content, "[redacted]")
		if found := secretsIn(content); len(found) > 0 {
			t.Errorf("%s shows %q", name, found)
		}
	}
	if shown < 50 {
		t.Errorf("only %d places were redacted: the secrets did not travel", shown)
	}
	everySecretIsInUse(t, in)
}

// everySecretIsInUse keeps the list honest.
func everySecretIsInUse(t *testing.T, dir string) {
	t.Helper()
	all := ""
	for kind := range withSecrets {
		content, err := os.ReadFile(filepath.Join(dir, kind+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		all += string(content)
	}
	for _, secret := range inUse {
		if !strings.Contains(all, secret) {
			t.Errorf("no scenario has %q", secret)
		}
	}
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

package docs_test

import (
	"hash/fnv"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// run is how many words in a row may not be those of the page.
const run = 8

var word = regexp.MustCompile(`[\p{L}\p{N}]+`)

// runs are the hashes of all runs of words of a text, with the words of each.
func runs(text string) map[uint64]string {
	words := word.FindAllString(strings.ToLower(text), -1)
	out := map[uint64]string{}
	for i := 0; i+run <= len(words); i++ {
		h := fnv.New64a()
		of := strings.Join(words[i:i+run], " ")
		h.Write([]byte(of)) // never fails
		out[h.Sum64()>>16] = of
	}
	return out
}

// pageRuns are the hashes of the sentences about the behaviour of the destination on
// its page, version 005de3fa1a. The page itself is not in this repository. The names
// of permissions in a row are not among them.
func pageRuns(t *testing.T) map[uint64]bool {
	content, err := os.ReadFile("testdata/page-runs.txt")
	if err != nil {
		t.Fatal(err)
	}
	out := map[uint64]bool{}
	for _, field := range strings.Fields(string(content)) {
		h, err := strconv.ParseUint(field, 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		out[h] = true
	}
	return out
}

// Rules, readings, the help of the format and documents state the page in our own
// words.
func TestOwnWords(t *testing.T) {
	page := pageRuns(t)
	quoted := func(where, text string) {
		for h, words := range runs(text) {
			if page[h] {
				t.Errorf("%s: %q are words of the page: write it in other words", where, words)
			}
		}
	}
	pages := documents(t)
	for _, name := range []string{"rules.yaml", "readings_known.go", "scenario.schema.json"} {
		content, err := os.ReadFile("../scenarios/" + name)
		if err != nil {
			t.Fatal(err)
		}
		pages[name] = string(content)
	}
	for name, text := range pages {
		quoted(name, text)
	}
}

// A sentence of the page is found, whatever its case and its punctuation.
func TestAQuotation(t *testing.T) {
	page, found := pageRuns(t), false
	for h := range runs("When requests to your `HTTP API` destination FAIL, Experience Platform stores them, and retries twice.") {
		found = found || page[h]
	}
	if !found {
		t.Error("a sentence of the page is not found")
	}
}

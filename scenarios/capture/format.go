package capture

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"slices"
	"strings"
)

// Format is how a file keeps exchanges.
type Format string

// The formats. Auto looks at the beginning of the file and at its name.
const (
	Auto          Format = "auto"
	Recording     Format = "recording"
	NDJSON        Format = "ndjson"
	HAR           Format = "har"
	Body          Format = "body" // the whole file is one body, JSON or not
	Vegeta        Format = "vegeta"
	VegetaResults Format = "vegeta-results"
	WebhookSite   Format = "webhook.site" // JSON or CSV
	RequestBin    Format = "requestbin"   // of Pipedream, too
	Nginx         Format = "nginx"
	Caddy         Format = "caddy"
)

// Formats are the words for a flag; the first is Auto.
var Formats = []string{string(Auto), string(Recording), string(NDJSON), string(HAR), string(Body), string(Vegeta), string(VegetaResults),
	string(WebhookSite), string(RequestBin), string(Nginx), string(Caddy)}

// detectionWindow is how much of a file the detection looks at, in bytes.
const detectionWindow = 256 << 10

// detect looks at the keys of the first values, at whether the first line is
// whole, and at the name.
func detect(name string, start []byte) Format {
	d := json.NewDecoder(bytes.NewReader(start))
	for range 100 { // a log may begin with lines of another kind
		keys, whole := firstKeys(d)
		if f := formatOf(keys, start); f != "" {
			return f
		}
		if !whole {
			break
		}
	}
	if tabular(start) {
		return WebhookSite
	}
	first, rest, _ := bytes.Cut(bytes.TrimSpace(start), []byte("\n"))
	switch {
	case strings.HasSuffix(strings.ToLower(name), ".har"):
		return HAR
	case json.Valid(first) && len(rest) > 0:
		return NDJSON
	case strings.HasSuffix(strings.ToLower(name), ".json"):
		return Body
	}
	return NDJSON
}

// firstKeys are the keys of the next value, an object or a list that begins with
// one, as far as they can be read. whole reports whether another value may
// follow.
func firstKeys(d *json.Decoder) (keys map[string]json.RawMessage, whole bool) {
	t, err := d.Token()
	if err == nil && t == json.Delim('[') {
		t, err = d.Token()
	} else {
		whole = true
	}
	keys = map[string]json.RawMessage{}
	if err != nil || t != json.Delim('{') {
		return keys, false
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return keys, false
		}
		name, _ := key.(string)
		keys[name] = nil
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return keys, false
		}
		keys[name] = value
	}
	_, err = d.Token()
	return keys, whole && err == nil
}

// formatOf is the format whose exchanges have these keys; "" for none of them.
func formatOf(keys map[string]json.RawMessage, start []byte) Format {
	has := func(names ...string) bool {
		for _, name := range names {
			if _, there := keys[name]; !there {
				return false
			}
		}
		return true
	}
	within := func(texts ...string) bool {
		return slices.ContainsFunc(texts, func(text string) bool { return bytes.Contains(start, []byte(text)) })
	}
	request := bytes.TrimSpace(keys["request"])
	switch {
	case has("segmentMembership"), has("identityMap"):
		return ""
	case has("run"):
		return Recording
	case has("log"):
		return HAR
	case has("code", "latency", "timestamp"):
		return VegetaResults
	case isVegeta(keys):
		return Vegeta
	case has("uuid", "token_id"), has("data") && within(`"token_id"`):
		return WebhookSite
	case bytes.HasPrefix(request, []byte("{")) && (has("ts") || has("logger") || has("status")):
		return Caddy
	case has("request_method"), has("request_uri"), bytes.HasPrefix(request, []byte(`"`)) && has("status"):
		return Nginx
	case has("method") && (has("bodyRaw") || has("client_ip") || has("query_string") || has("form_data")),
		has("data") && within(`"client_ip"`, `"query_string"`), has("event") && within(`"client_ip"`), has("e") && within(`"client_ip"`),
		has("trigger") && within(`"client_ip"`):
		return RequestBin
	}
	return ""
}

// isVegeta tells a target of Vegeta from a line of NDJSON: the header, or a body
// that is JSON in base64.
func isVegeta(keys map[string]json.RawMessage) bool {
	for key := range keys {
		if !slices.Contains([]string{"method", "url", "header", "body"}, key) {
			return false
		}
	}
	if keys["method"] == nil || keys["url"] == nil {
		return false
	}
	var text string
	if _, header := keys["header"]; header || json.Unmarshal(keys["body"], &text) != nil {
		return header
	}
	body, err := decoded(text)
	return err == nil && text != "" && json.Valid([]byte(body)) && strings.ContainsAny(body[:1], "{[ \t\r\n")
}

// tabular reports whether a file is CSV with the columns of webhook.site.
func tabular(start []byte) bool {
	names, err := csv.NewReader(bytes.NewReader(start)).Read()
	return err == nil && len(names) > 2 && slices.Contains(names, "method") && (slices.Contains(names, "content") || slices.Contains(names, "uuid"))
}

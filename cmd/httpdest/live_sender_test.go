package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"
)

// A sender of somebody else's, as far as judge --live needs one: it reads the history
// on stdin, and exports whoever enters or leaves a mapped audience. Its argument makes
// it wrong in one way: twice, silent, left or failed.
type liveSender struct {
	way      string
	url      string
	tokenURL string
	token    string
	client   *http.Client
	spaces   map[string]string // namespaces of audiences
	mapped   map[string]bool
	profiles map[string]map[string]any
}

func senderMain() {
	s := &liveSender{way: os.Args[1], spaces: map[string]string{}, mapped: map[string]bool{}, profiles: map[string]map[string]any{}}
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var line struct {
			Start   *liveStart
			Profile *liveProfile
			Update  *struct {
				At      time.Time
				Profile string
				Changes []struct{ Op, Audience string }
			}
			Action *struct{ Action string }
		}
		if err := json.Unmarshal(in.Bytes(), &line); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		switch {
		case line.Start != nil:
			s.begin(line.Start)
		case line.Profile != nil:
			s.profiles[line.Profile.Profile] = firstBody(line.Profile)
		case line.Update != nil:
			for _, c := range line.Update.Changes {
				s.change(line.Update.Profile, c.Op, c.Audience, line.Update.At)
			}
			if s.way == "left" {
				return
			}
		}
	}
	if s.way == "failed" {
		os.Exit(7)
	}
}

// begin takes the audiences, and connects.
func (s *liveSender) begin(start *liveStart) {
	s.url, s.tokenURL, s.client = start.URL, os.Getenv("HTTPDEST_TOKEN_URL"), http.DefaultClient
	for _, a := range start.Audiences {
		s.spaces[a.ID] = a.Namespace
	}
	for _, id := range start.Mapped {
		s.mapped[id] = true
	}
	if start.CA == "" {
		return
	}
	authority, err := os.ReadFile(os.Getenv("HTTPDEST_CA"))
	own, pair := tls.LoadX509KeyPair(os.Getenv("HTTPDEST_CERT"), os.Getenv("HTTPDEST_KEY"))
	if err != nil || pair != nil {
		fmt.Fprintln(os.Stderr, err, pair)
		os.Exit(1)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	s.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{own}}}}
}

// firstBody is a profile without memberships, as it is exported.
func firstBody(p *liveProfile) map[string]any {
	identities := map[string][]map[string]string{}
	for _, i := range p.Identities {
		identities[i.Namespace] = append(identities[i.Namespace], map[string]string{"id": i.ID})
	}
	body := map[string]any{"identityMap": identities, "segmentMembership": map[string]any{}}
	for name, value := range p.Attributes {
		body[name] = value
	}
	return body
}

// change exports a profile that enters or leaves a mapped audience.
func (s *liveSender) change(profile, op, audience string, at time.Time) {
	status := map[string]string{"qualify": "realized", "exit": "exited"}[op]
	if status == "" || !s.mapped[audience] {
		return
	}
	body := s.profiles[profile]
	body["segmentMembership"] = map[string]any{s.spaces[audience]: map[string]any{audience: map[string]string{
		"lastQualificationTime": at.Format(time.RFC3339), "status": status}}}
	if s.way == "silent" && status == "exited" {
		return
	}
	s.post(body)
	if s.way == "twice" {
		s.post(body)
	}
}

// post sends a body, and once more where the answer is 401 or 503: with another token
// where the history revoked the one it had.
func (s *liveSender) post(body map[string]any) {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	for range 2 {
		request, err := http.NewRequest(http.MethodPost, s.url, bytes.NewReader(text))
		if err != nil {
			panic(err)
		}
		request.Header.Set("Content-Type", "application/json")
		if s.tokenURL != "" {
			s.fetch()
			request.Header.Set("Authorization", "Bearer "+s.token)
		}
		answer, err := s.client.Do(request)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		switch {
		case answer.StatusCode == http.StatusUnauthorized:
			s.token = ""
		case answer.StatusCode < 500:
			return
		}
	}
}

// fetch gets an access token unless there is one.
func (s *liveSender) fetch() {
	if s.token != "" {
		return
	}
	answer, err := s.client.PostForm(s.tokenURL, url.Values{"grant_type": {"client_credentials"}, "client_id": {"acme"}, "client_secret": {"s3cretX"}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	defer func() { _ = answer.Body.Close() }()
	var issued struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&issued); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	s.token = issued.AccessToken
}

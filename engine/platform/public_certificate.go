package platform

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// CertificatePath is where the public certificates are found below the gateway.
const CertificatePath = "/data/core/mtls/v1/certificate/public-certificate"

// The pages of the endpoint: counted from 0 (A77), of this many certificates
// unless the request says otherwise.
const (
	defaultLimit = 20
	mostLimit    = 1000
)

// requiredHeaders are the four a request must have, with the status of a
// request without (R131; the statuses are ours, A77).
var requiredHeaders = []struct {
	name, hint string
	status     int
	ok         func(value string) bool
}{
	{"Authorization", "Bearer and an access token", http.StatusUnauthorized, isBearer},
	{"x-api-key", "the API key", http.StatusForbidden, given},
	{"x-gw-ims-org-id", "the id of the organisation", http.StatusForbidden, given},
	{"Content-Type", "application/json", http.StatusBadRequest, isJSON},
}

func given(value string) bool { return strings.TrimSpace(value) != "" }

func isBearer(value string) bool {
	scheme, token, ok := strings.Cut(value, " ")
	return ok && strings.EqualFold(scheme, "Bearer") && given(token)
}

func isJSON(value string) bool {
	media, _, _ := strings.Cut(value, ";")
	return strings.EqualFold(strings.TrimSpace(media), "application/json")
}

// publicCertificate is one result. The SAN is not among the fields: it is read
// from the PEM (R132).
type publicCertificate struct {
	CommonName string `json:"certCommonName"`
	PEM        string `json:"publicCertificate"`
	Expiry     string `json:"expiryDate"`
}

type link struct {
	Href      string `json:"href"`
	Templated bool   `json:"templated"`
}

// links are present where there is something to follow.
type links struct {
	Next *link `json:"next,omitempty"`
	Prev *link `json:"prev,omitempty"`
	Page *link `json:"page,omitempty"`
}

// certificatePage is the answer. Total counts all certificates, Count those of
// the page; the page's own sample has 0 for both (A77).
type certificatePage struct {
	Results []publicCertificate `json:"results"`
	Total   int                 `json:"total"`
	Count   int                 `json:"count"`
	Links   *links              `json:"_links,omitempty"`
}

// CertificateHandler serves the public certificates by a clock (R131).
func CertificateHandler(c *Certificates, now func() time.Time) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(CertificatePath, func(w http.ResponseWriter, r *http.Request) {
		if !onlyGET(w, r) {
			return
		}
		for _, h := range requiredHeaders {
			if !h.ok(r.Header.Get(h.name)) {
				refuse(w, h.status, fmt.Sprintf("the header %s is missing or wrong: it must be %s", h.name, h.hint))
				return
			}
		}
		page, limit, err := paging(r)
		if err != nil {
			refuse(w, http.StatusBadRequest, err.Error())
			return
		}
		all, err := c.At(now())
		if err != nil {
			refuse(w, http.StatusInternalServerError, "the certificates cannot be issued")
			return
		}
		answer(w, http.StatusOK, pageOf(all, page, limit))
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, "there is only "+CertificatePath)
	})
	return mux
}

// paging reads page and limit.
func paging(r *http.Request) (page, limit int, err error) {
	query := r.URL.Query()
	number := func(name string, least, otherwise int) (int, error) {
		if !query.Has(name) {
			return otherwise, nil
		}
		n, err := strconv.Atoi(query.Get(name))
		if err != nil || n < least {
			return 0, fmt.Errorf("%s must be a whole number from %d on", name, least)
		}
		return n, nil
	}
	if page, err = number("page", 0, 0); err != nil {
		return 0, 0, err
	}
	limit, err = number("limit", 1, defaultLimit)
	return page, min(limit, mostLimit), err
}

// pageOf cuts a page out. A page after the last is empty, not an error.
func pageOf(all []Certificate, page, limit int) certificatePage {
	pages := (len(all) + limit - 1) / limit
	out := certificatePage{Results: []publicCertificate{}, Total: len(all)}
	if page < pages {
		for _, c := range all[page*limit : min((page+1)*limit, len(all))] {
			out.Results = append(out.Results, publicCertificate{c.Subject.CommonName, c.PEM(), c.Period.Expires.UTC().Format("2006-01-02T15:04:05.000Z")})
		}
	}
	out.Count = len(out.Results)
	to := func(n int) *link { return &link{Href: fmt.Sprintf("%s?page=%d&limit=%d", CertificatePath, n, limit)} }
	var l links
	if page+1 < pages {
		l.Next = to(page + 1)
	}
	if page > 0 {
		l.Prev = to(min(page, max(pages, 1)) - 1)
	}
	if pages > 1 {
		l.Page = &link{Href: fmt.Sprintf("%s?page={page}&limit=%d", CertificatePath, limit), Templated: true}
	}
	if l != (links{}) {
		out.Links = &l
	}
	return out
}

package admin

import "net/http"

// policy allows what the page brings with it, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func protect(h http.Header) {
	for name, value := range map[string]string{
		"Content-Security-Policy":      policy,
		"X-Content-Type-Options":       "nosniff",
		"Referrer-Policy":              "no-referrer",
		"Cache-Control":                "no-store",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Cross-Origin-Opener-Policy":   "same-origin",
	} {
		h.Set(name, value)
	}
}

// foreign refuses what a page of somebody else made a browser send.
func (a *Admin) foreign(r *http.Request) *problem {
	if refusal, refused := a.guard.Foreign(r); refused {
		return &problem{http.StatusText(refusal.Status), refusal.Status, refusal.Detail}
	}
	return nil
}

func (a *Admin) authorized(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !a.guard.Knows(r) {
			refusal := a.guard.Unknown(w, "httpdest mock")
			refuse(w, refusal.Status, refusal.Detail)
			return
		}
		next(w, r)
	}
}

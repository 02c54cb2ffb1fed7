// Package platform is what Experience Platform itself offers to the owner of an
// endpoint: the public certificate endpoint with the certificates of the
// sender, and the addresses that the sender's requests come from.
//
// The certificates live by the engine's clock. Who signs them is the caller's
// business.
package platform

import (
	"encoding/json"
	"net/http"
)

// failure is an error answer in the platform's general style. The page says
// nothing about the errors of these endpoints (A77), so Type is about:blank:
// there is no documented code to give.
type failure struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

func refuse(w http.ResponseWriter, status int, detail string) {
	answer(w, status, failure{"about:blank", http.StatusText(status), status, detail})
}

// answer writes a JSON document.
func answer(w http.ResponseWriter, status int, document any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store") // certificates and addresses change
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(document) // the client left; there is nobody to tell
}

// onlyGET reports whether the request reads; otherwise it is answered.
func onlyGET(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	w.Header().Set("Allow", "GET, HEAD")
	refuse(w, http.StatusMethodNotAllowed, "use GET")
	return false
}

package admin

// Routes are the operations of an Admin, "GET /path".
func Routes(a *Admin) (out []string) {
	for _, r := range a.routes() {
		out = append(out, r.method+" "+r.path)
	}
	return out
}

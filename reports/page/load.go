package page

import "github.com/httpdest/httpdest/reports"

type loaded struct{}
type planned struct{}

func (p *printer) load() *loaded      { return nil }
func (p *printer) plan() *planned     { return nil }
func objectives(*reports.Load) string { return "" }

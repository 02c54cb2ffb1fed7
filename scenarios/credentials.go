package scenarios

// Credentials are the secrets that a scenario configures, of every destination
// and its endpoint, without the empty ones. They are in no output (R32): those of
// other dataflows belong to a part as well.
func (s *Scenario) Credentials() []string {
	if s.whole != nil {
		return s.whole.Credentials()
	}
	if s.Flows == nil {
		return credentials(s.Destination.Auth, s.Endpoint)
	}
	var out []string
	for i, d := range s.Flows.Destinations {
		out = append(out, credentials(d.Auth, s.Flows.Endpoints[i])...)
	}
	return out
}

func credentials(a Auth, e Endpoint) []string {
	var out []string
	for _, c := range []Secret{a.Token, a.ClientSecret, a.Password, e.Bearer, e.Token.ClientSecret} {
		if c != "" {
			out = append(out, c.Reveal())
		}
	}
	return out
}

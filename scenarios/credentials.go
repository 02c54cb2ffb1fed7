package scenarios

// Credentials are the secrets that a scenario configures, of the destination
// and of the endpoint, without the empty ones. They are in no output (R32).
func (s *Scenario) Credentials() []string {
	a, e := s.Destination.Auth, s.Endpoint
	var out []string
	for _, c := range []Secret{a.Token, a.ClientSecret, a.Password, e.Bearer, e.Token.ClientSecret} {
		if c != "" {
			out = append(out, c.Reveal())
		}
	}
	return out
}

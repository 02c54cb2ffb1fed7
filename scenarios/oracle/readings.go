package oracle

// reads is the value of a reading: the chosen one, or the default.
func (o *Oracle) reads(key string) string { return o.scenario.Destination.Readings.Of(key) }

package oracle

// reads is the value of a reading: the chosen one, or the default.
func (o *Oracle) reads(key string) string { return o.scenario.Destination.Readings.Of(key) }

// leaves says whether nobody chose how a point is read: somebody else's sender may
// read it in any way.
func (o *Oracle) leaves(key string) bool {
	return o.foreign && !o.scenario.Destination.Readings.Says(key)
}

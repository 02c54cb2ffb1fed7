package dataflow

// Readings choose between the ways in which the documentation can be read where
// it is silent or says two things. The zero value has the defaults of design §4.
type Readings struct {
	// ExitTime gives an exited entry the time of its exit, not that of the last
	// qualification (A35).
	ExitTime bool
	// BackfillFormer has the backfill export those as well who left an audience
	// before it was mapped (A55).
	BackfillFormer bool
}

package mask

// ID numbers the configuration of p: equal numbers of one space have equal futures.
func (p Pos) ID() int32 { return p.id }

package filter

// Clone returns a copy that shares no memory with v.
func (v Verdict) Clone() Verdict {
	v.Why = v.Why.clone()
	return v
}

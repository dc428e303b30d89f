// Package privilege proves least privilege by running: it plays scenarios with the
// roles that templates describe, and plays them again without each statement and
// without each ARN of the policies. Every one of them has to be missed by a
// scenario, which is named.
package privilege

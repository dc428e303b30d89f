// Package doctor looks at a network as it was read, and says what will hurt: routes
// that somebody else taught, tunnels that carry their own packets, backups that
// cannot take over, and what keeps Detour from noticing. Examine is a pure function
// of a Snapshot. It changes nothing and asks nothing; what could not be read is a
// finding, too, so that silence means that somebody looked.
package doctor

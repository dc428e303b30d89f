// Package source reads a configuration from YAML, or from JSON, which is YAML
// too, and says of every problem where in the file it stands.
//
// It reads a small and plain part of YAML: one document, mappings with plain
// keys, lists, and scalars. Aliases, merge keys and tags are refused, so a file
// means what it shows, and reading it takes time and memory in proportion to
// its size, which is bounded by MaxSize. Text is taken literally, so account
// 000012345678 needs no quotation marks; durations need a unit.
package source

// Package config is Detour's configuration: the model, its defaults, its rules
// and its normalized JSON.
//
// A Config is made by source.Read from YAML, or by Parse from normalized JSON.
// Both fill in every default and refuse what Check refuses, so the rest of
// Detour sees complete and valid configurations only. New, NewGroup and NewPath
// are the starting points for a Config that is built in code.
//
// Normalized JSON says everything explicitly: accounts and Regions of every
// path and table, a next hop per path, every constant. The Lambda functions
// read it, so that they need no YAML parser.
package config

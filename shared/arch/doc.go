// Package arch holds tests only: the rules that keep Detour's packages apart,
// its core free of clocks and randomness, and its Lambda binaries small. Each
// rule gives its reason where it fails, and each has a test that shows it fail.
//
// layers_test.go has the table of layers, code_test.go the rules about what
// stands in a file, links_test.go the rules about what a binary links, and
// arch_test.go applies them all to this repository.
package arch

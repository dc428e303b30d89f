// Package explain says what a configuration means before it is used: for every
// path what is watched, which events can make Detour look sooner, and how long
// it takes at best and at worst until a failure is known; what moves together;
// which destinations overlap; and where the network would do without Detour.
//
// Explain is a pure function of the configuration. Times that it adds up are the
// ones in figures.go, each with its source. What the configuration does not
// show, such as whether a VPN connection runs BGP, is stated as a condition.
package explain

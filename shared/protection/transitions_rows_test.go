package protection

// The rows of the transition table; transitions_test.go says how they are read.

// rowsNormal: a group that stands on its working path with no request.
const rowsNormal = `
	nothing                                    | A 3 stay no-request
	active Down                                | B 3 move signal-fail
	active Degraded                            | A 3 stay no-request
	active Degraded, switch on degrade         | B 3 move signal-degrade
	active Unknown                             | A 3 stay sensor
	active locked out                          | B 3 move lockout
	standby Down                               | A 3 stay no-request
	standby Up                                 | A 3 stay no-request
	all Down                                   | A 3 hold no-usable-path
	all Unknown                                | A 3 stay sensor
	force to A                                 | A 3 stay forced-switch
	force to B                                 | B 3 move forced-switch
	force to C                                 | C 3 move forced-switch
	force to C, Down                           | A 3 stay no-request | force-1 target-down
	force to C, Down, ignoring health          | C 3 move forced-switch
	force to C, Down, ignoring health expired  | A 3 stay no-request | force-1 target-down
	force to C, Unknown                        | C 3 move forced-switch
	requests cleared                           | A 3 stay no-request
	manual to C                                | C 3 move manual-switch
	manual to C, Down                          | A 3 stay no-request | manual-1 target-not-up
	manual to C, Degraded                      | A 3 stay no-request | manual-1 target-not-up
	manual to C, suppressed                    | A 3 stay no-request | manual-1 target-suppressed
	manual to working                          | A 3 stay no-request | back-1 done
	working Up for 9m59s                       | A 3 stay no-request
	working Up for 10m                         | A 3 stay no-request
	active Down, standby suppressed            | C 3 move signal-fail
	active Down, standby Down                  | C 3 move signal-fail
	active Down, budget gone, one source       | A 3 hold mass-failure
	active Down, budget gone, two sources      | B 3 move signal-fail
	active Down, budget gone, released         | B 3 move signal-fail
	active Down, freeze after change           | B 3 move signal-fail would-be
	active Down, freeze immediate              | B 3 move signal-fail would-be
	force to C, list as seen                   | C 3 move forced-switch
	force to C, list changed                   | A 3 stay no-request | force-1 prefix-list-changed
	force to C, list unreadable                | A 3 stay no-request
	force to B, list changed                   | A 3 stay no-request | force-1 prefix-list-changed
	manual to C, list as seen                  | C 3 move manual-switch
	manual to C, list changed                  | A 3 stay no-request | manual-1 prefix-list-changed
	manual to C, list unreadable               | A 3 stay no-request
	adopt                                      | A 3 adopt adopt-requested | adopt-1 done
	adopt, active Down                         | A 3 adopt adopt-requested | adopt-1 done
	adopt, freeze immediate                    | A 3 adopt adopt-requested | adopt-1 done
	adopt, reading incomplete                  | A 3 hold incomplete-reading would-be
`

// rowsDoNotRevert: a non-revertive group after a switchover: only an operator, or a failure,
// moves it.
const rowsDoNotRevert = `
	nothing                                    | B 3 stay do-not-revert
	active Down                                | A 3 move signal-fail
	active Degraded                            | B 3 stay do-not-revert
	active Degraded, switch on degrade         | A 3 move signal-degrade
	active Unknown                             | B 3 stay sensor
	active locked out                          | A 3 move lockout
	standby Down                               | B 3 stay do-not-revert
	standby Up                                 | B 3 stay do-not-revert
	all Down                                   | B 3 hold no-usable-path
	all Unknown                                | B 3 stay sensor
	force to A                                 | A 3 move forced-switch
	force to B                                 | B 3 stay forced-switch
	force to C                                 | C 3 move forced-switch
	force to C, Down                           | B 3 stay do-not-revert | force-1 target-down
	force to C, Down, ignoring health          | C 3 move forced-switch
	force to C, Down, ignoring health expired  | B 3 stay do-not-revert | force-1 target-down
	force to C, Unknown                        | C 3 move forced-switch
	requests cleared                           | B 3 stay do-not-revert
	manual to C                                | C 3 move manual-switch
	manual to C, Down                          | B 3 stay do-not-revert | manual-1 target-not-up
	manual to C, Degraded                      | B 3 stay do-not-revert | manual-1 target-not-up
	manual to C, suppressed                    | B 3 stay do-not-revert | manual-1 target-suppressed
	manual to working                          | A 3 move manual-switch-to-working
	working Up for 9m59s                       | B 3 stay do-not-revert
	working Up for 10m                         | B 3 stay do-not-revert
	active Down, standby suppressed            | C 3 move signal-fail
	active Down, standby Down                  | C 3 move signal-fail
	active Down, budget gone, one source       | B 3 hold mass-failure
	active Down, budget gone, two sources      | A 3 move signal-fail
	active Down, budget gone, released         | A 3 move signal-fail
	active Down, freeze after change           | A 3 move signal-fail would-be
	active Down, freeze immediate              | A 3 move signal-fail would-be
	force to C, list as seen                   | C 3 move forced-switch
	force to C, list changed                   | B 3 stay do-not-revert | force-1 prefix-list-changed
	force to C, list unreadable                | B 3 stay do-not-revert
	force to B, list changed                   | B 3 stay forced-switch
	manual to C, list as seen                  | C 3 move manual-switch
	manual to C, list changed                  | B 3 stay do-not-revert | manual-1 prefix-list-changed
	manual to C, list unreadable               | B 3 stay do-not-revert
	adopt                                      | B 3 adopt adopt-requested | adopt-1 done
	adopt, active Down                         | B 3 adopt adopt-requested | adopt-1 done
	adopt, freeze immediate                    | B 3 adopt adopt-requested | adopt-1 done
	adopt, reading incomplete                  | B 3 hold incomplete-reading would-be
`

// rowsWaitToRestore: a revertive group after a switchover, with the working path Up for 4 of
// the 10 minutes.
const rowsWaitToRestore = `
	nothing                                    | B 3 stay wait-to-restore
	active Down                                | A 3 move signal-fail
	active Degraded                            | B 3 stay wait-to-restore
	active Degraded, switch on degrade         | A 3 move signal-degrade
	active Unknown                             | B 3 stay sensor
	active locked out                          | A 3 move lockout
	standby Down                               | B 3 stay wait-to-restore
	standby Up                                 | B 3 stay wait-to-restore
	all Down                                   | B 3 hold no-usable-path
	all Unknown                                | B 3 stay sensor
	force to A                                 | A 3 move forced-switch
	force to B                                 | B 3 stay forced-switch
	force to C                                 | C 3 move forced-switch
	force to C, Down                           | B 3 stay wait-to-restore | force-1 target-down
	force to C, Down, ignoring health          | C 3 move forced-switch
	force to C, Down, ignoring health expired  | B 3 stay wait-to-restore | force-1 target-down
	force to C, Unknown                        | C 3 move forced-switch
	requests cleared                           | B 3 stay wait-to-restore
	manual to C                                | C 3 move manual-switch
	manual to C, Down                          | B 3 stay wait-to-restore | manual-1 target-not-up
	manual to C, Degraded                      | B 3 stay wait-to-restore | manual-1 target-not-up
	manual to C, suppressed                    | B 3 stay wait-to-restore | manual-1 target-suppressed
	manual to working                          | A 3 move manual-switch-to-working
	working Up for 9m59s                       | B 3 stay wait-to-restore
	working Up for 10m                         | A 3 move wait-to-restore-expired
	active Down, standby suppressed            | C 3 move signal-fail
	active Down, standby Down                  | C 3 move signal-fail
	active Down, budget gone, one source       | B 3 hold mass-failure
	active Down, budget gone, two sources      | A 3 move signal-fail
	active Down, budget gone, released         | A 3 move signal-fail
	active Down, freeze after change           | A 3 move signal-fail would-be
	active Down, freeze immediate              | A 3 move signal-fail would-be
	force to C, list as seen                   | C 3 move forced-switch
	force to C, list changed                   | B 3 stay wait-to-restore | force-1 prefix-list-changed
	force to C, list unreadable                | B 3 stay wait-to-restore
	force to B, list changed                   | B 3 stay forced-switch
	manual to C, list as seen                  | C 3 move manual-switch
	manual to C, list changed                  | B 3 stay wait-to-restore | manual-1 prefix-list-changed
	manual to C, list unreadable               | B 3 stay wait-to-restore
	adopt                                      | B 3 adopt adopt-requested | adopt-1 done
	adopt, active Down                         | B 3 adopt adopt-requested | adopt-1 done
	adopt, freeze immediate                    | B 3 adopt adopt-requested | adopt-1 done
	adopt, reading incomplete                  | B 3 hold incomplete-reading would-be
`

// rowsForcedProtecting: force-0 holds the group on B: it stays until it is cleared, replaced, or
// overridden by signal fail on B; a force that is refused changes nothing.
const rowsForcedProtecting = `
	nothing                                    | B 3 stay forced-switch
	active Down                                | A 3 move signal-fail | force-0 target-down
	active Degraded                            | B 3 stay forced-switch
	active Degraded, switch on degrade         | B 3 stay forced-switch
	active Unknown                             | B 3 stay forced-switch
	active locked out                          | A 3 move lockout | force-0 target-locked-out
	standby Down                               | B 3 stay forced-switch
	standby Up                                 | B 3 stay forced-switch
	all Down                                   | B 3 hold no-usable-path | force-0 target-down
	all Unknown                                | B 3 stay forced-switch
	force to A                                 | A 3 move forced-switch | force-0 superseded
	force to B                                 | B 3 stay forced-switch | force-0 superseded
	force to C                                 | C 3 move forced-switch | force-0 superseded
	force to C, Down                           | B 3 stay forced-switch | force-1 target-down
	force to C, Down, ignoring health          | C 3 move forced-switch | force-0 superseded
	force to C, Down, ignoring health expired  | B 3 stay forced-switch | force-1 target-down
	force to C, Unknown                        | C 3 move forced-switch | force-0 superseded
	requests cleared                           | B 3 stay do-not-revert
	manual to C                                | B 3 stay forced-switch
	manual to C, Down                          | B 3 stay forced-switch
	manual to C, Degraded                      | B 3 stay forced-switch
	manual to C, suppressed                    | B 3 stay forced-switch
	manual to working                          | B 3 stay forced-switch
	working Up for 9m59s                       | B 3 stay forced-switch
	working Up for 10m                         | B 3 stay forced-switch
	active Down, standby suppressed            | C 3 move signal-fail | force-0 target-down
	active Down, standby Down                  | C 3 move signal-fail | force-0 target-down
	active Down, budget gone, one source       | B 3 hold mass-failure | force-0 target-down
	active Down, budget gone, two sources      | A 3 move signal-fail | force-0 target-down
	active Down, budget gone, released         | A 3 move signal-fail | force-0 target-down
	active Down, freeze after change           | A 3 move signal-fail would-be | force-0 target-down
	active Down, freeze immediate              | A 3 move signal-fail would-be | force-0 target-down
	force to C, list as seen                   | C 3 move forced-switch | force-0 superseded
	force to C, list changed                   | B 3 stay forced-switch | force-1 prefix-list-changed
	force to C, list unreadable                | B 3 stay forced-switch
	force to B, list changed                   | B 3 stay forced-switch | force-0 superseded
	manual to C, list as seen                  | B 3 stay forced-switch
	manual to C, list changed                  | B 3 stay forced-switch
	manual to C, list unreadable               | B 3 stay forced-switch
	adopt                                      | B 3 adopt adopt-requested | adopt-1 done
	adopt, active Down                         | B 3 adopt adopt-requested | adopt-1 done
	adopt, freeze immediate                    | B 3 adopt adopt-requested | adopt-1 done
	adopt, reading incomplete                  | B 3 hold incomplete-reading would-be
`

// rowsForcedWorking: force-0 holds the group on A, the working path.
const rowsForcedWorking = `
	nothing                                    | A 3 stay forced-switch
	active Down                                | B 3 move signal-fail | force-0 target-down
	active Degraded                            | A 3 stay forced-switch
	active Degraded, switch on degrade         | A 3 stay forced-switch
	active Unknown                             | A 3 stay forced-switch
	active locked out                          | B 3 move lockout | force-0 target-locked-out
	standby Down                               | A 3 stay forced-switch
	standby Up                                 | A 3 stay forced-switch
	all Down                                   | A 3 hold no-usable-path | force-0 target-down
	all Unknown                                | A 3 stay forced-switch
	force to A                                 | A 3 stay forced-switch | force-0 superseded
	force to B                                 | B 3 move forced-switch | force-0 superseded
	force to C                                 | C 3 move forced-switch | force-0 superseded
	force to C, Down                           | A 3 stay forced-switch | force-1 target-down
	force to C, Down, ignoring health          | C 3 move forced-switch | force-0 superseded
	force to C, Down, ignoring health expired  | A 3 stay forced-switch | force-1 target-down
	force to C, Unknown                        | C 3 move forced-switch | force-0 superseded
	requests cleared                           | A 3 stay no-request
	manual to C                                | A 3 stay forced-switch
	manual to C, Down                          | A 3 stay forced-switch
	manual to C, Degraded                      | A 3 stay forced-switch
	manual to C, suppressed                    | A 3 stay forced-switch
	manual to working                          | A 3 stay forced-switch
	working Up for 9m59s                       | A 3 stay forced-switch
	working Up for 10m                         | A 3 stay forced-switch
	active Down, standby suppressed            | C 3 move signal-fail | force-0 target-down
	active Down, standby Down                  | C 3 move signal-fail | force-0 target-down
	active Down, budget gone, one source       | A 3 hold mass-failure | force-0 target-down
	active Down, budget gone, two sources      | B 3 move signal-fail | force-0 target-down
	active Down, budget gone, released         | B 3 move signal-fail | force-0 target-down
	active Down, freeze after change           | B 3 move signal-fail would-be | force-0 target-down
	active Down, freeze immediate              | B 3 move signal-fail would-be | force-0 target-down
	force to C, list as seen                   | C 3 move forced-switch | force-0 superseded
	force to C, list changed                   | A 3 stay forced-switch | force-1 prefix-list-changed
	force to C, list unreadable                | A 3 stay forced-switch
	force to B, list changed                   | A 3 stay forced-switch | force-1 prefix-list-changed
	manual to C, list as seen                  | A 3 stay forced-switch
	manual to C, list changed                  | A 3 stay forced-switch
	manual to C, list unreadable               | A 3 stay forced-switch
	adopt                                      | A 3 adopt adopt-requested | adopt-1 done
	adopt, active Down                         | A 3 adopt adopt-requested | adopt-1 done
	adopt, freeze immediate                    | A 3 adopt adopt-requested | adopt-1 done
	adopt, reading incomplete                  | A 3 hold incomplete-reading would-be
`

// rowsManual: manual-0 holds the group on B: it stays until it is cleared, replaced, or
// cancelled by a failure; one that is refused changes nothing.
const rowsManual = `
	nothing                                    | B 3 stay manual-switch
	active Down                                | A 3 move signal-fail | manual-0 signal-fail
	active Degraded                            | B 3 stay manual-switch
	active Degraded, switch on degrade         | A 3 move signal-degrade | manual-0 signal-degrade
	active Unknown                             | B 3 stay manual-switch
	active locked out                          | A 3 move lockout | manual-0 lockout
	standby Down                               | B 3 stay manual-switch
	standby Up                                 | B 3 stay manual-switch
	all Down                                   | B 3 hold no-usable-path | manual-0 signal-fail
	all Unknown                                | B 3 stay manual-switch
	force to A                                 | A 3 move forced-switch
	force to B                                 | B 3 stay forced-switch
	force to C                                 | C 3 move forced-switch
	force to C, Down                           | B 3 stay manual-switch | force-1 target-down
	force to C, Down, ignoring health          | C 3 move forced-switch
	force to C, Down, ignoring health expired  | B 3 stay manual-switch | force-1 target-down
	force to C, Unknown                        | C 3 move forced-switch
	requests cleared                           | B 3 stay do-not-revert
	manual to C                                | C 3 move manual-switch | manual-0 superseded
	manual to C, Down                          | B 3 stay manual-switch | manual-1 target-not-up
	manual to C, Degraded                      | B 3 stay manual-switch | manual-1 target-not-up
	manual to C, suppressed                    | B 3 stay manual-switch | manual-1 target-suppressed
	manual to working                          | A 3 move manual-switch-to-working | manual-0 superseded
	working Up for 9m59s                       | B 3 stay manual-switch
	working Up for 10m                         | B 3 stay manual-switch
	active Down, standby suppressed            | C 3 move signal-fail | manual-0 signal-fail
	active Down, standby Down                  | C 3 move signal-fail | manual-0 signal-fail
	active Down, budget gone, one source       | B 3 hold mass-failure | manual-0 signal-fail
	active Down, budget gone, two sources      | A 3 move signal-fail | manual-0 signal-fail
	active Down, budget gone, released         | A 3 move signal-fail | manual-0 signal-fail
	active Down, freeze after change           | A 3 move signal-fail would-be | manual-0 signal-fail
	active Down, freeze immediate              | A 3 move signal-fail would-be | manual-0 signal-fail
	force to C, list as seen                   | C 3 move forced-switch
	force to C, list changed                   | B 3 stay manual-switch | force-1 prefix-list-changed
	force to C, list unreadable                | B 3 stay manual-switch
	force to B, list changed                   | B 3 stay forced-switch
	manual to C, list as seen                  | C 3 move manual-switch | manual-0 superseded
	manual to C, list changed                  | B 3 stay manual-switch | manual-1 prefix-list-changed
	manual to C, list unreadable               | B 3 stay manual-switch
	adopt                                      | B 3 adopt adopt-requested | adopt-1 done, manual-0 superseded
	adopt, active Down                         | B 3 adopt adopt-requested | adopt-1 done, manual-0 superseded
	adopt, freeze immediate                    | B 3 adopt adopt-requested | adopt-1 done, manual-0 superseded
	adopt, reading incomplete                  | B 3 hold incomplete-reading would-be
`

// rowsPartial: the first of three units is back on A, the others are on B: both paths are
// in use, and a failure of either ends the failback.
const rowsPartial = `
	nothing                                    | A 1 stay no-request
	active Down                                | B 3 move signal-fail
	active Degraded                            | A 1 stay no-request
	active Degraded, switch on degrade         | B 3 move signal-degrade
	active Unknown                             | A 1 stay sensor
	active locked out                          | B 3 move lockout
	standby Down                               | A 3 move signal-fail
	standby Up                                 | A 1 stay no-request
	all Down                                   | A 1 hold no-usable-path
	all Unknown                                | A 1 stay sensor
	force to A                                 | A 3 step forced-switch
	force to B                                 | B 3 move forced-switch
	force to C                                 | C 3 move forced-switch
	force to C, Down                           | A 1 stay no-request | force-1 target-down
	force to C, Down, ignoring health          | C 3 move forced-switch
	force to C, Down, ignoring health expired  | A 1 stay no-request | force-1 target-down
	force to C, Unknown                        | C 3 move forced-switch
	requests cleared                           | A 1 stay no-request
	manual to C                                | C 3 move manual-switch
	manual to C, Down                          | A 1 stay no-request | manual-1 target-not-up
	manual to C, Degraded                      | A 1 stay no-request | manual-1 target-not-up
	manual to C, suppressed                    | A 1 stay no-request | manual-1 target-suppressed
	manual to working                          | A 3 step manual-switch-to-working
	working Up for 9m59s                       | A 1 stay no-request
	working Up for 10m                         | A 1 stay no-request
	active Down, standby suppressed            | C 3 move signal-fail
	active Down, standby Down                  | C 3 move signal-fail
	active Down, budget gone, one source       | A 1 hold mass-failure
	active Down, budget gone, two sources      | B 3 move signal-fail
	active Down, budget gone, released         | B 3 move signal-fail
	active Down, freeze after change           | B 3 move signal-fail would-be
	active Down, freeze immediate              | B 3 move signal-fail would-be
	force to C, list as seen                   | C 3 move forced-switch
	force to C, list changed                   | A 1 stay no-request | force-1 prefix-list-changed
	force to C, list unreadable                | A 1 stay no-request
	force to B, list changed                   | A 1 stay no-request | force-1 prefix-list-changed
	manual to C, list as seen                  | C 3 move manual-switch
	manual to C, list changed                  | A 1 stay no-request | manual-1 prefix-list-changed
	manual to C, list unreadable               | A 1 stay no-request
	adopt                                      | B 3 adopt adopt-requested | adopt-1 done
	adopt, active Down                         | B 3 adopt adopt-requested | adopt-1 done
	adopt, freeze immediate                    | B 3 adopt adopt-requested | adopt-1 done
	adopt, reading incomplete                  | A 1 hold incomplete-reading would-be
`

// rowsNoUsablePath: every path is Down, unless the row says otherwise: any path that comes
// back ends the hold.
const rowsNoUsablePath = `
	nothing                                    | A 3 hold no-usable-path
	active Down                                | A 3 hold no-usable-path
	active Degraded                            | A 3 stay no-request
	active Degraded, switch on degrade         | A 3 stay no-request
	active Unknown                             | A 3 stay sensor
	active locked out                          | A 3 hold no-usable-path
	standby Down                               | A 3 hold no-usable-path
	standby Up                                 | B 3 move signal-fail
	all Down                                   | A 3 hold no-usable-path
	all Unknown                                | A 3 stay sensor
	force to A                                 | A 3 hold no-usable-path | force-1 target-down
	force to B                                 | A 3 hold no-usable-path | force-1 target-down
	force to C                                 | A 3 hold no-usable-path | force-1 target-down
	force to C, Down                           | A 3 hold no-usable-path | force-1 target-down
	force to C, Down, ignoring health          | C 3 move forced-switch
	force to C, Down, ignoring health expired  | A 3 hold no-usable-path | force-1 target-down
	force to C, Unknown                        | C 3 move forced-switch
	requests cleared                           | A 3 hold no-usable-path
	manual to C                                | A 3 hold no-usable-path | manual-1 signal-fail
	manual to C, Down                          | A 3 hold no-usable-path | manual-1 signal-fail
	manual to C, Degraded                      | C 3 move signal-fail | manual-1 signal-fail
	manual to C, suppressed                    | C 3 move signal-fail | manual-1 signal-fail
	manual to working                          | A 3 hold no-usable-path | back-1 signal-fail
	working Up for 9m59s                       | A 3 stay no-request
	working Up for 10m                         | A 3 stay no-request
	active Down, standby suppressed            | B 3 move signal-fail
	active Down, standby Down                  | A 3 hold no-usable-path
	active Down, budget gone, one source       | A 3 hold no-usable-path
	active Down, budget gone, two sources      | A 3 hold no-usable-path
	active Down, budget gone, released         | A 3 hold no-usable-path
	active Down, freeze after change           | A 3 hold no-usable-path
	active Down, freeze immediate              | A 3 hold no-usable-path
	force to C, list as seen                   | C 3 move forced-switch
	force to C, list changed                   | C 3 move signal-fail | force-1 prefix-list-changed
	force to C, list unreadable                | C 3 move signal-fail
	force to B, list changed                   | B 3 move signal-fail | force-1 prefix-list-changed
	manual to C, list as seen                  | C 3 move signal-fail | manual-1 signal-fail
	manual to C, list changed                  | C 3 move signal-fail | manual-1 signal-fail
	manual to C, list unreadable               | C 3 move signal-fail | manual-1 signal-fail
	adopt                                      | A 3 adopt adopt-requested | adopt-1 done
	adopt, active Down                         | A 3 adopt adopt-requested | adopt-1 done
	adopt, freeze immediate                    | A 3 adopt adopt-requested | adopt-1 done
	adopt, reading incomplete                  | A 3 hold incomplete-reading would-be
`

// rowsMassFailure: A is Down by one source, and the blast radius holds the group: only a
// second source, a release, a force, a lockout, or the end of the failure ends it.
const rowsMassFailure = `
	nothing                                    | A 3 hold mass-failure
	active Down                                | A 3 hold mass-failure
	active Degraded                            | A 3 stay no-request
	active Degraded, switch on degrade         | A 3 hold mass-failure
	active Unknown                             | A 3 stay sensor
	active locked out                          | B 3 move lockout
	standby Down                               | A 3 hold mass-failure
	standby Up                                 | A 3 hold mass-failure
	all Down                                   | A 3 hold no-usable-path
	all Unknown                                | A 3 stay sensor
	force to A                                 | A 3 hold mass-failure | force-1 target-down
	force to B                                 | B 3 move forced-switch
	force to C                                 | C 3 move forced-switch
	force to C, Down                           | A 3 hold mass-failure | force-1 target-down
	force to C, Down, ignoring health          | C 3 move forced-switch
	force to C, Down, ignoring health expired  | A 3 hold mass-failure | force-1 target-down
	force to C, Unknown                        | C 3 move forced-switch
	requests cleared                           | A 3 hold mass-failure
	manual to C                                | A 3 hold mass-failure | manual-1 signal-fail
	manual to C, Down                          | A 3 hold mass-failure | manual-1 signal-fail
	manual to C, Degraded                      | A 3 hold mass-failure | manual-1 signal-fail
	manual to C, suppressed                    | A 3 hold mass-failure | manual-1 signal-fail
	manual to working                          | A 3 hold mass-failure | back-1 signal-fail
	working Up for 9m59s                       | A 3 stay no-request
	working Up for 10m                         | A 3 stay no-request
	active Down, standby suppressed            | A 3 hold mass-failure
	active Down, standby Down                  | A 3 hold mass-failure
	active Down, budget gone, one source       | A 3 hold mass-failure
	active Down, budget gone, two sources      | B 3 move signal-fail
	active Down, budget gone, released         | B 3 move signal-fail
	active Down, freeze after change           | A 3 hold mass-failure
	active Down, freeze immediate              | A 3 hold mass-failure
	force to C, list as seen                   | C 3 move forced-switch
	force to C, list changed                   | A 3 hold mass-failure | force-1 prefix-list-changed
	force to C, list unreadable                | A 3 hold mass-failure
	force to B, list changed                   | A 3 hold mass-failure | force-1 prefix-list-changed
	manual to C, list as seen                  | A 3 hold mass-failure | manual-1 signal-fail
	manual to C, list changed                  | A 3 hold mass-failure | manual-1 signal-fail
	manual to C, list unreadable               | A 3 hold mass-failure | manual-1 signal-fail
	adopt                                      | A 3 adopt adopt-requested | adopt-1 done
	adopt, active Down                         | A 3 adopt adopt-requested | adopt-1 done
	adopt, freeze immediate                    | A 3 adopt adopt-requested | adopt-1 done
	adopt, reading incomplete                  | A 3 hold incomplete-reading would-be
`

// rowsNoRecord: the first run takes the tables as they are, and moves nothing.
const rowsNoRecord = `
	anything                                   | A 3 adopt first-sight
	adopt                                      | A 3 adopt adopt-requested | adopt-1 done
	adopt, active Down                         | A 3 adopt adopt-requested | adopt-1 done
	adopt, freeze immediate                    | A 3 adopt adopt-requested | adopt-1 done
	adopt, reading incomplete                  | - 0 hold incomplete-reading would-be
`

// rowsEntersEnforce: the first run in enforce adopts what stands, too.
const rowsEntersEnforce = `
	anything                                   | B 3 adopt first-sight
	adopt                                      | B 3 adopt adopt-requested | adopt-1 done
	adopt, active Down                         | B 3 adopt adopt-requested | adopt-1 done
	adopt, freeze immediate                    | B 3 adopt adopt-requested | adopt-1 done
	adopt, reading incomplete                  | B 3 hold incomplete-reading would-be
`

package protection

// The rows of the table of a failback; failback_test.go says how they are read.

// rowsFailbackAll: all units have moved, and nobody has vouched for them.
const rowsFailbackAll = `
	a sweep                              | A 3 stay failback               | open
	open by another                      | A 3 stay failback               | open                               | refused failback-under-way
	beat of another                      | A 3 stay failback               | open                               | refused failback-over
	advance of another                   | A 3 stay failback               | open                               | refused failback-over
	advance, stateful                    | A 1 stay failback               | open                               | accepted
	advance after silence                | B 3 undo silence                | silence                            | refused silence
	advance under a freeze               | A 3 stay no-request             | frozen, restored                   | refused frozen
	undo                                 | B 3 undo verify-failed          | verify-failed                      | accepted
	undo of another                      | A 3 stay failback               | open                               | refused failback-over
	close                                | A 3 stay no-request             | done, restored                     | accepted
	silence                              | B 3 undo silence                | silence
	silence, old path Down               | A 3 stay no-request             | signal-fail, restored
	silence, old path Degraded           | A 3 stay no-request             | silence, restored
	silence, both Unknown                | A 3 stay sensor                 | silence, restored
	silence, target Unknown              | B 3 undo silence                | silence
	abort                                | B 3 undo aborted                | aborted                            |                            | abort-1 done
	freeze after change                  | A 3 stay no-request             | frozen, restored
	freeze immediate                     | A 3 stay no-request             | frozen, restored
	unfreeze                             | A 3 stay failback               | open
	target locked out                    | B 3 undo lockout                | lockout
	old path locked out                  | A 3 stay no-request             | lockout, restored
	third path locked out                | A 3 stay failback               | open
	target Down                          | B 3 undo signal-fail            | signal-fail
	target Down, freeze after change     | B 3 undo signal-fail            | frozen
	target Down, budget gone             | B 3 undo signal-fail            | signal-fail
	old path Down                        | A 3 stay no-request             | signal-fail, restored
	both Down                            | C 3 move signal-fail            | signal-fail, superseded
	all Down                             | A 3 hold no-usable-path         | signal-fail, superseded
	target Degraded                      | A 3 stay failback               | open
	target Degraded, switch on degrade   | B 3 undo signal-degrade         | signal-degrade
	old path Degraded, switch on degrade | A 3 stay failback               | open
	all Unknown                          | A 3 stay failback               | open
	force to A                           | A 3 stay forced-switch          | forced-switch, restored
	force to B                           | B 3 move forced-switch          | forced-switch, superseded
	force to C                           | C 3 move forced-switch          | forced-switch, superseded
	force to C, refused                  | A 3 stay failback               | open                               |                            | force-1 target-down
	newer manual to A                    | A 3 stay manual-switch          | manual-switch, restored
	newer manual to B                    | B 3 move manual-switch          | manual-switch, superseded
	newer manual to C                    | C 3 move manual-switch          | manual-switch, superseded
	newer manual to C, refused           | A 3 stay failback               | open                               |                            | manual-1 target-not-up
	older manual to B                    | A 3 stay failback               | open
	manual to working                    | A 3 stay no-request             | manual-switch-to-working, restored |                            | back-1 done
	moved by hand to C                   | C 3 adopt moved-by-hand         | moved-by-hand, superseded
	moved by hand to B                   | B 3 adopt moved-by-hand         | moved-by-hand, superseded
	one route undone, seen once          | A 3 stay failback               | open
	one route undone, seen twice         | B 3 undo undone                 | undone
	a written route undone               | A 3 stay failback               | open
	one route contended                  | B 3 undo undone                 | undone
	manual to working, one unit          | A 3 stay no-request             | manual-switch-to-working, restored |                            | back-1 done
	adopt                                | A 3 adopt adopt-requested       | adopt-requested, superseded        |                            | adopt-1 done
	observe mode                         | A 3 adopt first-sight           | observe-mode, superseded
	two units more                       | B 5 undo configuration-changed  | configuration-changed
	path A removed                       | B 3 adopt first-sight           | configuration-changed, superseded
	path B removed                       | A 3 adopt first-sight           | configuration-changed, superseded
	path C removed                       | A 3 stay failback               | open
	revertive                            | A 3 stay failback               | open
	revertive, silence                   | B 3 undo silence                | silence
	mass failure                         | A 3 stay failback               | open
	force to A, freeze after change      | A 3 stay forced-switch          | frozen, restored
	force to B, freeze after change      | B 3 move forced-switch would-be | frozen, restored
	beat, newer manual to C              | C 3 move manual-switch          | manual-switch, superseded          | refused manual-switch
	advance, newer manual to C           | C 3 move manual-switch          | manual-switch, superseded          | refused manual-switch
	anything else                        | A 3 stay failback               | open                               | accepted
`

// rowsFailbackAllWriting: the last unit has moved by the record, and not in the tables.
const rowsFailbackAllWriting = `
	a sweep                              | A 3 stay failback               | open
	open by another                      | A 3 stay failback               | open                              | refused failback-under-way
	beat of another                      | A 3 stay failback               | open                              | refused failback-over
	advance of another                   | A 3 stay failback               | open                              | refused failback-over
	advance, routes of target unproven   | B 3 undo route-not-learned      | route-not-learned                 | refused route-not-learned
	advance, stateful                    | A 1 stay failback               | open                              | accepted
	advance after silence                | B 3 undo silence                | silence                           | refused silence
	advance under a freeze               | A 3 stay no-request             | frozen                            | refused frozen
	undo                                 | B 3 undo verify-failed          | verify-failed                     | accepted
	undo of another                      | A 3 stay failback               | open                              | refused failback-over
	close                                | A 3 stay no-request             | done                              | accepted
	silence                              | B 3 undo silence                | silence
	silence, old path Down               | A 3 stay no-request             | signal-fail
	silence, old path Degraded           | A 3 stay no-request             | silence
	silence, both Unknown                | A 3 stay sensor                 | silence
	silence, target Unknown              | B 3 undo silence                | silence
	abort                                | B 3 undo aborted                | aborted                           |                            | abort-1 done
	freeze after change                  | A 3 stay no-request             | frozen
	freeze immediate                     | B 3 undo frozen would-be        | frozen frozen, held-partial
	unfreeze                             | A 3 stay failback               | open
	target locked out                    | B 3 undo lockout                | lockout
	old path locked out                  | A 3 stay no-request             | lockout
	third path locked out                | A 3 stay failback               | open
	target Down                          | B 3 undo signal-fail            | signal-fail
	target Down, freeze after change     | B 3 undo signal-fail            | frozen
	target Down, budget gone             | B 3 undo signal-fail            | signal-fail
	old path Down                        | A 3 stay no-request             | signal-fail
	both Down                            | C 3 move signal-fail            | signal-fail, superseded
	all Down                             | A 3 hold no-usable-path         | signal-fail, superseded
	target Degraded                      | A 3 stay failback               | open
	target Degraded, switch on degrade   | B 3 undo signal-degrade         | signal-degrade
	old path Degraded, switch on degrade | A 3 stay failback               | open
	all Unknown                          | A 3 stay failback               | open
	force to A                           | A 3 stay forced-switch          | forced-switch
	force to B                           | B 3 move forced-switch          | forced-switch, superseded
	force to C                           | C 3 move forced-switch          | forced-switch, superseded
	force to C, refused                  | A 3 stay failback               | open                              |                            | force-1 target-down
	newer manual to A                    | A 3 stay manual-switch          | manual-switch
	newer manual to B                    | B 3 move manual-switch          | manual-switch, superseded
	newer manual to C                    | C 3 move manual-switch          | manual-switch, superseded
	newer manual to C, refused           | A 3 stay failback               | open                              |                            | manual-1 target-not-up
	older manual to B                    | A 3 stay failback               | open
	manual to working                    | A 3 stay no-request             | manual-switch-to-working          |                            | back-1 done
	moved by hand to C                   | A 3 stay failback               | open
	moved by hand to B                   | A 3 stay failback               | open
	one route undone, seen once          | A 3 stay failback               | open
	one route undone, seen twice         | A 3 stay failback               | open
	a written route undone               | B 3 undo undone                 | undone
	one route contended                  | A 3 stay failback               | open
	manual to working, one unit          | A 3 stay no-request             | manual-switch-to-working          |                            | back-1 done
	adopt                                | A 3 adopt adopt-requested       | adopt-requested, superseded       |                            | adopt-1 done
	observe mode                         | A 3 adopt first-sight           | observe-mode, superseded
	two units more                       | B 5 undo configuration-changed  | configuration-changed
	path A removed                       | B 3 adopt first-sight           | configuration-changed, superseded
	path B removed                       | A 3 adopt first-sight           | configuration-changed, superseded
	path C removed                       | A 3 stay failback               | open
	revertive                            | A 3 stay failback               | open
	revertive, silence                   | B 3 undo silence                | silence
	mass failure                         | A 3 stay failback               | open
	force to A, freeze after change      | A 3 stay forced-switch          | frozen
	force to B, freeze after change      | B 3 move forced-switch would-be | frozen
	beat, newer manual to C              | C 3 move manual-switch          | manual-switch, superseded         | refused manual-switch
	advance, newer manual to C           | C 3 move manual-switch          | manual-switch, superseded         | refused manual-switch
	anything else                        | A 3 stay failback               | open                              | accepted
`

// rowsFailbackUndoing: the undo is committed, and not in the tables.
const rowsFailbackUndoing = `
	open                                 | B 3 stay do-not-revert            | verify-failed                      | refused verify-failed
	open by another                      | B 3 stay do-not-revert            | verify-failed                      | refused not-settled, retry
	ask                                  | B 3 stay do-not-revert            | verify-failed                      | refused verify-failed
	beat                                 | B 3 stay do-not-revert            | verify-failed                      | refused verify-failed
	beat of another                      | B 3 stay do-not-revert            | verify-failed                      | refused failback-over
	advance                              | B 3 stay do-not-revert            | verify-failed                      | refused verify-failed
	advance, same step                   | B 3 stay do-not-revert            | verify-failed                      | refused verify-failed
	advance of another                   | B 3 stay do-not-revert            | verify-failed                      | refused failback-over
	advance, another plan approved       | B 3 stay do-not-revert            | verify-failed                      | refused verify-failed
	advance, plan changed                | B 3 stay do-not-revert            | verify-failed                      | refused verify-failed
	advance, list changed                | B 3 stay do-not-revert            | verify-failed                      | refused verify-failed
	advance, list unreadable             | B 3 stay do-not-revert            | verify-failed                      | refused verify-failed
	advance, reading incomplete          | B 3 stay do-not-revert            | verify-failed                      | refused verify-failed
	advance, target Degraded             | B 3 stay do-not-revert            | verify-failed                      | refused verify-failed
	advance, target Unknown              | B 3 stay do-not-revert            | verify-failed                      | refused verify-failed
	advance, target suppressed           | B 3 stay do-not-revert            | verify-failed                      | refused verify-failed
	advance, evidence down               | B 3 stay do-not-revert            | verify-failed                      | refused verify-failed
	advance, target Up for 9m            | B 3 stay do-not-revert            | verify-failed                      | refused verify-failed
	advance, routes of target unproven   | B 3 stay do-not-revert            | verify-failed                      | refused verify-failed
	advance, unproven                    | B 3 stay do-not-revert            | verify-failed                      | refused verify-failed
	advance, stateful                    | B 1 stay do-not-revert            | verify-failed                      | refused verify-failed
	advance after silence                | B 3 stay do-not-revert            | verify-failed                      | refused verify-failed
	advance under a freeze               | B 3 stay do-not-revert            | verify-failed                      | refused verify-failed
	undo                                 | B 3 stay do-not-revert            | verify-failed                      | accepted
	undo of another                      | B 3 stay do-not-revert            | verify-failed                      | refused failback-over
	close                                | B 3 stay do-not-revert            | verify-failed                      | accepted
	silence, old path Down               | A 3 move signal-fail              | verify-failed, superseded
	silence, both Unknown                | B 3 stay sensor                   | verify-failed
	abort                                | B 3 stay do-not-revert            | verify-failed                      |                            | abort-1 done
	freeze immediate                     | B 3 stay do-not-revert            | verify-failed frozen, held-partial
	old path locked out                  | A 3 move lockout                  | verify-failed, superseded
	old path Down                        | A 3 move signal-fail              | verify-failed, superseded
	both Down                            | C 3 move signal-fail              | verify-failed, superseded
	all Down                             | B 3 hold no-usable-path           | verify-failed, superseded
	old path Degraded, switch on degrade | A 3 move signal-degrade           | verify-failed, superseded
	all Unknown                          | B 3 stay sensor                   | verify-failed
	force to A                           | A 3 move forced-switch            | verify-failed, superseded
	force to B                           | B 3 stay forced-switch            | verify-failed
	force to C                           | C 3 move forced-switch            | verify-failed, superseded
	force to C, refused                  | B 3 stay do-not-revert            | verify-failed                      |                            | force-1 target-down
	newer manual to A                    | A 3 move manual-switch            | verify-failed, superseded
	newer manual to B                    | B 3 stay manual-switch            | verify-failed
	newer manual to C                    | C 3 move manual-switch            | verify-failed, superseded
	newer manual to C, refused           | B 3 stay do-not-revert            | verify-failed                      |                            | manual-1 target-not-up
	older manual to B                    | B 3 stay manual-switch            | verify-failed
	older manual to B, advance           | B 3 stay manual-switch            | verify-failed                      | refused verify-failed
	manual to working                    | A 3 move manual-switch-to-working | verify-failed, superseded
	manual to working, one unit          | A 1 move manual-switch-to-working | verify-failed, superseded
	adopt                                | B 3 adopt adopt-requested         | verify-failed, superseded          |                            | adopt-1 done
	observe mode                         | B 3 adopt first-sight             | verify-failed, superseded
	two units more                       | B 5 stay do-not-revert            | verify-failed
	path A removed                       | B 3 adopt first-sight             | verify-failed, superseded
	path B removed                       | A 3 adopt first-sight             | verify-failed, superseded
	revertive                            | B 3 stay wait-to-restore          | verify-failed
	revertive, silence                   | B 3 stay wait-to-restore          | verify-failed
	force to A, freeze after change      | A 3 move forced-switch would-be   | verify-failed
	force to B, freeze after change      | B 3 stay forced-switch            | verify-failed
	beat, newer manual to C              | C 3 move manual-switch            | verify-failed, superseded          | refused verify-failed
	advance, newer manual to C           | C 3 move manual-switch            | verify-failed, superseded          | refused verify-failed
	anything else                        | B 3 stay do-not-revert            | verify-failed
`

// rowsFailbackFrozen: an immediate freeze came after two units.
const rowsFailbackFrozen = `
	a sweep                              | B 3 undo frozen would-be                   | frozen frozen, held-partial
	beat of another                      | B 3 undo frozen would-be                   | frozen frozen, held-partial | refused failback-over
	advance of another                   | B 3 undo frozen would-be                   | frozen frozen, held-partial | refused failback-over
	advance, stateful                    | A 1 stay no-request                        | frozen, restored            | refused frozen
	advance under a freeze               | B 3 undo frozen                            | frozen                      | refused frozen
	undo                                 | B 3 undo frozen would-be                   | frozen frozen, held-partial | accepted
	undo of another                      | B 3 undo frozen would-be                   | frozen frozen, held-partial | refused failback-over
	close                                | B 3 undo frozen would-be                   | frozen frozen, held-partial | accepted
	silence                              | B 3 undo frozen would-be                   | frozen frozen, held-partial
	silence, old path Down               | A 3 step signal-fail would-be              | frozen frozen, held-partial
	silence, old path Degraded           | A 3 step frozen would-be                   | frozen frozen, held-partial
	silence, both Unknown                | A 2 hold sensor                            | frozen frozen, held-partial
	silence, target Unknown              | B 3 undo frozen would-be                   | frozen frozen, held-partial
	abort                                | B 3 undo frozen would-be                   | frozen frozen, held-partial |                       | abort-1 done
	freeze after change                  | B 3 undo frozen                            | frozen
	freeze immediate                     | B 3 undo frozen would-be                   | frozen frozen, held-partial
	unfreeze                             | B 3 undo frozen                            | frozen
	target locked out                    | B 3 undo lockout would-be                  | frozen frozen, held-partial
	old path locked out                  | A 3 step lockout would-be                  | frozen frozen, held-partial
	third path locked out                | B 3 undo frozen would-be                   | frozen frozen, held-partial
	target Down                          | B 3 undo signal-fail would-be              | frozen frozen, held-partial
	target Down, freeze after change     | B 3 undo signal-fail                       | frozen
	target Down, budget gone             | B 3 undo signal-fail would-be              | frozen frozen, held-partial
	old path Down                        | A 3 step signal-fail would-be              | frozen frozen, held-partial
	both Down                            | C 3 move signal-fail would-be              | frozen frozen, held-partial
	all Down                             | A 2 hold no-usable-path                    | frozen frozen, held-partial
	target Degraded                      | B 3 undo frozen would-be                   | frozen frozen, held-partial
	target Degraded, switch on degrade   | B 3 undo signal-degrade would-be           | frozen frozen, held-partial
	old path Degraded, switch on degrade | A 3 step frozen would-be                   | frozen frozen, held-partial
	all Unknown                          | A 2 hold sensor                            | frozen frozen, held-partial
	force to A                           | A 3 step forced-switch would-be            | frozen frozen, held-partial
	force to B                           | B 3 move forced-switch would-be            | frozen frozen, held-partial
	force to C                           | C 3 move forced-switch would-be            | frozen frozen, held-partial
	force to C, refused                  | B 3 undo frozen would-be                   | frozen frozen, held-partial |                       | force-1 target-down
	newer manual to A                    | A 3 step manual-switch would-be            | frozen frozen, held-partial
	newer manual to B                    | B 3 move manual-switch would-be            | frozen frozen, held-partial
	newer manual to C                    | C 3 move manual-switch would-be            | frozen frozen, held-partial
	newer manual to C, refused           | B 3 undo frozen would-be                   | frozen frozen, held-partial |                       | manual-1 target-not-up
	older manual to B                    | B 3 move manual-switch would-be            | frozen frozen, held-partial
	older manual to B, advance           | B 3 move manual-switch would-be            | frozen frozen, held-partial | refused frozen
	manual to working                    | A 3 step manual-switch-to-working would-be | frozen frozen, held-partial
	moved by hand to C                   | B 3 undo frozen would-be                   | frozen frozen, held-partial
	moved by hand to B                   | B 3 undo frozen would-be                   | frozen frozen, held-partial
	one route undone, seen once          | B 3 undo frozen would-be                   | frozen frozen, held-partial
	one route undone, seen twice         | B 3 undo frozen would-be                   | frozen frozen, held-partial
	a written route undone               | B 3 undo frozen would-be                   | frozen frozen, held-partial
	one route contended                  | B 3 undo frozen would-be                   | frozen frozen, held-partial
	manual to working, one unit          | A 2 stay no-request                        | frozen, superseded          |                       | back-1 done
	adopt                                | A 3 adopt adopt-requested                  | frozen, superseded          |                       | adopt-1 done
	observe mode                         | A 3 adopt first-sight                      | frozen, superseded
	two units more                       | B 5 undo frozen would-be                   | frozen frozen, held-partial
	path A removed                       | B 3 adopt first-sight                      | frozen, superseded
	path B removed                       | A 3 adopt first-sight                      | frozen, superseded
	path C removed                       | B 3 undo frozen would-be                   | frozen frozen, held-partial
	revertive                            | B 3 undo frozen would-be                   | frozen frozen, held-partial
	revertive, silence                   | B 3 undo frozen would-be                   | frozen frozen, held-partial
	mass failure                         | B 3 undo frozen would-be                   | frozen frozen, held-partial
	force to A, freeze after change      | A 3 step forced-switch                     | frozen
	force to B, freeze after change      | B 3 move forced-switch                     | frozen, superseded
	beat, newer manual to C              | C 3 move manual-switch would-be            | frozen frozen, held-partial | refused frozen
	advance, newer manual to C           | C 3 move manual-switch would-be            | frozen frozen, held-partial | refused frozen
	anything else                        | B 3 undo frozen would-be                   | frozen frozen, held-partial | refused frozen
`

// rowsFailbackRestored: a failback that came to its end.
const rowsFailbackRestored = `
	open                               | A 3 stay no-request             | done, restored | refused done
	open by another                    | A 3 stay no-request             | done, restored | refused on-working-path
	ask                                | A 3 stay no-request             | done, restored | refused done
	beat                               | A 3 stay no-request             | done, restored | refused done
	beat of another                    | A 3 stay no-request             | done, restored | refused failback-over
	advance                            | A 3 stay no-request             | done, restored | refused done
	advance, same step                 | A 3 stay no-request             | done, restored | refused done
	advance of another                 | A 3 stay no-request             | done, restored | refused failback-over
	advance, another plan approved     | A 3 stay no-request             | done, restored | refused done
	advance, plan changed              | A 3 stay no-request             | done, restored | refused done
	advance, list changed              | A 3 stay no-request             | done, restored | refused done
	advance, list unreadable           | A 3 stay no-request             | done, restored | refused done
	advance, reading incomplete        | A 3 stay no-request             | done, restored | refused done
	advance, target Degraded           | A 3 stay no-request             | done, restored | refused done
	advance, target Unknown            | A 3 stay sensor                 | done, restored | refused done
	advance, target suppressed         | A 3 stay no-request             | done, restored | refused done
	advance, evidence down             | A 3 stay no-request             | done, restored | refused done
	advance, target Up for 9m          | A 3 stay no-request             | done, restored | refused done
	advance, routes of target unproven | A 3 stay no-request             | done, restored | refused done
	advance, unproven                  | A 3 stay no-request             | done, restored | refused done
	advance, stateful                  | A 1 stay no-request             | done, restored | refused done
	advance after silence              | A 3 stay no-request             | done, restored | refused done
	advance under a freeze             | A 3 stay no-request             | done, restored | refused done
	undo                               | A 3 stay no-request             | done, restored | refused failback-over
	undo of another                    | A 3 stay no-request             | done, restored | refused failback-over
	close                              | A 3 stay no-request             | done, restored | accepted
	silence, both Unknown              | A 3 stay sensor                 | done, restored
	silence, target Unknown            | A 3 stay sensor                 | done, restored
	abort                              | A 3 stay no-request             | done, restored |                         | abort-1 done
	target locked out                  | B 3 move lockout                | done, restored
	target Down                        | B 3 move signal-fail            | done, restored
	target Down, freeze after change   | B 3 move signal-fail would-be   | done, restored
	target Down, budget gone           | A 3 hold mass-failure           | done, restored
	both Down                          | C 3 move signal-fail            | done, restored
	all Down                           | A 3 hold no-usable-path         | done, restored
	target Degraded, switch on degrade | B 3 move signal-degrade         | done, restored
	all Unknown                        | A 3 stay sensor                 | done, restored
	force to A                         | A 3 stay forced-switch          | done, restored
	force to B                         | B 3 move forced-switch          | done, restored
	force to C                         | C 3 move forced-switch          | done, restored
	force to C, refused                | A 3 stay no-request             | done, restored |                         | force-1 target-down
	newer manual to A                  | A 3 stay manual-switch          | done, restored
	newer manual to B                  | B 3 move manual-switch          | done, restored
	newer manual to C                  | C 3 move manual-switch          | done, restored
	newer manual to C, refused         | A 3 stay no-request             | done, restored |                         | manual-1 target-not-up
	older manual to B                  | B 3 move manual-switch          | done, restored
	older manual to B, advance         | B 3 move manual-switch          | done, restored | refused done
	manual to working                  | A 3 stay no-request             | done, restored |                         | back-1 done
	moved by hand to C                 | C 3 adopt moved-by-hand         | done, restored
	moved by hand to B                 | B 3 adopt moved-by-hand         | done, restored
	manual to working, one unit        | A 3 stay no-request             | done, restored |                         | back-1 done
	adopt                              | A 3 adopt adopt-requested       | done, restored |                         | adopt-1 done
	two units more                     | A 5 stay no-request             | done, restored
	path A removed                     | B 3 adopt first-sight           | done, restored
	path B removed                     | A 3 adopt first-sight           | done, restored
	force to A, freeze after change    | A 3 stay forced-switch          | done, restored
	force to B, freeze after change    | B 3 move forced-switch would-be | done, restored
	beat, newer manual to C            | C 3 move manual-switch          | done, restored | refused done
	advance, newer manual to C         | C 3 move manual-switch          | done, restored | refused done
	anything else                      | A 3 stay no-request             | done, restored
`

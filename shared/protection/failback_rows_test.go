package protection

// The rows of the table of a failback; failback_test.go says how they are read.

// rowsFailbackNone: no failback yet, on the old path.
const rowsFailbackNone = `
	a sweep                              | B 3 stay do-not-revert            | -
	open                                 | B 3 stay failback                 | open | accepted
	open by another                      | B 3 stay failback                 | open | accepted
	advance, stateful                    | B 1 stay do-not-revert            | -    | refused failback-over
	silence                              | B 3 stay do-not-revert            | -
	silence, old path Down               | A 3 move signal-fail              | -
	silence, old path Degraded           | B 3 stay do-not-revert            | -
	silence, both Unknown                | B 3 stay sensor                   | -
	silence, target Unknown              | B 3 stay do-not-revert            | -
	abort                                | B 3 stay do-not-revert            | -    |                       | abort-1 done
	freeze after change                  | B 3 stay do-not-revert            | -
	freeze immediate                     | B 3 stay do-not-revert            | -
	unfreeze                             | B 3 stay do-not-revert            | -
	target locked out                    | B 3 stay do-not-revert            | -
	old path locked out                  | A 3 move lockout                  | -
	third path locked out                | B 3 stay do-not-revert            | -
	target Down                          | B 3 stay do-not-revert            | -
	target Down, freeze after change     | B 3 stay do-not-revert            | -
	target Down, budget gone             | B 3 stay do-not-revert            | -
	old path Down                        | A 3 move signal-fail              | -
	both Down                            | C 3 move signal-fail              | -
	all Down                             | B 3 hold no-usable-path           | -
	target Degraded                      | B 3 stay do-not-revert            | -
	target Degraded, switch on degrade   | B 3 stay do-not-revert            | -
	old path Degraded, switch on degrade | A 3 move signal-degrade           | -
	all Unknown                          | B 3 stay sensor                   | -
	force to A                           | A 3 move forced-switch            | -
	force to B                           | B 3 stay forced-switch            | -
	force to C                           | C 3 move forced-switch            | -
	force to C, refused                  | B 3 stay do-not-revert            | -    |                       | force-1 target-down
	newer manual to A                    | A 3 move manual-switch            | -
	newer manual to B                    | B 3 stay manual-switch            | -
	newer manual to C                    | C 3 move manual-switch            | -
	newer manual to C, refused           | B 3 stay do-not-revert            | -    |                       | manual-1 target-not-up
	older manual to B                    | B 3 stay manual-switch            | -
	older manual to B, advance           | B 3 stay manual-switch            | -    | refused failback-over
	manual to working                    | A 3 move manual-switch-to-working | -
	moved by hand to C                   | C 3 adopt moved-by-hand           | -
	moved by hand to B                   | B 3 stay do-not-revert            | -
	one route undone, seen once          | B 3 stay do-not-revert            | -
	one route undone, seen twice         | B 3 stay do-not-revert            | -
	a written route undone               | B 3 stay do-not-revert            | -
	one route contended                  | B 3 stay do-not-revert            | -
	manual to working, one unit          | A 1 move manual-switch-to-working | -
	adopt                                | B 3 adopt adopt-requested         | -    |                       | adopt-1 done
	observe mode                         | B 3 stay do-not-revert            | -
	two units more                       | B 5 stay do-not-revert            | -
	path A removed                       | B 3 adopt first-sight             | -
	path B removed                       | A 3 adopt first-sight             | -
	path C removed                       | B 3 stay do-not-revert            | -
	revertive                            | A 3 move wait-to-restore-expired  | -
	revertive, silence                   | A 3 move wait-to-restore-expired  | -
	mass failure                         | B 3 stay do-not-revert            | -
	force to A, freeze after change      | A 3 move forced-switch would-be   | -
	force to B, freeze after change      | B 3 stay forced-switch            | -
	beat, newer manual to C              | C 3 move manual-switch            | -    | refused failback-over
	advance, newer manual to C           | C 3 move manual-switch            | -    | refused failback-over
	anything else                        | B 3 stay do-not-revert            | -    | refused failback-over
`

// rowsFailbackOpen: a failback that shows no plan yet.
const rowsFailbackOpen = `
	a sweep                              | B 3 stay failback                 | open
	open                                 | B 3 stay failback                 | open                                 | accepted
	open by another                      | B 3 stay failback                 | open                                 | refused failback-under-way
	ask                                  | B 3 stay failback                 | open                                 | accepted
	beat                                 | B 3 stay failback                 | open                                 | accepted
	beat of another                      | B 3 stay failback                 | open                                 | refused failback-over
	advance of another                   | B 3 stay failback                 | open                                 | refused failback-over
	advance, stateful                    | B 1 stay do-not-revert            | not-approved, as-before              | refused not-approved
	advance after silence                | B 3 stay do-not-revert            | silence, as-before                   | refused silence
	advance under a freeze               | B 3 stay do-not-revert            | frozen, as-before                    | refused frozen
	undo                                 | B 3 stay do-not-revert            | verify-failed, as-before             | accepted
	undo of another                      | B 3 stay failback                 | open                                 | refused failback-over
	close                                | B 3 stay do-not-revert            | done, as-before                      | accepted
	silence                              | B 3 stay do-not-revert            | silence, as-before
	silence, old path Down               | A 3 move signal-fail              | signal-fail, superseded
	silence, old path Degraded           | B 3 stay do-not-revert            | silence, as-before
	silence, both Unknown                | B 3 stay sensor                   | silence, as-before
	silence, target Unknown              | B 3 stay do-not-revert            | silence, as-before
	abort                                | B 3 stay do-not-revert            | aborted, as-before                   |                            | abort-1 done
	freeze after change                  | B 3 stay do-not-revert            | frozen, as-before
	freeze immediate                     | B 3 stay do-not-revert            | frozen, as-before
	unfreeze                             | B 3 stay failback                 | open
	target locked out                    | B 3 stay do-not-revert            | lockout, as-before
	old path locked out                  | A 3 move lockout                  | lockout, superseded
	third path locked out                | B 3 stay failback                 | open
	target Down                          | B 3 stay do-not-revert            | signal-fail, as-before
	target Down, freeze after change     | B 3 stay do-not-revert            | frozen, as-before
	target Down, budget gone             | B 3 stay do-not-revert            | signal-fail, as-before
	old path Down                        | A 3 move signal-fail              | signal-fail, superseded
	both Down                            | C 3 move signal-fail              | signal-fail, superseded
	all Down                             | B 3 hold no-usable-path           | signal-fail, as-before
	target Degraded                      | B 3 stay failback                 | open
	target Degraded, switch on degrade   | B 3 stay failback                 | open
	old path Degraded, switch on degrade | A 3 move signal-degrade           | signal-degrade, superseded
	all Unknown                          | B 3 stay failback                 | open
	force to A                           | A 3 move forced-switch            | forced-switch, superseded
	force to B                           | B 3 stay forced-switch            | forced-switch, as-before
	force to C                           | C 3 move forced-switch            | forced-switch, superseded
	force to C, refused                  | B 3 stay failback                 | open                                 |                            | force-1 target-down
	newer manual to A                    | A 3 move manual-switch            | manual-switch, superseded
	newer manual to B                    | B 3 stay manual-switch            | manual-switch, as-before
	newer manual to C                    | C 3 move manual-switch            | manual-switch, superseded
	newer manual to C, refused           | B 3 stay failback                 | open                                 |                            | manual-1 target-not-up
	older manual to B                    | B 3 stay failback                 | open
	manual to working                    | A 3 move manual-switch-to-working | manual-switch-to-working, superseded
	moved by hand to C                   | C 3 adopt moved-by-hand           | moved-by-hand, superseded
	moved by hand to B                   | B 3 stay failback                 | open
	one route undone, seen once          | B 3 stay failback                 | open
	one route undone, seen twice         | B 3 stay do-not-revert            | undone, as-before
	a written route undone               | B 3 stay failback                 | open
	one route contended                  | B 3 stay do-not-revert            | undone, as-before
	manual to working, one unit          | A 1 move manual-switch-to-working | manual-switch-to-working, superseded
	adopt                                | B 3 adopt adopt-requested         | adopt-requested, superseded          |                            | adopt-1 done
	observe mode                         | B 3 stay do-not-revert            | observe-mode, as-before
	two units more                       | B 5 stay do-not-revert            | configuration-changed, as-before
	path A removed                       | B 3 adopt first-sight             | configuration-changed, superseded
	path B removed                       | A 3 adopt first-sight             | configuration-changed, superseded
	path C removed                       | B 3 stay failback                 | open
	revertive                            | B 3 stay failback                 | open
	revertive, silence                   | B 3 stay wait-to-restore          | silence, as-before
	mass failure                         | B 3 stay failback                 | open
	force to A, freeze after change      | A 3 move forced-switch would-be   | frozen, as-before
	force to B, freeze after change      | B 3 stay forced-switch            | frozen, as-before
	beat, newer manual to C              | C 3 move manual-switch            | manual-switch, superseded            | refused manual-switch
	advance, newer manual to C           | C 3 move manual-switch            | manual-switch, superseded            | refused manual-switch
	anything else                        | B 3 stay do-not-revert            | not-approved, as-before              | refused not-approved
`

// rowsFailbackAsked: a failback whose plan is shown, and not approved.
const rowsFailbackAsked = `
	open                                 | B 3 stay failback                 | open                                 | accepted
	open by another                      | B 3 stay failback                 | open                                 | refused failback-under-way
	ask                                  | B 3 stay failback                 | open                                 | accepted
	beat                                 | B 3 stay failback                 | open                                 | accepted
	beat of another                      | B 3 stay failback                 | open                                 | refused failback-over
	advance                              | A 1 move failback                 | open                                 | accepted
	advance, same step                   | A 3 move failback                 | open                                 | accepted
	advance of another                   | B 3 stay failback                 | open                                 | refused failback-over
	advance, another plan approved       | B 3 stay do-not-revert            | not-approved, as-before              | refused not-approved
	advance, plan changed                | B 3 stay do-not-revert            | plan-changed, as-before              | refused plan-changed
	advance, list changed                | B 3 stay do-not-revert            | prefix-list-changed, as-before       | refused prefix-list-changed
	advance, list unreadable             | B 3 stay failback                 | open                                 | refused prefix-list-blocked, retry
	advance, reading incomplete          | B 3 stay failback                 | open                                 | refused incomplete-reading, retry
	advance, target Degraded             | B 3 stay do-not-revert            | target-not-up, as-before             | refused target-not-up
	advance, target Unknown              | B 3 stay failback                 | open                                 | refused sensor, retry
	advance, target suppressed           | B 3 stay do-not-revert            | target-suppressed, as-before         | refused target-suppressed
	advance, evidence down               | B 3 stay do-not-revert            | target-not-up, as-before             | refused target-not-up
	advance, target Up for 9m            | B 3 stay failback                 | open                                 | refused not-stable, ready 12:01:00
	advance, routes of target unproven   | B 3 stay do-not-revert            | route-not-learned, as-before         | refused route-not-learned
	advance, unproven                    | A 1 move failback                 | open                                 | accepted
	advance, stateful                    | A 1 move failback                 | open                                 | accepted
	advance after silence                | B 3 stay do-not-revert            | silence, as-before                   | refused silence
	advance under a freeze               | B 3 stay do-not-revert            | frozen, as-before                    | refused frozen
	undo                                 | B 3 stay do-not-revert            | verify-failed, as-before             | accepted
	undo of another                      | B 3 stay failback                 | open                                 | refused failback-over
	close                                | B 3 stay do-not-revert            | done, as-before                      | accepted
	silence                              | B 3 stay do-not-revert            | silence, as-before
	silence, old path Down               | A 3 move signal-fail              | signal-fail, superseded
	silence, old path Degraded           | B 3 stay do-not-revert            | silence, as-before
	silence, both Unknown                | B 3 stay sensor                   | silence, as-before
	silence, target Unknown              | B 3 stay do-not-revert            | silence, as-before
	abort                                | B 3 stay do-not-revert            | aborted, as-before                   |                                    | abort-1 done
	freeze after change                  | B 3 stay do-not-revert            | frozen, as-before
	freeze immediate                     | B 3 stay do-not-revert            | frozen, as-before
	target locked out                    | B 3 stay do-not-revert            | lockout, as-before
	old path locked out                  | A 3 move lockout                  | lockout, superseded
	target Down                          | B 3 stay do-not-revert            | signal-fail, as-before
	target Down, freeze after change     | B 3 stay do-not-revert            | frozen, as-before
	target Down, budget gone             | B 3 stay do-not-revert            | signal-fail, as-before
	old path Down                        | A 3 move signal-fail              | signal-fail, superseded
	both Down                            | C 3 move signal-fail              | signal-fail, superseded
	all Down                             | B 3 hold no-usable-path           | signal-fail, as-before
	old path Degraded, switch on degrade | A 3 move signal-degrade           | signal-degrade, superseded
	force to A                           | A 3 move forced-switch            | forced-switch, superseded
	force to B                           | B 3 stay forced-switch            | forced-switch, as-before
	force to C                           | C 3 move forced-switch            | forced-switch, superseded
	force to C, refused                  | B 3 stay failback                 | open                                 |                                    | force-1 target-down
	newer manual to A                    | A 3 move manual-switch            | manual-switch, superseded
	newer manual to B                    | B 3 stay manual-switch            | manual-switch, as-before
	newer manual to C                    | C 3 move manual-switch            | manual-switch, superseded
	newer manual to C, refused           | B 3 stay failback                 | open                                 |                                    | manual-1 target-not-up
	older manual to B, advance           | A 1 move failback                 | open                                 | accepted                           | manual-1 superseded
	manual to working                    | A 3 move manual-switch-to-working | manual-switch-to-working, superseded
	moved by hand to C                   | C 3 adopt moved-by-hand           | moved-by-hand, superseded
	one route undone, seen twice         | B 3 stay do-not-revert            | undone, as-before
	one route contended                  | B 3 stay do-not-revert            | undone, as-before
	manual to working, one unit          | A 1 move manual-switch-to-working | manual-switch-to-working, superseded
	adopt                                | B 3 adopt adopt-requested         | adopt-requested, superseded          |                                    | adopt-1 done
	observe mode                         | B 3 stay do-not-revert            | observe-mode, as-before
	two units more                       | B 5 stay do-not-revert            | configuration-changed, as-before
	path A removed                       | B 3 adopt first-sight             | configuration-changed, superseded
	path B removed                       | A 3 adopt first-sight             | configuration-changed, superseded
	revertive, silence                   | B 3 stay wait-to-restore          | silence, as-before
	force to A, freeze after change      | A 3 move forced-switch would-be   | frozen, as-before
	force to B, freeze after change      | B 3 stay forced-switch            | frozen, as-before
	beat, newer manual to C              | C 3 move manual-switch            | manual-switch, superseded            | refused manual-switch
	advance, newer manual to C           | C 3 move manual-switch            | manual-switch, superseded            | refused manual-switch
	anything else                        | B 3 stay failback                 | open
`

// rowsFailbackCanary: after the canary.
const rowsFailbackCanary = `
	open                               | A 1 stay failback                 | open                                 | accepted
	open by another                    | A 1 stay failback                 | open                                 | refused failback-under-way
	ask                                | A 1 stay failback                 | open                                 | accepted
	beat                               | A 1 stay failback                 | open                                 | accepted
	beat of another                    | A 1 stay failback                 | open                                 | refused failback-over
	advance                            | A 2 step failback                 | open                                 | accepted
	advance, same step                 | A 1 stay failback                 | open                                 | accepted
	advance of another                 | A 1 stay failback                 | open                                 | refused failback-over
	advance, another plan approved     | B 3 undo not-approved             | not-approved                         | refused not-approved
	advance, plan changed              | B 3 undo plan-changed             | plan-changed                         | refused plan-changed
	advance, list changed              | B 3 undo prefix-list-changed      | prefix-list-changed                  | refused prefix-list-changed
	advance, list unreadable           | A 1 stay failback                 | open                                 | refused prefix-list-blocked, retry
	advance, reading incomplete        | A 1 stay failback                 | open                                 | refused incomplete-reading, retry
	advance, target Degraded           | B 3 undo target-not-up            | target-not-up                        | refused target-not-up
	advance, target Unknown            | A 1 stay failback                 | open                                 | refused sensor, retry
	advance, target suppressed         | B 3 undo target-suppressed        | target-suppressed                    | refused target-suppressed
	advance, evidence down             | B 3 undo target-not-up            | target-not-up                        | refused target-not-up
	advance, target Up for 9m          | A 2 step failback                 | open                                 | accepted
	advance, routes of target unproven | B 3 undo route-not-learned        | route-not-learned                    | refused route-not-learned
	advance, unproven                  | A 2 step failback                 | open                                 | accepted
	advance, stateful                  | A 1 stay failback                 | open                                 | accepted
	advance after silence              | B 3 undo silence                  | silence                              | refused silence
	advance under a freeze             | B 3 undo frozen                   | frozen                               | refused frozen
	undo                               | B 3 undo verify-failed            | verify-failed                        | accepted
	undo of another                    | A 1 stay failback                 | open                                 | refused failback-over
	close                              | B 3 undo done                     | done                                 | accepted
	silence                            | B 3 undo silence                  | silence
	silence, old path Down             | A 3 step signal-fail              | signal-fail
	silence, old path Degraded         | A 3 step silence                  | silence
	silence, both Unknown              | A 1 hold sensor                   | silence, superseded
	silence, target Unknown            | B 3 undo silence                  | silence
	abort                              | B 3 undo aborted                  | aborted                              |                                    | abort-1 done
	freeze after change                | B 3 undo frozen                   | frozen
	freeze immediate                   | B 3 undo frozen would-be          | frozen frozen, held-partial
	target locked out                  | B 3 undo lockout                  | lockout
	old path locked out                | A 3 step lockout                  | lockout
	target Down                        | B 3 undo signal-fail              | signal-fail
	target Down, freeze after change   | B 3 undo signal-fail              | frozen
	target Down, budget gone           | B 3 undo signal-fail              | signal-fail
	old path Down                      | A 3 step signal-fail              | signal-fail
	both Down                          | C 3 move signal-fail              | signal-fail, superseded
	all Down                           | A 1 hold no-usable-path           | signal-fail, superseded
	target Degraded, switch on degrade | B 3 undo signal-degrade           | signal-degrade
	force to A                         | A 3 step forced-switch            | forced-switch
	force to B                         | B 3 move forced-switch            | forced-switch, superseded
	force to C                         | C 3 move forced-switch            | forced-switch, superseded
	force to C, refused                | A 1 stay failback                 | open                                 |                                    | force-1 target-down
	newer manual to A                  | A 3 step manual-switch            | manual-switch
	newer manual to B                  | B 3 move manual-switch            | manual-switch, superseded
	newer manual to C                  | C 3 move manual-switch            | manual-switch, superseded
	newer manual to C, refused         | A 1 stay failback                 | open                                 |                                    | manual-1 target-not-up
	older manual to B, advance         | A 2 step failback                 | open                                 | accepted
	manual to working                  | A 3 step manual-switch-to-working | manual-switch-to-working
	moved by hand to C                 | C 3 adopt moved-by-hand           | moved-by-hand, superseded
	moved by hand to B                 | B 3 adopt moved-by-hand           | moved-by-hand, superseded
	one route undone, seen twice       | B 3 undo undone                   | undone
	one route contended                | B 3 undo undone                   | undone
	manual to working, one unit        | A 1 stay no-request               | manual-switch-to-working, superseded |                                    | back-1 done
	adopt                              | B 3 adopt adopt-requested         | adopt-requested, superseded          |                                    | adopt-1 done
	observe mode                       | B 3 adopt first-sight             | observe-mode, superseded
	two units more                     | B 5 undo configuration-changed    | configuration-changed
	path A removed                     | B 3 adopt first-sight             | configuration-changed, superseded
	path B removed                     | A 3 adopt first-sight             | configuration-changed, superseded
	revertive, silence                 | B 3 undo silence                  | silence
	force to A, freeze after change    | A 3 step forced-switch            | frozen
	force to B, freeze after change    | B 3 move forced-switch            | frozen, superseded
	beat, newer manual to C            | C 3 move manual-switch            | manual-switch, superseded            | refused manual-switch
	advance, newer manual to C         | C 3 move manual-switch            | manual-switch, superseded            | refused manual-switch
	anything else                      | A 1 stay failback                 | open
`

// rowsFailbackWriting: the second unit has moved by the record, and not in the tables.
const rowsFailbackWriting = `
	open                               | A 2 stay failback                 | open                                 | accepted
	open by another                    | A 2 stay failback                 | open                                 | refused failback-under-way
	ask                                | A 2 stay failback                 | open                                 | accepted
	beat                               | A 2 stay failback                 | open                                 | accepted
	beat of another                    | A 2 stay failback                 | open                                 | refused failback-over
	advance                            | A 2 stay failback                 | open                                 | refused not-settled, retry
	advance, same step                 | A 2 stay failback                 | open                                 | accepted
	advance of another                 | A 2 stay failback                 | open                                 | refused failback-over
	advance, another plan approved     | B 3 undo not-approved             | not-approved                         | refused not-approved
	advance, plan changed              | A 2 stay failback                 | open                                 | refused not-settled, retry
	advance, list changed              | B 3 undo prefix-list-changed      | prefix-list-changed                  | refused prefix-list-changed
	advance, list unreadable           | A 2 stay failback                 | open                                 | refused prefix-list-blocked, retry
	advance, reading incomplete        | A 2 stay failback                 | open                                 | refused incomplete-reading, retry
	advance, target Degraded           | B 3 undo target-not-up            | target-not-up                        | refused target-not-up
	advance, target Unknown            | A 2 stay failback                 | open                                 | refused sensor, retry
	advance, target suppressed         | B 3 undo target-suppressed        | target-suppressed                    | refused target-suppressed
	advance, evidence down             | B 3 undo target-not-up            | target-not-up                        | refused target-not-up
	advance, target Up for 9m          | A 2 stay failback                 | open                                 | refused not-settled, retry
	advance, routes of target unproven | B 3 undo route-not-learned        | route-not-learned                    | refused route-not-learned
	advance, unproven                  | A 2 stay failback                 | open                                 | refused not-settled, retry
	advance, stateful                  | A 1 stay failback                 | open                                 | accepted
	advance after silence              | B 3 undo silence                  | silence                              | refused silence
	advance under a freeze             | B 3 undo frozen                   | frozen                               | refused frozen
	undo                               | B 3 undo verify-failed            | verify-failed                        | accepted
	undo of another                    | A 2 stay failback                 | open                                 | refused failback-over
	close                              | B 3 undo done                     | done                                 | accepted
	silence                            | B 3 undo silence                  | silence
	silence, old path Down             | A 3 step signal-fail              | signal-fail
	silence, old path Degraded         | A 3 step silence                  | silence
	silence, both Unknown              | A 2 hold sensor                   | silence, superseded
	silence, target Unknown            | B 3 undo silence                  | silence
	abort                              | B 3 undo aborted                  | aborted                              |                                    | abort-1 done
	freeze after change                | B 3 undo frozen                   | frozen
	freeze immediate                   | B 3 undo frozen would-be          | frozen frozen, held-partial
	target locked out                  | B 3 undo lockout                  | lockout
	old path locked out                | A 3 step lockout                  | lockout
	target Down                        | B 3 undo signal-fail              | signal-fail
	target Down, freeze after change   | B 3 undo signal-fail              | frozen
	target Down, budget gone           | B 3 undo signal-fail              | signal-fail
	old path Down                      | A 3 step signal-fail              | signal-fail
	both Down                          | C 3 move signal-fail              | signal-fail, superseded
	all Down                           | A 2 hold no-usable-path           | signal-fail, superseded
	target Degraded, switch on degrade | B 3 undo signal-degrade           | signal-degrade
	force to A                         | A 3 step forced-switch            | forced-switch
	force to B                         | B 3 move forced-switch            | forced-switch, superseded
	force to C                         | C 3 move forced-switch            | forced-switch, superseded
	force to C, refused                | A 2 stay failback                 | open                                 |                                    | force-1 target-down
	newer manual to A                  | A 3 step manual-switch            | manual-switch
	newer manual to B                  | B 3 move manual-switch            | manual-switch, superseded
	newer manual to C                  | C 3 move manual-switch            | manual-switch, superseded
	newer manual to C, refused         | A 2 stay failback                 | open                                 |                                    | manual-1 target-not-up
	older manual to B, advance         | A 2 stay failback                 | open                                 | refused not-settled, retry
	manual to working                  | A 3 step manual-switch-to-working | manual-switch-to-working
	a written route undone             | B 3 undo undone                   | undone
	manual to working, one unit        | A 2 stay no-request               | manual-switch-to-working, superseded |                                    | back-1 done
	adopt                              | B 3 adopt adopt-requested         | adopt-requested, superseded          |                                    | adopt-1 done
	observe mode                       | B 3 adopt first-sight             | observe-mode, superseded
	two units more                     | B 5 undo configuration-changed    | configuration-changed
	path A removed                     | B 3 adopt first-sight             | configuration-changed, superseded
	path B removed                     | A 3 adopt first-sight             | configuration-changed, superseded
	revertive, silence                 | B 3 undo silence                  | silence
	force to A, freeze after change    | A 3 step forced-switch            | frozen
	force to B, freeze after change    | B 3 move forced-switch            | frozen, superseded
	beat, newer manual to C            | C 3 move manual-switch            | manual-switch, superseded            | refused manual-switch
	advance, newer manual to C         | C 3 move manual-switch            | manual-switch, superseded            | refused manual-switch
	anything else                      | A 2 stay failback                 | open
`

// rowsFailbackRejected: nobody approved the plan, and nothing has moved.
const rowsFailbackRejected = `
	open                                 | B 3 stay do-not-revert            | rejected, as-before | refused rejected
	open by another                      | B 3 stay failback                 | open                | accepted
	ask                                  | B 3 stay do-not-revert            | rejected, as-before | refused rejected
	beat                                 | B 3 stay do-not-revert            | rejected, as-before | refused rejected
	beat of another                      | B 3 stay do-not-revert            | rejected, as-before | refused failback-over
	advance                              | B 3 stay do-not-revert            | rejected, as-before | refused rejected
	advance, same step                   | B 3 stay do-not-revert            | rejected, as-before | refused rejected
	advance of another                   | B 3 stay do-not-revert            | rejected, as-before | refused failback-over
	advance, another plan approved       | B 3 stay do-not-revert            | rejected, as-before | refused rejected
	advance, plan changed                | B 3 stay do-not-revert            | rejected, as-before | refused rejected
	advance, list changed                | B 3 stay do-not-revert            | rejected, as-before | refused rejected
	advance, list unreadable             | B 3 stay do-not-revert            | rejected, as-before | refused rejected
	advance, reading incomplete          | B 3 stay do-not-revert            | rejected, as-before | refused rejected
	advance, target Degraded             | B 3 stay do-not-revert            | rejected, as-before | refused rejected
	advance, target Unknown              | B 3 stay do-not-revert            | rejected, as-before | refused rejected
	advance, target suppressed           | B 3 stay do-not-revert            | rejected, as-before | refused rejected
	advance, evidence down               | B 3 stay do-not-revert            | rejected, as-before | refused rejected
	advance, target Up for 9m            | B 3 stay do-not-revert            | rejected, as-before | refused rejected
	advance, routes of target unproven   | B 3 stay do-not-revert            | rejected, as-before | refused rejected
	advance, unproven                    | B 3 stay do-not-revert            | rejected, as-before | refused rejected
	advance, stateful                    | B 1 stay do-not-revert            | rejected, as-before | refused rejected
	advance after silence                | B 3 stay do-not-revert            | rejected, as-before | refused rejected
	advance under a freeze               | B 3 stay do-not-revert            | rejected, as-before | refused rejected
	undo                                 | B 3 stay do-not-revert            | rejected, as-before | accepted
	undo of another                      | B 3 stay do-not-revert            | rejected, as-before | refused failback-over
	close                                | B 3 stay do-not-revert            | rejected, as-before | accepted
	silence, old path Down               | A 3 move signal-fail              | rejected, as-before
	silence, both Unknown                | B 3 stay sensor                   | rejected, as-before
	abort                                | B 3 stay do-not-revert            | rejected, as-before |                       | abort-1 done
	old path locked out                  | A 3 move lockout                  | rejected, as-before
	old path Down                        | A 3 move signal-fail              | rejected, as-before
	both Down                            | C 3 move signal-fail              | rejected, as-before
	all Down                             | B 3 hold no-usable-path           | rejected, as-before
	old path Degraded, switch on degrade | A 3 move signal-degrade           | rejected, as-before
	all Unknown                          | B 3 stay sensor                   | rejected, as-before
	force to A                           | A 3 move forced-switch            | rejected, as-before
	force to B                           | B 3 stay forced-switch            | rejected, as-before
	force to C                           | C 3 move forced-switch            | rejected, as-before
	force to C, refused                  | B 3 stay do-not-revert            | rejected, as-before |                       | force-1 target-down
	newer manual to A                    | A 3 move manual-switch            | rejected, as-before
	newer manual to B                    | B 3 stay manual-switch            | rejected, as-before
	newer manual to C                    | C 3 move manual-switch            | rejected, as-before
	newer manual to C, refused           | B 3 stay do-not-revert            | rejected, as-before |                       | manual-1 target-not-up
	older manual to B                    | B 3 stay manual-switch            | rejected, as-before
	older manual to B, advance           | B 3 stay manual-switch            | rejected, as-before | refused rejected
	manual to working                    | A 3 move manual-switch-to-working | rejected, as-before
	moved by hand to C                   | C 3 adopt moved-by-hand           | rejected, as-before
	manual to working, one unit          | A 1 move manual-switch-to-working | rejected, as-before
	adopt                                | B 3 adopt adopt-requested         | rejected, as-before |                       | adopt-1 done
	two units more                       | B 5 stay do-not-revert            | rejected, as-before
	path A removed                       | B 3 adopt first-sight             | rejected, as-before
	path B removed                       | A 3 adopt first-sight             | rejected, as-before
	revertive                            | B 3 stay wait-to-restore          | rejected, as-before
	revertive, silence                   | B 3 stay wait-to-restore          | rejected, as-before
	force to A, freeze after change      | A 3 move forced-switch would-be   | rejected, as-before
	force to B, freeze after change      | B 3 stay forced-switch            | rejected, as-before
	beat, newer manual to C              | C 3 move manual-switch            | rejected, as-before | refused rejected
	advance, newer manual to C           | C 3 move manual-switch            | rejected, as-before | refused rejected
	anything else                        | B 3 stay do-not-revert            | rejected, as-before
`

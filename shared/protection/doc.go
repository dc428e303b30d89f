// Package protection decides which path a group should use.
//
// Decide is a pure function of the group, the health of its paths, the standing
// requests, the record and the time. It gives the decision, with an enumerated
// reason also for staying, the record to keep, and the next instant at which to
// decide again. It is linear protection switching, with the request priorities
// of RFC 6378, the automatic protection switching mode of RFC 7271
// and the vocabulary of RFC 4427. Those have a single protecting path; here
// there can be several, in order of preference.
//
// The states of a group and what moves it between them. SF is signal fail on
// the path in use, SD signal degrade, FS a forced switch, MS a manual switch,
// MSW a manual switch to working, WTR wait-to-restore, DNR do-not-revert:
//
//	          adopt what stands
//	(no record) ───────────► NORMAL  on the working path, no request
//	                           │ ▲
//	   SF, SD, FS, MS, lockout │ │ FS or MS to working, MSW, WTR expired
//	                           ▼ │
//	                        PROTECTING  on a protecting path
//	      ┌────────────────────┼──────────────────────┐
//	      ▼                    ▼                      ▼
//	  FORCED (FS)          MANUAL (MS)     revertive: WTR   else: DNR
//	  until cleared,       until cleared,  working Up for   until an
//	  cancelled by SF on   cancelled by    waitToRestore    operator asks
//	  its own target       any SF
//
//	SF with no eligible path, in any state ──► HOLD no-usable-path
//	SF beyond the blast radius ──────────────► HOLD mass-failure
//	active path Unknown ─────────────────────► stay, sensor; WTR goes on
//
// A failback (F) is a workflow in row 6, beside MS and MSW. It holds the group where it
// is for as long as it has authority, and raises the extent of its move step by step.
// Its authority ends with its close, with silence, and with anything above it:
//
//	PROTECTING ──open──► F, nothing moved ──advance──► F, n of m ──advance──► F, all
//	     ▲                    │ over                     │ over              │  │ close
//	     │◄───────────────────┘                          ▼                   │  ▼
//	     │◄───────────────── undo, all to the old path, same epoch ◄─────────┘  NORMAL
//	                                      over; the old path is worse: step ──► NORMAL
//
// Beside the state runs the settling of the tables: a move is unsettled until
// a reading that began a settle time after the last write shows every entry in
// place. Only an unsettled record is written from, so a settled group whose
// routes somebody else changes is never fought over: what is seen twice, a
// settle time apart, is either adopted (all routes on another live path) or
// counted as a reversal, and repaired a bounded number of times. An adoption that
// nothing was written for yet is no more defended than a settled group is. The
// request adopt goes back to (no record) from any state, on an operator's word.
package protection

package source

import "strings"

// nearest returns the known name that is most like the given one, if one is
// near enough to be what was meant: at most one letter in three differs.
func nearest(name string, known []string) (string, bool) {
	const maxLength = 40
	if len(name) > maxLength {
		return "", false
	}
	best, least := "", 0
	for _, candidate := range known {
		d := distance(strings.ToLower(name), strings.ToLower(candidate))
		if d <= max(len(candidate)/3, 1) && (best == "" || d < least) {
			best, least = candidate, d
		}
	}
	return best, best != ""
}

// distance is the number of letters to insert, remove, change or swap with
// their neighbour to get from a to b.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

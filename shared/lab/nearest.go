package lab

import (
	"slices"
	"strings"
)

// Nearest suggests the known names that are most like the given one, or all of
// them if none is, as the end of a sentence: did you mean x? It is for whoever
// mistyped a name.
func Nearest(name string, known []string) string {
	type near struct {
		name string
		far  int
	}
	candidates := make([]near, 0, len(known))
	for _, k := range known {
		candidates = append(candidates, near{k, distance(name, k)})
	}
	slices.SortStableFunc(candidates, func(a, b near) int { return a.far - b.far })
	var alike []string
	for _, c := range candidates {
		if c.far <= max(len(c.name)/2, 2) || strings.Contains(c.name, name) && name != "" {
			alike = append(alike, c.name)
		}
	}
	switch {
	case len(known) == 0:
		return "there is none."
	case len(alike) == 0:
		return "there are " + strings.Join(known, ", ") + "."
	case len(alike) > 3:
		alike = alike[:3]
	}
	return "did you mean " + strings.Join(alike, " or ") + "?"
}

// distance is the number of bytes to insert, remove or change to get from a to b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}

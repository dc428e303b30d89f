package blueprint

import "slices"

// sorted returns the texts in order, each once.
func sorted(texts []string) []string {
	out := slices.Clone(texts)
	slices.Sort(out)
	return slices.Compact(out)
}

// sortedSites returns the sites in order, each once.
func sortedSites(sites []Site) []Site {
	out := slices.Clone(sites)
	slices.SortFunc(out, Site.Compare)
	return slices.Compact(out)
}

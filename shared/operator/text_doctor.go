package operator

import (
	"fmt"
	"strings"

	"detour/shared/doctor"
)

// DoctorText tells of an examination: what is found by severity and kind, each kind
// with why it matters, and each finding with where, what was seen and what to do.
func DoctorText(e Examined, style Style) string {
	var out strings.Builder
	var kind doctor.ID
	var severity doctor.Severity
	for i, f := range e.Findings {
		if i == 0 || f.ID != kind || f.Severity != severity {
			kind, severity = f.ID, f.Severity
			out.WriteString(style.severity(severity) + "  " + style.in(bold, doctor.Of(kind).Title) + "  (" + string(kind) + ")\n")
			out.WriteString(wrapped("    ", doctor.Of(kind).Why) + "\n")
		}
		style.finding(&out, f)
	}
	out.WriteString(style.in(bold, summary(e)) + "\n")
	return out.String()
}

// severity writes a severity in its colour.
func (s Style) severity(severity doctor.Severity) string {
	text := strings.ToUpper(string(severity))
	switch severity {
	case doctor.Critical:
		return s.in(red, text)
	case doctor.Warning, doctor.Unknown:
		return s.in(yellow, text)
	case doctor.Info:
		return text
	}
	return text
}

func (s Style) finding(out *strings.Builder, f doctor.Finding) {
	out.WriteString(wrapped("  * ", shown(f.What)))
	label := func(name string, lines []string) {
		for i, line := range lines {
			if i > 0 {
				name = ""
			}
			fmt.Fprintf(out, "      %-6s %s\n", name, line)
		}
	}
	if where := placeOf(f.Where); where != "" {
		label("where", []string{where})
	}
	var seen []string
	for _, e := range f.Evidence {
		line := shown(e.Text)
		if !e.At.IsZero() {
			line = s.stamp(e.At) + ": " + line
		}
		seen = append(seen, line)
	}
	label("seen", seen)
	var do []string
	for _, step := range f.Do {
		do = append(do, shown(step))
	}
	label("do", do)
	out.WriteString("\n")
}

// placeOf writes where a finding is.
func placeOf(w doctor.Where) string {
	var parts []string
	add := func(before, text string) {
		if text != "" {
			parts = append(parts, before+shown(text))
		}
	}
	add("account ", w.Account)
	add("", w.Region)
	add("group ", w.Group)
	add("path ", w.Path)
	add("filter ", w.Filter)
	add("", w.TransitGateway)
	add("", w.VPC)
	add("", w.Table)
	add("", w.VPNGateway)
	add("", w.Attachment)
	add("", w.VPN)
	add("", w.ConnectPeer)
	add("alarm ", w.Alarm)
	return strings.Join(parts, ", ")
}

// summary counts what was found, and says what was looked at.
func summary(e Examined) string {
	counts := map[doctor.Severity]int{}
	for _, f := range e.Findings {
		counts[f.Severity]++
	}
	sites := make([]string, 0, len(e.Sites))
	for _, site := range e.Sites {
		sites = append(sites, site.Account+" in "+site.Region)
	}
	at := fmt.Sprintf("looked for %s of trouble in %s", plural(len(e.Looked), "kind"), strings.Join(sites, ", "))
	if len(e.Findings) == 0 {
		return "nothing found; " + at
	}
	return fmt.Sprintf("%d critical, %s, %d not examined, %d for the record; %s",
		counts[doctor.Critical], plural(counts[doctor.Warning], "warning"), counts[doctor.Unknown], counts[doctor.Info], at)
}

// wrapped breaks a text into lines of at most 110 places. The first begins with the
// head, the others with as many spaces.
func wrapped(head, text string) string {
	const most = 110
	var out strings.Builder
	line := head
	for i, word := range strings.Fields(text) {
		if i > 0 && width(line)+1+width(word) > most {
			out.WriteString(line + "\n")
			line = strings.Repeat(" ", width(head)) + word
			continue
		}
		if i > 0 {
			line += " "
		}
		line += word
	}
	return out.String() + line + "\n"
}

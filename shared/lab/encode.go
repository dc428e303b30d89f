package lab

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"detour/shared/config"
	"detour/shared/sim"
)

// Encode writes a scenario as the file that Parse reads: Parse gives an equal
// scenario, if its configuration is normalized and the scenario is one that
// Parse accepts. What has its default is left out.
func Encode(s *Scenario) ([]byte, error) {
	root := &yaml.Node{Kind: yaml.MappingNode}
	value := reflect.ValueOf(*s)
	for i := range value.NumField() {
		name := keyOf(value.Type().Field(i))
		if name == "-" {
			c := briefly(s.Config)
			base := config.New()
			base.Limits.MaxMoves = config.Config{GroupList: c.GroupList}.MaxMoves()
			base.Version = c.Version
			root.Content = append(root.Content, structNode(reflect.ValueOf(c), reflect.ValueOf(base)).Content...)
			continue
		}
		if field := value.Field(i); !field.IsZero() {
			put(root, name, nodeOf(field, reflect.Zero(field.Type())))
		}
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(root); err != nil {
		return nil, fmt.Errorf("encoding scenario %s: %w", s.Name, err)
	}
	if err := encoder.Close(); err != nil {
		return nil, fmt.Errorf("encoding scenario %s: %w", s.Name, err)
	}
	return out.Bytes(), nil
}

// briefly takes out of a configuration what Normalize fills in from the group's
// home.
func briefly(c config.Config) config.Config {
	c = c.Normalize()
	for i := range c.GroupList {
		g := &c.GroupList[i]
		for j := range g.Paths {
			omit(&g.Paths[j].Account, g.Home.Account)
			omit(&g.Paths[j].Region, g.Home.Region)
		}
		for _, unit := range g.Units {
			for j := range unit.Entries {
				omit(&unit.Entries[j].Account, g.Home.Account)
				omit(&unit.Entries[j].Region, g.Home.Region)
			}
		}
	}
	return c
}

func omit(field *string, value string) {
	if *field == value {
		*field = ""
	}
}

// File writes the shrunk scenario of a finding as a scenario file that shows the
// same when it is played.
func (f Finding) File() ([]byte, error) {
	if f.Shrunk == nil {
		return nil, fmt.Errorf("seed %d has no shrunk scenario", f.Seed)
	}
	s := f.Shrunk.clone()
	s.Expect.ConvergedBy = config.Duration(convergedBy(s).Sub(Start()))
	return Encode(s)
}

func keyOf(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	return name
}

func put(mapping *yaml.Node, key string, value *yaml.Node) {
	mapping.Content = append(mapping.Content, scalar("!!str", key), value)
}

func scalar(tag, value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: value}
}

// structNode writes the fields that differ from those of base.
func structNode(value, base reflect.Value) *yaml.Node {
	out := &yaml.Node{Kind: yaml.MappingNode}
	if inOneLine(value) {
		out.Style = yaml.FlowStyle
	}
	reach, isReach := value.Interface().(ReachExpectation)
	for i := range value.NumField() {
		field := value.Field(i)
		always := isReach && !reach.Everyone && value.Type().Field(i).Name == "Reachable"
		always = always || value.Type().Field(i).Name == "At"
		if always || !sameValue(field, base.Field(i)) {
			put(out, keyOf(value.Type().Field(i)), nodeOf(field, base.Field(i)))
		}
	}
	return out
}

// sameValue takes an empty list for the same as none.
func sameValue(a, b reflect.Value) bool {
	if (a.Kind() == reflect.Slice || a.Kind() == reflect.Map) && a.Len() == 0 && b.Len() == 0 {
		return true
	}
	return reflect.DeepEqual(a.Interface(), b.Interface())
}

// inOneLine: small things, of which there are many, take one line each.
func inOneLine(value reflect.Value) bool {
	switch value.Interface().(type) {
	case sim.RouteSpec, sim.TunnelSpec, sim.AttachmentSpec, sim.SiteRouteSpec, sim.HostSpec, sim.AlarmSpec, sim.ConnectPeerSpec, sim.AnnouncementSpec,
		config.Home, config.PathCheck, config.PrefixList, Step, RuleSpec, ReachExpectation, TableExpectation, FailbackExpectation, Bound:
		return true
	default:
		return false
	}
}

func nodeOf(value, base reflect.Value) *yaml.Node {
	if d, ok := value.Interface().(config.Duration); ok {
		return scalar("!!str", d.String())
	}
	switch value.Kind() {
	case reflect.Pointer:
		return nodeOf(value.Elem(), reflect.Zero(value.Type().Elem()))
	case reflect.Struct:
		return structNode(value, base)
	case reflect.Slice:
		return listNode(value)
	case reflect.Map:
		return mapNode(value)
	case reflect.String:
		return textNode(value.String())
	case reflect.Bool:
		return scalar("!!bool", strconv.FormatBool(value.Bool()))
	case reflect.Float64:
		return numberNode(value.Float())
	case reflect.Uint64:
		return scalar("!!int", strconv.FormatUint(value.Uint(), 10))
	default:
		return scalar("!!int", strconv.FormatInt(value.Int(), 10))
	}
}

func numberNode(number float64) *yaml.Node {
	text := strconv.FormatFloat(number, 'f', -1, 64)
	if strings.Contains(text, ".") {
		return scalar("!!float", text)
	}
	return scalar("!!int", text)
}

// textNode writes text of several lines as a block.
func textNode(text string) *yaml.Node {
	out := scalar("!!str", text)
	if strings.Contains(text, "\n") {
		out.Style = yaml.LiteralStyle
	}
	return out
}

func listNode(list reflect.Value) *yaml.Node {
	out := &yaml.Node{Kind: yaml.SequenceNode}
	for i := range list.Len() {
		item := list.Index(i)
		base := reflect.Zero(item.Type())
		switch value := item.Interface().(type) {
		case config.Group:
			base = reflect.ValueOf(config.NewGroup())
		case config.Path:
			path := config.NewPathOf(value.Kind)
			path.Kind = config.NewPath().Kind // Another kind is written.
			base = reflect.ValueOf(path)
		case string:
			out.Style = yaml.FlowStyle
		case config.Unit:
			if value.Name == "unit-"+strconv.Itoa(i+1) {
				base = reflect.ValueOf(config.Unit{Name: value.Name})
			}
		}
		out.Content = append(out.Content, nodeOf(item, base))
	}
	return out
}

func mapNode(m reflect.Value) *yaml.Node {
	out := &yaml.Node{Kind: yaml.MappingNode}
	keys := m.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	for _, key := range keys {
		item := m.MapIndex(key)
		put(out, key.String(), nodeOf(item, reflect.Zero(item.Type())))
	}
	if m.Type().Elem().Kind() == reflect.String {
		out.Style = yaml.FlowStyle
	}
	return out
}

// sinceStart prints an instant as a person reads a stopwatch: +MM:SS.mmm.
func sinceStart(at time.Time) string {
	d := at.Sub(Start())
	sign := "+"
	if d < 0 {
		sign, d = "-", -d
	}
	ms := d.Milliseconds()
	return fmt.Sprintf("%s%02d:%02d.%03d", sign, ms/60000, ms/1000%60, ms%1000)
}

package stack

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// maxText is how long a text may become when it is put together: as long as a
// template.
const maxText = maxTemplate

// resource is one resource of a template on its way into the model.
type resource struct {
	id, kind   string
	properties map[string]any
	// name is its physical name when naming is over.
	name   string
	naming naming
}

type naming int

const (
	unnamed naming = iota
	beingNamed
	named
)

// builder reads the template of one stack.
type builder struct {
	stack     *Stack
	kinds     map[string]kind
	resources map[string]*resource
	assets    assets
	// later is done when all resources are there.
	later []func()
	*problems
}

// problem tells what is wrong with a resource; at is a property, or empty.
func (b *builder) problem(r *resource, at, text string) {
	if at != "" {
		text = at + " " + text
	}
	b.add("stack %s: %s (%s): %s", b.stack.Name, r.id, r.kind, text)
}

// resolve puts values in the place of all intrinsic functions. at is the place in
// the resource's properties.
func (b *builder) resolve(r *resource, at string, value any) any {
	switch v := value.(type) {
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = b.resolve(r, fmt.Sprintf("%s[%d]", at, i), v[i])
		}
		return out
	case map[string]any:
		if name, argument, ok := b.intrinsic(r, at, v); ok {
			return b.text(r, at, name, argument)
		}
		out := make(map[string]any, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			out[key] = b.resolve(r, join(at, key), v[key])
		}
		return out
	default:
		return value
	}
}

// intrinsic reports whether an object is a call of an intrinsic function.
func (b *builder) intrinsic(r *resource, at string, object map[string]any) (name string, argument any, ok bool) {
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if key != "Ref" && !strings.HasPrefix(key, "Fn::") {
			continue
		}
		if len(object) > 1 {
			b.problem(r, at, "has "+key+" beside other keys; an intrinsic function stands alone")
		}
		return key, object[key], true
	}
	return "", nil, false
}

// text is what an intrinsic function stands for.
func (b *builder) text(r *resource, at, name string, argument any) string {
	switch name {
	case "Ref":
		if to, ok := argument.(string); ok {
			return b.reference(r, at, to)
		}
	case "Fn::GetAtt":
		if to, attribute, ok := attributeOf(argument); ok {
			return b.attribute(r, at, to, attribute)
		}
	case "Fn::Join":
		if text, ok := b.joined(r, at, argument); ok {
			return text
		}
	case "Fn::Sub":
		if text, ok := b.substituted(r, at, argument); ok {
			return text
		}
	default:
		b.problem(r, at, "uses "+name+", which is not modelled by the lab; use Ref, Fn::GetAtt, Fn::Join or Fn::Sub, and names across stacks")
		return ""
	}
	b.problem(r, at, "has a wrong argument of "+name+": "+describe(argument))
	return ""
}

// attributeOf reads the two forms of Fn::GetAtt.
func attributeOf(argument any) (to, attribute string, ok bool) {
	switch v := argument.(type) {
	case string:
		return strings.Cut(v, ".")
	case []any:
		if len(v) == 2 {
			first, isFirst := v[0].(string)
			second, isSecond := v[1].(string)
			return first, second, isFirst && isSecond
		}
	}
	return "", "", false
}

// reference is what a Ref stands for: a pseudo parameter, or a resource.
func (b *builder) reference(r *resource, at, to string) string {
	switch to {
	case "AWS::Partition":
		return b.stack.Partition()
	case "AWS::AccountId":
		return b.stack.Account
	case "AWS::Region":
		return b.stack.Region
	case "AWS::URLSuffix":
		return b.stack.urlSuffix()
	}
	if strings.HasPrefix(to, "AWS::") {
		b.problem(r, at, "refers to "+to+", which is not modelled by the lab; use AWS::Partition, AWS::AccountId, AWS::Region or AWS::URLSuffix")
		return ""
	}
	target, name, ok := b.target(r, at, to)
	if !ok {
		return ""
	}
	refer := b.kinds[target.kind].ref
	if refer == nil {
		b.problem(r, at, "is a Ref to "+to+" ("+target.kind+"), whose Ref is not modelled by the lab; teach shared/lab/stack what it is")
		return ""
	}
	return refer(b.stack.Site, name)
}

// attribute is what a Fn::GetAtt stands for.
func (b *builder) attribute(r *resource, at, to, attribute string) string {
	target, name, ok := b.target(r, at, to)
	if !ok {
		return ""
	}
	get := b.kinds[target.kind].attributes[attribute]
	if get == nil {
		b.problem(r, at, "wants "+attribute+" of "+to+" ("+target.kind+"), which is not modelled by the lab; teach shared/lab/stack what it is")
		return ""
	}
	return get(b.stack.Site, name)
}

// target finds a resource that is referred to, and its name.
func (b *builder) target(r *resource, at, to string) (*resource, string, bool) {
	target := b.resources[to]
	if target == nil {
		b.problem(r, at, fmt.Sprintf("refers to %q, and the stack has no resource of that logical id; run make synth anew", to))
		return nil, "", false
	}
	if target.naming == beingNamed {
		b.problem(r, at, "makes the name of "+to+" depend on itself")
		return nil, "", false
	}
	return target, b.nameOf(target), true
}

// nameOf returns the physical name of a resource. One of a type that must have a
// name, and has none, is a problem.
func (b *builder) nameOf(r *resource) string {
	if r.naming == named {
		return r.name
	}
	r.naming = beingNamed
	k := b.kinds[r.kind]
	r.name = b.stack.Name + "-" + r.id
	if value, there := r.properties[k.name]; there && k.name != "" {
		text, ok := b.resolve(r, k.name, value).(string)
		if !ok || text == "" {
			b.problem(r, k.name, "is no name; write a string")
		}
		r.name = text
	} else if k.mustName {
		b.problem(r, k.name, "is missing; name it, so that other stacks and operators can refer to it")
	}
	r.naming = named
	return r.name
}

// joined is what Fn::Join makes.
func (b *builder) joined(r *resource, at string, argument any) (string, bool) {
	both, ok := argument.([]any)
	if !ok || len(both) != 2 {
		return "", false
	}
	separator, isText := both[0].(string)
	list, isList := both[1].([]any)
	if !isText || !isList {
		return "", false
	}
	var out strings.Builder
	for i, each := range list {
		text, ok := b.resolve(r, at, each).(string)
		if !ok {
			return "", false
		}
		if i > 0 {
			out.WriteString(separator)
		}
		out.WriteString(text)
		if b.tooLong(r, at, out.Len()) {
			return "", true
		}
	}
	return out.String(), true
}

// substituted is what Fn::Sub makes.
func (b *builder) substituted(r *resource, at string, argument any) (string, bool) {
	var own map[string]any
	if both, isList := argument.([]any); isList {
		if len(both) != 2 {
			return "", false
		}
		object, isObject := both[1].(map[string]any)
		if !isObject {
			return "", false
		}
		argument, own = both[0], object
	}
	rest, ok := argument.(string)
	if !ok {
		return "", false
	}
	var out strings.Builder
	for {
		before, after, found := strings.Cut(rest, "${")
		out.WriteString(before)
		if b.tooLong(r, at, out.Len()) {
			return "", true
		}
		if !found {
			return out.String(), true
		}
		name, following, closed := strings.Cut(after, "}")
		if !closed {
			return "", false
		}
		rest = following
		if literal, is := strings.CutPrefix(name, "!"); is {
			out.WriteString("${" + literal + "}")
			continue
		}
		text, ok := b.variable(r, at, strings.TrimSpace(name), own)
		if !ok {
			return "", false
		}
		out.WriteString(text)
	}
}

// variable is what stands for ${name} in a Fn::Sub.
func (b *builder) variable(r *resource, at, name string, own map[string]any) (string, bool) {
	if value, there := own[name]; there {
		text, ok := b.resolve(r, at, value).(string)
		return text, ok
	}
	if to, attribute, dotted := strings.Cut(name, "."); dotted {
		return b.attribute(r, at, to, attribute), true
	}
	return b.reference(r, at, name), true
}

func (b *builder) tooLong(r *resource, at string, length int) bool {
	if length > maxText {
		b.problem(r, at, fmt.Sprintf("becomes longer than %d bytes", maxText))
	}
	return length > maxText
}

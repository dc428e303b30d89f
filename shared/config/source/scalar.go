package source

import (
	"reflect"
	"regexp"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"

	"detour/shared/config"
)

// scalar decodes a single value: text, a whole number, a number, true or false,
// or a duration. Text is taken as it stands in the file, whatever YAML would
// make of it.
func (d *decoder) scalar(node *yaml.Node, path string, target reflect.Value) {
	if !d.kind(node, path, yaml.ScalarNode) {
		return
	}
	what, remedy := "", ""
	switch {
	case target.Type() == reflect.TypeFor[config.Duration]():
		what, remedy = setDuration(node, target)
	case target.Kind() == reflect.String:
		what, remedy = setText(node, target)
	case target.Kind() == reflect.Bool:
		what, remedy = setBool(node, target)
	case target.Kind() == reflect.Int:
		what, remedy = setInt(node, target)
	case target.Kind() == reflect.Uint64:
		what, remedy = setUint(node, target)
	case target.Kind() == reflect.Float64:
		what, remedy = setFloat(node, target)
	}
	if what != "" {
		d.add(positionOf(node), path, node.Value, what, remedy)
	}
}

func setText(node *yaml.Node, target reflect.Value) (what, remedy string) {
	if node.Value == "" {
		return "the text is empty", "write a value, or remove the key"
	}
	target.SetString(node.Value)
	return "", ""
}

func setDuration(node *yaml.Node, target reflect.Value) (what, remedy string) {
	if tag := node.ShortTag(); tag == intTag || tag == floatTag {
		return "is a number without a unit", "write " + node.Value + "s for seconds, or " + node.Value + "m for minutes"
	}
	duration, err := time.ParseDuration(node.Value)
	if err != nil {
		return "is not a duration", "write for example 90s, 10m or 1h30m"
	}
	target.SetInt(int64(duration))
	return "", ""
}

func setBool(node *yaml.Node, target reflect.Value) (what, remedy string) {
	if node.ShortTag() != boolTag || node.Value != "true" && node.Value != "false" {
		return "is neither true nor false", "write true or false, without quotation marks"
	}
	target.SetBool(node.Value == "true")
	return "", ""
}

func setInt(node *yaml.Node, target reflect.Value) (what, remedy string) {
	plain := regexp.MustCompile(`^-?(0|[1-9][0-9]{0,8})$`)
	if node.ShortTag() != intTag || !plain.MatchString(node.Value) {
		return "is not a whole number", "write decimal digits, at most nine, without quotation marks"
	}
	number, err := strconv.Atoi(node.Value)
	if err != nil {
		return "is not a whole number", "write decimal digits"
	}
	target.SetInt(int64(number))
	return "", ""
}

func setUint(node *yaml.Node, target reflect.Value) (what, remedy string) {
	plain := regexp.MustCompile(`^(0|[1-9][0-9]{0,19})$`)
	number, err := strconv.ParseUint(node.Value, 10, 64)
	// A number above 1<<63 is a float to YAML.
	if tag := node.ShortTag(); tag != intTag && tag != floatTag || err != nil || !plain.MatchString(node.Value) {
		return "is not a whole number of zero or more", "write decimal digits, without quotation marks"
	}
	target.SetUint(number)
	return "", ""
}

func setFloat(node *yaml.Node, target reflect.Value) (what, remedy string) {
	plain := regexp.MustCompile(`^-?(0|[1-9][0-9]{0,8})(\.[0-9]{1,32})?$`)
	tag := node.ShortTag()
	number, err := strconv.ParseFloat(node.Value, 64)
	if tag != intTag && tag != floatTag || err != nil || !plain.MatchString(node.Value) {
		return "is not a number", "write decimal digits, such as 1000 or 0.5, without quotation marks"
	}
	target.SetFloat(number)
	return "", ""
}

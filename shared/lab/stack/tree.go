package stack

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// The limits of what is read. CloudFormation takes templates of 1 MB (user guide,
// "Understand CloudFormation quotas"); a manifest also has the traces of where a
// resource was made.
const (
	maxTemplate = 1 << 20
	maxManifest = 16 << 20
	maxDepth    = 64
)

// readTree reads a JSON file of the assembly: one object, in which no key stands
// twice. Numbers stay as they are written.
func readTree(folder fs.FS, name string, limit int64) (map[string]any, error) {
	file, err := folder.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // It was only read.
	raw, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	if int64(len(raw)) > limit {
		return nil, fmt.Errorf("%s is longer than %d bytes; it is none of cdk synth's", name, limit)
	}
	tree, err := parse(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; run make synth anew", name, err)
	}
	object, ok := tree.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s is %s and no object; run make synth anew", name, describe(tree))
	}
	return object, nil
}

// parse reads one JSON value of bounded depth.
func parse(raw []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	value, err := parseValue(decoder, 0)
	if err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the JSON value")
	}
	return value, nil
}

func parseValue(decoder *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("it is nested deeper than %d", maxDepth)
	}
	token, err := decoder.Token()
	if err != nil {
		return nil, fmt.Errorf("it is no JSON: %w", err)
	}
	switch token {
	case json.Delim('{'):
		return parseObject(decoder, depth)
	case json.Delim('['):
		list := []any{}
		for decoder.More() {
			value, err := parseValue(decoder, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		_, err := decoder.Token()
		return list, err
	default:
		return token, nil
	}
}

func parseObject(decoder *json.Decoder, depth int) (any, error) {
	object := map[string]any{}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return nil, fmt.Errorf("it is no JSON: %w", err)
		}
		name, _ := key.(string) // The decoder takes no other key.
		if _, twice := object[name]; twice {
			return nil, fmt.Errorf("key %q stands twice in one object", name)
		}
		if object[name], err = parseValue(decoder, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := decoder.Token()
	return object, err
}

// describe says what kind of JSON value it is.
func describe(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "a string"
	case json.Number:
		return "a number"
	case []any:
		return "a list"
	default:
		return "an object"
	}
}

// document is a value as JSON, its keys sorted.
func document(value any) json.RawMessage {
	raw, err := json.Marshal(value)
	if err != nil {
		panic(err) // It was read from JSON.
	}
	return raw
}

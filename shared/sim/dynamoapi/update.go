package dynamoapi

import (
	"maps"
	"strings"
)

// update is an update expression: what it does to each attribute. All right
// sides are evaluated on the item as it was. Source: developer guide, Update
// expressions.
type update struct {
	sets    []assignment
	removes []string
	adds    []assignment
	paths   []string
	// raw is the length of the expression, which counts towards a transaction's size.
	raw int
}

// assignment is a path and what it becomes, or what is added to it.
type assignment struct {
	path string
	from operand
	// fallback is the second argument of if_not_exists; nil: it is not called.
	fallback *Value
}

// parseUpdate reads an update expression.
func parseUpdate(expression string, refs *placeholders) (update, *failure) {
	p := newParser(updateExpression, expression, refs)
	u := update{raw: len(expression)}
	seen := map[string]bool{}
	for p.err == nil && p.peek().kind != tokenEnd {
		clause := strings.ToUpper(p.peek().text)
		if seen[clause] {
			p.fail("The %q section can only be used once in an update expression;", clause)
			break
		}
		seen[clause] = true
		p.clause(&u)
	}
	return u, p.end()
}

// clause reads one section of an update expression.
func (p *parser) clause(u *update) {
	switch {
	case p.accept("SET"):
		p.list(u, func() {
			a := assignment{path: p.path()}
			p.expect("=")
			p.source(&a)
			u.sets, u.paths = append(u.sets, a), append(u.paths, a.path)
		})
	case p.accept("REMOVE"):
		p.list(u, func() {
			path := p.path()
			u.removes, u.paths = append(u.removes, path), append(u.paths, path)
		})
	case p.accept("ADD"):
		p.list(u, func() {
			a := assignment{path: p.path()}
			a.from.value = p.value()
			if t := a.from.value.Type; p.err == nil && t != TypeNumber {
				p.fail("Incorrect operand type for operator or function; operator: ADD, operand type: %s, typeSet: ALLOWED_FOR_ADD_OPERAND", t)
			}
			u.adds, u.paths = append(u.adds, a), append(u.paths, a.path)
		})
	case p.accept("DELETE"):
		p.refuse("the clause DELETE", "SET, REMOVE and ADD")
	default:
		p.unexpected()
	}
}

// list reads the actions of a clause. No two of an expression may be on the same
// path.
func (p *parser) list(u *update, action func()) {
	for {
		action()
		last := len(u.paths) - 1
		for _, path := range u.paths[:last] {
			if p.err == nil && path == u.paths[last] {
				p.fail("Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [%s], path two: [%s]", path, path)
			}
		}
		if !p.accept(",") {
			return
		}
	}
}

// source reads the right side of a SET: :value, path or if_not_exists(path, :value).
func (p *parser) source(a *assignment) {
	if p.peek().text != "if_not_exists" {
		a.from = p.operand()
	} else {
		p.next()
		p.expect("(")
		if p.peek().kind == tokenValue {
			p.fail("Operator or function requires a document path; operator or function: if_not_exists")
		}
		a.from.path = p.path()
		p.expect(",")
		if kind := p.peek().kind; kind == tokenWord || kind == tokenName {
			p.refuse("a path as the second argument of if_not_exists", "a :value")
		}
		fallback := p.value()
		a.fallback = &fallback
		p.expect(")")
	}
	if t := p.peek().text; t == "+" || t == "-" {
		p.refuse("arithmetic", "the clause ADD")
	}
}

// apply returns the item as the update leaves it. The item that does not exist
// is nil; the update finds its key in it all the same (source: DynamoDB Local).
func (u update) apply(k key, old Item) (Item, *failure) {
	if old == nil {
		old = k.item()
	}
	item := maps.Clone(old)
	for _, a := range u.sets {
		value, exists := a.from.of(old)
		if !exists && a.fallback != nil {
			value, exists = *a.fallback, true
		}
		if !exists {
			return nil, invalid("The provided expression refers to an attribute that does not exist in the item")
		}
		item[a.path] = value
	}
	for _, path := range u.removes {
		delete(item, path)
	}
	for _, a := range u.adds {
		value, exists := old[a.path]
		if !exists {
			item[a.path] = a.from.value
			continue
		}
		if value.Type != TypeNumber {
			return nil, invalid("An operand in the update expression has an incorrect data type")
		}
		sum, refusal := add(value.number(), a.from.value.number())
		if refusal != "" {
			return nil, invalid("%s", refusal)
		}
		item[a.path] = Value{TypeNumber, sum.String()}
	}
	if item.size() > maxItem {
		return nil, invalid("Item size to update has exceeded the maximum allowed size")
	}
	return item, nil
}

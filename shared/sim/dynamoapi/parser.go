package dynamoapi

import "strings"

// maxExpression is the longest expression, in bytes. Source: DynamoDB developer
// guide, Quotas, expression parameters.
const maxExpression = 4096

// The kinds of expressions, as errors name them.
const (
	updateExpression    = "UpdateExpression"
	conditionExpression = "ConditionExpression"
	keyCondition        = "KeyConditionExpression"
)

// parser reads one expression by recursive descent. The first error ends the
// reading: from then on the parser is at the end of the expression, so that no
// loop goes on.
type parser struct {
	kind   string
	tokens []token
	pos    int
	refs   *placeholders
	err    *failure
}

// newParser checks what holds for every kind of expression. Grammar: developer
// guide, Condition and filter expressions, and Update expressions.
func newParser(kind, expression string, refs *placeholders) *parser {
	p := &parser{kind: kind, tokens: tokens(expression), refs: refs}
	switch {
	case len(expression) > maxExpression:
		p.fail("Expression size has exceeded the maximum allowed size; expression size: %d", len(expression))
	case len(p.tokens) == 1:
		p.fail("The expression can not be empty;")
	}
	return p
}

// fail keeps the first error.
func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = invalid("Invalid "+p.kind+": "+format, args...)
	}
	p.pos = len(p.tokens) - 1
}

// refuse keeps the first error, for what DynamoDB knows and the fake does not.
func (p *parser) refuse(what, instead string) {
	if p.err == nil {
		p.err = unsupported("%s in a "+p.kind, instead, what)
	}
	p.pos = len(p.tokens) - 1
}

func (p *parser) peek() token { return p.tokens[p.pos] }

// next returns the token that is read, and goes on.
func (p *parser) next() token {
	t := p.peek()
	if t.kind != tokenEnd {
		p.pos++
	}
	return t
}

// accept goes on if the next token is this symbol, or this keyword in any case.
func (p *parser) accept(text string) bool {
	t := p.peek()
	if t.kind == tokenSymbol && t.text == text || t.kind == tokenWord && strings.EqualFold(t.text, text) {
		p.pos++
		return true
	}
	return false
}

func (p *parser) expect(text string) {
	if !p.accept(text) {
		p.unexpected()
	}
}

// unexpected says that the next token has no place where it is.
func (p *parser) unexpected() {
	t := p.peek()
	if p.err == nil && t.kind == tokenSymbol && strings.Contains("<= >= <> > . [ + -", t.text) {
		p.refuse("the operator "+t.text, "= and <")
		return
	}
	near := t.text
	if p.pos > 0 {
		near = p.tokens[p.pos-1].text + " " + near
	}
	p.fail("Syntax error; token: %q, near: %q", t.text, near)
}

// end checks that nothing is left.
func (p *parser) end() *failure {
	if p.err == nil && p.peek().kind != tokenEnd {
		p.unexpected()
	}
	return p.err
}

// path reads the name of a top-level attribute. A bare name must not be a
// reserved word; paths into documents are not supported.
func (p *parser) path() string {
	t := p.next()
	name := t.text
	switch {
	case t.kind == tokenWord && p.peek().text == "(":
		p.function(t.text)
		return ""
	case t.kind == tokenWord && isReserved(t.text):
		p.fail("Attribute name is a reserved keyword; reserved keyword: %s", t.text)
		return ""
	case t.kind == tokenWord:
	case t.kind == tokenName:
		attribute, known := p.refs.names[t.text]
		if !known {
			p.fail("An expression attribute name used in the document path is not defined; attribute name: %s", t.text)
			return ""
		}
		p.refs.usedNames[t.text] = true
		name = attribute
	default:
		p.back(t)
		p.unexpected()
		return ""
	}
	if after := p.peek().text; after == "." || after == "[" {
		p.refuse("a document path", "top-level attributes")
	}
	return name
}

// back takes back the token that next returned.
func (p *parser) back(t token) {
	if t.kind != tokenEnd {
		p.pos--
	}
}

// function refuses a function that has no place here.
func (p *parser) function(name string) {
	switch name {
	case "attribute_exists", "attribute_not_exists", "if_not_exists", "begins_with":
		p.fail("The function is not allowed here; function: %s", name)
	case "attribute_type", "contains", "size", "list_append":
		p.refuse("the function "+name, "attribute_exists, attribute_not_exists, if_not_exists and begins_with")
	default:
		p.fail("Invalid function name; function: %s", name)
	}
}

// value reads a :value.
func (p *parser) value() Value {
	t := p.peek()
	if t.kind != tokenValue {
		p.unexpected()
		return Value{}
	}
	p.next()
	value, known := p.refs.values[t.text]
	if !known {
		p.fail("An expression attribute value used in expression is not defined; attribute value: %s", t.text)
		return Value{}
	}
	p.refs.usedValues[t.text] = true
	return value
}

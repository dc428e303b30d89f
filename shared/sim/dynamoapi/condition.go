package dynamoapi

// condition says whether an item fulfils a condition; the item that does not
// exist is nil.
type condition func(item Item) bool

// operand is a side of a comparison: an attribute or a value.
type operand struct {
	path  string // empty: it is the value
	value Value
}

// of returns what the operand is in an item, and whether it is there.
func (o operand) of(item Item) (Value, bool) {
	if o.path == "" {
		return o.value, true
	}
	value, exists := item[o.path]
	return value, exists
}

// parseCondition reads a condition expression.
func parseCondition(expression string, refs *placeholders) (condition, *failure) {
	p := newParser(conditionExpression, expression, refs)
	cond, _ := p.or()
	return cond, p.end()
}

// or reads a disjunction, and says whether all of it stood in parentheses.
func (p *parser) or() (cond condition, enclosed bool) {
	cond, enclosed = p.and()
	for p.accept("OR") {
		left, right := cond, condition(nil)
		right, _ = p.and()
		cond, enclosed = func(item Item) bool { return left(item) || right(item) }, false
	}
	return cond, enclosed
}

// and reads a conjunction, which binds tighter than OR.
func (p *parser) and() (cond condition, enclosed bool) {
	cond, enclosed = p.term()
	for p.accept("AND") {
		left, right := cond, condition(nil)
		right, _ = p.term()
		cond, enclosed = func(item Item) bool { return left(item) && right(item) }, false
	}
	return cond, enclosed
}

// term reads a comparison, a function or what stands in parentheses.
func (p *parser) term() (cond condition, enclosed bool) {
	if p.accept("(") {
		cond, enclosed = p.or()
		p.expect(")")
		if enclosed {
			p.fail("The expression has redundant parentheses;")
		}
		return cond, true
	}
	switch t := p.peek(); {
	case t.text == "attribute_exists", t.text == "attribute_not_exists":
		p.next()
		return p.exists(t.text), false
	case p.accept("NOT"), p.accept("BETWEEN"), p.accept("IN"):
		p.refuse("the keyword "+t.text, "=, <, AND, OR, attribute_exists and attribute_not_exists")
		return nil, false
	default:
		return p.comparison(), false
	}
}

// exists reads the argument of attribute_exists or attribute_not_exists.
func (p *parser) exists(function string) condition {
	p.expect("(")
	if p.peek().kind == tokenValue {
		p.fail("Operator or function requires a document path; operator or function: %s", function)
	}
	path := p.path()
	p.expect(")")
	wanted := function == "attribute_exists"
	return func(item Item) bool {
		_, exists := item[path]
		return exists == wanted
	}
}

func (p *parser) comparison() condition {
	left := p.operand()
	operator := p.peek().text
	if !p.accept("=") && !p.accept("<") {
		if p.accept("IN") || p.accept("BETWEEN") {
			p.refuse("the keyword "+operator, "=, <, AND and OR")
		}
		p.unexpected()
	}
	right := p.operand()
	p.checkOperands(operator, left, right)
	return func(item Item) bool {
		a, there := left.of(item)
		b, alsoThere := right.of(item)
		if !there || !alsoThere {
			return false
		}
		if operator == "<" {
			return a.less(b)
		}
		return a == b
	}
}

// checkOperands refuses what cannot be compared.
func (p *parser) checkOperands(operator string, left, right operand) {
	if p.err == nil && left.path != "" && left.path == right.path {
		p.fail("The first operand must be distinct from the remaining operands for this operator or function; operator: %s, first operand: [%s]", operator, left.path)
	}
	for _, side := range []operand{left, right} {
		if p.err == nil && operator == "<" && side.path == "" && !ordered(side.value.Type) {
			p.fail("Incorrect operand type for operator or function; operator or function: <, operand type: %s", side.value.Type)
		}
	}
}

func (p *parser) operand() operand {
	if p.peek().kind == tokenValue {
		return operand{value: p.value()}
	}
	return operand{path: p.path()}
}

// keyRange is a key condition: all sort keys of a partition that begin with the
// prefix.
type keyRange struct{ partition, prefix Value }

// parseKeyCondition reads a key condition. The one form is
// pk = :value AND begins_with(sk, :value).
func parseKeyCondition(expression string, refs *placeholders) (keyRange, *failure) {
	const only = "pk = :value AND begins_with(sk, :value)"
	p := newParser(keyCondition, expression, refs)
	var r keyRange
	form := func(holds bool) {
		if !holds && p.err == nil {
			p.refuse("this form of key condition", only)
		}
	}
	kind := p.peek().kind
	form(kind == tokenWord && p.peek().text != "begins_with" || kind == tokenName)
	form(p.path() == partitionKey)
	form(p.accept("="))
	r.partition = p.value()
	form(p.accept("AND"))
	form(p.peek().text == "begins_with")
	p.next()
	p.expect("(")
	form(p.path() == sortKey)
	p.expect(",")
	r.prefix = p.value()
	p.expect(")")
	if err := p.end(); err != nil {
		return keyRange{}, err
	}
	return r, r.check()
}

func (r keyRange) check() *failure {
	if r.partition.Type != TypeString || r.prefix.Type != TypeString {
		return invalid("One or more parameter values were invalid: Condition parameter type does not match schema type")
	}
	if r.partition.Text == "" {
		return emptyKey(partitionKey)
	}
	if r.prefix.Text == "" {
		return emptyKey(sortKey)
	}
	return nil
}

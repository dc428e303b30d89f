package dynamoapi

import "strings"

// tokenKind is what a piece of an expression is.
type tokenKind int

const (
	tokenEnd    tokenKind = iota
	tokenWord             // a keyword, function or bare attribute name
	tokenName             // #name
	tokenValue            // :value
	tokenSymbol           // an operator or a bracket
	tokenBad              // nothing that an expression can have
)

// token is a piece of an expression.
type token struct {
	kind tokenKind
	text string
}

// The characters of words and placeholders. Source: developer guide, Expression
// attribute names and Referring to item attributes.
const (
	letters  = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	wordRest = letters + "0123456789_"
)

// tokens takes an expression apart. The last token is always a tokenEnd.
func tokens(expression string) []token {
	var all []token
	for {
		expression = strings.TrimLeft(expression, " \t\r\n")
		if expression == "" {
			return append(all, token{kind: tokenEnd, text: "<EOF>"})
		}
		t := firstToken(expression)
		all = append(all, t)
		expression = expression[len(t.text):]
	}
}

// firstToken returns the token that the expression begins with.
func firstToken(expression string) token {
	rest := strings.TrimLeft(expression[1:], wordRest)
	text := expression[:len(expression)-len(rest)]
	switch c := expression[0]; {
	case strings.IndexByte(letters, c) >= 0:
		return token{tokenWord, text}
	case c == '#' && len(text) > 1:
		return token{tokenName, text}
	case c == ':' && len(text) > 1:
		return token{tokenValue, text}
	}
	for _, symbol := range []string{"<=", ">=", "<>", "=", "<", ">", "(", ")", ",", ".", "[", "]", "+", "-"} {
		if strings.HasPrefix(expression, symbol) {
			return token{tokenSymbol, symbol}
		}
	}
	return token{tokenBad, expression[:1]}
}

package dynamoapi

import (
	"math/big"
	"strconv"
	"strings"
)

// The limits of numbers. Source: DynamoDB developer guide, Supported data types,
// Number.
const (
	maxDigits   = 38
	maxExponent = 125  // of the first digit: 9.99…E+125
	minExponent = -130 // of the first digit: 1E-130
)

// decimal is a number DynamoDB can keep: 0.digits times ten to the power that
// point says, so that point is where the decimal point stands, counted from the
// first digit. The digits have no zeros at either end; zero has none at all.
type decimal struct {
	negative bool
	digits   string
	point    int
}

// parseNumber reads a number as DynamoDB does: a sign, digits with a point
// anywhere, an exponent. The refusal says what is wrong with it, and is empty if
// nothing is.
func parseNumber(s string) (number decimal, refusal string) {
	rest := strings.TrimLeft(s, "+-")
	if len(s)-len(rest) > 1 {
		return decimal{}, "A value provided cannot be converted into a number"
	}
	mantissa, exponent := rest, ""
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		mantissa, exponent = rest[:i], rest[i+1:]
		if !isExponent(exponent) {
			return decimal{}, "A value provided cannot be converted into a number"
		}
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if !allDigits(whole) || !allDigits(fraction) || whole+fraction == "" {
		return decimal{}, "A value provided cannot be converted into a number"
	}
	return normal(strings.HasPrefix(s, "-"), whole+fraction, len(whole)+power(exponent))
}

// normal takes the zeros off both ends, and checks the limits.
func normal(negative bool, digits string, point int) (number decimal, refusal string) {
	significant := strings.TrimLeft(digits, "0")
	point -= len(digits) - len(significant)
	significant = strings.TrimRight(significant, "0")
	switch {
	case significant == "":
		return decimal{}, ""
	case len(significant) > maxDigits:
		return decimal{}, "Attempting to store more than 38 significant digits in a Number"
	case point-1 > maxExponent:
		return decimal{}, "Number overflow. Attempting to store a number with magnitude larger than supported range"
	case point-1 < minExponent:
		return decimal{}, "Number underflow. Attempting to store a number with magnitude smaller than supported range"
	}
	return decimal{negative, significant, point}, ""
}

func isExponent(s string) bool {
	digits := s
	if s != "" && (s[0] == '+' || s[0] == '-') {
		digits = s[1:]
	}
	return digits != "" && allDigits(digits)
}

// power is the value of an exponent. Its size is cut off far outside of the
// limits, but not so far that adding to it could overflow.
func power(s string) int {
	const far = 1 << 30
	digits := strings.TrimLeft(strings.TrimLeft(s, "+-"), "0")
	n, err := strconv.Atoi("0" + digits)
	if err != nil || n > far {
		n = far
	}
	if strings.HasPrefix(s, "-") {
		return -n
	}
	return n
}

func allDigits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// String writes the number without an exponent. DynamoDB trims zeros (developer
// guide, Data types, Number); that it never answers with an exponent is
// UNVERIFIED.
func (d decimal) String() string {
	sign := ""
	if d.negative {
		sign = "-"
	}
	switch n := len(d.digits); {
	case n == 0:
		return "0"
	case d.point <= 0:
		return sign + "0." + strings.Repeat("0", -d.point) + d.digits
	case d.point >= n:
		return sign + d.digits + strings.Repeat("0", d.point-n)
	default:
		return sign + d.digits[:d.point] + "." + d.digits[d.point:]
	}
}

// size is what the number counts towards the size of an item, in bytes. Source:
// developer guide, Item sizes and formats, which calls it approximate; the extra
// byte of negative ones is UNVERIFIED.
func (d decimal) size() int {
	size := (len(d.digits)+1)/2 + 1
	if d.negative {
		size++
	}
	return size
}

// scaled returns the number times ten to the power of -exponent. The exponent is
// at most that of the last digit.
func (d decimal) scaled(exponent int) *big.Int {
	digits := d.digits + strings.Repeat("0", d.point-len(d.digits)-exponent)
	n, _ := new(big.Int).SetString("0"+digits, 10)
	if d.negative {
		n.Neg(n)
	}
	return n
}

// common returns an exponent at which both numbers are whole.
func common(a, b decimal) int { return min(a.point-len(a.digits), b.point-len(b.digits)) }

// add adds exactly. The refusal says which limit the sum is beyond. Whether
// DynamoDB would rather round a sum of more than 38 digits is UNVERIFIED.
func add(a, b decimal) (sum decimal, refusal string) {
	exponent := common(a, b)
	n := new(big.Int).Add(a.scaled(exponent), b.scaled(exponent))
	digits := new(big.Int).Abs(n).String()
	return normal(n.Sign() < 0, digits, len(digits)+exponent)
}

// less compares by value.
func less(a, b decimal) bool {
	exponent := common(a, b)
	return a.scaled(exponent).Cmp(b.scaled(exponent)) < 0
}

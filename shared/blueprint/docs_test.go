package blueprint_test

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"detour/shared/blueprint"
)

// TestCosts computes every figure of docs/deploy.md again: each cell by its own
// arithmetic, in which the price stands as in the list of prices, and each sum.
func TestCosts(t *testing.T) {
	raw, err := os.ReadFile("../../docs/deploy.md")
	if err != nil {
		t.Fatal(err)
	}
	before, table, _ := strings.Cut(string(raw), "<!-- costs: ")
	table, after, ok := strings.Cut(table, "<!-- end of costs -->")
	if !ok {
		t.Fatal("docs/deploy.md has no table of costs")
	}
	prices := map[string]bool{}
	for _, row := range regexp.MustCompile(`(?m)^\| [^|]+ \| ([0-9.]+) \| aws\.amazon\.com/[a-z/-]+ \|$`).FindAllStringSubmatch(before, -1) {
		prices[row[1]] = true
	}
	if len(prices) < 8 {
		t.Fatalf("the prices are %v", prices)
	}
	sums := make([]float64, 3)
	rows := 0
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		switch {
		case len(cells) != 4 || !regexp.MustCompile(`[0-9]\.[0-9]`).MatchString(cells[1]):
			continue
		case strings.Contains(cells[0], "Sum"):
			for i, cell := range cells[1:] {
				if want := strconv.FormatFloat(sums[i], 'f', 2, 64); strings.Trim(cell, " *") != want {
					t.Errorf("the sum is %s, and should be %s", cell, want)
				}
			}
			sums = nil
		default:
			rows++
			for i, cell := range cells[1:] {
				sums[i] += checkArithmetic(t, cell, prices)
			}
		}
	}
	if sums != nil || rows < 10 {
		t.Errorf("%d rows, and the sums %v are nowhere", rows, sums)
	}
	for arithmetic := range regexpAll(`[0-9][0-9,]* × [0-9 ,.×/]+ = [0-9.]+[0-9]`, after) {
		checkArithmetic(t, arithmetic, prices)
	}
}

func regexpAll(expression, text string) map[string]bool {
	out := map[string]bool{}
	for _, found := range regexp.MustCompile(expression).FindAllString(text, -1) {
		out[found] = true
	}
	return out
}

// checkArithmetic computes "a × b / c = d", in which the first factor may be a sum
// in brackets, and returns d.
func checkArithmetic(t *testing.T, text string, prices map[string]bool) float64 {
	t.Helper()
	left, right, _ := strings.Cut(strings.ReplaceAll(text, ",", ""), "=")
	product, priced, divide := 1.0, false, false
	if sum, rest, ok := strings.Cut(left, ")"); ok {
		total := 0.0
		for _, part := range strings.Split(strings.Trim(sum, " ("), "+") {
			total += number(t, part)
		}
		product, left = total, strings.TrimPrefix(strings.TrimSpace(rest), "×")
	}
	for _, word := range strings.Fields(left) {
		switch {
		case word == "×" || word == "/":
			divide = word == "/"
		case divide:
			product /= number(t, word)
		default:
			priced = priced || prices[word]
			product *= number(t, word)
		}
	}
	result := number(t, right)
	if !priced {
		t.Errorf("%q has no price of the list", text)
	}
	if math.Abs(product-result) > 0.0051 {
		t.Errorf("%q: it is %.4f", text, product)
	}
	return result
}

func number(t *testing.T, text string) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestCostsAreOfWhatIsDeployed: the number of alarms and the size of the
// functions that the arithmetic begins with.
func TestCostsAreOfWhatIsDeployed(t *testing.T) {
	home := blueprintOf(t, example(t, "deploy-one-account")).Homes[0]
	raw, err := os.ReadFile("../../docs/deploy.md")
	if err != nil {
		t.Fatal(err)
	}
	alarms := strconv.Itoa(len(blueprint.Alarms(home)) - len(home.Gateways) - len(home.Attachments))
	memory := strconv.Itoa(home.Functions[0].MemoryMB)
	for _, want := range []string{"CloudWatch alarms: " + alarms + ", ", "(" + alarms + " + 4 + 4)", "functions of " + memory + " MB"} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("docs/deploy.md does not say %q", want)
		}
	}
	filtered := blueprintOf(t, example(t, "deploy-filters")).Homes[0]
	bare := filtered
	bare.Filters, bare.Wakes, bare.Functions = nil, filtered.Wakes[:1], filtered.Functions[1:]
	more := len(blueprint.Alarms(filtered)) - len(blueprint.Alarms(bare))
	if more != 5 || !strings.Contains(string(raw), "five alarms, 5 × ") {
		t.Errorf("filters add %d alarms, and docs/deploy.md says another number", more)
	}
}

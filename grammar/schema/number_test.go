package schema

import (
	"errors"
	"math/big"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/callama/callama/grammar/regex"
)

// numberText is the grammar of JSON's numbers.
var numberText = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// holds reports whether a text is a member of the set, by the definition.
func (n *numberSet) holds(t *testing.T, text string) bool {
	t.Helper()
	if !numberText.MatchString(text) {
		return false
	}
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	if n.spelling == Canonical {
		whole, behind, _ := strings.Cut(strings.TrimPrefix(mantissa, "-"), ".")
		if exponent != "" || len(behind) > n.places || len(whole) > n.digits+3 {
			return false
		}
	}
	x, ok := new(big.Rat).SetString(text)
	if !ok {
		t.Fatalf("%q is no number", text)
	}
	if n.spelling == Canonical && x.Sign() == 0 && text[0] == '-' {
		return false
	}
	rat := func(d decimal) *big.Rat {
		sign := ""
		if d.neg {
			sign = "-"
		}
		r, _ := new(big.Rat).SetString(sign + d.whole() + "." + d.fraction() + "0")
		return r
	}
	if n.lower.set {
		if cmp := x.Cmp(rat(n.lower.value)); cmp < 0 || cmp == 0 && n.lower.exclusive {
			return false
		}
	}
	if n.upper.set {
		if cmp := x.Cmp(rat(n.upper.value)); cmp > 0 || cmp == 0 && n.upper.exclusive {
			return false
		}
	}
	for _, s := range n.steps {
		if new(big.Rat).Quo(x, rat(s.value)).IsInt() == s.not {
			return false
		}
	}
	return true
}

// beyond reports whether a number with an exponent has more digits than the set bounds.
func (n *numberSet) beyond(t *testing.T, text string) bool {
	t.Helper()
	m, err := newNumberMachine(n)
	if err != nil {
		t.Fatal(err)
	}
	mantissa, _, exponent := strings.Cut(strings.ToLower(text), "e")
	_, behind, _ := strings.Cut(mantissa, ".")
	return exponent && len(n.steps) > 0 && len(behind) > int(m.places)
}

// randomNumber returns the text of a number, short and often near others.
func randomNumber(rng *rand.Rand) string {
	var sb strings.Builder
	if rng.IntN(3) == 0 {
		sb.WriteByte('-')
	}
	if rng.IntN(4) == 0 {
		sb.WriteByte('0')
	} else {
		sb.WriteByte("123456789"[rng.IntN(9)])
		for range rng.IntN(3) {
			sb.WriteByte("0012345"[rng.IntN(7)])
		}
	}
	if rng.IntN(2) == 0 {
		sb.WriteByte('.')
		for range 1 + rng.IntN(3) {
			sb.WriteByte("0000012556789"[rng.IntN(13)])
		}
	}
	if rng.IntN(3) == 0 {
		sb.WriteByte("eE"[rng.IntN(2)])
		sb.WriteString([]string{"", "+", "-"}[rng.IntN(3)])
		sb.WriteString([]string{"0", "1", "2", "3", "02", "5", "10", "17"}[rng.IntN(8)])
	}
	return sb.String()
}

func randomSet(t *testing.T, rng *rand.Rand) *numberSet {
	t.Helper()
	n := &numberSet{spelling: Spelling(rng.IntN(2)), digits: 5, places: 4}
	limit := func() bound {
		d, err := parseDecimal(randomNumber(rng))
		if err != nil {
			t.Fatal(err)
		}
		return bound{set: rng.IntN(3) > 0, value: d, exclusive: rng.IntN(3) == 0}
	}
	n.lower, n.upper = limit(), limit()
	for range rng.IntN(3) {
		value := []string{"1", "2", "5", "7", "10", "0.5", "2.5", "0.01", "0.1", "12", "100", "6.75"}[rng.IntN(12)]
		d, err := parseDecimal(value)
		if err != nil {
			t.Fatal(err)
		}
		n.steps = append(n.steps, step{value: d, not: rng.IntN(4) == 0})
	}
	return n
}

// TestNumberSets compares random sets with their definition on random texts.
func TestNumberSets(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	accepted := 0
	for range 400 {
		n := randomSet(t, rng)
		d, err := n.dfa(regex.Limits{})
		var limit *LimitError
		var states *regex.LimitError
		if errors.As(err, &limit) || errors.As(err, &states) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for range 400 {
			text := randomNumber(rng)
			want := n.holds(t, text)
			if got := d.Match(text); got != want && !(want && n.beyond(t, text)) {
				t.Fatalf("%s: %q: %v, want %v", n.key(), text, got, want)
			}
			if want {
				accepted++
			}
		}
	}
	if accepted < 10_000 {
		t.Errorf("only %d texts were accepted: the test is blind", accepted)
	}
}

func TestNumberSpellings(t *testing.T) {
	integer := []step{{value: decimal{digits: "1", point: 1}}}
	for _, text := range []string{
		"0", "-0", "1", "1.0", "1.000", "1e2", "1E+2", "100e-2", "1.5e1", "1.50e1", "0.5e1", "3.6893488147419103e+19",
		"1.2345678901234567e+39", "1e308", "98249283749234923498293171823948729348710298301928331", "1e0", "0e5", "0.0e-3", "10e-1", "1e007",
	} {
		n := &numberSet{steps: integer, spelling: AnySpelling}
		d, err := n.dfa(regex.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if !d.Match(text) {
			t.Errorf("%s is an integer", text)
		}
	}
}

func TestNumberSizes(t *testing.T) {
	parse := func(s string) decimal {
		d, err := parseDecimal(s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, test := range []struct{ lower, upper, step string }{
		{"", "", "1"}, {"0", "", "1"}, {"1", "", "1"}, {"1", "65535", "1"}, {"-90", "90", ""}, {"0", "1", ""}, {"3", "3", ""}, {"0", "", "0.01"}, {"0", "99999999999.99", "0.01"},
		{"", "", "11"}, {"", "", "256"}, {"15", "", "2.5"}, {"1.5", "1.5", ""},
	} {
		for _, spelling := range []Spelling{Canonical, AnySpelling} {
			n := &numberSet{spelling: spelling, digits: DefaultIntegerDigits, places: DefaultFractionDigits}
			if test.lower != "" {
				n.lower = bound{set: true, value: parse(test.lower)}
			}
			if test.upper != "" {
				n.upper = bound{set: true, value: parse(test.upper)}
			}
			if test.step != "" {
				n.steps = []step{{value: parse(test.step)}}
				n.places = len(n.steps[0].value.fraction())
			}
			start := time.Now()
			d, err := n.dfa(regex.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("[%s, %s] step %q spelling %d: %d states, %v", test.lower, test.upper, test.step, spelling, d.States(), time.Since(start))
			if d.States() > 1_000 {
				t.Errorf("[%s, %s] step %q spelling %d: %d states", test.lower, test.upper, test.step, spelling, d.States())
			}
		}
	}
}

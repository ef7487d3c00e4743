package schema_test

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/schema"
	"github.com/callama/callama/grammar/schema/ruletest"
)

// bounds is a random set of bounds: the schema's members and the check of a value.
type bounds struct {
	text string
	fits func(*big.Rat) bool
}

func randomBounds(rng *rand.Rand, number func() string) bounds {
	var parts []string
	var checks []func(*big.Rat) bool
	add := func(keyword string, ok func(cmp int) bool) {
		n := number()
		limit, _ := new(big.Rat).SetString(n)
		parts = append(parts, fmt.Sprintf("%q:%s", keyword, n))
		checks = append(checks, func(x *big.Rat) bool { return ok(x.Cmp(limit)) })
	}
	if rng.IntN(3) > 0 {
		add("minimum", func(cmp int) bool { return cmp >= 0 })
	}
	if rng.IntN(4) == 0 {
		add("exclusiveMinimum", func(cmp int) bool { return cmp > 0 })
	}
	if rng.IntN(3) > 0 {
		add("maximum", func(cmp int) bool { return cmp <= 0 })
	}
	if rng.IntN(4) == 0 || len(parts) == 0 {
		add("exclusiveMaximum", func(cmp int) bool { return cmp < 0 })
	}
	return bounds{strings.Join(parts, ","), func(x *big.Rat) bool {
		for _, ok := range checks {
			if !ok(x) {
				return false
			}
		}
		return true
	}}
}

// grammarOf compiles a schema; an unsatisfiable one gives the empty grammar.
func grammarOf(t *testing.T, text string) *gbnf.Grammar {
	t.Helper()
	g, err := schema.CompileText([]byte(text), schema.Options{})
	if err != nil {
		if !strings.Contains(err.Error(), schema.ErrUnsatisfiable.Error()) {
			t.Fatalf("%s: %v", text, err)
		}
		return nothing()
	}
	return g
}

// TestIntegerBounds compares every integer of a range with the bounds.
func TestIntegerBounds(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	number := func() string {
		s := strconv.Itoa(rng.IntN(2400) - 1200)
		switch rng.IntN(6) {
		case 0:
			s += ".5"
		case 1:
			s = strconv.Itoa(rng.IntN(30) - 15)
		case 2:
			s = strconv.Itoa(rng.IntN(12)-6) + "e2"
		}
		return s
	}
	for range 150 {
		b := randomBounds(rng, number)
		g := grammarOf(t, `{"type":"integer",`+b.text+`}`)
		for i := -1300; i <= 1300; i++ {
			want := b.fits(big.NewRat(int64(i), 1))
			if got := ruletest.Accepts(g, strconv.Itoa(i)); got != want {
				t.Fatalf("%s: %d accepted: %v", b.text, i, got)
			}
		}
	}
}

// TestDecimalBounds compares many decimals near and far from the bounds.
func TestDecimalBounds(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	number := func() string {
		s := strconv.Itoa(rng.IntN(40) - 20)
		for i := range rng.IntN(4) {
			if i == 0 {
				s += "."
			}
			s += strconv.Itoa(rng.IntN(10))
		}
		if s == "-0" {
			return "0"
		}
		return s
	}
	for range 200 {
		b := randomBounds(rng, number)
		g := grammarOf(t, `{"type":"number",`+b.text+`}`)
		for range 300 {
			s := number()
			if strings.HasSuffix(s, ".") || (strings.HasPrefix(s, "-0") && strings.Trim(s, "-0.") == "") {
				continue
			}
			x, _ := new(big.Rat).SetString(s)
			if got := ruletest.Accepts(g, s); got != b.fits(x) {
				t.Fatalf("%s: %s accepted: %v", b.text, s, got)
			}
		}
	}
}

func TestBigBounds(t *testing.T) {
	cases := []struct {
		bounds  string
		yes, no []string
	}{
		{`"minimum":9223372036854775807`, []string{"9223372036854775807", "9999999999999999999", "10000000000000000000"}, []string{"9223372036854775806", "0", "-9223372036854775808"}},
		{`"minimum":-170141183460469231731687303715884105728,"maximum":1e30`, []string{"-170141183460469231731687303715884105728", "0", "1000000000000000000000000000000"}, []string{"-170141183460469231731687303715884105729", "1000000000000000000000000000001"}},
		{`"exclusiveMinimum":0`, []string{"1", "999999999999999999"}, []string{"0", "-1", "1000000000000000000"}},
		{`"maximum":-1`, []string{"-1", "-10"}, []string{"0", "1", "-0"}},
		{`"minimum":5,"maximum":5`, []string{"5"}, []string{"4", "6", "55"}},
		{`"minimum":0,"maximum":0`, []string{"0"}, []string{"-0", "1", "00"}},
	}
	for _, c := range cases {
		g := grammarOf(t, `{"type":"integer",`+c.bounds+`}`)
		for _, s := range c.yes {
			if !ruletest.Accepts(g, s) {
				t.Errorf("%s rejects %s", c.bounds, s)
			}
		}
		for _, s := range c.no {
			if ruletest.Accepts(g, s) {
				t.Errorf("%s accepts %s", c.bounds, s)
			}
		}
	}
	// Between two bounds with more digits than a free fraction has, there is still room.
	g := grammarOf(t, `{"type":"number","exclusiveMinimum":0,"exclusiveMaximum":1e-30}`)
	if text, ok := ruletest.NewGenerator(g, 1).Text(10); !ok || !strings.HasPrefix(text, "0."+strings.Repeat("0", 30)) {
		t.Errorf("generated %q", text)
	}
}

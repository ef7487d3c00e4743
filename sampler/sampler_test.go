package sampler

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/callama/callama/grammar/vocab"
)

var (
	nan    = float32(math.NaN())
	inf    = float32(math.Inf(1))
	minus  = float32(math.Inf(-1))
	warm   = Config{Temperature: 1}
	greedy = Config{}
)

func maskOf(n int, tokens ...int32) vocab.Mask {
	m := vocab.NewMask(n)
	for _, t := range tokens {
		m.Set(t)
	}
	return m
}

func newSampler(t testing.TB, cfg Config) *Sampler {
	t.Helper()
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSampleEdges(t *testing.T) {
	wide := make([]float32, 70)
	wide[69], wide[40] = 9, 8
	tests := []struct {
		name   string
		logits []float32
		mask   vocab.Mask
		want   int32
		err    error
	}{
		{"the highest", []float32{1, 3, 2}, nil, 1, nil},
		{"the highest of the allowed", []float32{1, 3, 2}, maskOf(3, 0, 2), 2, nil},
		{"the only allowed, however unlikely", []float32{1e30, -1e30}, maskOf(2, 1), 1, nil},
		{"plus infinity", []float32{1, inf, 3e38}, nil, 1, nil},
		{"minus infinity is not chosen", []float32{minus, -3e38}, nil, 1, nil},
		{"minus infinity where it is all there is", []float32{minus, minus}, maskOf(2, 1), 1, nil},
		{"the first of minus infinities", []float32{nan, minus, minus}, nil, 1, nil},
		{"NaN is not chosen", []float32{nan, -5, nan}, nil, 1, nil},
		{"no logits", nil, nil, -1, ErrEmptyMask},
		{"an empty mask", []float32{1, 2}, maskOf(2), -1, ErrEmptyMask},
		{"a mask without words", []float32{1, 2}, vocab.Mask{}, -1, ErrEmptyMask},
		{"only tokens beyond the logits allowed", []float32{1, 2}, maskOf(64, 2, 40), -1, ErrEmptyMask},
		{"all NaN", []float32{nan, nan}, nil, -1, ErrNaN},
		{"all allowed NaN", []float32{1, nan}, maskOf(2, 1), -1, ErrNaN},
		{"a mask narrower than the logits", wide, maskOf(64, 40, 41), 40, nil},
		{"a mask wider than the logits", wide[:41], maskOf(128, 40, 41, 100), 40, nil},
		{"the last token", wide, nil, 69, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, cfg := range []Config{greedy, {Temperature: 1e-3}, {Temperature: 1e-12}, {Temperature: 1, TopK: 1},
				{Temperature: 1, TopP: 1e-9}, {Temperature: 1, MinP: 1}, {Temperature: 1e-3, TopK: 2}} {
				got, err := newSampler(t, cfg).Sample(test.logits, test.mask)
				if got != test.want || !errors.Is(err, test.err) {
					t.Errorf("%+v: Sample = %d, %v; want %d, %v", cfg, got, err, test.want, test.err)
				}
			}
		})
	}
}

func TestTiesGoToTheLowestID(t *testing.T) {
	for _, n := range []int{2, 31, 32, 33, 100, 5000} {
		logits := make([]float32, n) // all equal
		if got, _ := newSampler(t, greedy).Sample(logits, nil); got != 0 {
			t.Errorf("%d equal logits: greedy = %d, want 0", n, got)
		}
		s := newSampler(t, Config{Temperature: 1, TopK: 2})
		for range 50 {
			if got, _ := s.Sample(logits, nil); got > 1 {
				t.Fatalf("%d equal logits: top-k 2 drew %d", n, got)
			}
		}
	}
}

func TestInfinitiesShareTheProbability(t *testing.T) {
	logits := make([]float32, 3000)
	logits[7], logits[2500] = inf, inf
	s := newSampler(t, warm)
	counts := map[int32]int{}
	for range 1000 {
		token, err := s.Sample(logits, nil)
		if err != nil {
			t.Fatal(err)
		}
		counts[token]++
	}
	if len(counts) != 2 || counts[7] < 400 || counts[2500] < 400 {
		t.Errorf("counts %v, want halves of 7 and 2500", counts)
	}
}

func TestCheck(t *testing.T) {
	bad := math.NaN()
	tests := []struct {
		name string
		cfg  Config
		want string // "" is no error
	}{
		{"zero", Config{}, ""},
		{"all set", Config{2, 40, 0.9, 0.05, 1.1, -2, 2, 100, 1}, ""},
		{"negative temperature", Config{Temperature: -1}, "temperature"},
		{"temperature not a number", Config{Temperature: bad}, "temperature"},
		{"temperature infinite", Config{Temperature: math.Inf(1)}, "temperature"},
		{"top-k", Config{TopK: -1}, "top-k"},
		{"top-p", Config{TopP: 1.01}, "top-p"},
		{"min-p", Config{MinP: bad}, "min-p"},
		{"repeat penalty", Config{RepeatPenalty: -1}, "repeat penalty"},
		{"frequency penalty", Config{FrequencyPenalty: bad}, "frequency penalty"},
		{"presence penalty", Config{PresencePenalty: math.Inf(-1)}, "presence penalty"},
		{"penalty window", Config{PenaltyWindow: MaxPenaltyWindow + 1}, "penalty window"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := New(test.cfg)
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("New: %v, want an error naming %q", err, test.want)
			}
		})
	}
}

func TestPenaltyValues(t *testing.T) {
	s := newSampler(t, Config{RepeatPenalty: 2, FrequencyPenalty: 0.5, PresencePenalty: 0.25, PenaltyWindow: 4})
	for _, token := range []int32{3, 3, 0, 1, 1, -7, 99} { // the window holds 1 1 -7 99
		s.Accept(token)
	}
	logits := []float32{8, 4, -4, 1}
	s.history.apply(logits)
	if want := []float32{8, 4/2 - 2*0.5 - 0.25, -4, 1}; !slices.Equal(logits, want) {
		t.Errorf("logits under penalties: %v, want %v", logits, want)
	}
	s.history.restore(logits)
	if want := []float32{8, 4, -4, 1}; !slices.Equal(logits, want) {
		t.Errorf("logits after: %v, want %v", logits, want)
	}
	s.Reset()
	if token, _ := s.Sample(logits, nil); token != 0 || len(s.history.seen) != 0 {
		t.Errorf("after Reset: token %d, history %v", token, s.history.seen)
	}
}

// scenario is one random problem of any kind the sampler tells apart.
type scenario struct {
	cfg    Config
	logits []float32
	mask   vocab.Mask
	recent []int32
}

func randomScenario(rng *rand.Rand) scenario {
	sizes := []int{1, 7, 32, 33, 500, 3000, 20000}
	n := sizes[rng.IntN(len(sizes))]
	pick := func(values ...float64) float64 { return values[rng.IntN(len(values))] }
	sc := scenario{logits: make([]float32, n), cfg: Config{
		Temperature: pick(0, 0.3, 0.8, 1, 1, 1.5, 4),
		TopK:        int(pick(0, 0, 0, 1, 2, 40, 700, 1e6)),
		TopP:        pick(0, 0, 1, 0.1, 0.5, 0.9, 0.99),
		MinP:        pick(0, 0, 0, 0.01, 0.05, 0.5),
		Seed:        rng.Uint64(),
	}}
	if rng.IntN(2) == 0 {
		sc.cfg.RepeatPenalty = pick(0, 1, 1.1, 2)
		sc.cfg.FrequencyPenalty = pick(0, 0.5, -0.5)
		sc.cfg.PresencePenalty = pick(0, 0.5, -1)
		sc.cfg.PenaltyWindow = int(pick(0, 1, 5, 1000))
		for range rng.IntN(200) {
			sc.recent = append(sc.recent, int32(rng.IntN(n+3)))
		}
	}
	spread, steps := pick(0, 0.5, 3, 12, 40), pick(0, 0, 1, 4)
	for i := range sc.logits {
		x := rng.NormFloat64() * spread
		if steps > 0 { // many equal logits
			x = math.Round(x*steps) / steps
		}
		sc.logits[i] = float32(x)
	}
	for range rng.IntN(4) {
		sc.logits[rng.IntN(n)] = []float32{nan, minus, inf, float32(4 * spread), 100}[rng.IntN(5)]
	}
	if density := pick(-1, 0.001, 0.03, 0.5, 0.97); density >= 0 {
		sc.mask = vocab.NewMask(n + rng.IntN(100))
		for i := range len(sc.mask) * 32 {
			if rng.Float64() < density {
				sc.mask.Set(int32(i))
			}
		}
	}
	return sc
}

// checkScenario compares a few draws with the definition. Sums in another order differ in
// their last bits, so a draw that falls onto a border may go to either side of it.
func checkScenario(t *testing.T, sc scenario) {
	t.Helper()
	const border = 1e-6
	s := newSampler(t, sc.cfg)
	for _, token := range sc.recent {
		s.Accept(token)
	}
	before := slices.Clone(sc.logits)
	for range 4 {
		peek := s.Clone()
		u := float64(peek.stream.Uint64()>>11) * 0x1p-53
		got, err := s.Sample(sc.logits, sc.mask)
		var may []int32
		for _, topP := range []float64{0, -border, border} {
			cfg := sc.cfg
			if cfg.TopP > 0 && cfg.TopP < 1 {
				cfg.TopP = min(cfg.TopP+topP, 1)
			}
			tokens, p := oracle(cfg, sc.logits, sc.mask, sc.recent)
			if tokens == nil {
				break
			}
			for _, du := range []float64{0, -border, border} {
				may = append(may, oracleDraw(tokens, p, u+du))
			}
		}
		if may == nil {
			if err == nil {
				t.Fatalf("%+v: drew %d where no token can be", sc.cfg, got)
			}
			return
		}
		if err != nil || !slices.Contains(may, got) {
			t.Fatalf("%+v, %d logits, u %v: drew %d (%v), the definition says %v", sc.cfg, len(sc.logits), u, got, err, may[0])
		}
	}
	for i, x := range sc.logits {
		if math.Float32bits(x) != math.Float32bits(before[i]) {
			t.Fatalf("logit %d changed from %v to %v", i, before[i], x)
		}
	}
}

func TestSampleIsTheDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 600 {
		checkScenario(t, randomScenario(rng))
	}
}

func FuzzSample(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		checkScenario(t, randomScenario(rand.New(rand.NewPCG(seed, 3))))
	})
}

// TestDistribution draws often and compares the counts with the exact probabilities by
// Pearson's chi-square test, on every path: listed, listed with a rest, spread.
func TestDistribution(t *testing.T) {
	tests := []struct {
		name   string
		n      int
		spread float64
		cfg    Config
	}{
		{"few tokens", 12, 1.5, Config{Temperature: 1}},
		{"few tokens, cold", 12, 1.5, Config{Temperature: 0.4}},
		{"top-k", 2000, 2, Config{Temperature: 1.2, TopK: 20}},
		{"top-p of a peak", 2000, 6, Config{Temperature: 1.3, TopP: 0.9}},
		{"min-p", 2000, 3, Config{Temperature: 2, MinP: 0.05}},
		{"peaked, unbounded", 2000, 6, Config{Temperature: 1}},
		{"flat, unbounded", 1500, 0.3, Config{Temperature: 1}},
		{"flat, top-p", 1500, 0.3, Config{Temperature: 0.7, TopP: 0.8}},
		{"penalties", 12, 1, Config{Temperature: 1, RepeatPenalty: 1.3, FrequencyPenalty: 0.2, PresencePenalty: 0.3}},
	}
	const draws = 20000
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(uint64(i), 5))
			logits := make([]float32, test.n)
			for j := range logits {
				logits[j] = float32(rng.NormFloat64() * test.spread)
			}
			recent := []int32{1, 2, 2, 3, 3, 3}
			test.cfg.Seed = 11
			s := newSampler(t, test.cfg)
			for _, token := range recent {
				s.Accept(token)
			}
			if test.cfg.RepeatPenalty == 0 {
				recent = nil
			}
			counts := make(map[int32]int)
			for range draws {
				token, err := s.Sample(logits, nil)
				if err != nil {
					t.Fatal(err)
				}
				counts[token]++
			}
			tokens, p := oracle(test.cfg, logits, nil, recent)
			if got := pearson(tokens, p, counts, draws); got < 0.001 {
				t.Errorf("chi-square: p-value %v over %d tokens", got, len(tokens))
			}
		})
	}
}

// pearson returns the p-value of counts under the probabilities; cells are joined until
// each expects at least 5 draws, as the test requires.
func pearson(tokens []int32, p []float64, counts map[int32]int, draws int) float64 {
	var statistic, expected, observed float64
	cells, seen := 0, 0
	for i, token := range tokens {
		expected += p[i] * float64(draws)
		observed += float64(counts[token])
		seen += counts[token]
		if expected >= 5 {
			statistic += (observed - expected) * (observed - expected) / expected
			expected, observed = 0, 0
			cells++
		}
	}
	if seen != draws { // something outside the set was drawn
		return 0
	}
	return distuv.ChiSquared{K: float64(cells - 1)}.Survival(statistic)
}

func TestSeedMakesTheStream(t *testing.T) {
	logits := make([]float32, 100)
	draw := func(s *Sampler, mask vocab.Mask, n int) (tokens []int32) {
		for range n {
			token, err := s.Sample(logits, mask)
			if err != nil {
				t.Fatal(err)
			}
			tokens = append(tokens, token)
		}
		return tokens
	}
	s := newSampler(t, Config{Temperature: 1, Seed: 42})
	first := draw(s, nil, 30)
	if again := draw(newSampler(t, Config{Temperature: 1, Seed: 42}), nil, 30); !slices.Equal(first, again) {
		t.Errorf("same seed, other tokens: %v and %v", first, again)
	}
	if other := draw(newSampler(t, Config{Temperature: 1, Seed: 43}), nil, 30); slices.Equal(first, other) {
		t.Error("another seed, same tokens")
	}
	clone := s.Clone()
	if a, b := draw(s, nil, 10), draw(clone, nil, 10); !slices.Equal(a, b) {
		t.Errorf("the clone goes another way: %v and %v", a, b)
	}
	s.Reset()
	// Calls under other masks, failing ones and skipped ones all take one draw.
	draw(s, maskOf(100, 5), 8)
	s.Sample(logits, vocab.NewMask(100))
	s.Skip()
	if rest := draw(s, nil, 20); !slices.Equal(rest, first[10:]) {
		t.Errorf("after 10 other calls: %v, want %v", rest, first[10:])
	}
}

func TestCloneHistoryIsIndependent(t *testing.T) {
	s := newSampler(t, Config{PresencePenalty: 5, PenaltyWindow: 3})
	s.Accept(0)
	c := s.Clone()
	c.Accept(1)
	c.Accept(2)
	logits := []float32{3, 2, 1, 0}
	if got, _ := s.Sample(logits, nil); got != 1 {
		t.Errorf("original chose %d, want 1", got)
	}
	if got, _ := c.Sample(logits, nil); got != 3 {
		t.Errorf("clone chose %d, want 3", got)
	}
}

func TestSampleDoesNotAllocate(t *testing.T) {
	for name, b := range benchmarks() {
		s := newSampler(t, b.cfg)
		for i := range int32(300) {
			s.Accept(i)
		}
		if n := testing.AllocsPerRun(20, func() {
			token, err := s.Sample(b.logits, b.mask)
			if err != nil {
				t.Fatal(err)
			}
			s.Accept(token)
		}); n != 0 {
			t.Errorf("%s: %v allocations per token", name, n)
		}
	}
}

type benchmark struct {
	cfg    Config
	logits []float32
	mask   vocab.Mask
}

// benchmarks yields the named cases at the width of Qwen2.5's logits: flat logits are those
// of random weights, peaked ones are spread as a trained model's are.
func benchmarks() func(func(string, benchmark) bool) {
	const width = 151936
	return func(yield func(string, benchmark) bool) {
		for _, shape := range []struct {
			name   string
			spread float64
			top    float32
		}{{"flat", 1, 0}, {"peaked", 2.5, 20}} {
			rng := rand.New(rand.NewPCG(1, 1))
			logits := make([]float32, width)
			for i := range logits {
				logits[i] = float32(rng.NormFloat64() * shape.spread)
			}
			if shape.top > 0 {
				for i := range 20 {
					logits[rng.IntN(width)] = shape.top - float32(i)/2
				}
			}
			for _, allowed := range []int{-1, 1, 40, 1500, 150000} {
				var mask vocab.Mask
				if allowed >= 0 {
					mask = vocab.NewMask(width)
					for mask.Count() < allowed {
						mask.Set(int32(rng.IntN(width)))
					}
				}
				for _, c := range []struct {
					name string
					cfg  Config
				}{
					{"greedy", Config{}},
					{"temp", Config{Temperature: 0.8}},
					{"topk40", Config{Temperature: 0.8, TopK: 40}},
					{"topp", Config{Temperature: 0.8, TopP: 0.95}},
					{"minp", Config{Temperature: 0.8, MinP: 0.05}},
					{"chain", Config{Temperature: 0.8, TopK: 40, TopP: 0.95, MinP: 0.05, RepeatPenalty: 1.1}},
				} {
					name := fmt.Sprintf("logits=%s/allowed=%d/%s", shape.name, allowed, c.name)
					if !yield(name, benchmark{c.cfg, logits, mask}) {
						return
					}
				}
			}
		}
	}
}

func BenchmarkSample(b *testing.B) {
	for name, c := range benchmarks() {
		b.Run(name, func(b *testing.B) {
			s := newSampler(b, c.cfg)
			b.ReportAllocs()
			for b.Loop() {
				token, err := s.Sample(c.logits, c.mask)
				if err != nil {
					b.Fatal(err)
				}
				s.Accept(token)
			}
		})
	}
}

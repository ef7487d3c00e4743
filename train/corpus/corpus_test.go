package corpus

import "testing"

// each calls f with n conversations of a configuration.
func each(t testing.TB, cfg Config, n int, f func(*Row)) {
	t.Helper()
	if err := Generate(t.Context(), cfg, n, func(r *Row) error { f(r); return nil }); err != nil {
		t.Fatal(err)
	}
}

// configs are all kinds of corpora.
var configs = []Config{
	{Seed: 1}, {Seed: 1, Stage: Copy}, {Seed: 1, Stage: Short},
	{Seed: 1, Split: HeldOut}, {Seed: 1, Split: HeldOut, Stage: Copy}, {Seed: 1, Split: HeldOut, Stage: Short},
}

// TestGenerate invents conversations of every kind; Row checks each call against its schema.
func TestGenerate(t *testing.T) {
	for _, cfg := range configs {
		each(t, cfg, 1000, func(r *Row) {
			if _, _, err := r.Parse(); err != nil {
				t.Errorf("%+v: %v: %+v", cfg, err, r)
			}
		})
	}
}

func BenchmarkGenerate(b *testing.B) {
	each(b, Config{Seed: 1}, b.N, func(*Row) {})
}

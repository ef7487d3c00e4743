package bench

import (
	"testing"

	"github.com/callama/callama/grammar/schema"
)

// TestRandom writes instances of a sample of MaskBench's schemas at random.
func TestRandom(t *testing.T) {
	shards := 160
	if testing.Short() {
		shards *= 4
	}
	files, err := MaskFiles(testdata(t, "maskbench"), 3, shards)
	if err != nil {
		t.Fatal(err)
	}
	v, err := OpenVocabulary(testdata(t, "tokenizers", "llama3.1", "tokenizer.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, spelling := range []schema.Spelling{schema.Canonical, schema.AnySpelling} {
		rep, err := Random(t.Context(), RandomConfig{Vocabulary: v, Files: files, Seed: 1,
			Schema: schema.Options{Whitespace: schema.Model, Spelling: spelling}})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range rep.Faults {
			t.Errorf("spelling %v: %s: %s (seed %d): %s\n%.300q", spelling, f.Kind, f.File, f.Seed, f.Detail, f.Text)
		}
		if rep.Valid == 0 || rep.Steered == 0 {
			t.Errorf("spelling %v: %d valid, %d steered: the test tests nothing", spelling, rep.Valid, rep.Steered)
		}
	}
}

package bench

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/callama/callama/grammar"
	"github.com/callama/callama/grammar/schema"
	"github.com/callama/callama/internal/ojson"
)

// TestForcedTokensAreCanonical: wherever valid instances are cut into tokens by the model's
// own tokenizer, the tokens that the grammar forces are the next of them. So what
// is forced is never other than what the tokenizer would make of the whole text.
func TestForcedTokensAreCanonical(t *testing.T) {
	data := os.Getenv("CALLAMA_TESTDATA")
	if data == "" {
		t.Skip("CALLAMA_TESTDATA is not set")
	}
	files, err := MaskFiles(filepath.Join(data, "maskbench"), 1, 1)
	if err != nil {
		t.Skip(err)
	}
	every := 7
	if testing.Short() {
		every = 101
	}
	for _, name := range []string{"qwen2.5", "llama3.1"} {
		t.Run(name, func(t *testing.T) {
			v, err := OpenVocabulary(filepath.Join(data, "tokenizers", name, "tokenizer.json"))
			if err != nil {
				t.Fatal(err)
			}
			var f forcedCount
			for i := 0; i < len(files); i += every {
				f.file(t, v, files[i])
			}
			t.Logf("%d instances, %d tokens: %d were forced, in %d runs; %d runs differ", f.instances, f.tokens, f.forced, f.runs, f.wrong)
			if f.instances < 20 || f.forced*8 < f.tokens {
				t.Error("hardly anything is forced")
			}
			if f.wrong > 0 {
				t.Errorf("%d of %d runs of forced tokens are not the tokenizer's", f.wrong, f.runs)
			}
		})
	}
}

type forcedCount struct{ instances, tokens, forced, runs, wrong int }

// file follows the valid instances of one test file.
func (f *forcedCount) file(t *testing.T, v *Vocabulary, path string) {
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Schema json.RawMessage
		Tests  []struct {
			Valid bool
			Data  json.RawMessage
		}
	}
	if json.Unmarshal(raw, &doc) != nil {
		return
	}
	g, err := schema.CompileText(doc.Schema, schema.Options{Order: schema.SchemaOrder, Whitespace: schema.Model})
	if err != nil {
		return
	}
	c, err := grammar.Compile(g, v.Vocab, grammar.Limits{})
	if err != nil {
		return
	}
	for _, test := range doc.Tests {
		instance, err := ojson.Parse(test.Data)
		if err != nil || !test.Valid {
			continue
		}
		f.follow(t, v, c.NewMatcher(), InstanceText(instance))
	}
}

func (f *forcedCount) follow(t *testing.T, v *Vocabulary, m *grammar.Matcher, text string) {
	ids := v.Encoder.Encode(text)
	for _, id := range ids { // only texts that the grammar admits to the end
		if m.Accept(id) != nil {
			return
		}
	}
	if !m.Accepting() {
		return
	}
	m.Reset()
	f.instances++
	f.tokens += len(ids)
	for i := 0; i < len(ids); {
		forced := m.ForcedTokens(256, func(b []byte) []int32 {
			if i > 0 {
				last := ids[i-1]
				if all := v.Encoder.Encode(string(v.Vocab.Bytes(last)) + string(b)); len(all) > 1 && all[0] == last {
					return all[1:]
				}
			}
			return v.Encoder.Encode(string(b))
		})
		if len(forced) > 0 {
			f.runs++
			if n := len(forced); n > len(ids)-i || !slices.Equal(forced, ids[i:i+n]) {
				if f.wrong++; f.wrong < 5 {
					t.Logf("%s: after %d tokens forced %q, the text has %q", text, i, spelled(v, forced), spelled(v, ids[i:min(i+n, len(ids))]))
				}
				forced = nil
			}
			f.forced += len(forced)
		}
		i += max(1, len(forced))
		if err := m.Rollback(m.Len()); err != nil {
			t.Fatal(err)
		}
		for _, id := range ids[:i] {
			if err := m.Accept(id); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func spelled(v *Vocabulary, ids []int32) []string {
	var out []string
	for _, id := range ids {
		out = append(out, string(v.Vocab.Bytes(id)))
	}
	return out
}

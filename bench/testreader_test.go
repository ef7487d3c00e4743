package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestReaderReuses reads small files and large ones in turn: memory that is used again, or is not,
// leaves nothing of one file in another.
func TestReaderReuses(t *testing.T) {
	v := builtinVocabulary(t)
	dir := t.TempDir()
	var files []string
	for i, n := range []int{1, 9, maxReuse, 3, 1} {
		item := fmt.Sprintf(`{"valid": true, "data": [%d, 1e1, "a\nb"]}`, i)
		text := `{"schema": {"minLength": ` + fmt.Sprint(n) + `}, "tests": [` + strings.Repeat(item+",", n/4) + item + `]}`
		files = append(files, filepath.Join(dir, fmt.Sprint(i, ".json")))
		if err := os.WriteFile(files[i], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := testReader{encoder: v.Encoder}
	for i, file := range append(files, files[0]) {
		schema, tests, err := r.read(file)
		if err != nil {
			t.Fatal(err)
		}
		fresh := testReader{encoder: v.Encoder}
		wantSchema, want, err := fresh.read(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(schema) != string(wantSchema) || len(tests) != len(want) {
			t.Fatalf("%s: %q with %d tests, want %q with %d", file, schema, len(tests), wantSchema, len(want))
		}
		tokens := v.Encoder.Encode(fmt.Sprintf(`[%d, 10.0, "a\nb"]`, i%len(files)))
		for k := range tests {
			if !slices.Equal(tests[k].tokens, tokens) || tests[k].valid != want[k].valid {
				t.Fatalf("%s: test %d is %v, want %v", file, k, tests[k], tokens)
			}
		}
	}
	if cap(r.data) > maxReuse || cap(r.tokens) > maxReuse {
		t.Errorf("%d bytes and %d tokens are held", cap(r.data), cap(r.tokens))
	}
}

func TestReaderErrors(t *testing.T) {
	r := testReader{encoder: builtinVocabulary(t).Encoder}
	file := filepath.Join(t.TempDir(), "x.json")
	for _, c := range []struct{ text, want string }{
		{`[`, "unexpected EOF"},
		{`{"schema": true}`, `"schema" and "tests"`},
		{`{"schema": true, "tests": [{"valid": 1, "data": 2}]}`, "test 0"},
	} {
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := r.read(file); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.text, err, c.want)
		}
	}
	if keyword, _ := r.opinion(filepath.Join(t.TempDir(), "absent"), 0); keyword != "no second opinion" {
		t.Errorf("a file that is not there: %q", keyword)
	}
}

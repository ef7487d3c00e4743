package schema

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// TestMemo: what is asked for again and again stays, the rest goes, and the weights keep their limit.
func TestMemo(t *testing.T) {
	m := memo[string]{limit: 8}
	var made []string
	get := func(key string, weight int) {
		t.Helper()
		v, err := m.get(key, func() (string, int, error) {
			made = append(made, key)
			return strings.ToUpper(key), weight, nil
		})
		if err != nil || v != strings.ToUpper(key) {
			t.Fatalf("%q: %q, %v", key, v, err)
		}
		total := 0
		for _, of := range []map[string]weighed[string]{m.young, m.old} {
			for _, w := range of {
				total += w.weight
			}
		}
		if total > m.limit {
			t.Fatalf("after %q the weights are %d of %d", key, total, m.limit)
		}
	}
	for _, tt := range []struct {
		name, keys, made string
	}{
		{"each is made once", "a b a b", "a b"},
		{"the first goes when half of the limit is new twice over", "c d e f a", "c d e f a"},
		{"what is asked for in between stays", "x a y a z a w a v a", "x y z w v"},
	} {
		made = nil
		for _, key := range strings.Fields(tt.keys) {
			get(key, 2)
		}
		if want := strings.Fields(tt.made); !slices.Equal(made, want) {
			t.Errorf("%s: %v was made, not %v", tt.name, made, want)
		}
	}
	made = nil
	get("heavy", 5)
	get("heavy", 5)
	get("a", 2)
	if want := []string{"heavy", "heavy"}; !slices.Equal(made, want) {
		t.Errorf("what is heavier than half of the limit is not kept, and leaves the others: %v was made, not %v", made, want)
	}
	failed := errors.New("failed")
	for range 2 {
		if _, err := m.get("bad", func() (string, int, error) { made = append(made, "bad"); return "", 1, failed }); !errors.Is(err, failed) {
			t.Errorf("error %v", err)
		}
	}
	if n := len(made); n != 4 {
		t.Errorf("errors are kept: %v", made)
	}
}

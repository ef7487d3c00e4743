package regex

import "testing"

// TestAlike: of a pattern of up to so many words, the states from which no text of a given length gets
// to the last word stand for one another, and no others do.
func TestAlike(t *testing.T) {
	r, err := Parse(`^(?:\S+\s+){0,99}\S+$`)
	if err != nil {
		t.Fatal(err)
	}
	d, err := r.DFA(Limits{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := Rules("words", d, RuleOptions{})
	if err != nil {
		t.Fatal(err)
	}
	m := s.Of.(*machine)
	for _, tc := range []struct {
		reach   int32
		classes int // about one for each character, and two for all far places
	}{{34, 37}, {130, 133}} {
		classes := map[int32]bool{}
		for q, first := range m.alike(tc.reach) {
			classes[first] = true
			if m.d.accept[q] != m.d.accept[first] || m.light[q] != m.light[first] {
				t.Errorf("reach %d: state %d stands for %d, which ends otherwise", tc.reach, first, q)
			}
			if got := m.Coarse(int32(q), tc.reach); got != first {
				t.Errorf("reach %d: Coarse(%d) is %d, want %d", tc.reach, q, got, first)
			}
		}
		if len(classes) != tc.classes {
			t.Errorf("reach %d: %d of %d states are left, want %d", tc.reach, len(classes), m.n, tc.classes)
		}
	}
	if m.alike(m.n) != nil {
		t.Error("the states of a least automaton all differ after as many characters")
	}
}

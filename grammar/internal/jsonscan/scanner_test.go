package jsonscan

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// duplicates feeds a text in which every value and name must differ and returns the offsets
// after which one was found to be a duplicate.
func duplicates(s *Scanner, text string) (at []int) {
	for i := range len(text) {
		dup, ended := s.Step(text[i], true)
		if dup {
			at = append(at, i)
			s.Ended(false)
		} else if ended {
			s.Ended(true)
		}
	}
	return at
}

func TestDuplicates(t *testing.T) {
	for _, tt := range []struct {
		name, text string // "^" stands after what is a duplicate
	}{
		{"strings", `["a","b","a"^,"ab"]`},
		{"strings by characters", `["a\n/","\u0061\u000a\/"^,"\u0041"]`},
		{"surrogates", `["😀","\ud83d\uDE00"^,"\ud83d","\ud83d\u0061","\ud83da"^,"\ude00"]`},
		{"literals", `[true,null,false,true^,null^]`},
		{"strings are no literals", `["true",true,"1",1,"{}",{}]`},
		{"numbers by value", `[1,1^.0^,1^0e-1^,0,-0^.0^0^,1^e1,1^0^,1^0^0,1^e2^]`},
		{"large exponents", `[1e99999999999999999999,10e99999999999999999998^,1E+099999999999999999999^]`},
		{"numbers that go on", `[1,1^2,1^2^3]`},
		{"arrays", `[[1,2],[2,1],[1],[],[[]],[1,2]^,[ ]^,[[ ]]^]`},
		{"objects in any order", `[{"a":1,"b":[2]},{"b":[2],"a":1}^,{"a":1},{"b":[1],"a":2},{}]`},
		{"what is where counts", `[{"a":{"b":1}},{"b":{"a":1}},{"a":{},"b":1},[[1],2],[1,[2]]]`},
		{"names", `{"a":1,"b":1,"a"^:2,"\u0062"^:3}`},
		{"names of one object", `[{"a":1},{"a":2},{"a":{"a":{}}}]`},
		{"arrays within", `[[1,1^],[2,1,2^]]`},
		{"white space", " [ 1 , 1^ , { \"a\" : 1 , \"a\"^\n: 2 } ] "},
		{"one after the other", `[1] [1,1^]{"a":1}{"a":1,"a"^:2}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := ""
			var want []int
			for part := range strings.SplitSeq(tt.text, "^") {
				text += part
				want = append(want, len(text)-1)
			}
			want = want[:len(want)-1]
			if got := duplicates(New(), text); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s: duplicates after %v, want %v", text, got, want)
			}
		})
	}
}

// TestRestore goes back and forth and expects what a fresh Scanner finds.
func TestRestore(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const text = `{"a":[1,10,1.0,"x\u0079",{"k":[true,true]},{"k":[true]}],"b":{"a":1,"a":2},"a":[[],[ ]]}`
	s := New()
	marks := []State{s.Mark()}
	var found []int
	for len(marks) <= len(text) {
		i := len(marks) - 1
		if r.IntN(8) == 0 {
			back := r.IntN(len(marks))
			marks = marks[:back+1]
			s.Restore(marks[back])
			for len(found) > 0 && found[len(found)-1] >= back {
				found = found[:len(found)-1]
			}
			continue
		}
		from := s
		if r.IntN(4) == 0 {
			s = s.Clone()
			duplicates(from, `],"a":[1,"`) // changes nothing for the clone
		}
		if len(duplicates(s, text[i:i+1])) > 0 {
			found = append(found, i)
		}
		marks = append(marks, s.Mark())
	}
	if want := duplicates(New(), text); fmt.Sprint(found) != fmt.Sprint(want) {
		t.Errorf("duplicates after %v, want %v", found, want)
	}
}

// TestCandidates checks what a value under way may become, and by which bytes.
func TestCandidates(t *testing.T) {
	for _, tt := range []struct {
		text string
		n    int
		stay string // bytes after which one is left, of those in bytes
	}{
		{`["ab","b",`, 2, `" `},
		{`["ab","b","`, 2, `ab\`},
		{`["ab","b","a`, 1, `b\`},
		{`["ab","b","ab`, 1, `"`},
		{`["ab","b","x`, 0, ``},
		{`["ab","\u`, 1, `0`},
		{`["ab","\u00`, 1, `6`},
		{`["ab","\u01`, 0, ``},
		{`["ab","\n`, 0, ``},
		{`[12,3,`, 2, `-01236 `},
		{`[12,3,1`, 1, `.2,]} `},
		{`[12,3,4`, 0, ``},
		{`[12,3,12`, 1, `.0Ee,]} `},
		{`[true,t`, 1, `r`},
		{`[true,[`, 0, ``},
		{`[[1,2],[1],[`, 2, `-01236] `},
		{`[[1,2],[1],[1,`, 3, `-01236] `},
		{`[{"a":1},{"a":2},{"a":`, 2, `-01236 `},
		{`[{"a":1},{"a":2},{"a":1`, 1, `.0Ee,]} `},
		{`[{"a":1},{"b":2},{"`, 2, `ab\`},
		{`[{"a":1},{"b":2},{"b"`, 1, `: `},
		{`{"a":1,"b":2,`, 2, `"} `},
		{`{"a":1,"b":2,"b`, 1, `"`},
		{`{"a":1,"b":2,"c":`, 0, ``},
	} {
		s := New()
		duplicates(s, tt.text)
		c := s.Candidates(nil)
		var stay Bytes
		if len(c) > 0 {
			s.Next(&stay, c)
		}
		got := ""
		for _, b := range []byte(`"-.01236:Eabcr\ee,]} `) {
			if stay.Has(b) && !strings.ContainsRune(got, rune(b)) {
				got += string(rune(b))
			}
		}
		sorted := func(text string) string {
			set := map[rune]bool{}
			for _, r := range text {
				set[r] = true
			}
			return fmt.Sprint(set)
		}
		if len(c) != tt.n || sorted(got) != sorted(tt.stay) {
			t.Errorf("%s: %d candidates by %q, want %d by %q", tt.text, len(c), got, tt.n, tt.stay)
		}
	}
}

// FuzzScanner feeds any bytes, as values that must differ or not, and looks at everything
// after each.
func FuzzScanner(f *testing.F) {
	f.Add(`[{"a":[1,1.0e+2],"\ud83d\u0061":null},{}]]]`, uint64(3))
	f.Add(`{"a":tru,"a":-,[:}],"`, uint64(5))
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 1))
		s := New()
		for i := range len(text) {
			place := s.Mark()
			for range 2 { // once to see, once to stay
				s.Restore(place)
				dup, ended := s.Step(text[i], r.IntN(4) > 0)
				if dup && !ended {
					t.Fatalf("%q: a duplicate that does not end", text[:i+1])
				}
				if ended {
					s.Ended(!dup && r.IntN(4) > 0)
				}
				var stay Bytes
				before := s.Candidates(nil)
				s.Next(&stay, before)
				s.Hash()
				if b := byte(r.IntN(256)); len(before) > 0 && !stay.Has(b) && s.st.esc == 0 { // in an escape no other byte is JSON
					at := s.Mark()
					s.Step(b, true)
					if after := s.CandidatesAfter(nil, before, &at); len(after) > 0 && s.InString() {
						t.Fatalf("%q: %q leaves %d candidates", text[:i+1], b, len(after))
					}
					s.Restore(at)
				}
			}
		}
	})
}

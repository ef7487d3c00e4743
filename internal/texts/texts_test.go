package texts

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestList(t *testing.T) {
	var l List
	texts := []string{"a", "", "bcd", "\x00\xff", "", "bcd"}
	for _, text := range texts {
		if !l.Add([]byte(text)) {
			t.Fatalf("%q is not added", text)
		}
	}
	l.Clip()
	if l.Len() != len(texts) {
		t.Fatalf("%d texts, want %d", l.Len(), len(texts))
	}
	for i, want := range texts {
		got := l.At(i)
		if string(got) != want || (got == nil) != (want == "") {
			t.Errorf("text %d is %q, want %q", i, got, want)
		}
		if cap(got) != len(got) {
			t.Errorf("text %d can grow over the next one", i)
		}
	}
}

func TestListCopies(t *testing.T) {
	var l List
	text := []byte("abc")
	l.Add(text)
	text[0] = 'x'
	if string(l.At(0)) != "abc" {
		t.Errorf("the list holds %q", l.At(0))
	}
}

// TestIndex compares with a map: texts of few letters, many of them equal.
func TestIndex(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 3, 200, 5000} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			var l List
			want := make(map[string]int32)
			for range n {
				text := make([]byte, rng.IntN(6))
				for k := range text {
					text[k] = "abc"[rng.IntN(3)]
				}
				l.Add(text)
			}
			x := NewIndex(&l, n)
			for i := range n {
				x.Put(i)
				want[string(l.At(i))] = int32(i)
			}
			for text, i := range want {
				if got, ok := x.Find(text); !ok || got != i {
					t.Errorf("%q is %d, %v, want %d", text, got, ok, i)
				}
			}
			for _, text := range []string{"d", "abcabca", "\x00"} {
				if got, ok := x.Find(text); ok {
					t.Errorf("%q is found, as %d", text, got)
				}
			}
		})
	}
}

func BenchmarkFind(b *testing.B) {
	var l List
	m := make(map[string]int32)
	var asked []string
	for i := range 100_000 {
		text := fmt.Sprintf("%x", i*2654435761)
		l.Add([]byte(text))
		m[text] = int32(i)
		if i%97 == 0 {
			asked = append(asked, text, text+"?")
		}
	}
	x := NewIndex(&l, l.Len())
	for i := range l.Len() {
		x.Put(i)
	}
	b.Run("index", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			x.Find(asked[i%len(asked)])
		}
	})
	b.Run("map", func(b *testing.B) {
		b.ReportAllocs()
		found := 0
		for i := 0; b.Loop(); i++ {
			if _, ok := m[asked[i%len(asked)]]; ok {
				found++
			}
		}
	})
	if !slices.Contains(asked, "0") {
		b.Fatal("nothing asked")
	}
}

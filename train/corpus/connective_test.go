package corpus

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// TestInventedConnectives: training has them where a value can be told from them, and the other half never.
func TestInventedConnectives(t *testing.T) {
	all, err := pools()
	if err != nil {
		t.Fatal(err)
	}
	of := func(base string) argument {
		return argument{param: &toolParam{parameter: &parameter{kind: kind{base: base}}}}
	}
	const draws = 4000
	for _, tc := range []struct {
		name  string
		split Split
		args  []argument
		want  float64 // share of sentences
	}{
		{"two words", Train, []argument{of("word"), of("word")}, inventedCues},
		{"a number", Train, []argument{of("int")}, inventedCues},
		{"one word", Train, []argument{of("word")}, 0},
		{"nothing", Train, nil, 0},
		{"held out", HeldOut, []argument{of("int"), of("int")}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, l := range languages {
				s := &source{Rand: rand.New(rand.NewPCG(1, 2)), split: tc.split, pools: all[tc.split], lang: l}
				drawn, different := 0, make(map[string]bool)
				for range draws {
					if form := s.inventedCue(tc.args); form != "" {
						drawn++
						different[form] = true
						if !strings.HasPrefix(form, "{n}") || !strings.HasSuffix(form, "{v}") {
							t.Fatalf("%s: %q", l, form)
						}
					}
				}
				if share := float64(drawn) / draws; share < 0.8*tc.want || share > 1.2*tc.want {
					t.Errorf("%s: %.3f of the sentences, want about %.3f", l, share, tc.want)
				}
				if len(different) < drawn*9/10 {
					t.Errorf("%s: %d different ones of %d", l, len(different), drawn)
				}
			}
		})
	}
	for base, want := range map[string]float64{"int": inventedReplies, "code": inventedReplies, "word": blindReplies, "title": blindReplies} {
		for split, p := range all {
			plain := *p
			plain.phrases[split] = map[string][]string{"next.zh": {"{v}"}}
			s := &source{Rand: rand.New(rand.NewPCG(1, 2)), split: Split(split), pools: &plain, lang: chinese}
			invented := 0
			for range draws {
				if form := s.reply("next", kind{base: base}); !strings.Contains(form, "{v}") {
					t.Fatalf("%q has no place for a value", form)
				} else if form != "{v}" {
					invented++
				}
			}
			if Split(split) == HeldOut {
				want = 0
			}
			if share := float64(invented) / draws; share < 0.8*want || share > 1.2*want {
				t.Errorf("%s, %s: %.3f of the replies are invented, want about %.3f", Split(split), base, share, want)
			}
		}
	}
}

package corpus

import (
	"strings"
	"testing"
)

// TestPools: both halves have words of every group, so that no draw fails.
func TestPools(t *testing.T) {
	all, err := pools()
	if err != nil {
		t.Fatal(err)
	}
	for split, p := range all {
		name := Split(split).String()
		for group, words := range p.words {
			if len(words) < 2 {
				t.Errorf("%s: %d words of %s", name, len(words), group)
			}
		}
		for what, n := range map[string]int{"objects": len(p.objects), "attributes": len(p.attributes), "domains": len(p.domains), "verbs": len(p.verbs)} {
			if n < 7 {
				t.Errorf("%s: %d %s", name, n, what)
			}
			t.Logf("%s: %d %s", name, n, what)
		}
		for _, kind := range []string{"frame", "cue", "yes", "next", "give", "also", "noise"} {
			for _, l := range languages {
				if len(p.phrases[split][kind+"."+l.String()]) == 0 {
					t.Errorf("%s: no phrase %s.%s", name, kind, l)
				}
			}
		}
		for _, a := range p.attributes {
			if a.kind.base == "enum" && len(p.enums[a.kind.arg]) < 2 {
				t.Errorf("%s: attribute %s: no group %q", name, a.term, a.kind.arg)
			}
		}
	}
}

func TestFill(t *testing.T) {
	said := map[string]string{"a": "A", "b": "[1, 2]"}
	for _, tc := range []struct {
		ask, want string
		used      int
		ok        bool
	}{
		{"plain", "plain", 0, true},
		{"x {a} y", "x A y", 1, true},
		{"x[ in {a}][ on {c}]?", "x in A?", 1, true},
		{"x[ {a} and {c}].", "x.", 0, true},
		{"x[ {a}][ and {b}]", "x A and [1, 2]", 2, true},
		{"x {c}", "", 0, false},
	} {
		text, used, ok := fill(tc.ask, said)
		if text != tc.want || len(used) != tc.used || ok != tc.ok {
			t.Errorf("%q: %q, %v, %v", tc.ask, text, used, ok)
		}
	}
}

func TestDomainErrors(t *testing.T) {
	for text, want := range map[string]string{
		"p a ; b ; c ; d":            "4 columns",
		"p a ; b ;  ; d ; num":       "no label in en",
		"p a ; b ; c ; d ; cloud":    `unknown kind "cloud"`,
		"p a ; b ; c ; d ; list num": "unknown kind",
		"s a ; b ; c ; d ; num":      "no parameter above",
		"r unheard of":               "is not an attribute",
		"x y":                        "unknown letter",
		"t only English":             "is not English = Chinese",
		"r a = b : cloud":            "unknown kind",
	} {
		d := &domain{}
		if err := d.readLine(text[0], text[2:], nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
	good := func() *domain {
		return &domain{names: []string{"n"}, descs: [2][]string{{"d"}, {"d"}}, asks: [2][]string{{"q"}, {"q"}}, fields: []attribute{{}},
			params: []*parameter{{id: "a", kind: kind{base: "num"}}}}
	}
	for want, change := range map[string]func(*domain){
		"no names":              func(d *domain) { d.names = nil },
		"no description":        func(d *domain) { d.descs[1] = nil },
		`no parameter "z"`:      func(d *domain) { d.asks[0] = []string{"q {z}"} },
		"brackets do not match": func(d *domain) { d.asks[0] = []string{"q [{a}"} },
		"0 parts":               func(d *domain) { d.params[0].kind.base = "object" },
	} {
		d := good()
		if err := d.check(); err != nil {
			t.Fatal(err)
		}
		change(d)
		if err := d.check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestSpelling(t *testing.T) {
	for in, want := range map[string]string{"get_meeting_room": "getMeetingRoom", "x": "x", "a_温室": "a温室", "a__b": "aB"} {
		if got := camel(in); got != want {
			t.Errorf("camel(%q) is %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"City name": "city name", "URL": "URL", "城市": "城市", "A": "A"} {
		if got := lowerFirst(in); got != want {
			t.Errorf("lowerFirst(%q) is %q, want %q", in, got, want)
		}
	}
	for in, want := range map[[2]int]string{{1250, 2}: "12.5", {100, 1}: "10", {7, 2}: "0.07", {42, 0}: "42"} {
		if got := decimal(in[0], in[1]); got != want {
			t.Errorf("decimal(%v) is %q, want %q", in, got, want)
		}
	}
}

// TestCommonDomains: the tools that people try first are known, by their names without the mark.
func TestCommonDomains(t *testing.T) {
	p, err := pools()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(p[Train].common); n != 12 || len(p[HeldOut].common) != 0 {
		t.Errorf("%d common domains for training, %d held out", n, len(p[HeldOut].common))
	}
	for _, d := range p[Train].common {
		if strings.HasPrefix(d.id, "*") {
			t.Errorf("%s keeps its mark", d.id)
		}
	}
}

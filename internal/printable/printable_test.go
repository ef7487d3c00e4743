package printable

import "testing"

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"":                             "",
		"a b, é 北京 🙂":                  "a b, é 北京 🙂",
		"a\nb\tc\r":                    "a b c ",
		"\x1b[2Jx\u009b5mx\x07":        " [2Jx 5mx ",
		"a\u202eb\u200bc\ufeffd\u0000": "a b c d ",
		"a\xffb":                       "a\ufffdb",
	} {
		if got := Line(in); got != want {
			t.Errorf("%q gives %q, want %q", in, got, want)
		}
	}
}

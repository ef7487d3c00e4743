package ojson

import (
	"strings"
	"testing"
)

func TestPointer(t *testing.T) {
	// The document and pointers of RFC 6901, section 5, and what leads nowhere.
	doc, err := Parse([]byte(`{"foo": ["bar", "baz"], "": 0, "a/b": 1, "m~n": 8, "~1": 9}`))
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct{ pointer, want, fault string }{
		{"/foo/0", "bar", ""}, {"/foo/1", "baz", ""}, {"/", "0", ""}, {"/a~1b", "1", ""}, {"/m~0n", "8", ""}, {"/~01", "9", ""},
		{"/foo/2", "", `nothing at "/foo/2"`}, {"/foo/01", "", "nothing"}, {"/foo/-", "", "nothing"}, {"/foo/-1", "", "nothing"},
		{"/foo/x", "", "nothing"}, {"/a~1b/c", "", `nothing at "/a~1b/c"`}, {"foo", "", "begin with"}, {"/m~n", "", "followed by"}, {"/m~", "", "followed by"},
	}
	for _, c := range cases {
		v, err := doc.At(c.pointer)
		switch {
		case c.fault != "":
			if err == nil || !strings.Contains(err.Error(), c.fault) {
				t.Errorf("%q: got %v", c.pointer, err)
			}
		case err != nil || v.Text != c.want:
			t.Errorf("%q: got %v, %v", c.pointer, v, err)
		}
	}
	if v, err := doc.At(""); err != nil || v != doc {
		t.Errorf("the empty pointer: %v, %v", v, err)
	}
	if got := AppendPointer("/x", "~a/b"); got != "/x/~0a~1b" {
		t.Errorf("got %q", got)
	}
	if (*Value)(nil).Child("x") != nil {
		t.Error("a child of nothing")
	}
}

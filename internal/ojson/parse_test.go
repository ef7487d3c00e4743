package ojson

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

// plain returns a value as encoding/json decodes it.
func plain(v *Value) any {
	switch v.Kind {
	case Bool:
		return v.Bool
	case Number:
		return json.Number(v.Text)
	case String:
		return v.Text
	case Array:
		out := []any{}
		for _, item := range v.Items {
			out = append(out, plain(item))
		}
		return out
	case Object:
		out := map[string]any{}
		for _, m := range v.Members {
			out[m.Name] = plain(m.Value)
		}
		return out
	}
	return nil
}

// FuzzParse compares with encoding/json: the same texts are documents, and mean the same.
func FuzzParse(f *testing.F) {
	seeds := []string{`{"a":[1,-0,2.5e+3,{"b":"\ud83d\ude00\u0000"}],"c":null}`, `"\ud800"`, `"\ud800\u0041"`, `"\ud800\ud800\udc00"`,
		"\"\xff\xc3\xa9\"", "\"\xed\xa0\x80\"", `"\/\b\f\n\r\t\"\\"`, `{"a":1,"a":2}`, ` [ true , false ] `, `01`, `1.`, `1e`, `-`, `[1,]`, `{"a"}`,
		`{"a":1,}`, `nul`, `nulll`, `"` + "\n" + `"`, `"\x"`, `"\u12g4"`, "\ufeff1", `{1:2}`, `[`, `{`, `"`, `"\`, `"\u12`, ``,
		`[` + strings.Repeat(`{"k":0,"l":1},`, 40) + `0]`}
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := Parse(data)
		if err == nil != json.Valid(data) {
			if err != nil && strings.Contains(err.Error(), "nested deeper") {
				return
			}
			t.Fatalf("%q: %v", data, err)
		}
		if err != nil {
			return
		}
		dec := json.NewDecoder(strings.NewReader(string(data)))
		dec.UseNumber()
		var want any
		if err := dec.Decode(&want); err != nil {
			t.Fatal(err)
		}
		if got := plain(v); !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: got %#v, want %#v", data, got, want)
		}
	})
}

func TestParseManyMembers(t *testing.T) {
	var text strings.Builder
	for i := range 3 * manyMembers {
		fmt.Fprintf(&text, `"n%d":%d,`, i, i)
	}
	v, err := Parse([]byte(`{` + text.String() + `"n1":true,"k":null}`))
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Members) != 3*manyMembers+1 || !v.Get("n1").Bool || v.Members[1].Name != "n1" || v.Get("k").Kind != Null {
		t.Errorf("got %s", v)
	}
}

func BenchmarkParse(b *testing.B) {
	text := []byte(`{"type":"object","properties":{"name":{"type":"string","description":"a \"name\""},"n":{"type":"integer","minimum":1}},"required":["name"]}`)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}

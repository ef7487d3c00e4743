package ojson

import (
	"encoding/json"
	"os/exec"
	"reflect"
	"strings"
	"testing"
)

func TestAppend(t *testing.T) {
	const doc = `{"b":[1,2.50,1E5,-0],"a":{"é":"\u00e9\ud83d\ude00\u007f","":null},"e":[],"o":{},"s":"\"\\\/\n\r\t\f\b\u0001<&>\u2028","t":true,"f":false}`
	tests := []struct {
		name  string
		style Style
		want  string
	}{
		{"compact", Compact, `{"b":[1,2.50,1E5,-0],"a":{"é":"é😀` + "\x7f" + `","":null},"e":[],"o":{},"s":"\"\\/\n\r\t\f\b\u0001<&>` + "\u2028" + `","t":true,"f":false}`},
		{"python", Python, `{"b": [1, 2.50, 1E5, -0], "a": {"é": "é😀` + "\x7f" + `", "": null}, "e": [], "o": {}, "s": "\"\\/\n\r\t\f\b\u0001<&>` + "\u2028" + `", "t": true, "f": false}`},
		{"ascii", Style{ASCII: true}, `{"b":[1,2.50,1E5,-0],"a":{"\u00e9":"\u00e9\ud83d\ude00\u007f","":null},"e":[],"o":{},"s":"\"\\/\n\r\t\f\b\u0001<&>\u2028","t":true,"f":false}`},
		{"numbers", Style{Number: func(n string) string { return "<" + n + ">" }}, `{"b":[<1>,<2.50>,<1E5>,<-0>],"a":{"é":"é😀` + "\x7f" + `","":null},"e":[],"o":{},"s":"\"\\/\n\r\t\f\b\u0001<&>` + "\u2028" + `","t":true,"f":false}`},
		{"sorted", Style{SortKeys: true}, `{"a":{"":null,"é":"é😀` + "\x7f" + `"},"b":[1,2.50,1E5,-0],"e":[],"f":false,"o":{},"s":"\"\\/\n\r\t\f\b\u0001<&>` + "\u2028" + `","t":true}`},
	}
	v, err := Parse([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(v.Append(nil, tt.style)); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestAppendString: bytes that are not UTF-8 are replaced one by one, wherever they are.
func TestAppendString(t *testing.T) {
	for text, want := range map[string]string{
		"":                `""`,
		"\xff":            `"\ufffd"`,
		"a\xffé\xc3":      `"a\ufffd\u00e9\ufffd"`,
		"\ufffdb\n\"\x7f": `"\ufffdb\n\"\u007f"`,
		"\xf0\x9f😀\\":     `"\ufffd\ufffd\ud83d\ude00\\"`,
	} {
		if got := string(AppendString(nil, text, true)); got != want {
			t.Errorf("%q becomes %s, want %s", text, got, want)
		}
		plain := strings.NewReplacer(`\ufffd`, "\ufffd", `\u00e9`, "é", `\u007f`, "\x7f", `\ud83d\ude00`, "😀").Replace(want)
		if got := string(AppendString(nil, text, false)); got != plain {
			t.Errorf("%q becomes %s, want %s", text, got, plain)
		}
	}
}

func TestAppendIndent(t *testing.T) {
	v, err := Parse([]byte(`{"a":[1,{"b":[]}],"c":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		indent int
		want   string
	}{
		{"two", 2, "{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    }\n  ],\n  \"c\": \"x\"\n}"},
		{"none", -1, "{\n\"a\": [\n1,\n{\n\"b\": []\n}\n],\n\"c\": \"x\"\n}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			style := Style{KeySep: ": ", Indent: tt.indent}
			if got := string(v.Append(nil, style)); got != tt.want {
				t.Errorf("got %q want %q", got, tt.want)
			}
		})
	}
}

// TestAppendAsPython compares with the interpreter itself, where there is one.
func TestAppendAsPython(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed: no json.dumps to compare with")
	}
	const doc = `{"z":[1,[],{}, {"k":[true,null]}],"é":"\u0000\u001f\u007f\u0080é\u2028😀\"\\/\b\f\n\r\t","a":{"n":-1.5}}`
	tests := []struct {
		name, args string
		style      Style
	}{
		{"default", "ensure_ascii=False", Python},
		{"ascii", "ensure_ascii=True", Style{ItemSep: ", ", KeySep: ": ", ASCII: true}},
		{"indent", "ensure_ascii=False, indent=4", Style{KeySep: ": ", Indent: 4}},
		{"indent zero", "ensure_ascii=False, indent=0", Style{KeySep: ": ", Indent: -1}},
		{"indent and separators", "ensure_ascii=False, indent=1, separators=(', ', ':')", Style{ItemSep: ", ", Indent: 1}},
		{"separators", "ensure_ascii=False, separators=(',', ':')", Compact},
		{"sorted", "ensure_ascii=False, sort_keys=True", Style{ItemSep: ", ", KeySep: ": ", SortKeys: true}},
	}
	v, err := Parse([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), python, "-c",
				"import json,sys; sys.stdout.buffer.write(json.dumps(json.loads(sys.stdin.buffer.read()), "+tt.args+").encode())")
			cmd.Stdin = strings.NewReader(doc)
			want, err := cmd.Output()
			if err != nil {
				t.Fatal(err)
			}
			if got := string(v.Append(nil, tt.style)); got != string(want) {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	tests := []struct{ name, doc, want string }{
		{"empty", ``, "unexpected EOF"},
		{"truncated", `{"a": [1`, "unexpected EOF"},
		{"trailing", `{} {}`, "after the document"},
		{"bad token", `{"a": nul}`, "invalid character"},
		{"too deep", strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1), "nested deeper"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse([]byte(tt.doc))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
		})
	}
}

func TestParseKeepsOrderAndLastDuplicate(t *testing.T) {
	v, err := Parse([]byte(`{"b":1,"a":2,"b":3}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := v.String(); got != `{"b":3,"a":2}` {
		t.Errorf("got %s", got)
	}
	if v.Get("a").Text != "2" || v.Get("missing") != nil {
		t.Error("Get does not find members by name")
	}
}

// FuzzRoundTrip checks that every document survives parse, write, parse in every style,
// and that encoding/json reads what Append writes.
func FuzzRoundTrip(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2.5,{"b":"\ud83d\ude00\u0000"}],"c":null}`, `""`, `-1e-7`, `[[],{}]`, `"\ud800"`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := Parse(data)
		if err != nil {
			return
		}
		for _, style := range []Style{Compact, Python, {ASCII: true}, {ItemSep: ", ", KeySep: ": ", Indent: 2}, {Indent: -1}} {
			text := v.Append(nil, style)
			if !json.Valid(text) {
				t.Fatalf("style %+v: not JSON: %q", style, text)
			}
			again, err := Parse(text)
			if err != nil {
				t.Fatalf("style %+v: %v in %q", style, err, text)
			}
			if !reflect.DeepEqual(v, again) {
				t.Fatalf("style %+v: %q became %q", style, data, text)
			}
		}
	})
}

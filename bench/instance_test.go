package bench

import (
	"testing"

	"github.com/callama/callama/internal/ojson"
)

// TestInstanceText holds what Python 3 prints for json.dumps(json.loads(text), ensure_ascii=False).
func TestInstanceText(t *testing.T) {
	for text, want := range map[string]string{
		`{"b":1,"a":[true,false,null]}`:  `{"b": 1, "a": [true, false, null]}`,
		`{"a":1,"b":2,"a":3}`:            `{"a": 3, "b": 2}`,
		`"\u00e9\/\u0001\n\ud83d\ude80"`: "\"é/\\u0001\\n🚀\"",
		`[]`:                             `[]`,
		`{}`:                             `{}`,
		`-0`:                             `0`,
		`-0.0`:                           `-0.0`,
		`1.0`:                            `1.0`,
		`1e5`:                            `100000.0`,
		`1E16`:                           `1e+16`,
		`123456789012345678901`:          `123456789012345678901`,
		`1234567890123456.7`:             `1234567890123456.8`,
		`12345678901234567.0`:            `1.2345678901234568e+16`,
		`0.0001`:                         `0.0001`,
		`0.00001`:                        `1e-05`,
		`0.1000`:                         `0.1`,
		`[5e-324, 1.5e300]`:              `[5e-324, 1.5e+300]`,
		`1e400`:                          `1e400`,
		`3.14159265358979323846`:         `3.141592653589793`,
		`{"x":[{"y":[1.50]},[]]}`:        `{"x": [{"y": [1.5]}, []]}`,
	} {
		v, err := ojson.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := InstanceText(v); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

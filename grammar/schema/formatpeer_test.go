package schema_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/dlclark/regexp2/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/callama/callama/grammar/schema"
	"github.com/callama/callama/grammar/schema/ruletest"
)

// peerRefuses are strings that an independent validator refuses although the format's RFC
// allows them, and why.
var peerRefuses = map[string]*regexp.Regexp{
	// Quoted pairs, lengths that Mailbox does not bound, the case of a literal in ABNF.
	"email":         regexp.MustCompile(`\\|@\[[Ii][Pp][Vv]6`),
	"uri":           peerHost,
	"uri-reference": peerHost,
}

// peerHost matches escapes in hosts and addresses of later versions, both of RFC 3986.
var peerHost = regexp.MustCompile(`//(?:[^/?#]*%|\[[Vv]|[^/?#]*@\[[Vv])`)

// TestFormatsAgainstPeer has random strings of each format checked by an independent
// validator.
func TestFormatsAgainstPeer(t *testing.T) {
	for _, name := range []string{"date", "time", "date-time", "duration", "ipv4", "ipv6", "uuid", "json-pointer",
		"relative-json-pointer", "hostname", "email", "uri", "uri-reference"} {
		t.Run(name, func(t *testing.T) {
			text := fmt.Sprintf(`{"type":"string","format":%q}`, name)
			c := jsonschema.NewCompiler()
			c.AssertFormat()
			doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			if err := c.AddResource("mem:///schema.json", doc); err != nil {
				t.Fatal(err)
			}
			judge, err := c.Compile("mem:///schema.json")
			if err != nil {
				t.Fatal(err)
			}
			agreed := 0
			for _, s := range formatTexts(t, text) {
				if err := judge.Validate(s); err == nil {
					agreed++
				} else if known := peerRefuses[name]; known == nil || !known.MatchString(s) {
					t.Errorf("%q: %v", s, err)
				}
			}
			if agreed < 100 {
				t.Errorf("only %d strings were agreed upon", agreed)
			}
		})
	}
}

// TestRegexFormat has random members of the format regex compiled.
func TestRegexFormat(t *testing.T) {
	for _, s := range formatTexts(t, `{"type":"string","format":"regex"}`) {
		if _, err := regexp2.Compile(s, regexp2.ECMAScript, regexp2.Unicode); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// formatTexts returns random strings of a schema.
func formatTexts(t *testing.T, text string) []string {
	t.Helper()
	g, err := schema.CompileText([]byte(text), schema.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for seed := range uint64(60) {
		w := ruletest.NewGenerator(g, seed)
		for _, size := range []int{0, 5, 10, 30, 60} {
			raw, ok := w.Text(size)
			if !ok {
				t.Fatal("no text")
			}
			var s string
			if err := json.Unmarshal([]byte(raw), &s); err != nil {
				t.Fatalf("%s: %v", raw, err)
			}
			out = append(out, s)
		}
	}
	return out
}

package corpus

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestRowParse(t *testing.T) {
	r := Row{System: "s", Tools: `[{"name": "f"}]`, Conversations: []Turn{
		{"human", "q"},
		{"function_call", `[{"name": "f", "arguments": {"a": 1}}, {"name": "g", "arguments": {}}]`},
		{"observation", "1"}, {"observation", "2"},
		{"gpt", "a"},
		{"function_call", `{"name": "f", "arguments": {}}`},
	}}
	messages, tools, err := r.Parse()
	if err != nil {
		t.Fatal(err)
	}
	if len(tools) != 1 || tools[0].Name != "f" {
		t.Errorf("tools %v", tools)
	}
	var got []string
	for _, m := range messages {
		line := string(m.Role) + " " + m.Name + " " + m.Content
		for _, c := range m.Calls {
			line += c.Name + string(c.Arguments)
		}
		got = append(got, line)
	}
	want := []string{"system  s", "user  q", `assistant  f{"a": 1}g{}`, "tool f 1", "tool g 2", "assistant  a", "assistant  f{}"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("messages\n%q, want\n%q", got, want)
	}
}

func TestRowParseErrors(t *testing.T) {
	for name, r := range map[string]Row{
		"tools that are not JSON": {Tools: "["},
		"unknown speaker":         {Conversations: []Turn{{"robot", "x"}}},
		"call that is not JSON":   {Conversations: []Turn{{"function_call", "f(x)"}}},
		"calls that are not JSON": {Conversations: []Turn{{"function_call", "[f"}}},
		"call without anything":   {Conversations: []Turn{{"function_call", ""}}},
	} {
		if _, _, err := r.Parse(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestReadRows(t *testing.T) {
	var file bytes.Buffer
	var want []*Row
	enc := json.NewEncoder(&file)
	each(t, Config{Seed: 5}, 20, func(r *Row) {
		want = append(want, r)
		if err := enc.Encode(r); err != nil {
			t.Fatal(err)
		}
	})
	var got []*Row
	if err := ReadRows(&file, func(r *Row) error { got = append(got, r); return nil }); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Error("rows come back changed")
	}
	if err := ReadRows(strings.NewReader("{}\n\nx\n"), func(*Row) error { return nil }); err == nil || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("error %v, want one for line 3", err)
	}
	stop := errors.New("stop")
	if err := ReadRows(strings.NewReader("{}\n"), func(*Row) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("error %v", err)
	}
}

func FuzzReadRows(f *testing.F) {
	f.Add([]byte(`{"conversations":[{"from":"human","value":"q"},{"from":"function_call","value":"[{\"name\":\"f\",\"arguments\":{}}]"},{"from":"observation","value":"1"}],"tools":"[]"}`))
	f.Add([]byte("{}\n[]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		ReadRows(bytes.NewReader(data), func(r *Row) error {
			r.Parse() // must not panic
			return nil
		})
	})
}

package corpus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
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
	if err := ReadRows(t.Context(), &file, unchanged, func(r *Row) error { got = append(got, r); return nil }); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Error("rows come back changed")
	}
}

// unchanged is no work.
func unchanged(r *Row) (*Row, error) { return r, nil }

func TestReadRowsEnds(t *testing.T) {
	stop := errors.New("stop")
	onRow := func(system string) func(*Row) error {
		return func(r *Row) error {
			if r.System == system {
				return stop
			}
			return nil
		}
	}
	for name, tc := range map[string]struct {
		work, each func(*Row) error
		line       string
		rows       int // that each was called with
	}{
		"not JSON":               {onRow(""), onRow(""), "line 5", 3},
		"work fails":             {onRow("b"), onRow(""), "line 3", 1},
		"each fails":             {onRow(""), onRow("b"), "line 3", 2},
		"each fails before work": {onRow("c"), onRow("a"), "line 1", 1},
		"work fails always":      {func(*Row) error { return stop }, onRow(""), "line 1", 0},
	} {
		t.Run(name, func(t *testing.T) {
			rows := 0
			file := strings.NewReader(`{"system":"a"}` + "\n\n" + `{"system":"b"}` + "\n" + `{"system":"c"}` + "\nx\n")
			err := ReadRows(t.Context(), file, func(r *Row) (*Row, error) { return r, tc.work(r) }, func(r *Row) error {
				rows++
				return tc.each(r)
			})
			if err == nil || !strings.Contains(err.Error(), tc.line+":") || rows != tc.rows {
				t.Errorf("%d rows, error %v, want %d and one for %s", rows, err, tc.rows, tc.line)
			}
		})
	}
	long := io.MultiReader(strings.NewReader("{}\n"), iotest.ErrReader(stop))
	if err := ReadRows(t.Context(), long, unchanged, onRow("a")); !errors.Is(err, stop) {
		t.Errorf("error %v where reading fails", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := ReadRows(ctx, strings.NewReader("{}\n"), unchanged, onRow("a")); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v where the context is done", err)
	}
}

func FuzzReadRows(f *testing.F) {
	f.Add([]byte(`{"conversations":[{"from":"human","value":"q"},{"from":"function_call","value":"[{\"name\":\"f\",\"arguments\":{}}]"},{"from":"observation","value":"1"}],"tools":"[]"}`))
	f.Add([]byte("{}\n[]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		ReadRows(t.Context(), bytes.NewReader(data), func(r *Row) (*Row, error) {
			r.Parse() // must not panic
			return r, nil
		}, func(*Row) error { return nil })
	})
}

package demo

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/callama/callama/bench/bfcl"
	"github.com/callama/callama/chat"
	"github.com/callama/callama/grammar/gbnf"
	"github.com/callama/callama/grammar/schema"
	"github.com/callama/callama/grammar/schema/ruletest"
	"github.com/callama/callama/internal/ojson"
)

func TestToolsAreComplete(t *testing.T) {
	declared := Tools()
	for _, tool := range declared {
		if tools[tool.Name] == nil {
			t.Errorf("%s is declared and does not run", tool.Name)
		}
		if !hasHan(tool.Description) || !strings.Contains(tool.Description, ". ") {
			t.Errorf("%s: the description %q is not in both languages", tool.Name, tool.Description)
		}
	}
	if len(declared) != len(tools) {
		t.Errorf("%d tools are declared, %d run", len(declared), len(tools))
	}
	again, err := chat.ParseTools(ToolsJSON())
	if err != nil || len(again) != len(declared) {
		t.Errorf("the JSON gives %d tools, %v", len(again), err)
	}
	for _, c := range data().Conditions {
		if c.EN == "" || c.ZH == "" {
			t.Errorf("condition %+v", c)
		}
	}
}

func TestRun(t *testing.T) {
	for _, tc := range []struct{ name, tool, arguments, want, note string }{
		{"vectors", "get_vector_sum", `{"a": [1, -1, 2], "b": [3, 0, -4]}`, `{"sum": [4, -1, -2]}`, ""},
		{"decimals are exact", "get_vector_sum", `{"a": [0.1, 2.50], "b": [0.2, -2.5]}`, `{"sum": [0.3, 0]}`, ""},
		{"no elements", "get_vector_sum", `{"a": [], "b": []}`, `{"sum": []}`, ""},
		{"two lengths", "get_vector_sum", `{"a": [1], "b": [1, 2]}`, `{"error": "the vectors have 1 and 2 elements"}`, ""},
		{"a discount", "calculate_discount", `{"price": 80, "percent": 15}`, `{"final_price": 68, "saved": 12}`, ""},
		{"cents", "calculate_discount", `{"price": 249.5, "percent": 20}`, `{"final_price": 199.6, "saved": 49.9}`, ""},
		{"no discount", "calculate_discount", `{"price": 100, "percent": 0}`, `{"final_price": 100, "saved": 0}`, ""},
		{"half a cent", "calculate_discount", `{"price": 0.99, "percent": 33.3}`, `{"final_price": 0.66, "saved": 0.33}`, ""},
		{"garbage", "get_garbage_category", `{"item": "香蕉皮"}`, `{"item": "香蕉皮", "category": "湿垃圾"}`, ""},
		{"garbage in a phrase", "get_garbage_category", `{"item": "a Glass Bottle"}`, `{"item": "a Glass Bottle", "category": "recyclable waste"}`, ""},
		{"the longest name counts", "get_garbage_category", `{"item": "废电池"}`, `{"item": "废电池", "category": "有害垃圾"}`, ""},
		{"unknown garbage", "get_garbage_category", `{"item": "satellite"}`, `{"error": "not found"}`, ""},
		{"a song", "search_song", `{"title": "《青花瓷》"}`, `{"title": "青花瓷", "artist": "周杰伦", "year": 2007}`, ""},
		{"a song without a year", "search_song", `{"title": "茉莉花"}`, `{"title": "茉莉花", "artist": "江苏民歌"}`, ""},
		{"a song that is a cartoon", "search_song", `{"title": "大闹天宫"}`, `{"error": "not found"}`, ""},
		{"a cartoon", "search_cartoon", `{"title": "the lion king"}`, `{"title": "The Lion King", "studio": "Walt Disney", "year": 1994}`, ""},
		{"a stock", "get_stock_price", `{"symbol": "aapl"}`, `{"symbol": "aapl", "price": 227.5, "currency": "USD"}`, madeUp},
		{"a company", "get_stock_price", `{"symbol": "贵州茅台"}`, `{"symbol": "贵州茅台", "price": 1486.6, "currency": "CNY"}`, madeUp},
		{"an unknown stock", "get_stock_price", `{"symbol": "ZZZZ"}`, `{"error": "not found"}`, ""},
		{"restaurants", "search_restaurants", `{"location": "Boston", "cuisine": "italian", "min_rating": 4.5, "min_price": 20, "max_price": 60}`,
			`{"restaurants": [{"name": "Trattoria Nora", "rating": 4.6, "price": 45}]}`, madeUp},
		{"bounds belong to it, the best comes first", "search_restaurants", `{"location": "成都", "min_rating": 4.3, "max_price": 88}`,
			`{"restaurants": [{"name": "锦里蜀香", "rating": 4.7, "price": 88}, {"name": "宽窄小馆", "rating": 4.3, "price": 65}]}`, madeUp},
		{"no restaurant", "search_restaurants", `{"location": "Boston", "min_rating": 5}`, `{"error": "not found"}`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := Run(chat.Call{Name: tc.tool, Arguments: json.RawMessage(tc.arguments)})
			if err != nil || string(got.JSON) != tc.want || got.Note != tc.note {
				t.Errorf("%s, note %q, %v, want %s, note %q", got.JSON, got.Note, err, tc.want, tc.note)
			}
		})
	}
}

func TestWeather(t *testing.T) {
	run := func(arguments string) string {
		t.Helper()
		r, err := Run(chat.Call{Name: "get_current_weather", Arguments: json.RawMessage(arguments)})
		if err != nil || r.Note != madeUp {
			t.Errorf("%s: %+v, %v", arguments, r, err)
		}
		return string(r.JSON)
	}
	today, tomorrow := run(`{"location": "北京", "time": "今天"}`), run(`{"location": "北京", "time": "明天"}`)
	if today == tomorrow || today != run(`{"location": "北京", "time": "今天"}`) {
		t.Errorf("today %s, tomorrow %s", today, tomorrow)
	}
	if got := run(`{"location": "Oslo"}`); !regexp.MustCompile(`^\{"location": "Oslo", "condition": "[a-z ]+", "temperature": -?\d+\}$`).MatchString(got) {
		t.Error(got)
	}
	if !hasHan(strings.SplitAfter(today, "condition")[1]) {
		t.Errorf("the weather of a Chinese name is %s", today)
	}
}

func TestPassword(t *testing.T) {
	seen := make(map[string]bool)
	for range 50 {
		for arguments, pattern := range map[string]string{
			`{"length": 16}`:                   `^\{"password": "[a-zA-Z0-9]{16}"\}$`,
			`{"length": 64, "symbols": false}`: `^\{"password": "[a-zA-Z0-9]{64}"\}$`,
			`{"length": 4.0, "symbols": true}`: `^\{"password": "[a-zA-Z0-9!#$%&*+=?@^_-]{4}"\}$`,
		} {
			r, err := Run(chat.Call{Name: "generate_password", Arguments: json.RawMessage(arguments)})
			if err != nil || !regexp.MustCompile(pattern).Match(r.JSON) {
				t.Fatalf("%s: %s, %v", arguments, r.JSON, err)
			}
			seen[string(r.JSON)] = true
		}
	}
	if len(seen) < 148 { // 50 of 16 and of 64 characters cannot repeat, of 4 hardly
		t.Errorf("%d different passwords of 150", len(seen))
	}
}

func TestRunRefuses(t *testing.T) {
	for _, tc := range []struct{ tool, arguments, want string }{
		{"fly", `{}`, `no tool "fly"`},
		{"search_song", `[]`, "want an object"},
		{"search_song", `{`, "search_song"},
		{"search_song", `{}`, "title is missing"},
		{"search_song", `{"title": 5}`, "want a string"},
		{"get_current_weather", `{"location": "x", "time": 5}`, "want a string"},
		{"get_current_weather", `{}`, "location is missing"},
		{"get_garbage_category", `{}`, "item is missing"},
		{"get_stock_price", `{}`, "symbol is missing"},
		{"get_vector_sum", `{"a": 1, "b": []}`, "array of numbers"},
		{"get_vector_sum", `{"a": ["1"], "b": [1]}`, "a[0] is string"},
		{"get_vector_sum", `{"a": [1], "b": [1e999999999]}`, "want digits"},
		{"get_vector_sum", `{"a": [` + strings.Repeat("1", 100) + `], "b": [1]}`, "want digits"},
		{"generate_password", `{"length": 3}`, "want 4 to 64"},
		{"generate_password", `{"length": 4.5}`, "want 4 to 64"},
		{"generate_password", `{"length": 99999999999999999999}`, "want 4 to 64"},
		{"generate_password", `{"length": 8, "symbols": 1}`, "want a boolean"},
		{"generate_password", `{}`, "length is missing"},
		{"calculate_discount", `{"price": -1, "percent": 5}`, "0 to 100"},
		{"calculate_discount", `{"price": 1, "percent": 101}`, "0 to 100"},
		{"calculate_discount", `{"price": 1}`, "percent is missing"},
		{"search_restaurants", `{}`, "location is missing"},
		{"search_restaurants", `{"location": "x", "cuisine": 1}`, "want a string"},
		{"search_restaurants", `{"location": "x", "max_price": "5"}`, "want a number"},
	} {
		if r, err := Run(chat.Call{Name: tc.tool, Arguments: json.RawMessage(tc.arguments)}); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s %.60s: %s, %v, want %q", tc.tool, tc.arguments, r.JSON, err, tc.want)
		}
	}
}

// TestArticles holds the cases of the articles to the declarations: the first answer of
// each is what the tool's grammar admits, the tool runs it, and it is found in the tables.
func TestArticles(t *testing.T) {
	for _, c := range readArticles(t) {
		for _, call := range c.first(t) {
			declared := Tools()
			at := slices.IndexFunc(declared, func(tool chat.Tool) bool { return tool.Name == call.Name })
			if at < 0 {
				t.Errorf("%s: there is no tool %q", c.ID, call.Name)
				continue
			}
			b := gbnf.NewBuilder()
			e, err := schema.CompileTool(b, call.Name, declared[at].Parameters, schema.Options{Whitespace: schema.Model, ClosedObjects: true})
			if err != nil {
				t.Fatal(err)
			}
			if g := b.Grammar(b.Add("arguments", e).Rule); !ruletest.Accepts(g, string(call.Arguments)) {
				t.Errorf("%s: the grammar does not admit %s", c.ID, call.Arguments)
			}
			if r, err := Run(call); err != nil || strings.Contains(string(r.JSON), "error") {
				t.Errorf("%s: %s, %v", c.ID, r.JSON, err)
			}
		}
	}
}

// article is a case of testdata/articles.json.
type article struct {
	ID, Lang, Question string
	Truth              json.RawMessage `json:"ground_truth"`
}

func readArticles(t *testing.T) []article {
	t.Helper()
	text, err := os.ReadFile("testdata/articles.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []article
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 20 {
		t.Fatalf("%d cases", len(cases))
	}
	return cases
}

// first returns the calls with the first alternative of each argument; "" leaves it out.
func (c article) first(t *testing.T) []chat.Call {
	t.Helper()
	v, err := ojson.Parse(c.Truth)
	if err != nil {
		t.Fatal(err)
	}
	answers, err := bfcl.ParseAnswers(v)
	if err != nil {
		t.Fatalf("%s: %v", c.ID, err)
	}
	calls := make([]chat.Call, len(answers))
	for i, item := range v.Items {
		arguments := &ojson.Value{Kind: ojson.Object}
		for _, m := range item.Members[0].Value.Members {
			if value := m.Value.Items[0]; value.Kind != ojson.String || value.Text != "" {
				arguments.Members = append(arguments.Members, ojson.Member{Name: m.Name, Value: value})
			}
		}
		calls[i] = chat.Call{Name: answers[i].Name, Arguments: arguments.Append(nil, ojson.Python)}
	}
	return calls
}

// FuzzRun runs calls with any arguments: no panic, and what comes back is one JSON object.
func FuzzRun(f *testing.F) {
	for name := range tools {
		f.Add(name, `{"location": "北京", "item": "x", "title": "x", "a": [1], "b": [-1.5], "symbol": "x", "length": 9, "price": 5, "percent": 5}`)
	}
	f.Add("get_vector_sum", `{"a": [1e9], "b": [0.1]}`)
	f.Fuzz(func(t *testing.T, name, arguments string) {
		r, err := Run(chat.Call{Name: name, Arguments: json.RawMessage(arguments)})
		if err != nil {
			return
		}
		if v, err := ojson.Parse(r.JSON); err != nil || v.Kind != ojson.Object {
			t.Errorf("%s %s gives %s, %v", name, arguments, r.JSON, err)
		}
	})
}

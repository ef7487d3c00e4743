// Package demo holds sample tools that really run: the cases by which function calling is
// usually shown, in English and Chinese. Sums, discounts and passwords are computed. What
// would need a service (weather, stock prices, restaurants) comes from small tables that
// are made up, and says so.
package demo

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/callama/callama/chat"
	"github.com/callama/callama/internal/ojson"
)

var (
	//go:embed tools.json
	toolsJSON []byte
	//go:embed data.json
	dataJSON []byte
)

// Result is what a tool gives back.
type Result struct {
	// JSON goes to the model: an object on one line, spelled as Python's json.dumps. What
	// cannot be found is {"error": …}.
	JSON json.RawMessage
	// Note is for people: where the data is from, "" if it was computed.
	Note string
}

// madeUp notes results that are no facts.
const madeUp = "sample data, made up"

// ToolsJSON returns the declarations of the tools, a JSON array. The caller owns it.
func ToolsJSON() []byte { return slices.Clone(toolsJSON) }

// Tools returns the declarations of the tools. The caller owns the slice, not what is in it.
func Tools() []chat.Tool { return slices.Clone(declared()) }

var declared = sync.OnceValue(func() []chat.Tool {
	tools, err := chat.ParseTools(toolsJSON)
	if err != nil {
		panic("demo: tools.json: " + err.Error()) // it is part of the program, and tested
	}
	return tools
})

// tables is data.json.
type tables struct {
	Conditions []words
	Garbage    []struct {
		words
		Items []string
	}
	Songs    []work
	Cartoons []work
	Stocks   []struct {
		Names           []string
		Price, Currency string
	}
	Restaurants []restaurant
}

// words are a thing's names in both languages.
type words struct{ EN, ZH string }

// in returns the name in the language of a text.
func (w words) in(text string) string {
	if hasHan(text) {
		return w.ZH
	}
	return w.EN
}

type work struct {
	Title, Artist, Studio string
	Year                  int
}

type restaurant struct {
	Cities, Cuisines []string
	Name             string
	Rating, Price    float64
}

var data = sync.OnceValue(func() *tables {
	t := new(tables)
	if err := json.Unmarshal(dataJSON, t); err != nil {
		panic("demo: data.json: " + err.Error()) // it is part of the program, and tested
	}
	return t
})

// tools are the functions behind the declarations.
var tools = map[string]func(a arguments) (Result, error){
	"get_current_weather":  weather,
	"get_garbage_category": garbage,
	"search_song":          song,
	"search_cartoon":       cartoon,
	"get_vector_sum":       vectorSum,
	"get_stock_price":      stock,
	"generate_password":    password,
	"calculate_discount":   discount,
	"search_restaurants":   restaurants,
}

// Run runs a call. An error is a call that its declaration does not allow; what a tool
// does not find is a Result.
func Run(call chat.Call) (Result, error) {
	tool, ok := tools[call.Name]
	if !ok {
		return Result{}, fmt.Errorf("demo: there is no tool %q", call.Name)
	}
	v, err := ojson.Parse(call.Arguments)
	if err == nil && v.Kind != ojson.Object {
		err = fmt.Errorf("the arguments are %s, want an object", v.Kind)
	}
	if err != nil {
		return Result{}, fmt.Errorf("demo: %s: %w", call.Name, err)
	}
	r, err := tool(arguments{v})
	if err != nil {
		return Result{}, fmt.Errorf("demo: %s: %w", call.Name, err)
	}
	return r, nil
}

// arguments are those of a call.
type arguments struct{ object *ojson.Value }

// text returns a string argument, without the quotes that belong to a sentence; "" if it
// is absent.
func (a arguments) text(name string) (string, error) {
	v := a.object.Get(name)
	if v == nil {
		return "", nil
	}
	if v.Kind != ojson.String {
		return "", fmt.Errorf("%s is %s, want a string", name, v.Kind)
	}
	return strings.Trim(v.Text, " \"'“”‘’《》「」"), nil
}

// required is text for an argument that must be there.
func (a arguments) required(name string) (string, error) {
	s, err := a.text(name)
	if err == nil && s == "" {
		err = fmt.Errorf("%s is missing", name)
	}
	return s, err
}

func hasHan(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}

// same compares names as people write them.
func same(a, b string) bool { return strings.EqualFold(strings.TrimSpace(a), strings.TrimSpace(b)) }

// object writes members in order as a result.
func object(note string, members ...ojson.Member) Result {
	v := ojson.Value{Kind: ojson.Object, Members: members}
	return Result{JSON: v.Append(nil, ojson.Python), Note: note}
}

func textMember(name, text string) ojson.Member {
	return ojson.Member{Name: name, Value: &ojson.Value{Kind: ojson.String, Text: text}}
}

func numberMember(name, text string) ojson.Member {
	return ojson.Member{Name: name, Value: &ojson.Value{Kind: ojson.Number, Text: text}}
}

// notFound is the result of a search without success.
func notFound() Result { return object("", textMember("error", "not found")) }

package bfcl

import (
	"fmt"
	"slices"
	"strings"

	"github.com/callama/callama/chat"
	"github.com/callama/callama/internal/ojson"
)

// Verdict judges the calls of one reply.
type Verdict struct {
	// Right: the reply is what was asked for.
	Right bool
	// Names: the right tools are called, each as often as it should be.
	Names bool
	// Fault says what is wrong, "" if nothing is.
	Fault string
}

func wrong(names bool, format string, args ...any) Verdict {
	return Verdict{Names: names, Fault: fmt.Sprintf(format, args...)}
}

// Function is what the rules need of a tool: the types of its parameters.
type Function struct {
	Name     string
	required []string
	types    map[string][2]kind // of each parameter, and of its items
}

// NewFunction reads the parameters of a tool, with the type names of BFCL.
func NewFunction(name string, parameters *ojson.Value) *Function {
	f := &Function{Name: name, types: make(map[string][2]kind)}
	if properties := parameters.Get("properties"); properties != nil {
		for _, m := range properties.Members {
			outer, inner := typeOf(m.Value)
			f.types[m.Name] = [2]kind{outer, inner}
		}
	}
	if required := parameters.Get("required"); required != nil {
		for _, item := range required.Items {
			f.required = append(f.required, item.Text)
		}
	}
	return f
}

// Answer is an expected call: for each parameter the values that are right. An empty
// string among them means that the parameter may be left out.
type Answer struct {
	Name       string
	parameters []ojson.Member // each value an array of alternatives
}

// ParseAnswer reads {"name": {"parameter": [value, …], …}}.
func ParseAnswer(v *ojson.Value) (Answer, error) {
	if v.Kind != ojson.Object || len(v.Members) != 1 || v.Members[0].Value.Kind != ojson.Object {
		return Answer{}, fmt.Errorf("want an object with one function, not %.80s", v)
	}
	a := Answer{Name: v.Members[0].Name, parameters: v.Members[0].Value.Members}
	for _, m := range a.parameters {
		if m.Value.Kind != ojson.Array {
			return Answer{}, fmt.Errorf("%s: want an array of values for %q, not %.80s", a.Name, m.Name, m.Value)
		}
	}
	return a, nil
}

func (a Answer) alternatives(name string) (values []*ojson.Value, ok bool) {
	for _, m := range a.parameters {
		if m.Name == name {
			return m.Value.Items, true
		}
	}
	return nil, false
}

// isEmpty reports whether v is the empty string, which stands for a value left out.
func isEmpty(v *ojson.Value) bool { return v.Kind == ojson.String && v.Text == "" }

// Check judges calls by BFCL's rules: there are as many calls as answers, and going
// through the answers in order, each finds a call among those left that is right for it.
// Answers of unknown functions are never met.
func Check(functions []*Function, answers []Answer, calls []chat.Call) Verdict {
	names := sameNames(answers, calls)
	if len(calls) != len(answers) {
		return wrong(names, "%d calls, want %d", len(calls), len(answers))
	}
	used := make([]bool, len(calls))
	for _, answer := range answers {
		at := slices.IndexFunc(functions, func(f *Function) bool { return f.Name == answer.Name })
		if at < 0 {
			return wrong(names, "there is no function %q", answer.Name)
		}
		fault, found := "", false
		for i := range calls {
			if used[i] {
				continue
			}
			f := functions[at].check(answer, calls[i])
			if f == "" {
				used[i], found = true, true
				break
			}
			if fault == "" || calls[i].Name == answer.Name {
				fault = f // of the call that was meant, as far as one can tell
			}
		}
		if !found {
			return wrong(names, "%s", fault)
		}
	}
	return Verdict{Right: true, Names: true}
}

// sameNames reports whether the calls are of the answers' functions, in any order.
func sameNames(answers []Answer, calls []chat.Call) bool {
	var want, got []string
	for _, a := range answers {
		want = append(want, a.Name)
	}
	for _, c := range calls {
		got = append(got, c.Name)
	}
	slices.Sort(want)
	slices.Sort(got)
	return slices.Equal(want, got)
}

// check returns what is wrong with one call, "" if it is right for the answer.
func (f *Function) check(answer Answer, call chat.Call) string {
	if call.Name != f.Name {
		return fmt.Sprintf("calls %q, want %q", call.Name, f.Name)
	}
	arguments, err := ojson.Parse(call.Arguments)
	if err != nil || arguments.Kind != ojson.Object {
		return fmt.Sprintf("%s: the arguments are no JSON object", f.Name)
	}
	for _, name := range f.required {
		if arguments.Get(name) == nil {
			return fmt.Sprintf("%s: no %q, which is required", f.Name, name)
		}
	}
	for _, m := range arguments.Members {
		types, declared := f.types[m.Name]
		alternatives, answered := answer.alternatives(m.Name)
		if !declared || !answered {
			return fmt.Sprintf("%s: %q is unexpected", f.Name, m.Name)
		}
		if fault := checkParameter(m.Value, alternatives, types[0], types[1]); fault != "" {
			return fmt.Sprintf("%s: %s: %s", f.Name, m.Name, fault)
		}
	}
	for _, m := range answer.parameters {
		if arguments.Get(m.Name) == nil && !slices.ContainsFunc(m.Value.Items, isEmpty) {
			return fmt.Sprintf("%s: no %q, which the question gives", f.Name, m.Name)
		}
	}
	return ""
}

// checkParameter judges one value against its alternatives, by the declared type and, of a
// list, the type of its items.
func checkParameter(v *ojson.Value, alternatives []*ojson.Value, outer, inner kind) string {
	k := kindOf(v)
	if outer == floatKind && k == intKind {
		k = floatKind // 7 is a float where one is declared
	}
	valid, variable := checkType(v, k, alternatives, outer, inner)
	if !valid {
		return fmt.Sprintf("%.80s is not of type %s", v, outer)
	}
	right := false
	switch {
	case variable:
		right = contains(alternatives, v)
	case outer == dictKind:
		right = slices.ContainsFunc(alternatives, func(a *ojson.Value) bool { return rightObject(v, a) })
	case outer == listKind && inner == dictKind:
		right = slices.ContainsFunc(alternatives, func(a *ojson.Value) bool { return rightObjects(v, a) })
	case outer == stringKind:
		want := standard(v.Text)
		right = slices.ContainsFunc(alternatives, func(a *ojson.Value) bool { return a.Kind == ojson.String && standard(a.Text) == want })
	case outer == listKind:
		right = slices.ContainsFunc(alternatives, func(a *ojson.Value) bool { return Equal(standardItems(v), standardItems(a)) })
	default:
		right = contains(alternatives, v)
	}
	if !right {
		return fmt.Sprintf("%.80s, want one of %.200s", v, &ojson.Value{Kind: ojson.Array, Items: alternatives})
	}
	return ""
}

func contains(alternatives []*ojson.Value, v *ojson.Value) bool {
	return slices.ContainsFunc(alternatives, func(a *ojson.Value) bool { return Equal(a, v) })
}

// checkType reports whether a value of kind k has the declared type, or else that of the
// alternatives. variable says that these are of another type than the declared one: they
// name variables, and are compared exactly. The types of items are checked one level deep.
func checkType(v *ojson.Value, k kind, alternatives []*ojson.Value, outer, inner kind) (valid, variable bool) {
	answered := noKind
	for _, a := range alternatives {
		if !isEmpty(a) {
			answered = kindOf(a)
			break
		}
	}
	if k != outer {
		return k == answered, true
	}
	variable = answered != noKind && answered != outer
	if inner == noKind {
		return true, variable
	}
	for _, a := range alternatives {
		if a.Kind != ojson.Array || !slices.ContainsFunc(v.Items, func(item *ojson.Value) bool {
			ok, _ := checkType(item, kindOf(item), a.Items, inner, noKind)
			return !ok
		}) {
			return true, variable
		}
	}
	return false, false
}

// dropped are the characters that do not count in strings.
var dropped = strings.NewReplacer(" ", "", ",", "", ".", "", "/", "", "-", "", "_", "", "*", "", "^", "")

// standard returns the part of a string that counts: April 1, 2024 is april 1 2024.
func standard(s string) string {
	return strings.ReplaceAll(strings.ToLower(dropped.Replace(s)), "'", `"`)
}

func standardValue(v *ojson.Value) *ojson.Value {
	if v.Kind != ojson.String {
		return v
	}
	return &ojson.Value{Kind: ojson.String, Text: standard(v.Text)}
}

// standardItems returns a list with its strings in standard form. The empty string, which
// an answer may hold in place of a list, is the empty list.
func standardItems(v *ojson.Value) *ojson.Value {
	if isEmpty(v) {
		return &ojson.Value{Kind: ojson.Array}
	}
	if v.Kind != ojson.Array {
		return v
	}
	out := &ojson.Value{Kind: ojson.Array, Items: make([]*ojson.Value, len(v.Items))}
	for i, item := range v.Items {
		out.Items[i] = standardValue(item)
	}
	return out
}

// rightObject judges an object against an answer that gives for each member the
// alternatives: no member is unexpected, and those that may not be left out are there.
func rightObject(v, answer *ojson.Value) bool {
	if v.Kind != ojson.Object || answer.Kind != ojson.Object {
		return false
	}
	for _, m := range v.Members {
		alternatives := answer.Get(m.Name)
		if alternatives == nil || alternatives.Kind != ojson.Array {
			return false
		}
		if !contains(standardItems(alternatives).Items, standardValue(m.Value)) {
			return false
		}
	}
	for _, m := range answer.Members {
		if v.Get(m.Name) == nil && !slices.ContainsFunc(m.Value.Items, isEmpty) {
			return false
		}
	}
	return true
}

// rightObjects judges a list of objects against one of answers, in order.
func rightObjects(v, answer *ojson.Value) bool {
	if v.Kind != ojson.Array || len(v.Items) != len(answer.Items) || answer.Kind != ojson.Array && !isEmpty(answer) {
		return false
	}
	for i := range v.Items {
		if !rightObject(v.Items[i], answer.Items[i]) {
			return false
		}
	}
	return true
}

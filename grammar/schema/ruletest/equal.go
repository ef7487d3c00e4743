package ruletest

import (
	"encoding/json"
	"math/big"
	"reflect"
	"slices"
	"strings"
)

// Repeats reports whether the value or name text[at:end], in the JSON text that begins at
// document, equals one that stands before it in the same container.
func Repeats(text string, document, at, end int) bool {
	return slices.ContainsFunc(siblings(text, document, at), func(earlier string) bool { return equal(earlier, text[at:end]) })
}

// siblings returns the items or names that stand before position at in the innermost
// container of the JSON text that begins at from, as they are written.
func siblings(text string, from, at int) []string {
	type level struct {
		start int // of the current item or name, -1 for none
		array bool
		value bool // in an object: after the colon
		done  []string
	}
	var stack []level
	inString := false
	for i := from; i < at; i++ {
		b := text[i]
		top := &level{}
		if len(stack) > 0 {
			top = &stack[len(stack)-1]
		}
		if inString {
			if b == '\\' {
				i++
			} else if b == '"' {
				inString = false
				if len(stack) > 0 && !top.array && !top.value {
					top.done, top.start = append(top.done, text[top.start:i+1]), -1
				}
			}
			continue
		}
		if top.start < 0 && !strings.ContainsRune(",:]} \t\r\n", rune(b)) && (top.array || !top.value) {
			top.start = i
		}
		switch b {
		case '"':
			inString = true
		case '[', '{':
			stack = append(stack, level{start: -1, array: b == '['})
		case ':':
			top.value = true
		case ',':
			if top.array {
				top.done = append(top.done, text[top.start:i])
			}
			top.start, top.value = -1, false
		case ']', '}':
			if len(stack) > 0 {
				stack = stack[:len(stack)-1]
			}
		}
	}
	if len(stack) == 0 {
		return nil
	}
	return stack[len(stack)-1].done
}

// equal compares two JSON texts as JSON Schema does.
func equal(a, b string) bool {
	x, okA := normal(a)
	y, okB := normal(b)
	return okA && okB && reflect.DeepEqual(x, y)
}

func normal(text string) (any, bool) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil || dec.More() {
		return nil, false
	}
	return normalNumbers(v), true
}

// normalNumbers writes equal numbers alike.
func normalNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if r, ok := new(big.Rat).SetString(string(v)); ok {
			return json.Number(r.RatString())
		}
	case []any:
		for i := range v {
			v[i] = normalNumbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = normalNumbers(v[k])
		}
	}
	return v
}

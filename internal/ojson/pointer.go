package ojson

import (
	"fmt"
	"strconv"
	"strings"
)

// pointerEscaper and pointerUnescaper translate reference tokens of RFC 6901: '~' is
// written "~0" and '/' is written "~1".
var (
	pointerEscaper   = strings.NewReplacer("~", "~0", "/", "~1")
	pointerUnescaper = strings.NewReplacer("~1", "/", "~0", "~")
)

// AppendPointer returns the JSON Pointer (RFC 6901) of the member or item called token
// within the value that pointer names. The empty pointer names the whole document.
func AppendPointer(pointer, token string) string {
	if strings.ContainsAny(token, "~/") { // Replace copies what it does not change
		token = pointerEscaper.Replace(token)
	}
	return pointer + "/" + token
}

// SplitPointer splits a JSON Pointer into its unescaped reference tokens. The empty
// pointer has none; any other must begin with '/'.
func SplitPointer(pointer string) ([]string, error) {
	if pointer == "" {
		return nil, nil
	}
	if pointer[0] != '/' {
		return nil, fmt.Errorf("json: pointer %q does not begin with '/'", pointer)
	}
	tokens := strings.Split(pointer[1:], "/")
	for i, t := range tokens {
		for j := 0; j < len(t); j++ {
			if t[j] == '~' && (j+1 == len(t) || (t[j+1] != '0' && t[j+1] != '1')) {
				return nil, fmt.Errorf("json: pointer %q: '~' must be followed by 0 or 1", pointer)
			}
		}
		if strings.IndexByte(t, '~') >= 0 { // Replace copies what it does not change
			tokens[i] = pointerUnescaper.Replace(t)
		}
	}
	return tokens, nil
}

// Child returns the member of an Object or the item of an Array that a reference token
// names, or nil. Array indices have no leading zeros (RFC 6901, section 4).
func (v *Value) Child(token string) *Value {
	if v == nil {
		return nil
	}
	switch v.Kind {
	case Object:
		return v.Get(token)
	case Array:
		i, err := strconv.Atoi(token)
		if err != nil || i < 0 || i >= len(v.Items) || strconv.Itoa(i) != token {
			return nil
		}
		return v.Items[i]
	}
	return nil
}

// At returns the value that a JSON Pointer names within v, or an error that says which
// part of the pointer leads nowhere.
func (v *Value) At(pointer string) (*Value, error) {
	tokens, err := SplitPointer(pointer)
	if err != nil {
		return nil, err
	}
	at := ""
	for _, t := range tokens {
		at = AppendPointer(at, t)
		if v = v.Child(t); v == nil {
			return nil, fmt.Errorf("json: pointer %q: nothing at %q", pointer, at)
		}
	}
	return v, nil
}

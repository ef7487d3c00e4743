// Package ojson reads JSON into a tree that keeps what encoding/json's maps lose: the
// order of object members and the exact text of numbers. Tool schemas need both: the
// order of properties is the order in which a model writes them, and prompts must show
// a tool exactly as Python's json.dumps would.
package ojson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// MaxDepth bounds the nesting of a document: containers within containers. Deeper
// documents are refused, because every consumer of the tree recurses over it.
const MaxDepth = 512

// Kind tells what a Value is.
type Kind uint8

// The kinds of a Value.
const (
	Null Kind = iota
	Bool
	Number
	String
	Array
	Object
)

// String returns the JSON name of the kind.
func (k Kind) String() string {
	return [...]string{"null", "boolean", "number", "string", "array", "object"}[k]
}

// Value is one JSON value. Text holds the characters of a String, or the literal digits
// of a Number as written. A Value is immutable by convention once parsed.
type Value struct {
	Kind    Kind
	Bool    bool
	Text    string
	Items   []*Value // of an Array
	Members []Member // of an Object, in document order; of duplicates only the last is kept
}

// Member is one name/value pair of an Object.
type Member struct {
	Name  string
	Value *Value
}

// Get returns the member of an Object by name, or nil. Cost: linear in the members.
func (v *Value) Get(name string) *Value {
	if v == nil {
		return nil
	}
	for i := range v.Members {
		if v.Members[i].Name == name {
			return v.Members[i].Value
		}
	}
	return nil
}

// Parse reads exactly one JSON document (RFC 8259); trailing text other than white space
// is an error. Errors carry the byte offset.
func Parse(data []byte) (*Value, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	v, err := parseValue(dec, 0)
	if err != nil {
		return nil, offsetError(dec, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = errors.New("unexpected text after the document")
		}
		return nil, offsetError(dec, err)
	}
	return v, nil
}

func offsetError(dec *json.Decoder, err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("json: at byte %d: %w", dec.InputOffset(), err)
}

func parseValue(dec *json.Decoder, depth int) (*Value, error) {
	tok, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch t := tok.(type) {
	case nil:
		return &Value{Kind: Null}, nil
	case bool:
		return &Value{Kind: Bool, Bool: t}, nil
	case json.Number:
		return &Value{Kind: Number, Text: t.String()}, nil
	case string:
		return &Value{Kind: String, Text: t}, nil
	case json.Delim:
		if depth >= MaxDepth {
			return nil, fmt.Errorf("nested deeper than %d containers", MaxDepth)
		}
		if t == '[' {
			return parseArray(dec, depth)
		}
		return parseObject(dec, depth)
	}
	return nil, fmt.Errorf("unexpected token %v", tok)
}

func parseArray(dec *json.Decoder, depth int) (*Value, error) {
	v := &Value{Kind: Array}
	for dec.More() {
		item, err := parseValue(dec, depth+1)
		if err != nil {
			return nil, err
		}
		v.Items = append(v.Items, item)
	}
	_, err := dec.Token()
	return v, err
}

func parseObject(dec *json.Decoder, depth int) (*Value, error) {
	v := &Value{Kind: Object}
	index := make(map[string]int)
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil, err
		}
		name, _ := key.(string)
		item, err := parseValue(dec, depth+1)
		if err != nil {
			return nil, err
		}
		if at, dup := index[name]; dup {
			v.Members[at].Value = item
			continue
		}
		index[name] = len(v.Members)
		v.Members = append(v.Members, Member{Name: name, Value: item})
	}
	_, err := dec.Token()
	return v, err
}

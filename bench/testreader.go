package bench

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/callama/callama/gguf"
	"github.com/callama/callama/internal/ojson"
)

// testReader reads files of tests one after the other, in memory that it uses again: else a
// tenth of the garbage of a run would be the reading's.
type testReader struct {
	encoder *gguf.Encoder
	parser  ojson.Parser
	data    []byte  // of the file
	schema  []byte  // the text of the schema
	text    []byte  // of a test
	tokens  []int32 // of all tests
	tests   []instance
}

// instance is a test, ready to be followed.
type instance struct {
	valid  bool
	tokens []int32
}

// maxReuse bounds the elements of memory that is used again for the next file: most files need
// less, and what a large one needs is not held while the masks of others are measured.
const maxReuse = 1 << 14

// reuse returns the memory of a slice, empty.
func reuse[T any](s []T) []T {
	if cap(s) > maxReuse {
		return nil
	}
	return s[:0]
}

// read returns the text of the schema and the tests, tokenised, which are valid until the next
// file is read. Nothing else of the file is held.
func (r *testReader) read(file string) (schema []byte, tests []instance, err error) {
	r.schema, r.text, r.tokens, r.tests = reuse(r.schema), reuse(r.text), reuse(r.tokens), reuse(r.tests)
	err = r.parse(file, func(rules, list *ojson.Value) error {
		for i, t := range list.Items {
			valid, data := t.Get("valid"), t.Get("data")
			if valid == nil || valid.Kind != ojson.Bool || data == nil {
				return fmt.Errorf(`test %d: want "valid" and "data"`, i)
			}
			r.text = appendInstance(r.text[:0], data)
			from := len(r.tokens)
			r.tokens = r.encoder.AppendTokens(r.tokens, string(r.text))
			r.tests = append(r.tests, instance{valid.Bool, r.tokens[from:]})
		}
		at := 0 // as tokens may have grown by a copy
		for i := range r.tests {
			tokens := &r.tests[i].tokens
			*tokens = r.tokens[at : at+len(*tokens)]
			at += len(*tokens)
		}
		r.schema = rules.Append(r.schema, ojson.Compact)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	return r.schema, r.tests, nil
}

// opinion is secondOpinion on a test of a file, which is read again for it.
func (r *testReader) opinion(file string, test int) (keyword, detail string) {
	err := r.parse(file, func(rules, list *ojson.Value) error {
		keyword, detail = secondOpinion(rules.Append(nil, ojson.Compact), InstanceText(list.Items[test].Get("data")))
		return nil
	})
	if err != nil {
		return "no second opinion", err.Error()
	}
	return keyword, detail
}

// parse reads a file and has its schema and its tests looked at. Their values are not valid
// any more when it returns.
func (r *testReader) parse(file string, look func(rules, list *ojson.Value) error) error {
	var err error
	if r.data, err = readInto(reuse(r.data), file); err != nil {
		return err
	}
	parser := &r.parser
	if len(r.data) > maxReuse {
		parser = new(ojson.Parser)
	}
	defer parser.Reset()
	doc, err := parser.Parse(r.data)
	if err != nil {
		return err
	}
	rules, list := doc.Get("schema"), doc.Get("tests")
	if rules == nil || list == nil || list.Kind != ojson.Array {
		return errors.New(`want an object with "schema" and "tests"`)
	}
	return look(rules, list)
}

// readInto is os.ReadFile into the memory of a buffer, which must be empty.
func readInto(buf []byte, file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return buf, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return buf, err
	}
	buf = slices.Grow(buf, int(info.Size()))[:info.Size()]
	_, err = io.ReadFull(f, buf)
	return buf, err
}

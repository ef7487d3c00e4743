package bench

import (
	"math"
	"strconv"
	"strings"

	"github.com/callama/callama/internal/ojson"
)

// InstanceText writes an instance as MaskBench's runner does, with Python's
// json.dumps(data, indent=None, ensure_ascii=False): ", " between items and ": " after
// names, the members in the order of the file, and numbers as Python prints what it read:
// integers digit by digit, all others as the shortest decimal of their double. Numbers
// beyond the range of doubles, for which Python writes Infinity, stay as they are.
func InstanceText(v *ojson.Value) string { return string(appendInstance(nil, v)) }

// appendInstance appends the InstanceText of v.
func appendInstance(dst []byte, v *ojson.Value) []byte { return v.Append(dst, instanceStyle) }

var instanceStyle = ojson.Style{ItemSep: ojson.Python.ItemSep, KeySep: ojson.Python.KeySep, Number: pythonNumber}

// pythonNumber is json.dumps(json.loads(text)) for a number.
func pythonNumber(text string) string {
	if !strings.ContainsAny(text, ".eE") {
		if text == "-0" {
			return "0"
		}
		return text
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return text
	}
	// float.__repr__ uses an exponent below 1e-4 and from 1e16 on.
	if abs := math.Abs(x); abs != 0 && (abs < 1e-4 || abs >= 1e16) {
		return strconv.FormatFloat(x, 'e', -1, 64)
	}
	out := strconv.FormatFloat(x, 'f', -1, 64)
	if !strings.Contains(out, ".") {
		out += ".0"
	}
	return out
}

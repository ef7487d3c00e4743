package gguf

import "fmt"

// valueKind is the number that a metadata value's type has in a file.
type valueKind uint32

const (
	kindUint8 valueKind = iota
	kindInt8
	kindUint16
	kindInt16
	kindUint32
	kindInt32
	kindFloat32
	kindBool
	kindString
	kindArray
	kindUint64
	kindInt64
	kindFloat64
)

// kindBytes is the least number of bytes of a value, indexed by valueKind: the exact size
// of the fixed ones, the length fields of strings and arrays.
var kindBytes = [...]int64{
	kindUint8: 1, kindInt8: 1, kindUint16: 2, kindInt16: 2, kindUint32: 4, kindInt32: 4,
	kindFloat32: 4, kindBool: 1, kindString: 8, kindArray: 12, kindUint64: 8, kindInt64: 8,
	kindFloat64: 8,
}

func (k valueKind) known() bool { return int64(k) < int64(len(kindBytes)) }

// kindOf returns the kind of a value, and for arrays the kind and number of the elements.
func kindOf(v any) (kind, elem valueKind, n int, err error) {
	switch v := v.(type) {
	case uint8:
		kind = kindUint8
	case int8:
		kind = kindInt8
	case uint16:
		kind = kindUint16
	case int16:
		kind = kindInt16
	case uint32:
		kind = kindUint32
	case int32:
		kind = kindInt32
	case uint64:
		kind = kindUint64
	case int64:
		kind = kindInt64
	case float32:
		kind = kindFloat32
	case float64:
		kind = kindFloat64
	case bool:
		kind = kindBool
	case string:
		kind = kindString
	default:
		elem, n, err = elementKind(v)
		return kindArray, elem, n, err
	}
	return kind, 0, 0, nil
}

func elementKind(v any) (elem valueKind, n int, err error) {
	switch v := v.(type) {
	case []uint8:
		return kindUint8, len(v), nil
	case []int8:
		return kindInt8, len(v), nil
	case []uint16:
		return kindUint16, len(v), nil
	case []int16:
		return kindInt16, len(v), nil
	case []uint32:
		return kindUint32, len(v), nil
	case []int32:
		return kindInt32, len(v), nil
	case []uint64:
		return kindUint64, len(v), nil
	case []int64:
		return kindInt64, len(v), nil
	case []float32:
		return kindFloat32, len(v), nil
	case []float64:
		return kindFloat64, len(v), nil
	case []bool:
		return kindBool, len(v), nil
	case []string:
		return kindString, len(v), nil
	case []any:
		return kindArray, len(v), nil
	}
	return 0, 0, fmt.Errorf("metadata cannot hold a %T", v)
}

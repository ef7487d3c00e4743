package engine

import (
	"strings"
	"testing"
)

func TestStopper(t *testing.T) {
	for _, tt := range []struct {
		name   string
		stops  []string
		pieces []string
		want   string
		stop   bool
	}{
		{"none", nil, []string{"ab", "c"}, "abc", false},
		{"empty string is none", []string{""}, []string{"ab"}, "ab", false},
		{"within a piece", []string{"b"}, []string{"abc"}, "a", true},
		{"over pieces", []string{"end"}, []string{"the e", "n", "d."}, "the ", true},
		{"false start", []string{"end"}, []string{"the en", "try"}, "the entry", false},
		{"held to the last", []string{"end"}, []string{"the en"}, "the en", false},
		{"first of two", []string{"yz", "xy"}, []string{"wx", "yz"}, "w", true},
		{"overlapping itself", []string{"aab"}, []string{"a", "a", "a", "b"}, "a", true},
		{"within a character", []string{"é"}, []string{"caf\xc3", "\xa9!"}, "caf", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			s := newStopper(tt.stops, func(b []byte) error { out.Write(b); return nil })
			stopped := false
			for _, p := range tt.pieces {
				var err error
				if stopped, err = s.write([]byte(p)); err != nil {
					t.Fatal(err)
				}
				if stopped {
					break
				}
			}
			if !stopped {
				if err := s.flush(); err != nil {
					t.Fatal(err)
				}
			}
			if out.String() != tt.want || stopped != tt.stop {
				t.Errorf("%q, stopped %v; want %q, %v", out.String(), stopped, tt.want, tt.stop)
			}
		})
	}
}

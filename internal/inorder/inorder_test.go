package inorder

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// upTo yields 0 to n-1; a negative n has no end.
func upTo(n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for i := 0; i != n && yield(i); i++ {
		}
	}
}

// window is the bound of items in hand.
func window() int { return perCore * runtime.GOMAXPROCS(0) }

// loop is what Each must give.
func loop(items iter.Seq[int], work func(int) (string, error), each func(string) error) error {
	for item := range items {
		result, err := work(item)
		if err != nil {
			return err
		}
		if err := each(result); err != nil {
			return err
		}
	}
	return nil
}

// TestEachIsTheLoop: whichever work ends first. Time is synctest's, so work that sleeps overtakes for sure,
// and a goroutine that stays is a failure.
func TestEachIsTheLoop(t *testing.T) {
	many := 5 * window()
	delays := map[string]func(i int) int{
		"at once":     func(int) int { return 0 },
		"last first":  func(i int) int { return many - i },
		"first first": func(i int) int { return i },
		"any order":   func(i int) int { return rand.New(rand.NewPCG(1, uint64(i))).IntN(1000) },
	}
	for name, tc := range map[string]struct {
		n          int
		work, each []int // the items that fail
	}{
		"no item":               {n: 0},
		"one item":              {n: 1},
		"all in hand":           {n: window()},
		"one more":              {n: window() + 1},
		"many items":            {n: many},
		"work fails first":      {n: many, work: []int{0}},
		"work fails":            {n: many, work: []int{window() + 3}},
		"work fails last":       {n: many, work: []int{many - 1}},
		"work fails twice":      {n: many, work: []int{7, 4}},
		"each fails":            {n: many, each: []int{window() + 3}},
		"each fails last":       {n: many, each: []int{many - 1}},
		"each fails, then work": {n: many, work: []int{5}, each: []int{4}},
		"work fails, then each": {n: many, work: []int{4}, each: []int{5}},
		"both fail":             {n: many, work: []int{4}, each: []int{4}},
	} {
		for order, delay := range delays {
			t.Run(name+", "+order, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					work := func(i int) (string, error) {
						time.Sleep(time.Duration(delay(i)))
						if slices.Contains(tc.work, i) {
							return "", fmt.Errorf("work %d", i)
						}
						return fmt.Sprint(i), nil
					}
					var got, want []string
					collect := func(list *[]string) func(string) error {
						return func(result string) error {
							*list = append(*list, result)
							if i := len(*list) - 1; slices.Contains(tc.each, i) {
								return fmt.Errorf("each %d", i)
							}
							return nil
						}
					}
					gotErr := Each(t.Context(), upTo(tc.n), work, collect(&got))
					wantErr := loop(upTo(tc.n), work, collect(&want))
					if fmt.Sprint(gotErr) != fmt.Sprint(wantErr) || !slices.Equal(got, want) {
						t.Errorf("%d results %v, error %v\nwant %d results %v, error %v", len(got), got, gotErr, len(want), want, wantErr)
					}
				})
			})
		}
	}
}

// TestEachEnds: however it ends, all work has ended, and no more was begun than fits in hand.
func TestEachEnds(t *testing.T) {
	stop := errors.New("stop")
	for name, tc := range map[string]struct {
		cancel int                       // the result at which the context is cancelled, -1 before all
		work   func(i int) error         // ends it
		each   func(result int) error    // ends it
		items  func(i int)               // ends it
		want   func(ended any) (ok bool) // an error, or what was recovered
		rows   int
	}{
		"cancelled before":        {cancel: -1, want: is(context.Canceled), rows: 0},
		"cancelled on the way":    {cancel: 3, want: is(context.Canceled), rows: 4},
		"work fails":              {work: at(3, func() error { return stop }), want: is(stop), rows: 3},
		"each fails":              {each: at(3, func() error { return stop }), want: is(stop), rows: 4},
		"work panics":             {work: at(3, func() error { panic("oh") }), want: says("oh\n\n", "inorder.TestEachEnds"), rows: 3},
		"work panics with nil":    {work: at(3, func() error { panic(nil) }), want: says("nil"), rows: 3},
		"work ends its goroutine": {work: at(3, func() error { runtime.Goexit(); return nil }), want: says("nil", "Goexit"), rows: 3},
		"each panics":             {each: at(3, func() error { panic("oh") }), want: says("oh"), rows: 4},
		"items panic":             {items: func(i int) { at(3, func() error { panic("oh") })(i) }, want: says("oh"), rows: 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tc.cancel < 0 {
					cancel()
				}
				var begun, running atomic.Int64
				rows := 0
				ended := outcome(func() error {
					return Each(ctx, func(yield func(int) bool) {
						for i := 0; yield(i); i++ {
							if tc.items != nil {
								tc.items(i)
							}
						}
					}, func(i int) (int, error) {
						begun.Add(1)
						running.Add(1)
						defer running.Add(-1)
						time.Sleep(time.Duration(i))
						if tc.work == nil {
							return i, nil
						}
						return i, tc.work(i)
					}, func(result int) error {
						if rows++; tc.cancel == result && tc.cancel > 0 {
							cancel()
						}
						if tc.each == nil {
							return nil
						}
						return tc.each(result)
					})
				})
				if !tc.want(ended) || rows != tc.rows {
					t.Errorf("%d results, ended with %v, want %d results", rows, ended, tc.rows)
				}
				if n := running.Load(); n != 0 {
					t.Errorf("%d still work", n)
				}
				if n := int(begun.Load()); n > rows+window() || tc.cancel < 0 && n > 0 {
					t.Errorf("%d have begun for %d results", n, rows)
				}
			})
		})
	}
}

// at does something at one item.
func at(item int, do func() error) func(int) error {
	return func(i int) error {
		if i == item {
			return do()
		}
		return nil
	}
}

// outcome returns the error of f, or what it panics with.
func outcome(f func() error) (ended any) {
	defer func() {
		if p := recover(); p != nil {
			ended = p
		}
	}()
	return f()
}

// is recognises an error.
func is(want error) func(any) bool {
	return func(ended any) bool {
		err, ok := ended.(error)
		return ok && errors.Is(err, want)
	}
}

// says recognises a panic by what it says.
func says(texts ...string) func(any) bool {
	return func(ended any) bool {
		text, ok := ended.(string)
		return ok && !slices.ContainsFunc(texts, func(part string) bool { return !strings.Contains(text, part) })
	}
}

// TestEachWorksAtOnce: as many items as fit in hand take the time of one.
func TestEachWorksAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		err := Each(t.Context(), upTo(3*window()), func(int) (int, error) {
			time.Sleep(time.Second)
			return 0, nil
		}, func(int) error { return nil })
		if took := time.Since(start); err != nil || took != 3*time.Second {
			t.Errorf("%d items of a second took %v, error %v", 3*window(), took, err)
		}
	})
}

// BenchmarkEach is what an item costs that is no work.
func BenchmarkEach(b *testing.B) {
	b.ReportAllocs()
	err := Each(b.Context(), upTo(b.N), func(i int) (int, error) { return i, nil }, func(int) error { return nil })
	if err != nil {
		b.Fatal(err)
	}
}

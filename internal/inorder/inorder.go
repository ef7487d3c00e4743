// Package inorder works on many items at once and hands on what comes of them in the items' order, as if
// they had been worked on one after the other.
package inorder

import (
	"context"
	"fmt"
	"iter"
	"runtime"
	"runtime/debug"
	"sync"
)

// perCore bounds the items in hand, for each core: enough that the others go on while one takes long.
const perCore = 8

// Each calls work with every item, on all processor cores (GOMAXPROCS), and each with the results, in the
// items' order. It gives what this loop gives, if work depends on its item alone:
//
//	for item := range items {
//		result, err := work(item) // or return err
//		err = each(result)        // or return err
//	}
//
// So the first item in order that fails, in work or in each, gives the error, and no later result is
// handed on. A context that is done ends it with the context's error: no item begins and no result is
// handed on after that; work that has begun is waited for.
//
// items and each run in the caller's goroutine, work in others, several at a time: what it shares with
// itself, with items or with each must be safe for concurrent use. An item and its result belong to work
// and then to each; Each keeps neither. A few items for each core are in hand at most, so items may be
// without end. All goroutines have ended when Each returns. A panic of work becomes one of Each, with the
// stack of where it was, when the item's turn comes.
func Each[In, Out any](ctx context.Context, items iter.Seq[In], work func(In) (Out, error), each func(Out) error) error {
	var running sync.WaitGroup
	defer running.Wait()
	inHand := make(chan *job[Out], perCore*runtime.GOMAXPROCS(0)) // the oldest comes out first
	for item := range items {
		if len(inHand) == cap(inHand) {
			if err := (<-inHand).deliver(ctx, each); err != nil {
				return err
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		j := &job[Out]{done: make(chan struct{})}
		inHand <- j
		running.Go(func() { j.run(func() (Out, error) { return work(item) }) })
	}
	close(inHand)
	for j := range inHand {
		if err := j.deliver(ctx, each); err != nil {
			return err
		}
	}
	return nil
}

// job is one item in hand. Its goroutine writes it until done is closed, then the caller of Each reads it.
type job[Out any] struct {
	done     chan struct{}
	result   Out
	err      error
	panicked string // the panic's value and stack
}

// run does the work, and closes done however that ends.
func (j *job[Out]) run(work func() (Out, error)) {
	defer close(j.done)
	returned := false
	defer func() {
		if !returned { // a panic, or runtime.Goexit, where recover gives nil
			j.panicked = fmt.Sprintf("%v\n\n%s", recover(), debug.Stack())
		}
	}()
	j.result, j.err = work()
	returned = true
}

// deliver waits for the result and hands it on.
func (j *job[Out]) deliver(ctx context.Context, each func(Out) error) error {
	<-j.done
	if j.panicked != "" {
		panic(j.panicked)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if j.err != nil {
		return j.err
	}
	return each(j.result)
}

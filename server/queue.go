package server

import (
	"context"
	"errors"
	"sync"
	"time"
)

var (
	errQueueFull = errors.New("the server is busy and its queue is full")
	errStopping  = errors.New("the server is stopping")
)

// queue lets one request at a time through, in the order they came, and bounds how many
// wait.
type queue struct {
	turn    chan struct{} // holds the running request
	places  chan struct{} // holds the running request and those that wait
	closing chan struct{}
	once    sync.Once

	mu   sync.Mutex
	mean time.Duration // of recent turns, exponentially weighted
}

func newQueue(waiting int) *queue {
	return &queue{
		turn:    make(chan struct{}, 1),
		places:  make(chan struct{}, waiting+1),
		closing: make(chan struct{}),
	}
}

// enter waits for the request's turn; leave ends it, once
// however often it is called. The error is errQueueFull at once when
// nobody more may wait, errStopping, or the context's.
func (q *queue) enter(ctx context.Context) (leave func(), err error) {
	select {
	case <-q.closing:
		return nil, errStopping
	default:
	}
	select {
	case q.places <- struct{}{}:
	default:
		return nil, errQueueFull
	}
	// Senders that block on a channel are served first come, first served.
	select {
	case q.turn <- struct{}{}:
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-q.closing:
		err = errStopping
	}
	if err != nil {
		<-q.places
		return nil, err
	}
	start := time.Now()
	return sync.OnceFunc(func() {
		q.note(time.Since(start))
		<-q.turn
		<-q.places
	}), nil
}

// close refuses those that wait and those that come; the running request goes on.
func (q *queue) close() { q.once.Do(func() { close(q.closing) }) }

func (q *queue) note(turn time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.mean == 0 {
		q.mean = turn
	}
	q.mean += (turn - q.mean) / 4
}

// maxRetry bounds the advice of retryAfter: clients should look again in a while even when
// the requests before them are long.
const maxRetry = time.Minute

// retryAfter says when a place is likely to be free: after about one turn.
func (q *queue) retryAfter() time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	return min(max(q.mean.Round(time.Second), time.Second), maxRetry)
}

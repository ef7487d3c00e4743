package server

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/callama/callama"
)

// maxFreshSeed bounds the seeds drawn for requests without one: integers that a float64 holds
// exactly.
const maxFreshSeed = 1 << 53

// chat answers POST /v1/chat/completions: decode, wait for the engine, answer, encode.
func (s *Server) chat(w http.ResponseWriter, r *http.Request) error {
	req, err := s.decode(w, r)
	if err != nil {
		return err
	}
	ctx := r.Context() // ends when the client goes away
	came := time.Now()
	leave, err := s.queue.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	waited, head := time.Since(came), s.newHead()
	if req.Seed == nil {
		// The reply reports it; JSON readers that hold numbers as float64 keep it whole.
		seed := rand.Uint64N(maxFreshSeed)
		req.Seed = &seed
	}
	if req.stream {
		return s.chatStream(ctx, w, req, head, waited)
	}
	reply, err := s.engine.Chat(ctx, req.Request, nil)
	if err != nil {
		return err
	}
	s.warnDropped(reply)
	leave() // the next request need not wait for this client to read
	reply.Timings.Queue += waited
	return writeJSON(w, http.StatusOK, encodeReply(head, reply))
}

// warnDropped logs what a lenient model did not enforce.
func (s *Server) warnDropped(reply *callama.Reply) {
	for _, d := range reply.Dropped {
		s.cfg.Log.Warn("server: not enforced", "schema", d)
	}
}

// chatStream answers with server-sent events. Until the first increment exists an error is
// still an ordinary HTTP error; later it is told within the stream.
func (s *Server) chatStream(ctx context.Context, w http.ResponseWriter, req *chatRequest, head head, waited time.Duration) error {
	stream := &eventStream{w: w, control: http.NewResponseController(w), head: head, includeUsage: req.includeUsage}
	reply, err := s.engine.Chat(ctx, req.Request, stream.delta)
	if err == nil {
		s.warnDropped(reply)
		reply.Timings.Queue += waited
		err = stream.finish(reply)
	}
	switch cause := context.Cause(ctx); {
	case err == nil:
		return nil
	case stream.broken != nil:
		s.cfg.Log.Info("server: the client went away", "error", stream.broken)
		return nil
	case errors.Is(cause, errStopping):
		err = cause
		fallthrough
	case cause == nil:
		stream.fail(s.describe(err))
	}
	return err
}

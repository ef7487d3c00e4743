// Package server offers a model over HTTP as OpenAI's chat completions API: POST
// /v1/chat/completions, GET /v1/models, GET /v1/models/{id} and GET /health.
//
// A request goes through three files: decode.go reads it into a callama.Request, the Engine
// answers it, encode.go (whole) or stream.go (server-sent events) writes the reply. What the
// server cannot do it refuses with a status 400 that names the parameter, instead of
// answering another question (the table refused in decode.go).
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/callama/callama"
)

// Engine answers one request at a time; *callama.Model is one. Chat calls emit, unless it is
// nil, with every increment of the reply as it grows, and stops with emit's error when it
// returns one. It stops soon after the context ends and returns the context's error.
type Engine interface {
	Chat(ctx context.Context, req callama.Request, emit func(callama.Delta) error) (*callama.Reply, error)
}

// The defaults and bounds of a server.
const (
	// DefaultQueue is the number of requests that wait while one is answered.
	DefaultQueue = 16
	// DefaultMaxBody is the longest request body, in bytes: room for 500 tools of 2 KB and
	// a context of 128k tokens, many times over.
	DefaultMaxBody = 16 << 20
	// DefaultGrace is how long the requests in flight may go on when the server ends.
	DefaultGrace = 10 * time.Second

	// abortTime is how long cancelled requests have to write their error: an engine stops
	// within one step.
	abortTime = 5 * time.Second
	// headerTime and bodyTime bound how long a client may take to send a request.
	headerTime = 10 * time.Second
	bodyTime   = 60 * time.Second
	// writeTime bounds each write: a client that does not read must not hold the model.
	writeTime = 30 * time.Second
	// idleTime is how long a connection is kept for another request.
	idleTime = 2 * time.Minute
	// maxHeader bounds the request's header, in bytes.
	maxHeader = 64 << 10
)

// Config says how a Server behaves. The zero value is a good default.
type Config struct {
	// Model is the name that the model is served under; "" is "callama". A request for
	// another name is refused.
	Model string
	// Created is when the model was made; zero is the time of New.
	Created time.Time
	// Fingerprint tells clients which model and settings made a reply (system_fingerprint):
	// the same seed gives the same reply only under the same fingerprint.
	Fingerprint string
	// Queue is the number of requests that may wait; 0 is DefaultQueue, -1 is none.
	Queue int
	// MaxBody bounds a request's body in bytes; 0 is DefaultMaxBody.
	MaxBody int64
	// Grace is how long requests in flight may go on when the server ends; 0 is
	// DefaultGrace, negative is no time.
	Grace time.Duration
	// Log receives one line for each request and each failure; nil is slog.Default.
	Log *slog.Logger
}

// Server is an http.Handler that answers requests by an Engine, one at a time. It is safe
// for concurrent use.
type Server struct {
	engine Engine
	cfg    Config
	mux    *http.ServeMux
	queue  *queue
}

// New returns a Server for the engine.
func New(engine Engine, cfg Config) *Server {
	if cfg.Model == "" {
		cfg.Model = "callama"
	}
	if cfg.Created.IsZero() {
		cfg.Created = time.Now()
	}
	if cfg.Queue == 0 {
		cfg.Queue = DefaultQueue
	}
	if cfg.MaxBody <= 0 {
		cfg.MaxBody = DefaultMaxBody
	}
	if cfg.Grace == 0 {
		cfg.Grace = DefaultGrace
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	s := &Server{engine: engine, cfg: cfg, mux: http.NewServeMux(), queue: newQueue(max(0, cfg.Queue))}
	for _, route := range []struct {
		method, path string
		handle       func(http.ResponseWriter, *http.Request) error
	}{
		{http.MethodPost, "/v1/chat/completions", s.chat},
		{http.MethodGet, "/v1/models", s.listModels},
		{http.MethodGet, "/v1/models/{id...}", s.retrieveModel},
		{http.MethodGet, "/health", s.health},
	} {
		s.mux.Handle(route.method+" "+route.path, s.wrap(route.handle))
		s.mux.Handle(route.path, s.wrap(func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("Allow", route.method)
			return &apiError{Status: http.StatusMethodNotAllowed, Type: typeRequest, Code: "method_not_allowed",
				Message: fmt.Sprintf("%s takes %s, not %s", r.URL.Path, route.method, r.Method)}
		}))
	}
	s.mux.Handle("/", s.wrap(func(_ http.ResponseWriter, r *http.Request) error {
		return &apiError{Status: http.StatusNotFound, Type: typeRequest, Code: "unknown_url",
			Message: fmt.Sprintf("unknown path: %s %s", r.Method, r.URL.Path)}
	}))
	return s
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Serve accepts connections from l until ctx ends, and closes l. Then requests that wait are
// refused, and those in flight have Config.Grace to finish before they are cancelled. Serve
// returns nil after such an end, and an error when connections can no longer be accepted. A
// Server serves once.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	// Requests outlive ctx: it only starts the end. They end by their own context.
	requests, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	hs := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: headerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		BaseContext:       func(net.Listener) context.Context { return requests },
		ErrorLog:          slog.NewLogLogger(s.cfg.Log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- hs.Serve(l) }()
	select {
	case err := <-failed:
		hs.Close()
		return fmt.Errorf("server: %w", err)
	case <-ctx.Done():
	}
	s.queue.close()
	grace, done := context.WithTimeout(context.Background(), max(0, s.cfg.Grace))
	defer done()
	if hs.Shutdown(grace) == nil {
		return nil
	}
	cancel(errStopping)
	abort, done := context.WithTimeout(context.Background(), abortTime)
	defer done()
	if err := hs.Shutdown(abort); err != nil {
		hs.Close()
		return errors.New("server: requests in flight did not stop in time")
	}
	return nil
}

// wrap makes a handler of a function that returns its error: the error is written as
// OpenAI's error object unless the reply has begun, a panic as an internal error.
func (s *Server) wrap(handle func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w := &replyWriter{ResponseWriter: rw}
		start := time.Now()
		// A deadline set for an earlier request on this connection is still there.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler {
					panic(p)
				}
				s.cfg.Log.Error("server: panic", "method", r.Method, "path", r.URL.Path, "panic", p, "stack", string(debug.Stack()))
				if w.status != 0 {
					panic(http.ErrAbortHandler) // half a reply must not look like a whole one
				}
				s.fail(w, r, errors.New("internal error"))
			}
			s.cfg.Log.Info("server: request", "method", r.Method, "path", r.URL.Path, "status", w.status,
				"duration", time.Since(start).Round(time.Millisecond))
		}()
		if err := handle(w, r); err != nil {
			s.fail(w, r, err)
		}
	})
}

// replyWriter remembers whether the reply has begun.
type replyWriter struct {
	http.ResponseWriter
	status int // 0: not begun
}

func (w *replyWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *replyWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *replyWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

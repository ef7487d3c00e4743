package server

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/callama/callama"
	"github.com/callama/callama/chat"
	"github.com/callama/callama/grammar/schema"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// script is an Engine that does what a test says: the edges of the protocol need replies
// and failures at moments that no model can be asked for.
type script func(ctx context.Context, req callama.Request, emit func(callama.Delta) error) (*callama.Reply, error)

func (s script) Chat(ctx context.Context, req callama.Request, emit func(callama.Delta) error) (*callama.Reply, error) {
	return s(ctx, req, emit)
}

// patience bounds every wait of a test for something that must happen.
const patience = 10 * time.Second

func testConfig() Config {
	return Config{Model: "tiny", Created: time.Unix(1700000000, 0), Fingerprint: "fp_test", Log: slog.New(slog.DiscardHandler)}
}

// post answers one request without a network.
func post(engine Engine, cfg Config, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/v1/chat/completions", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	w := httptest.NewRecorder()
	New(engine, cfg).ServeHTTP(w, r)
	return w
}

// running is a server on a socket.
type running struct {
	url  string
	stop context.CancelFunc
	done chan error // what Serve returned
}

func serve(t *testing.T, s *Server) *running {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	r := &running{"http://" + l.Addr().String(), stop, make(chan error, 1)}
	go func() { r.done <- s.Serve(ctx, l) }()
	t.Cleanup(stop)
	return r
}

// send posts to a running server; the error is the connection's.
func (r *running) send(ctx context.Context, body string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	return http.DefaultClient.Do(req)
}

func (r *running) wait(t *testing.T) error {
	t.Helper()
	return receive(t, r.done)
}

func receive[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal("waited in vain")
		panic("unreachable")
	}
}

func readError(t *testing.T, body io.Reader) (e struct {
	Error struct{ Message, Type, Param, Code string }
}) {
	t.Helper()
	if err := json.NewDecoder(body).Decode(&e); err != nil {
		t.Fatalf("not an error object: %v", err)
	}
	return e
}

func TestEngineErrors(t *testing.T) {
	input := &chat.InputError{What: "tools", Pointer: "/1/function", Err: errors.New("bad")}
	tests := []struct {
		name        string
		err         error
		status      int
		param, code string
	}{
		{"a bad request", fmt.Errorf("callama: %w: no", callama.ErrRequest), 400, "", ""},
		{"a long prompt", fmt.Errorf("callama: 9 tokens: %w", callama.ErrContextLength), 400, "messages", "context_length_exceeded"},
		{"a bad tool", fmt.Errorf("%w: %w", callama.ErrRequest, input), 400, "tools[1].function", ""},
		{"a schema of a tool", fmt.Errorf("%w: %w", callama.ErrRequest, &schema.Error{Code: schema.ErrUnsupported, Tool: "add", Pointer: "/properties/a/not", Keyword: "not"}),
			400, "tools", "unsupported_schema"},
		{"a malformed schema", &schema.Error{Code: schema.ErrInvalid, Pointer: "/type", Keyword: "type"}, 400, "response_format", "invalid_schema"},
		{"anything else", errors.New("decode failed"), 500, "", ""},
	}
	for _, test := range tests {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, stream=%v", test.name, stream), func(t *testing.T) {
				w := post(script(func(context.Context, callama.Request, func(callama.Delta) error) (*callama.Reply, error) {
					return nil, test.err
				}), testConfig(), with(fmt.Sprintf(`"stream":%v`, stream)))
				e := readError(t, w.Body).Error
				if w.Code != test.status || e.Param != test.param || e.Code != test.code {
					t.Errorf("status %d, %+v", w.Code, e)
				}
			})
		}
	}
}

func TestPathsAndMethods(t *testing.T) {
	s := New(script(nil), testConfig())
	tests := []struct {
		method, path, kind string
		status             int
		want               string // part of the body
	}{
		{"GET", "/health", "", 200, `{"status":"ok"}`},
		{"GET", "/v1/models", "", 200, `{"object":"list","data":[{"id":"tiny","object":"model","created":1700000000,"owned_by":"callama"}]}`},
		{"GET", "/v1/models/tiny", "", 200, `{"id":"tiny","object":"model",`},
		{"GET", "/v1/models/org/other", "", 404, `"code":"model_not_found"`},
		{"GET", "/v1/nothing", "", 404, `"code":"unknown_url"`},
		{"GET", "/v1/chat/completions", "", 405, `"code":"method_not_allowed"`},
		{"DELETE", "/v1/models/tiny", "", 405, `"code":"method_not_allowed"`},
		{"POST", "/v1/chat/completions", "", 415, `"code":"unsupported_media_type"`},
		{"POST", "/v1/chat/completions", "text/plain", 415, `"code":"unsupported_media_type"`},
	}
	for _, test := range tests {
		t.Run(test.method+" "+test.path+" "+test.kind, func(t *testing.T) {
			r := httptest.NewRequest(test.method, test.path, nil)
			if test.kind != "" {
				r.Header.Set("Content-Type", test.kind)
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code != test.status || !strings.Contains(w.Body.String(), test.want) {
				t.Errorf("status %d: %s", w.Code, w.Body)
			}
		})
	}
}

// sample is a reply with everything in it, and the increments that make it.
func sample() (*callama.Reply, []callama.Delta) {
	reply := &callama.Reply{
		Content:   "Let me <add>.",
		Reasoning: "two numbers",
		Calls: []chat.Call{{ID: "call_1", Name: "add", Arguments: json.RawMessage(`{"a": 1, "b": 2}`)},
			{ID: "call_2", Name: "now", Arguments: json.RawMessage(`{}`)}},
		FinishReason: callama.FinishCalls,
		Seed:         9,
		Usage:        callama.Usage{PromptTokens: 20, CompletionTokens: 10},
		Timings:      callama.Timings{Prefill: 2 * time.Second, Decode: 500 * time.Millisecond, Mask: time.Millisecond, Queue: -time.Hour},
	}
	call := func(index int, id, name, arguments string) callama.Delta {
		return callama.Delta{Call: &callama.CallDelta{Index: index, ID: id, Name: name, Arguments: arguments}}
	}
	return reply, []callama.Delta{{Reasoning: "two numbers"}, {Content: "Let me"}, {Content: " <add>."},
		call(0, "call_1", "add", ""), call(0, "", "", `{"a": 1`), call(0, "", "", `, "b": 2}`), call(1, "call_2", "now", `{}`)}
}

func sampleEngine(_ context.Context, _ callama.Request, emit func(callama.Delta) error) (*callama.Reply, error) {
	reply, deltas := sample()
	if emit != nil {
		for _, d := range deltas {
			if err := emit(d); err != nil {
				return nil, err
			}
		}
	}
	return reply, nil
}

// volatile is what differs between two runs of a golden test.
var volatile = regexp.MustCompile(`"id":"chatcmpl-[a-z2-7]{26}"|"created":\d+|"queue_ms":[-.\d]+`)

func TestReplyGolden(t *testing.T) {
	for name, parameters := range map[string]string{
		"reply.json":       `"stream":false`,
		"stream.txt":       `"stream":true`,
		"stream_usage.txt": `"stream":true,"stream_options":{"include_usage":true}`,
	} {
		t.Run(name, func(t *testing.T) {
			w := post(script(sampleEngine), testConfig(), with(parameters))
			if w.Code != http.StatusOK {
				t.Fatalf("status %d: %s", w.Code, w.Body)
			}
			got := volatile.ReplaceAllStringFunc(w.Body.String(), func(s string) string {
				return s[:strings.Index(s, ":")+1] + `"…"`
			})
			path := filepath.Join("testdata", name)
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestCallsWithoutIDGetOne(t *testing.T) {
	engine := script(func(_ context.Context, _ callama.Request, emit func(callama.Delta) error) (*callama.Reply, error) {
		if emit != nil {
			if err := emit(callama.Delta{Call: &callama.CallDelta{Name: "now", Arguments: "{}"}}); err != nil {
				return nil, err
			}
		}
		return &callama.Reply{Calls: []chat.Call{{Name: "now", Arguments: json.RawMessage(`{}`)}}, FinishReason: callama.FinishCalls}, nil
	})
	id := regexp.MustCompile(`"id":"call_[a-z2-7]{26}"`)
	for _, parameters := range []string{`"stream":false`, `"stream":true`} {
		if w := post(engine, testConfig(), with(parameters)); !id.MatchString(w.Body.String()) {
			t.Errorf("%s: no id in %s", parameters, w.Body)
		}
	}
}

func TestMidStreamError(t *testing.T) {
	w := post(script(func(_ context.Context, _ callama.Request, emit func(callama.Delta) error) (*callama.Reply, error) {
		if err := emit(callama.Delta{Content: "one"}); err != nil {
			return nil, err
		}
		return nil, errors.New("the device is gone")
	}), testConfig(), with(`"stream":true`))
	events := strings.Split(strings.TrimSpace(w.Body.String()), "\n\n")
	if last := events[len(events)-1]; w.Code != 200 || len(events) != 3 ||
		last != "event: error\ndata: "+`{"error":{"message":"the device is gone","type":"server_error","param":null,"code":null}}` {
		t.Errorf("status %d, events %q", w.Code, events)
	}
}

func TestPanicsDoNotEndTheServer(t *testing.T) {
	srv := serve(t, New(script(func(_ context.Context, req callama.Request, emit func(callama.Delta) error) (*callama.Reply, error) {
		switch req.MaxTokens {
		case 1:
			panic("before the reply")
		case 2:
			if err := emit(callama.Delta{Content: "half"}); err != nil {
				return nil, err
			}
			panic("within the reply")
		}
		return &callama.Reply{Content: "fine", FinishReason: callama.FinishStop}, nil
	}), testConfig()))

	res, err := srv.send(t.Context(), with(`"max_tokens":1`))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if e := readError(t, res.Body).Error; res.StatusCode != 500 || e.Message != "internal error" {
		t.Errorf("before the reply: status %d, %+v", res.StatusCode, e)
	}
	res, err = srv.send(t.Context(), with(`"max_tokens":2,"stream":true`))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err == nil {
		t.Errorf("within the reply: it looks whole: %q", body)
	}
	res, err = srv.send(t.Context(), hello)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 200 {
		t.Errorf("afterwards: status %d", res.StatusCode)
	}
}

// gate is an engine that tells when a request runs, and waits until it may end.
type gate struct {
	entered chan int // MaxTokens of the request
	open    chan struct{}
	ended   chan error
}

func newGate() *gate {
	return &gate{make(chan int, 10), make(chan struct{}, 10), make(chan error, 10)}
}

func (g *gate) Chat(ctx context.Context, req callama.Request, emit func(callama.Delta) error) (*callama.Reply, error) {
	g.entered <- req.MaxTokens
	if emit != nil {
		if err := emit(callama.Delta{Content: "begun"}); err != nil {
			return nil, err
		}
	}
	select {
	case <-g.open:
		g.ended <- nil
		return &callama.Reply{Content: "done", FinishReason: callama.FinishStop}, nil
	case <-ctx.Done():
		g.ended <- ctx.Err()
		return nil, ctx.Err()
	}
}

type answer struct {
	status int
	header http.Header
	body   string
	err    error
}

// ask sends a request from another goroutine.
func (r *running) ask(ctx context.Context, body string) <-chan answer {
	c := make(chan answer, 1)
	go func() {
		res, err := r.send(ctx, body)
		if err != nil {
			c <- answer{err: err}
			return
		}
		defer res.Body.Close()
		data, err := io.ReadAll(res.Body)
		c <- answer{res.StatusCode, res.Header, string(data), err}
	}()
	return c
}

// settle waits until n requests are in the server, running or waiting.
func settle(t *testing.T, s *Server, n int) {
	t.Helper()
	for end := time.Now().Add(patience); len(s.queue.places) != n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d requests in the server, want %d", len(s.queue.places), n)
		}
	}
}

func serveGate(t *testing.T, cfg Config) (*gate, *Server, *running) {
	t.Helper()
	g := newGate()
	s := New(g, cfg)
	return g, s, serve(t, s)
}

func TestQueue(t *testing.T) {
	cfg := testConfig()
	cfg.Queue = 2
	g, s, srv := serveGate(t, cfg)
	answers := []<-chan answer{srv.ask(t.Context(), with(`"max_tokens":1`))}
	if n := receive(t, g.entered); n != 1 {
		t.Fatalf("request %d runs first", n)
	}
	for i := 2; i <= 3; i++ {
		answers = append(answers, srv.ask(t.Context(), with(fmt.Sprintf(`"max_tokens":%d`, i))))
		settle(t, s, i)
	}
	full := receive(t, srv.ask(t.Context(), hello))
	if full.status != 429 || full.header.Get("Retry-After") != "1" || !strings.Contains(full.body, `"code":"queue_full"`) {
		t.Errorf("beyond the queue: %+v", full)
	}
	for i := range answers {
		g.open <- struct{}{}
		if a := receive(t, answers[i]); a.status != 200 {
			t.Errorf("request %d: %+v", i+1, a)
		}
		if i < 2 {
			if n := receive(t, g.entered); n != i+2 {
				t.Errorf("request %d runs after %d", n, i+1)
			}
		}
	}
}

func TestClientGoesAway(t *testing.T) {
	for _, stream := range []bool{false, true} {
		t.Run(fmt.Sprintf("stream=%v", stream), func(t *testing.T) {
			g, s, srv := serveGate(t, testConfig())
			first, leaveFirst := context.WithCancel(t.Context())
			second, leaveSecond := context.WithCancel(t.Context())
			defer leaveFirst()
			defer leaveSecond()
			a := srv.ask(first, with(fmt.Sprintf(`"max_tokens":1,"stream":%v`, stream)))
			receive(t, g.entered)
			b := srv.ask(second, with(`"max_tokens":2`))
			settle(t, s, 2)
			third := srv.ask(t.Context(), with(`"max_tokens":3`))
			settle(t, s, 3)

			leaveSecond() // while it waits: it never runs
			if got := receive(t, b); got.err == nil {
				t.Errorf("the second: %+v", got)
			}
			settle(t, s, 2)
			leaveFirst() // while it runs: its generation stops
			if got := receive(t, a); got.err == nil {
				t.Errorf("the first: %+v", got)
			}
			if err := receive(t, g.ended); !errors.Is(err, context.Canceled) {
				t.Errorf("the first generation ended with %v", err)
			}
			if n := receive(t, g.entered); n != 3 {
				t.Errorf("request %d runs next, want 3", n)
			}
			g.open <- struct{}{}
			if got := receive(t, third); got.status != 200 {
				t.Errorf("the third: %+v", got)
			}
		})
	}
}

func TestServeFinishesWhatRuns(t *testing.T) {
	g, s, srv := serveGate(t, testConfig())
	runs := srv.ask(t.Context(), hello)
	receive(t, g.entered)
	waits := srv.ask(t.Context(), hello)
	settle(t, s, 2)
	srv.stop()
	if a := receive(t, waits); a.status != 503 || !strings.Contains(a.body, "server_stopping") {
		t.Errorf("the one that waits: %+v", a)
	}
	g.open <- struct{}{}
	if a := receive(t, runs); a.status != 200 {
		t.Errorf("the one that runs: %+v", a)
	}
	if err := srv.wait(t); err != nil {
		t.Errorf("Serve: %v", err)
	}
	if a := receive(t, srv.ask(t.Context(), hello)); a.err == nil {
		t.Errorf("after the end: %+v", a)
	}
}

func TestServeCancelsAfterGrace(t *testing.T) {
	for _, stream := range []bool{false, true} {
		t.Run(fmt.Sprintf("stream=%v", stream), func(t *testing.T) {
			cfg := testConfig()
			cfg.Grace = 50 * time.Millisecond
			g, _, srv := serveGate(t, cfg)
			runs := srv.ask(t.Context(), with(fmt.Sprintf(`"stream":%v`, stream)))
			receive(t, g.entered)
			srv.stop()
			if err := receive(t, g.ended); !errors.Is(err, context.Canceled) {
				t.Errorf("the generation ended with %v", err)
			}
			a := receive(t, runs)
			status := http.StatusServiceUnavailable
			if stream {
				status = http.StatusOK // the header was sent; the stream tells
			}
			if a.status != status || !strings.Contains(a.body, "server_stopping") || strings.Contains(a.body, "[DONE]") {
				t.Errorf("the one that runs: %+v", a)
			}
			if err := srv.wait(t); err != nil {
				t.Errorf("Serve: %v", err)
			}
		})
	}
}

func TestServeReportsAFailedListener(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := New(script(nil), testConfig()).Serve(t.Context(), l); err == nil || !strings.HasPrefix(err.Error(), "server: ") {
		t.Errorf("Serve: %v", err)
	}
}

// TestStreamIsSentAtOnce reads an increment while the generation is still running.
func TestStreamIsSentAtOnce(t *testing.T) {
	g, _, srv := serveGate(t, testConfig())
	res, err := srv.send(t.Context(), with(`"stream":true`))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() && !strings.Contains(lines.Text(), "begun") {
	}
	select {
	case <-g.ended:
		t.Error("the generation ended first")
	default:
	}
	g.open <- struct{}{}
	var last string
	for lines.Scan() {
		if lines.Text() != "" {
			last = lines.Text()
		}
	}
	if lines.Err() != nil || last != "data: [DONE]" {
		t.Errorf("the stream ended with %q, %v", last, lines.Err())
	}
}

package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/callama/callama"
	"github.com/callama/callama/chat"
)

// Bounds of a request's parameters; those that OpenAI documents are the same here.
const (
	maxTemperature = 2.0
	maxPenalty     = 2.0
	maxStops       = 16   // stop strings; OpenAI allows 4
	maxStopBytes   = 1024 // of one stop string: the tail of the text is held back for it
)

// chatRequest is a decoded request: what the engine is asked, and how the reply is written.
type chatRequest struct {
	callama.Request
	stream       bool
	includeUsage bool
}

// refused are the parameters that would change the reply and that this server does not
// implement, with the reason and, where there is one, the value that asks for nothing.
// Parameters in neither list are ignored, as OpenAI does.
var refused = []struct{ name, harmless, reason string }{
	{"n", "1", "there is one choice in a reply"},
	{"logprobs", "false", "log-probabilities are not reported"},
	{"top_logprobs", "0", "log-probabilities are not reported"},
	{"logit_bias", "{}", "logits are changed by the grammar alone"},
	{"functions", "", "use tools"},
	{"function_call", "", "use tool_choice"},
	{"modalities", `["text"]`, "replies are text"},
	{"audio", "", "replies are text"},
	{"moderation", "", "there is no moderation model"},
	{"web_search_options", "", "the server does not search the web"},
	{"reasoning_effort", "", "the chat template decides whether the model reasons"},
	{"verbosity", `"medium"`, "say it in the prompt"},
	{"grammar_lazy", "false", "the grammar holds from the first token on, or behind the reasoning"},
	{"grammar_triggers", "[]", "tools have their triggers, other grammars hold from the first token on"},
	{"guided_whitespace_pattern", "", "white space is that of training data"},
	{"structural_tag", "", "use tools"},
	{"reasoning_format", `"auto"`, "thoughts are always told from content, as reasoning_content"},
}

// fields is a request body by parameter.
type fields map[string]json.RawMessage

// decode reads a chat completion request. Every error is the client's.
func (s *Server) decode(w http.ResponseWriter, r *http.Request) (*chatRequest, error) {
	body, err := s.readBody(w, r)
	if err != nil {
		return nil, err
	}
	var f fields
	if err := json.Unmarshal(body, &f); err != nil || f == nil {
		return nil, &apiError{Status: http.StatusBadRequest, Type: typeRequest, Code: "invalid_json",
			Message: fmt.Sprintf("the body is not a JSON object: %v", err)}
	}
	for name, value := range f {
		if string(value) == "null" { // null is absence, for every parameter
			delete(f, name)
		}
	}
	for _, p := range refused {
		if value, ok := f[p.name]; ok && !sameJSON(value, p.harmless) {
			return nil, unsupported(p.name, p.reason)
		}
	}
	req := new(chatRequest)
	for _, step := range []func(fields, *chatRequest) error{
		s.decodeModel, decodeMessages, decodeTools, decodeConstraint, decodeTemplate, decodeLimits, decodeSampling, decodeStream,
	} {
		if err := step(f, req); err != nil {
			return nil, err
		}
	}
	return req, nil
}

// readBody reads the whole body, so that net/http can watch the connection for the client
// going away.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	// A browser sends this type to another origin only after asking, which is never granted:
	// no web page can use a server on localhost behind its user's back.
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return nil, &apiError{Status: http.StatusUnsupportedMediaType, Type: typeRequest, Code: "unsupported_media_type",
			Message: fmt.Sprintf("Content-Type is %q; send application/json", r.Header.Get("Content-Type"))}
	}
	control := http.NewResponseController(w)
	// Errors mean a connection without deadlines, as in tests without a network.
	_ = control.SetReadDeadline(time.Now().Add(bodyTime))
	defer func() { _ = control.SetReadDeadline(time.Time{}) }()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, s.cfg.MaxBody))
	var tooLong *http.MaxBytesError
	switch {
	case errors.As(err, &tooLong):
		return nil, &apiError{Status: http.StatusRequestEntityTooLarge, Type: typeRequest, Code: "request_too_large",
			Message: fmt.Sprintf("the body is longer than the limit of %d bytes (MaxBody)", tooLong.Limit)}
	case err != nil:
		return nil, &apiError{Status: http.StatusBadRequest, Type: typeRequest,
			Message: fmt.Sprintf("the body cannot be read: %v", err)}
	}
	return body, nil
}

func sameJSON(a json.RawMessage, b string) bool {
	var compact bytes.Buffer
	return json.Compact(&compact, a) == nil && compact.String() == b
}

// decodeField reads one parameter into target, and reports whether it is there.
func decodeField(f fields, name, want string, target any) (bool, error) {
	value, ok := f[name]
	if !ok {
		return false, nil
	}
	if err := json.Unmarshal(value, target); err != nil {
		return false, badParam(name, "want %s", want)
	}
	return true, nil
}

// decodeNumber reads a number between low and high; nil when it is not there.
func decodeNumber(f fields, name string, low, high float64) (*float64, error) {
	var x float64
	ok, err := decodeField(f, name, "a number", &x)
	if !ok {
		return nil, err
	}
	if x < low || x > high {
		return nil, badParam(name, "%v is not between %v and %v", x, low, high)
	}
	return &x, nil
}

func (s *Server) decodeModel(f fields, _ *chatRequest) error {
	name := s.cfg.Model
	if _, err := decodeField(f, "model", "a string", &name); err != nil {
		return err
	}
	return s.checkModel(name)
}

func decodeMessages(f fields, req *chatRequest) (err error) {
	if f["messages"] == nil {
		return badParam("messages", "a list of messages is required")
	}
	if req.Messages, err = chat.ParseMessages(f["messages"]); err != nil {
		return inputError(err)
	}
	if len(req.Messages) == 0 {
		return badParam("messages", "the list is empty")
	}
	return nil
}

func decodeTools(f fields, req *chatRequest) (err error) {
	if f["tools"] != nil {
		if req.Tools, err = chat.ParseTools(f["tools"]); err != nil {
			return inputError(err)
		}
	}
	if req.Choice, req.Tools, err = chat.ParseChoiceJSON(f["tool_choice"], req.Tools); err != nil {
		return inputError(err)
	}
	parallel := true
	if _, err := decodeField(f, "parallel_tool_calls", "true or false", &parallel); err != nil {
		return err
	}
	if !parallel {
		req.MaxCalls = 1
	}
	return nil
}

func decodeLimits(f fields, req *chatRequest) error {
	given := 0
	for _, name := range []string{"max_tokens", "max_completion_tokens"} {
		ok, err := decodeField(f, name, "a whole number", &req.MaxTokens)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if req.MaxTokens < 1 {
			return badParam(name, "%d is less than 1", req.MaxTokens)
		}
		if given++; given == 2 {
			return badParam(name, "give either max_tokens or max_completion_tokens")
		}
	}
	return decodeStop(f, req)
}

func decodeStop(f fields, req *chatRequest) error {
	value := f["stop"]
	if value == nil {
		return nil
	}
	var one string
	if json.Unmarshal(value, &one) == nil {
		req.Stop = []string{one}
	} else if json.Unmarshal(value, &req.Stop) != nil {
		return badParam("stop", "want a string or a list of strings")
	}
	if len(req.Stop) > maxStops {
		return badParam("stop", "%d strings, more than the limit of %d", len(req.Stop), maxStops)
	}
	for _, stop := range req.Stop {
		if stop == "" || len(stop) > maxStopBytes {
			return badParam("stop", "a string has %d bytes, not 1 to %d", len(stop), maxStopBytes)
		}
	}
	return nil
}

// decodeSampling reads OpenAI's sampling parameters, and top_k, min_p and repeat_penalty as
// llama-server has them.
func decodeSampling(f fields, req *chatRequest) (err error) {
	if req.Temperature, err = decodeNumber(f, "temperature", 0, maxTemperature); err != nil {
		return err
	}
	for _, p := range []struct {
		name      string
		low, high float64
		target    *float64
	}{
		{"top_p", 0, 1, &req.TopP},
		{"min_p", 0, 1, &req.MinP},
		{"repeat_penalty", 0, maxPenalty, &req.RepeatPenalty},
		{"frequency_penalty", -maxPenalty, maxPenalty, &req.FrequencyPenalty},
		{"presence_penalty", -maxPenalty, maxPenalty, &req.PresencePenalty},
	} {
		x, err := decodeNumber(f, p.name, p.low, p.high)
		if err != nil {
			return err
		}
		if x != nil {
			*p.target = *x
		}
	}
	if _, err := decodeField(f, "top_k", "a whole number", &req.TopK); err != nil {
		return err
	}
	req.TopK = max(0, req.TopK) // llama-server: none when not above 0
	var seed int64
	ok, err := decodeField(f, "seed", "a whole number", &seed)
	if ok {
		bits := uint64(seed)
		req.Seed = &bits
	}
	return err
}

func decodeStream(f fields, req *chatRequest) error {
	if _, err := decodeField(f, "stream", "true or false", &req.stream); err != nil {
		return err
	}
	var options struct {
		IncludeUsage bool `json:"include_usage"`
	}
	ok, err := decodeField(f, "stream_options", "an object", &options)
	if ok && !req.stream {
		return badParam("stream_options", "only with stream")
	}
	req.includeUsage = options.IncludeUsage
	return err
}

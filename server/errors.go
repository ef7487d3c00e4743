package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/callama/callama"
	"github.com/callama/callama/chat"
	"github.com/callama/callama/grammar/schema"
)

// The types of error objects.
const (
	typeRequest = "invalid_request_error"
	typeServer  = "server_error"
	typeBusy    = "rate_limit_error"
)

// apiError is an error as OpenAI's API shows it.
type apiError struct {
	Status  int
	Message string
	Type    string
	Param   string // the parameter at fault, "" is null
	Code    string // "" is null
	// RetryAfter, when set, says when to try again.
	RetryAfter time.Duration
}

func (e *apiError) Error() string { return "server: " + e.Message }

// MarshalJSON writes the error object with null for what is empty.
func (e *apiError) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    *string `json:"code"`
	}{e.Message, e.Type, orNull(e.Param), orNull(e.Code)})
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// errorBody is the JSON around an error object.
type errorBody struct {
	Error *apiError `json:"error"`
}

// badParam is a 400 for a parameter of the request.
func badParam(param, format string, args ...any) *apiError {
	return &apiError{Status: http.StatusBadRequest, Type: typeRequest, Param: param,
		Message: param + ": " + fmt.Sprintf(format, args...)}
}

// unsupported is a 400 for a parameter that is understood but not implemented.
func unsupported(param, reason string) *apiError {
	return &apiError{Status: http.StatusBadRequest, Type: typeRequest, Param: param, Code: "unsupported_parameter",
		Message: fmt.Sprintf("%s is not supported: %s", param, reason)}
}

// inputError is a 400 for an error of the chat package's parsers.
func inputError(err error) error {
	var input *chat.InputError
	if !errors.As(err, &input) {
		return err
	}
	return &apiError{Status: http.StatusBadRequest, Type: typeRequest,
		Param: input.What + member(input.Pointer), Message: err.Error()}
}

var arrayIndex = regexp.MustCompile(`^(0|[1-9][0-9]*)$`)

// member turns a JSON Pointer into the notation of OpenAI's param: /0/content is
// [0].content.
func member(pointer string) string {
	var sb strings.Builder
	for _, key := range strings.Split(pointer, "/")[1:] {
		if arrayIndex.MatchString(key) {
			sb.WriteString("[" + key + "]")
		} else {
			sb.WriteString("." + strings.NewReplacer("~1", "/", "~0", "~").Replace(key))
		}
	}
	return sb.String()
}

// describe turns any error of a request into what the client is told.
func (s *Server) describe(err error) *apiError {
	var known *apiError
	var input *chat.InputError
	var unfit *schema.Error
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, errQueueFull):
		return &apiError{Status: http.StatusTooManyRequests, Type: typeBusy, Code: "queue_full",
			Message:    fmt.Sprintf("%v (%d requests wait)", errQueueFull, max(0, s.cfg.Queue)),
			RetryAfter: s.queue.retryAfter()}
	case errors.Is(err, errStopping):
		return &apiError{Status: http.StatusServiceUnavailable, Type: typeServer, Code: "server_stopping",
			Message: errStopping.Error()}
	case errors.Is(err, callama.ErrContextLength):
		return &apiError{Status: http.StatusBadRequest, Type: typeRequest, Param: "messages",
			Code: "context_length_exceeded", Message: err.Error()}
	case errors.As(err, &input):
		return s.describe(inputError(err))
	case errors.As(err, &unfit):
		return describeSchema(unfit, err)
	case errors.Is(err, callama.ErrRequest):
		return &apiError{Status: http.StatusBadRequest, Type: typeRequest, Message: err.Error()}
	}
	return &apiError{Status: http.StatusInternalServerError, Type: typeServer, Message: err.Error()}
}

// describeSchema is a 400 for a schema that cannot be enforced; err's message names keyword
// and JSON Pointer.
func describeSchema(unfit *schema.Error, err error) *apiError {
	e := &apiError{Status: http.StatusBadRequest, Type: typeRequest, Param: "response_format",
		Code: "unsupported_schema", Message: err.Error()}
	if unfit.Code == schema.ErrInvalid {
		e.Code = "invalid_schema"
	}
	if unfit.Tool != "" {
		e.Param = "tools"
	}
	return e
}

// fail answers a request with an error, where there is still somebody to answer and nothing
// has been written.
func (s *Server) fail(w *replyWriter, r *http.Request, err error) {
	if cause := context.Cause(r.Context()); cause != nil {
		if !errors.Is(cause, errStopping) {
			s.cfg.Log.Info("server: the client went away", "path", r.URL.Path)
			return
		}
		err = errStopping
	}
	told := s.describe(err)
	if told.Status >= http.StatusInternalServerError && !errors.Is(err, errStopping) { // that is no failure
		s.cfg.Log.Error("server: request failed", "path", r.URL.Path, "error", err)
	}
	if w.status != 0 {
		return // a stream has told its own error
	}
	if told.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(told.RetryAfter/time.Second)))
	}
	if err := writeJSON(w, told.Status, errorBody{told}); err != nil {
		s.cfg.Log.Debug("server: error not delivered", "error", err)
	}
}

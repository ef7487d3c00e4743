package server

import (
	"fmt"
	"net/http"
)

type modelObject struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
}

type modelList struct {
	Object string        `json:"object"`
	Data   []modelObject `json:"data"`
}

func (s *Server) model() modelObject {
	return modelObject{ID: s.cfg.Model, Object: "model", Created: s.cfg.Created.Unix(), OwnedBy: "callama"}
}

func (s *Server) listModels(w http.ResponseWriter, _ *http.Request) error {
	return writeJSON(w, http.StatusOK, modelList{"list", []modelObject{s.model()}})
}

func (s *Server) retrieveModel(w http.ResponseWriter, r *http.Request) error {
	if err := s.checkModel(r.PathValue("id")); err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, s.model())
}

// checkModel refuses a model that is not the one served: a reply of another model than the
// one asked for would pass unnoticed.
func (s *Server) checkModel(name string) error {
	if name == s.cfg.Model {
		return nil
	}
	return &apiError{Status: http.StatusNotFound, Type: typeRequest, Param: "model", Code: "model_not_found",
		Message: fmt.Sprintf("there is no model %q; this server has %q", name, s.cfg.Model)}
}

func (s *Server) health(w http.ResponseWriter, _ *http.Request) error {
	select {
	case <-s.queue.closing:
		return errStopping
	default:
		return writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	}
}
